#include "cli/init_plan.h"

#include <algorithm>

namespace keyhaven::cli {
namespace {

constexpr std::uint32_t kMaxThreshold = tke::kMaxThreshold;

Error conflict(std::string message) { return {Reason::Conflict, std::move(message), {}}; }

std::string thresholds_text(std::uint32_t signature, std::uint32_t revocation) {
  return std::to_string(signature) + " and " + std::to_string(revocation);
}

std::vector<InstalledAdministrator> strangers(const UnitFacts& unit, const InitWish& wish) {
  std::vector<InstalledAdministrator> out;
  for (const InstalledAdministrator& one : unit.administrators) {
    const bool wished = std::find(wish.administrators.begin(), wish.administrators.end(),
                                  one.ski) != wish.administrators.end();
    if (!wished) out.push_back(one);
  }
  return out;
}

Result<void> check_unit(const UnitFacts& unit, const InitWish& wish) {
  const auto others = strangers(unit, wish);
  if (unit.attributes.imprint()) {
    if (others.empty()) return {};
    return conflict(unit.name() + " is in imprint mode, but somebody is initialising it with " +
                    text_of(others) +
                    ". If that is over, zeroize it with \"keyhaven tke cryptounit-zeroize\"");
  }
  if (!others.empty()) {
    return conflict(unit.name() +
                    " is not in imprint mode: it is initialised with administrators "
                    "that were not named, " +
                    text_of(others) +
                    ". Name the same administrators to go on, or zeroize the unit to start anew");
  }
  if (unit.administrators.size() != wish.administrators.size()) {
    return conflict(unit.name() + " is not in imprint mode: it is initialised with " +
                    std::to_string(unit.administrators.size()) + " of the " +
                    std::to_string(wish.administrators.size()) +
                    " administrators named. Name the same administrators to go on, or zeroize the "
                    "unit to start anew");
  }
  if (unit.attributes.signature_threshold != wish.signature ||
      unit.attributes.revocation_threshold != wish.revocation) {
    return conflict(
        unit.name() + " is initialised with thresholds " +
        thresholds_text(unit.attributes.signature_threshold, unit.attributes.revocation_threshold) +
        ", not " + thresholds_text(wish.signature, wish.revocation));
  }
  return {};
}

// The master key that units hold already. Errors: UnitsDiffer.
Result<const UnitFacts*> holder(const std::vector<UnitFacts>& units) {
  const UnitFacts* first = nullptr;
  for (const UnitFacts& unit : units) {
    if (!unit.current) continue;
    if (first != nullptr && !unit.holds_current(*first->current)) {
      return Error{Reason::UnitsDiffer,
                   unit.name() + " holds master key " + short_text(*unit.current) + ", " +
                       first->name() + " holds " + short_text(*first->current) +
                       ": copying either would take the other away",
                   {}};
    }
    if (first == nullptr) first = &unit;
  }
  return first;
}

}  // namespace

Result<void> check_wish(const InitWish& wish) {
  const std::size_t administrators = wish.administrators.size();
  const auto wrong = [](std::string message, const char* target) {
    return Error{Reason::InvalidArgument, std::move(message), target};
  };
  if (administrators == 0) return wrong("name the administrators with --signer", "signer");
  if (administrators > tke::kMaxAdministrators)
    return wrong("a crypto unit has at most 8 administrators", "signer");
  const bool in_range = wish.signature >= 1 && wish.signature <= kMaxThreshold &&
                        wish.revocation >= 1 && wish.revocation <= kMaxThreshold;
  if (!in_range) return wrong("thresholds are 1 to 8", "signature-threshold");
  if (wish.signature > administrators || wish.revocation > administrators) {
    return wrong("thresholds of " + thresholds_text(wish.signature, wish.revocation) +
                     " need as many administrators; " + std::to_string(administrators) +
                     " are named",
                 "signature-threshold");
  }
  return {};
}

Result<InitPlan> plan_init(const std::vector<UnitFacts>& units, const InitWish& wish) {
  InitPlan plan;
  for (std::size_t index = 0; index < units.size(); ++index) {
    KH_TRY(check_unit(units[index], wish));
    if (units[index].attributes.imprint()) plan.install.push_back(index);
  }
  const UnitFacts* const held = KH_TRY(holder(units));
  const auto can_be_source = [&](const UnitFacts& unit) {
    return unit.type == client::UnitType::Recovery && (held == nullptr || unit.current);
  };
  const auto source = std::find_if(units.begin(), units.end(), can_be_source);
  plan.random = held == nullptr;
  plan.source = static_cast<std::size_t>(source - units.begin());
  for (std::size_t index = 0; index < units.size(); ++index) {
    if (!units[index].current && index != plan.source) plan.copy.push_back(index);
  }
  if (source != units.end() || plan.copy.empty()) return plan;
  if (held == nullptr) {
    return conflict(
        "the instance has no recovery unit, in which a random master key could be "
        "made: add some with --add-recovery-units, or load key parts with \"keyhaven "
        "tke init\"");
  }
  return conflict("no recovery unit holds the master key " + short_text(*held->current) + " of " +
                  held->name() +
                  ", so it cannot be copied: load its key parts into the other units with "
                  "\"keyhaven tke cryptounit-mk-load\"");
}

}  // namespace keyhaven::cli
