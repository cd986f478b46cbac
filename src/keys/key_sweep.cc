// What time does to keys by itself (KeyService::sweep).
//
// Nothing is remembered between two sweeps but the moments at which to look at a key again
// (KeyChanges), and those follow from the records: after a crash they are found anew. A step is one
// commit, so it has happened or is still due.
#include <optional>
#include <set>
#include <utility>

#include "keys/key_service.h"
#include "keys/key_steps.h"

namespace keyhaven::keys {
namespace {

// A change that nobody called for.
Change own_change(const KeyRecord& key, std::string_view event_name, std::string_view severity,
                  Timestamp now) {
  Change change;
  change.actor = "keyhaven";
  audit::Event& event = change.event;
  event.time = now;
  event.action = "hs-crypto." + std::string(event_name);
  event.severity = severity;
  event.outcome = audit::Outcome::Success;
  event.initiator_id = change.actor;
  event.initiator_name = "Keyhaven";
  event.instance_id = key.instance.text();
  event.target_id = key.id.text();
  add_detail(change, "responseData.keyId", key.id.text());
  return change;
}

}  // namespace

// Rotations need the unit, and there may be many, so one run has at most rotations_per_sweep of
// them, and where one failed the next would only fail (or wait for its time-out) too: none follows
// in the same instance, and none at all when unit or store do not answer.
struct KeyService::Sweep {
  Timestamp now;
  std::int64_t rotations_left;
  bool rotations_stopped = false;
  std::set<InstanceId> failed_instances;
  std::set<InstanceId> shut_instances;

  bool may_rotate(const InstanceId& instance) const {
    return rotations_left > 0 && !rotations_stopped && !failed_instances.contains(instance) &&
           !shut_instances.contains(instance);
  }
  void rotation_failed(const InstanceId& instance, const Error& error) {
    failed_instances.insert(instance);
    if (error.code() == Errc::Unavailable) rotations_stopped = true;
  }
};

Result<void> KeyService::expire(const KeyRecord& key, Timestamp now) {
  Change change = own_change(key, "secrets.expire", "normal", now);
  add_detail(change, "requestData.expirationDate", format_rfc3339(key.expires));
  add_detail(change, "responseData.initialValue.keyState", number_of(key.state));
  add_detail(change, "responseData.newValue.keyState", number_of(KeyState::Deactivated));
  KeyRecord next = key;
  set_state(next, KeyState::Deactivated, now, change);
  KH_TRY(changes_.commit(std::move(next), change));
  return {};
}

Result<void> KeyService::lapse_authorization(const KeyRecord& key, Timestamp now) {
  Change change = own_change(key, "secrets.unsetkeyfordeletion", "warning", now);
  KeyPolicies policies = key.policies();
  const std::string before = "responseData.initialValue.";
  add_detail(change, before + "authID", policies.authorization->by);
  add_detail(change, before + "authExpiration", format_rfc3339(policies.authorization->lapses));
  policies.authorization.reset();
  KeyRecord next = key;
  next.set_policies(std::move(policies));
  touch(next, now, change);
  KH_TRY(changes_.commit(std::move(next), change));
  return {};
}

// Null when the key is not due for rotation, or cannot have it in this sweep.
SealGate::Pass KeyService::pass_for_rotation(const KeyChanges::Due& due, Sweep& sweep) {
  const KeyRecordPtr key = changes_.directory().find(due.instance, due.key);
  if (!key || due_step(*key, times(), sweep.now) != TimedStep::Rotate) return nullptr;
  if (!sweep.may_rotate(due.instance)) return nullptr;
  auto pass = gate_.pass(due.instance);
  if (pass) return std::move(pass).value();
  sweep.shut_instances.insert(due.instance);
  return nullptr;
}

Result<bool> KeyService::sweep_one(const KeyChanges::Due& due, Sweep& sweep) {
  // Before the lock of the key, so it is asked for what only looks like a rotation too.
  const SealGate::Pass pass = pass_for_rotation(due, sweep);
  const KeyChanges::KeyLock lock = changes_.lock(due.key);
  const KeyRecordPtr key = changes_.directory().find(due.instance, due.key);
  if (!key) return false;
  switch (due_step(*key, times(), sweep.now)) {
    case TimedStep::None:
      return false;
    case TimedStep::Purge: {
      Change change = own_change(*key, "secrets.purge", "critical", sweep.now);
      KH_TRY(erase(*key, change));
      return true;
    }
    case TimedStep::Expire:
      KH_TRY(expire(*key, sweep.now));
      return true;
    case TimedStep::LapseAuthorization:
      KH_TRY(lapse_authorization(*key, sweep.now));
      return true;
    case TimedStep::Rotate:
      break;
  }
  if (!pass || !sweep.may_rotate(due.instance)) {
    changes_.put_back(due, due.at);
    return false;
  }
  Change change = own_change(*key, "secrets.rotate", "warning", sweep.now);
  const auto rotated = add_version(*key, Material(), sweep.now, change);
  if (change.recorded) --sweep.rotations_left;
  if (!rotated) {
    sweep.rotation_failed(due.instance, rotated.error());
    return rotated.error();
  }
  return true;
}

Result<std::size_t> KeyService::sweep(Timestamp now) {
  Sweep sweep{.now = now,
              .rotations_left = times().rotations_per_sweep,
              .failed_instances = {},
              .shut_instances = {}};
  std::size_t changed = 0;
  std::optional<Error> first_error;
  for (const KeyChanges::Due& due : changes_.take_due(now)) {
    const auto swept = sweep_one(due, sweep);
    if (swept) {
      changed += swept.value() ? 1 : 0;
      continue;
    }
    if (!first_error) first_error = swept.error();
    // Behind those that were due before, so that it cannot keep them from their turn.
    changes_.put_back(due, now);
  }
  if (first_error) return *std::move(first_error);
  return changed;
}

}  // namespace keyhaven::keys
