#include "cli/rotation_plan.h"

#include <algorithm>

namespace keyhaven::cli {
namespace {

using client::RotationPhase;
using client::UnitType;
using tke::VerificationPattern;

constexpr std::size_t kMasterKeyNameDigits = 32;

Error conflict(std::string message) { return {Reason::Conflict, std::move(message), {}}; }
Error wrong_state(std::string message) {
  return {Reason::MasterKeyRotationState, std::move(message), {}};
}

bool serves(const UnitFacts& unit) {
  return unit.type == UnitType::Operational && unit.joined && unit.current;
}

Error not_initialised(const UnitFacts& unit) {
  return conflict(unit.name() +
                  " has no current master key: initialise it first (\"keyhaven tke auto-init\"), "
                  "or copy the key to it (\"keyhaven tke auto-mk-recover\")");
}

// The current master key of all participants. Errors: Conflict, UnitsDiffer.
Result<VerificationPattern> common_current(const std::vector<UnitFacts>& units,
                                           const std::vector<std::size_t>& participants) {
  const UnitFacts* first = nullptr;
  for (const std::size_t index : participants) {
    const UnitFacts& unit = units[index];
    if (!unit.current) return not_initialised(unit);
    if (first == nullptr) first = &unit;
    if (unit.holds_current(*first->current)) continue;
    return Error{
        Reason::UnitsDiffer,
        unit.name() + " has the current master key " + short_text(*unit.current) + ", " +
            first->name() + " has " + short_text(*first->current) +
            ". Copy the right one with \"keyhaven tke auto-mk-recover\", or load its parts",
        {}};
  }
  if (first == nullptr) return conflict("the instance has no crypto unit that serves it");
  return *first->current;
}

std::optional<VerificationPattern> common_new(const std::vector<UnitFacts>& units,
                                              const std::vector<std::size_t>& participants) {
  std::optional<VerificationPattern> common;
  for (const std::size_t index : participants) {
    const UnitFacts& unit = units[index];
    if (!unit.pending) continue;
    if (common && !unit.holds_new(*common)) return std::nullopt;
    common = unit.pending;
  }
  return common;
}

// What the phase alone says against loading another master key.
Result<void> check_phase(RotationPhase phase) {
  switch (phase) {
    case RotationPhase::None:
      return {};
    case RotationPhase::Resealing:
    case RotationPhase::Resealed:
      return wrong_state(
          "a master key rotation is under way; another random key now would make stored keys "
          "unusable. \"keyhaven tke cryptounit-mk-rotate\" goes on with the rotation, \"keyhaven "
          "tke rotation-abandon\" turns back");
    case RotationPhase::Reverting:
      return wrong_state(
          "an abandoned master key rotation is being undone; start again when that is done "
          "(\"keyhaven tke rotation\")");
  }
  return {};
}

// The key to which all participants have switched or can switch; nothing when a unit can not.
std::optional<VerificationPattern> unfinished_switch(const std::vector<UnitFacts>& units,
                                                     const std::vector<std::size_t>& participants) {
  for (const std::size_t candidate : participants) {
    if (!units[candidate].current) continue;
    const VerificationPattern& to = *units[candidate].current;
    const bool some_wait =
        std::any_of(participants.begin(), participants.end(),
                    [&](std::size_t index) { return !units[index].holds_current(to); });
    const bool all_can =
        std::all_of(participants.begin(), participants.end(), [&](std::size_t index) {
          const UnitFacts& unit = units[index];
          return unit.holds_current(to) || (unit.pending_committed && unit.holds_new(to));
        });
    if (some_wait && all_can) return to;
  }
  return std::nullopt;
}

// What a rotation needs before it begins. Returns the new master key.
Result<VerificationPattern> ready_to_begin(const std::vector<UnitFacts>& units,
                                           const std::vector<std::size_t>& participants) {
  const VerificationPattern current = KH_TRY(common_current(units, participants));
  const UnitFacts& first = units[participants.front()];
  for (const std::size_t index : participants) {
    const UnitFacts& unit = units[index];
    if (!unit.pending) {
      return conflict("the new register of " + unit.name() +
                      " is empty: load the same key parts into all units (\"keyhaven tke "
                      "cryptounit-mk-load\"), or let \"keyhaven tke auto-mk-rotate\" make a new "
                      "key in a recovery unit");
    }
    if (!unit.pending_committed) {
      return conflict("the new register of " + unit.name() +
                      " is not committed: \"keyhaven tke cryptounit-mk-commit\"");
    }
    if (!unit.holds_new(*first.pending)) {
      return Error{Reason::UnitsDiffer,
                   "the new registers hold different keys: " + short_text(*first.pending) + " in " +
                       first.name() + ", " + short_text(*unit.pending) + " in " + unit.name(),
                   {}};
    }
  }
  if (tke::same_pattern(*first.pending, current))
    return conflict("the new master key is the current one");
  return *first.pending;
}

// The rotation's new key, as far as any unit still has it.
std::optional<VerificationPattern> find_key(const std::vector<UnitFacts>& units,
                                            const std::string& name) {
  for (const UnitFacts& unit : units) {
    if (unit.current && is_master_key(name, *unit.current)) return unit.current;
    if (unit.pending && is_master_key(name, *unit.pending)) return unit.pending;
  }
  return std::nullopt;
}

Result<SwitchPlan> plan_resumed(SwitchPlan plan, const std::vector<UnitFacts>& units,
                                const client::MasterKeyRotation& rotation) {
  const auto to = find_key(units, rotation.to);
  if (!to) {
    return conflict(
        "no crypto unit holds the new master key of the rotation: load it again, or "
        "turn back with \"keyhaven tke rotation-abandon\"");
  }
  plan.to = *to;
  plan.begin = rotation.phase == RotationPhase::Resealing;
  for (const std::size_t index : plan.participants.units) {
    const UnitFacts& unit = units[index];
    if (unit.holds_current(*to)) continue;
    if (!unit.holds_new(*to) || !unit.pending_committed) {
      return conflict(unit.name() + " does not hold the new master key " + short_text(*to) +
                      " committed; load it there again (\"keyhaven tke cryptounit-mk-load\", "
                      "\"keyhaven tke cryptounit-mk-commit\"), then repeat");
    }
    plan.set_immediate.push_back(index);
  }
  return plan;
}

}  // namespace

bool is_master_key(const std::string& name, const VerificationPattern& pattern) {
  return !name.empty() && name.size() <= kMasterKeyNameDigits &&
         tke::pattern_text(pattern).starts_with(name);
}

Participants participants_of(const std::vector<UnitFacts>& units) {
  std::vector<VerificationPattern> served;
  for (const UnitFacts& unit : units) {
    if (!serves(unit)) continue;
    served.push_back(*unit.current);
    if (unit.pending) served.push_back(*unit.pending);
  }
  const auto has_a_copy = [&](const UnitFacts& unit) {
    return std::any_of(served.begin(), served.end(), [&](const VerificationPattern& pattern) {
      return unit.holds_current(pattern) || unit.holds_new(pattern);
    });
  };
  Participants out;
  std::vector<std::size_t> operational;
  for (std::size_t index = 0; index < units.size(); ++index) {
    const UnitFacts& unit = units[index];
    if (unit.type == UnitType::Operational && unit.joined) {
      operational.push_back(index);
    } else if (has_a_copy(unit)) {
      out.units.push_back(index);
    } else {
      out.left_out.push_back(index);
    }
  }
  out.units.insert(out.units.end(), operational.begin(), operational.end());
  return out;
}

Result<void> check_quorum(const std::vector<UnitFacts>& units,
                          const std::vector<std::size_t>& participants,
                          const std::vector<tke::Ski>& signers, std::uint32_t signatures) {
  if (participants.empty()) return conflict("the instance has no crypto unit that serves it");
  const UnitFacts& first = units[participants.front()];
  for (const std::size_t index : participants) {
    const UnitFacts& unit = units[index];
    if (unit.attributes.imprint()) return conflict(unit.name() + " is in imprint mode");
    KH_TRY(check_alike(unit, first));
  }
  const auto common = std::count_if(signers.begin(), signers.end(), [&](const tke::Ski& ski) {
    return std::all_of(participants.begin(), participants.end(),
                       [&](std::size_t index) { return units[index].has_administrator(ski); });
  });
  const std::uint32_t needed = signatures != 0 ? signatures : first.attributes.signature_threshold;
  if (static_cast<std::uint32_t>(common) >= needed) return {};
  return Error{Reason::InvalidArgument,
               "this needs " + std::to_string(needed) +
                   " administrators who are installed in all the crypto units; " +
                   std::to_string(common) + " such were given with --signer",
               "signer"};
}

Result<NewKeyPlan> plan_new_key(const std::vector<UnitFacts>& units, RotationPhase phase) {
  KH_TRY(check_phase(phase));
  NewKeyPlan plan;
  plan.participants = participants_of(units);
  if (unfinished_switch(units, plan.participants.units)) {
    return wrong_state(
        "some crypto units have set a new master key immediate and others not yet: \"keyhaven tke "
        "cryptounit-mk-rotate\" finishes that");
  }
  const VerificationPattern current = KH_TRY(common_current(units, plan.participants.units));
  const auto& taking_part = plan.participants.units;
  const auto is_source = [&](std::size_t index) {
    return units[index].type == UnitType::Recovery && units[index].holds_current(current);
  };
  const auto source = std::find_if(taking_part.begin(), taking_part.end(), is_source);
  if (source == taking_part.end()) {
    return conflict("no recovery unit holds the current master key " + short_text(current) +
                    ", so no new one can be made in it: load key parts instead (\"keyhaven tke "
                    "cryptounit-mk-load\", \"keyhaven tke cryptounit-mk-rotate\")");
  }
  plan.source = *source;
  // An earlier try may have left its key in new registers. Any of the recovery units may have it.
  const auto loaded = common_new(units, taking_part);
  const auto has_it = [&](std::size_t index) {
    return is_source(index) && loaded && units[index].holds_new(*loaded);
  };
  const auto holder = std::find_if(taking_part.begin(), taking_part.end(), has_it);
  if (holder != taking_part.end()) {
    plan.source = *holder;
    plan.pattern = loaded;
    return plan;
  }
  for (const std::size_t index : taking_part) {
    if (units[index].pending) plan.clear.push_back(index);
  }
  return plan;
}

Result<SwitchPlan> plan_switch(const std::vector<UnitFacts>& units,
                               const client::MasterKeyRotation& rotation) {
  SwitchPlan plan;
  plan.participants = participants_of(units);
  const auto& taking_part = plan.participants.units;
  if (rotation.phase == RotationPhase::Reverting) KH_TRY(check_phase(rotation.phase));
  if (rotation.phase != RotationPhase::None) return plan_resumed(std::move(plan), units, rotation);
  if (const auto to = unfinished_switch(units, taking_part)) {
    plan.to = *to;
    for (const std::size_t index : taking_part) {
      if (!units[index].holds_current(*to)) plan.set_immediate.push_back(index);
    }
    return plan;
  }
  plan.to = KH_TRY(ready_to_begin(units, taking_part));
  plan.begin = true;
  plan.set_immediate = taking_part;
  return plan;
}

Result<RecoverPlan> plan_recovery(const UnitFacts& source, const std::vector<UnitFacts>& targets,
                                  const std::vector<tke::Ski>& signers) {
  if (source.type != UnitType::Recovery) {
    return Error{Reason::InvalidArgument,
                 source.name() + " is no recovery unit: only those let their master key be copied",
                 "source"};
  }
  if (source.attributes.imprint()) return conflict(source.name() + " is in imprint mode");
  if (!source.current) return conflict(source.name() + " has no current master key to copy");
  if (targets.empty()) return conflict("there is no crypto unit to copy the master key to");
  RecoverPlan plan;
  plan.pattern = *source.current;
  std::vector<UnitFacts> all{source};
  std::vector<std::size_t> positions{0};
  for (std::size_t index = 0; index < targets.size(); ++index) {
    const UnitFacts& target = targets[index];
    if (target.attributes.imprint()) {
      return conflict(target.name() +
                      " is in imprint mode: install its administrators and set its thresholds "
                      "first (\"keyhaven tke cryptounit-admin-add\", \"keyhaven tke "
                      "cryptounit-thrhld-set\")");
    }
    if (target.attributes.signature_threshold != source.attributes.signature_threshold) {
      return conflict("the signature thresholds of " + source.name() + " and " + target.name() +
                      " differ");
    }
    if (target.holds_current(plan.pattern)) continue;
    plan.copy.push_back(index);
    if (target.current) plan.replaced.push_back(index);
    all.push_back(target);
    all.back().attributes.revocation_threshold = source.attributes.revocation_threshold;
    positions.push_back(positions.size());
  }
  if (!plan.copy.empty()) KH_TRY(check_quorum(all, positions, signers, 0));
  return plan;
}

}  // namespace keyhaven::cli
