#include "instances/register_rules.h"

#include <algorithm>

#include "base/bytes.h"

namespace keyhaven::instances {
namespace {

using unit::BlobPattern;
using unit::RegisterState;
using unit::UnitStatus;
using unit::UnitType;

bool has_current(const UnitStatus& unit) { return unit.current == RegisterState::Valid; }
bool has_committed(const UnitStatus& unit) { return unit.pending == RegisterState::FullCommitted; }
BlobPattern current_of(const UnitStatus& unit) { return blob_pattern(unit.current_pattern); }
BlobPattern pending_of(const UnitStatus& unit) { return blob_pattern(unit.pending_pattern); }
bool is_current(const UnitStatus& unit, const BlobPattern& key) {
  return has_current(unit) && current_of(unit) == key;
}
bool is_committed(const UnitStatus& unit, const BlobPattern& key) {
  return has_committed(unit) && pending_of(unit) == key;
}
bool holds(const UnitStatus& unit, const BlobPattern& key) {
  return is_current(unit, key) || is_committed(unit, key);
}
bool serves(const UnitStatus& unit) { return unit.joined && has_current(unit); }

const StoredUnder* find(const StoredCensus& stored, const BlobPattern& key) {
  const auto row = std::find_if(stored.rows.begin(), stored.rows.end(),
                                [&](const auto& each) { return each.master_key == key; });
  return row == stored.rows.end() ? nullptr : &*row;
}

std::string count(std::size_t keys) {
  return std::to_string(keys) + (keys == 1 ? " key" : " keys");
}

// "12 keys and the import token are sealed under master key 1a2b3c4d"
std::string needs(const StoredUnder& row) {
  std::string what = row.keys > 0 ? count(row.keys) : "";
  if (row.import_token) what.append(what.empty() ? "" : " and ").append("the import token");
  const bool one = row.keys + (row.import_token ? 1 : 0) == 1;
  return what + (one ? " is" : " are") + " sealed under master key " + short_name(row.master_key);
}
std::string needs(const StoredCensus& stored, const BlobPattern& except) {
  std::string out;
  for (const StoredUnder& row : stored.rows) {
    if (row.master_key != except) out.append(out.empty() ? "" : ", ").append(needs(row));
  }
  return out;
}

Error still_needed(std::string message) {
  return {Reason::MasterKeyStillNeeded, std::move(message), "request"};
}
Error wrong_state(std::string message) {
  return {Reason::MasterKeyRotationState, std::move(message), {}};
}

// Nobody knows which master key a record needs that was put back, changed or taken away.
Result<void> require_settled(const StoredCensus& stored, std::string_view step) {
  if (stored.unsettled_records == 0) return {};
  return Error{Reason::RecordNotAuthentic,
               std::string(step) + ": the store does not have " +
                   std::to_string(stored.unsettled_records) +
                   " records as the crypto unit sealed them last, and they may need the old master "
                   "key. `keyhaven store verify` names them; repair or accept them first",
               {}};
}

std::string_view text_of(RotationPhase phase) {
  switch (phase) {
    case RotationPhase::None:
      return "no master key rotation is under way";
    case RotationPhase::Resealing:
      return "the stored keys are being sealed under the new master key";
    case RotationPhase::Resealed:
      return "the stored keys are sealed under the new master key, which the crypto units must set "
             "immediate";
    case RotationPhase::Reverting:
      return "an abandoned master key rotation is being undone";
  }
  fatal(__FILE__, __LINE__, "unknown RotationPhase");
}

// Whether keys that nobody has deleted need it.
bool is_needed(const StoredCensus& stored, const BlobPattern& key) {
  const StoredUnder* row = find(stored, key);
  return row != nullptr && row->live_keys > 0;
}

// The model's other_serves: the instance can do without `unit`.
bool another_serves(const Registers& registers, const UnitStatus& unit) {
  return std::any_of(registers.units.begin(), registers.units.end(), [&](const UnitStatus& other) {
    const auto has_needed = [&](const StoredUnder& row) {
      return row.live_keys == 0 || holds(other, row.master_key);
    };
    return other.id != unit.id && serves(other) &&
           std::all_of(registers.stored.rows.begin(), registers.stored.rows.end(), has_needed);
  });
}

bool none_serves(const Registers& registers) {
  return std::none_of(registers.units.begin(), registers.units.end(), serves);
}

std::string name_of(const UnitStatus& unit) {
  const char* type = unit.type == UnitType::Operational ? "crypto unit "
                     : unit.type == UnitType::Recovery  ? "recovery unit "
                                                        : "failover unit ";
  return type + unit.location;
}

}  // namespace

BlobPattern blob_pattern(
    const std::array<std::uint8_t, unit::kVerificationPatternSize>& pattern) noexcept {
  BlobPattern out;
  std::copy_n(pattern.begin(), out.size(), out.begin());
  return out;
}

std::string short_name(const BlobPattern& master_key) { return to_hex(master_key).substr(0, 8); }

bool all_under(const StoredCensus& stored, const BlobPattern& master_key) noexcept {
  return std::all_of(stored.rows.begin(), stored.rows.end(),
                     [&](const StoredUnder& row) { return row.master_key == master_key; });
}

Result<void> may_finalize(const Registers& registers, const UnitStatus& unit,
                          const BlobPattern& pending) {
  const MasterKeyRotation& rotation = registers.rotation;
  if (has_current(unit)) KH_TRY(require_settled(registers.stored, "set immediate is refused"));
  if (rotation.phase == RotationPhase::Resealing || rotation.phase == RotationPhase::Reverting) {
    // Units that lost their keys during the rotation get them back one after the other; a register
    // that is empty has nothing to give up, and no stored key opens anyway.
    const bool of_rotation = pending == rotation.from || pending == rotation.to;
    if (of_rotation && !has_current(unit) && none_serves(registers)) return {};
    return still_needed("set immediate is refused: " + std::string(text_of(rotation.phase)) + "; " +
                        needs(registers.stored, {}) +
                        ". Wait until the rotation's state says that the rewrap is done");
  }
  if (!all_under(registers.stored, pending)) {
    return still_needed("set immediate of master key " + short_name(pending) +
                        " is refused: " + needs(registers.stored, pending) +
                        ". Start a master key rotation, which seals them anew; or load the key "
                        "that they need");
  }
  if (rotation.phase == RotationPhase::Resealed && pending != rotation.to) {
    return still_needed("set immediate of master key " + short_name(pending) +
                        " is refused: " + std::string(text_of(rotation.phase)) + "; that is " +
                        short_name(rotation.to));
  }
  return {};
}

Result<void> may_clear_pending(const Registers& registers, const UnitStatus& unit) {
  if (unit.pending == RegisterState::Empty) return {};
  KH_TRY(require_settled(registers.stored, "the new register cannot be cleared"));
  if (registers.rotation.phase != RotationPhase::None) {
    return still_needed(
        "the new register cannot be cleared: " + std::string(text_of(registers.rotation.phase)) +
        ". Finish the rotation, or abandon it first");
  }
  const StoredUnder* row = find(registers.stored, pending_of(unit));
  if (row == nullptr) return {};
  return still_needed("the new register cannot be cleared: " + needs(*row) +
                      ", which it holds. Set it immediate, or zeroize the unit if it shall go");
}

Result<void> may_clear_current(const Registers& registers, const UnitStatus& unit, Loss loss) {
  if (!has_current(unit)) return {};
  if (registers.rotation.phase != RotationPhase::None) {
    return still_needed("the current register cannot be cleared: " +
                        std::string(text_of(registers.rotation.phase)) +
                        ". Finish the rotation, or abandon it first");
  }
  if (loss == Loss::Accept) return {};
  KH_TRY(require_settled(registers.stored, "the current register cannot be cleared"));
  const BlobPattern current = current_of(unit);
  if (is_needed(registers.stored, current)) {
    return still_needed(
        "the current register cannot be cleared: " + needs(*find(registers.stored, current)) +
        ", which it holds. To change the master key, rotate it; to take the unit "
        "away, zeroize it; if the keys may be lost, say so (accept_key_loss)");
  }
  const bool anything_live = std::any_of(registers.stored.rows.begin(), registers.stored.rows.end(),
                                         [](const StoredUnder& row) { return row.live_keys > 0; });
  if (!anything_live || another_serves(registers, unit)) return {};
  return still_needed("the current register cannot be cleared: no other crypto unit serves, and " +
                      needs(registers.stored, current) +
                      "; without a current master key the unit serves nothing");
}

Result<void> may_zeroize(const Registers& registers, const UnitStatus& unit, Loss loss) {
  if (loss == Loss::Accept || another_serves(registers, unit)) return {};
  if (has_current(unit))
    KH_TRY(require_settled(registers.stored, "the crypto unit cannot be zeroized"));
  for (const StoredUnder& row : registers.stored.rows) {
    if (row.live_keys == 0 || !holds(unit, row.master_key)) continue;
    return still_needed(
        "the crypto unit cannot be zeroized: " + needs(row) +
        ", and no other crypto unit serves with it. Delete the keys first, or initialise another "
        "unit with the same master key; if the keys may be lost, say so (accept_key_loss)");
  }
  return {};
}

Result<MasterKeyPair> may_begin(const Registers& registers) {
  if (registers.rotation.phase != RotationPhase::None)
    return wrong_state(std::string(text_of(registers.rotation.phase)));
  KH_TRY(require_settled(registers.stored, "no rotation begins"));
  MasterKeyPair pair;
  const UnitStatus* first = nullptr;
  for (const UnitStatus& unit : registers.units) {
    if (!unit.joined) continue;
    if (!has_current(unit)) {
      return wrong_state(name_of(unit) + " has no current master key: initialise it first");
    }
    if (unit.pending == RegisterState::Empty) {
      return wrong_state(name_of(unit) +
                         " has no new master key: load the same one into all units and commit it");
    }
    if (!has_committed(unit)) {
      return wrong_state(name_of(unit) + " holds a new master key that is not committed");
    }
    if (first == nullptr) {
      first = &unit;
      pair = {current_of(unit), pending_of(unit)};
    }
    if (unit.current_pattern != first->current_pattern) {
      return wrong_state(name_of(unit) + " has the current master key " +
                         short_name(current_of(unit)) + ", " + name_of(*first) + " has " +
                         short_name(pair.from) + ": they must be equal");
    }
    if (unit.pending_pattern != first->pending_pattern) {
      return wrong_state(name_of(unit) + " has the new master key " + short_name(pending_of(unit)) +
                         ", " + name_of(*first) + " has " + short_name(pair.to) +
                         ": they must be equal");
    }
  }
  if (first == nullptr) return wrong_state("the instance has no crypto unit that serves it");
  if (pair.from == pair.to) return wrong_state("the new master key is the current one");
  for (const UnitStatus& unit : registers.units) {
    if (unit.type == UnitType::Operational || !holds(unit, pair.from)) continue;
    if (is_current(unit, pair.from) && is_committed(unit, pair.to)) continue;
    return wrong_state(name_of(unit) +
                       " has a copy of the current master key, but not the new one committed: its "
                       "copy would soon be worth nothing. Load and commit it there too, or zeroize "
                       "the unit");
  }
  for (const StoredUnder& row : registers.stored.rows) {
    if (row.master_key == pair.from || row.master_key == pair.to) continue;
    return wrong_state(needs(row) +
                       ", which the crypto units do not hold; what is sealed under it cannot be "
                       "sealed anew. Delete and purge such keys, or load that master key first");
  }
  return pair;
}

Result<void> may_abandon(const Registers& registers) {
  const MasterKeyRotation& rotation = registers.rotation;
  for (const UnitStatus& unit : registers.units) {
    const bool switched = is_current(unit, rotation.to);
    const bool ready = is_current(unit, rotation.from) && is_committed(unit, rotation.to);
    if (switched) {
      return wrong_state(
          name_of(unit) +
          " has set the new master key immediate: the rotation can only be finished");
    }
    if (unit.joined && !ready) {
      return wrong_state(name_of(unit) +
                         " does not hold both master keys of the rotation, which going back needs");
    }
  }
  return {};
}

bool all_switched(const Registers& registers) noexcept {
  return std::all_of(registers.units.begin(), registers.units.end(), [&](const UnitStatus& unit) {
    return !serves(unit) || is_current(unit, registers.rotation.to);
  });
}

}  // namespace keyhaven::instances
