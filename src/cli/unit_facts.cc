#include "cli/unit_facts.h"

#include <algorithm>
#include <utility>

#include "cli/context.h"

namespace keyhaven::cli {

namespace {

constexpr std::size_t kShortTextDigits = 8;

bool holds(const std::optional<tke::VerificationPattern>& held,
           const tke::VerificationPattern& pattern) {
  return held && tke::same_pattern(*held, pattern);
}

}  // namespace

std::string UnitFacts::name() const {
  switch (type) {
    case client::UnitType::Operational:
      return "crypto unit " + location;
    case client::UnitType::Recovery:
      return "recovery unit " + location;
    case client::UnitType::Failover:
      return "failover unit " + location;
  }
  return location;
}

bool UnitFacts::has_administrator(const tke::Ski& ski) const {
  return std::any_of(administrators.begin(), administrators.end(),
                     [&](const InstalledAdministrator& one) { return one.ski == ski; });
}

bool UnitFacts::holds_current(const tke::VerificationPattern& pattern) const {
  return holds(current, pattern);
}

bool UnitFacts::holds_new(const tke::VerificationPattern& pattern) const {
  return holds(pending, pattern);
}

Result<UnitFacts> facts_of(CeremonyUnit& unit) {
  UnitFacts out;
  out.location = unit.entry.location;
  out.type = unit.entry.type;
  out.joined = unit.entry.joined;
  out.attributes = KH_TRY(unit.session.attributes());
  const auto administrators = KH_TRY(unit.session.administrators());
  for (const tke::AdministratorCertificate& one : administrators)
    out.administrators.push_back({one.ski, one.name});
  out.current = KH_TRY(unit.session.pattern(tke::KeyRegister::Current));
  out.pending = KH_TRY(unit.session.pattern(tke::KeyRegister::Pending));
  if (out.pending) {
    const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
    out.pending_committed = (info.flags & tke::DomainInfo::kPendingCommitted) != 0;
  }
  return out;
}

Result<std::vector<UnitFacts>> facts_of_all(std::vector<CeremonyUnit>& units) {
  std::vector<UnitFacts> out;
  for (CeremonyUnit& unit : units) {
    auto facts = facts_of(unit);
    if (!facts) {
      return Error{facts.error().reason,
                   "crypto unit " + unit.entry.location + ": " + facts.error().message,
                   {}};
    }
    out.push_back(std::move(facts).value());
  }
  return out;
}

Result<void> check_alike(const UnitFacts& one, const UnitFacts& other) {
  const std::string names = one.name() + " and " + other.name();
  if (one.attributes.signature_threshold != other.attributes.signature_threshold ||
      one.attributes.revocation_threshold != other.attributes.revocation_threshold) {
    return Error{Reason::Conflict,
                 "the thresholds of " + names +
                     " differ: set them equal with \"keyhaven tke cryptounit-thrhld-set\"",
                 {}};
  }
  const auto first_missing = [](const UnitFacts& of, const UnitFacts& in) {
    return std::find_if(of.administrators.begin(), of.administrators.end(),
                        [&](const auto& each) { return !in.has_administrator(each.ski); });
  };
  for (const auto& [of, in] : {std::pair(&one, &other), std::pair(&other, &one)}) {
    const auto missing = first_missing(*of, *in);
    if (missing == of->administrators.end()) continue;
    return Error{Reason::Conflict,
                 "the administrators of " + names + " differ: " + text_of({*missing}) +
                     " is none of " + in->name() +
                     ". Find out who installed it, then make them equal with \"keyhaven tke "
                     "cryptounit-admin-add\" and \"keyhaven tke cryptounit-admin-rm\"",
                 {}};
  }
  return {};
}

tke::UnitRole role_of(client::UnitType type) noexcept {
  switch (type) {
    case client::UnitType::Operational:
      return tke::UnitRole::Operational;
    case client::UnitType::Recovery:
      return tke::UnitRole::Recovery;
    case client::UnitType::Failover:
      return tke::UnitRole::Failover;
  }
  return tke::UnitRole::Operational;
}

std::string_view text_of(client::UnitType type) noexcept {
  switch (type) {
    case client::UnitType::Operational:
      return "operational";
    case client::UnitType::Recovery:
      return "recovery";
    case client::UnitType::Failover:
      return "failover";
  }
  return "operational";
}

std::string short_text(const tke::VerificationPattern& pattern) {
  return tke::pattern_text(pattern).substr(0, kShortTextDigits);
}

std::string text_of(const std::vector<InstalledAdministrator>& administrators) {
  std::string out;
  for (const InstalledAdministrator& one : administrators) {
    if (!out.empty()) out += ", ";
    out += one.name + " (" + to_hex(one.ski) + ')';
  }
  return out;
}

Result<std::vector<CeremonyUnit>> all_units_of(Context& context, Ceremony& ceremony,
                                               const std::string& instance) {
  // Ceremony::units() takes all units of the instance that the options name.
  const std::string before = std::exchange(context.options.instance, instance);
  auto units = ceremony.units();
  context.options.instance = before;
  return units;
}

}  // namespace keyhaven::cli
