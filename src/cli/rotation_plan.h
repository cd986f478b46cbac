// What the verbs that change a master key do with the units: pure functions of the units' state and
// of the rotation's phase at the server (docs/models/master_key_rotation.pml: the tool may give any
// command at any time, so what is decided here saves the operator a refusal; it protects nothing).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "cli/unit_facts.h"

namespace keyhaven::cli {

// The units that a rotation is about: those that the instance's keys depend on, and recovery and
// failover units with a copy of its master key. In the order in which they set the new key
// immediate: operational ones last, because the server ends the rotation after the last of those.
struct Participants {
  std::vector<std::size_t> units;
  std::vector<std::size_t> left_out;  // other keys, or none: the rotation does not touch them
};
Participants participants_of(const std::vector<UnitFacts>& units);

// Not in imprint mode, administered alike (check_alike), and at least `signatures` of `signers` (0:
// the signature threshold) installed in all. Errors: Conflict, InvalidArgument.
Result<void> check_quorum(const std::vector<UnitFacts>& units,
                          const std::vector<std::size_t>& participants,
                          const std::vector<tke::Ski>& signers, std::uint32_t signatures);

// auto-mk-rotate, up to the start of the rotation.
struct NewKeyPlan {
  Participants participants;
  std::size_t source = 0;                           // a recovery unit with the current master key
  std::vector<std::size_t> clear;                   // new registers with something else
  std::optional<tke::VerificationPattern> pattern;  // of the new key; nothing: still to be made
};
// Errors: MasterKeyRotationState (a rotation is under way), UnitsDiffer, Conflict.
Result<NewKeyPlan> plan_new_key(const std::vector<UnitFacts>& units, client::RotationPhase phase);

// cryptounit-mk-rotate, and the second half of auto-mk-rotate.
struct SwitchPlan {
  Participants participants;
  bool begin = false;  // the server has not begun, or waits to go on
  tke::VerificationPattern to{};
  std::vector<std::size_t> set_immediate;  // those that have not yet
};
// Errors: the same; Conflict names the unit that lacks what.
Result<SwitchPlan> plan_switch(const std::vector<UnitFacts>& units,
                               const client::MasterKeyRotation& rotation);

// auto-mk-recover.
struct RecoverPlan {
  tke::VerificationPattern pattern{};
  std::vector<std::size_t> copy;      // targets without the key
  std::vector<std::size_t> replaced;  // of these: with another current master key, which goes
};
// Errors: InvalidArgument (the source is no recovery unit, too few common administrators),
// Conflict.
Result<RecoverPlan> plan_recovery(const UnitFacts& source, const std::vector<UnitFacts>& targets,
                                  const std::vector<tke::Ski>& signers);

// Whether the server's short form (hexadecimal of the first bytes) names this master key.
bool is_master_key(const std::string& name, const tke::VerificationPattern& pattern);

}  // namespace keyhaven::cli
