#include "keys/key_policies.h"

#include <utility>

#include "crypto/random.h"
#include "keys/key_steps.h"

namespace keyhaven::keys {
namespace {

Error interval_error(std::string message) {
  return {Reason::InvalidField, std::move(message), "interval_month"};
}

// The stamp of a policy that `actor` writes at `now`; `stored` is that of the policy so far.
PolicyStamp stamped(const PolicyStamp* stored, const std::string& actor, Timestamp now) {
  PolicyStamp out = stored != nullptr ? *stored
                                      : PolicyStamp{.id = crypto::random_uuid(),
                                                    .created_by = actor,
                                                    .created = now,
                                                    .updated_by = {},
                                                    .updated = {}};
  out.updated_by = actor;
  out.updated = now;
  return out;
}

// A key must be able to make its next version by itself.
Result<void> require_rotatable(const KeyRecord& key) {
  KH_TRY(require_root_key(key));
  if (!key.imported) return {};
  return Error{Reason::KeyPayloadRequired,
               "an imported key cannot rotate by a policy: its next version needs new material; "
               "rotate it with payload",
               "payload"};
}

Result<std::uint8_t> interval_of(const PolicyUpdate::Rotation& update,
                                 const std::optional<RotationPolicy>& stored) {
  if (!update.interval_months) {
    if (stored) return stored->interval_months;
    return interval_error("interval_month is missing, and the key has no rotation policy yet");
  }
  const std::int64_t months = *update.interval_months;
  if (months < 1 || months > kMaxRotationMonths) {
    return interval_error("interval_month is " + std::to_string(months) + ", allowed are 1 to " +
                          std::to_string(kMaxRotationMonths));
  }
  return static_cast<std::uint8_t>(months);
}

std::string text_of(bool flag) { return flag ? "true" : "false"; }

void add_rotation_details(Change& change, const std::string& prefix, const RotationPolicy& policy) {
  add_detail(change, prefix + "policyRotationEnabled", text_of(policy.enabled));
  add_detail(change, prefix + "policyRotationIntervalMonth",
             std::to_string(policy.interval_months));
}

// What the update touches, before and after (key-management-api.md 18).
void add_details(Change& change, const PolicyUpdate& update, const KeyPolicies& before,
                 const KeyPolicies& after) {
  constexpr const char* kBefore = "requestData.initialValue.";
  constexpr const char* kAfter = "requestData.newValue.";
  if (update.rotation) {
    if (before.rotation) add_rotation_details(change, kBefore, *before.rotation);
    add_rotation_details(change, kAfter, *after.rotation);
  }
  if (update.dual_auth) {
    constexpr const char* kName = "policyDualAuthDeleteEnabled";
    if (before.dual_auth)
      add_detail(change, std::string(kBefore) + kName, text_of(before.dual_auth->enabled));
    add_detail(change, std::string(kAfter) + kName, text_of(after.dual_auth->enabled));
  }
}

}  // namespace

Result<KeyPolicies> updated_policies(const KeyRecord& key, const PolicyUpdate& update,
                                     const std::string& actor, Timestamp now) {
  KeyPolicies next = key.policies();
  if (update.rotation) {
    KH_TRY(require_rotatable(key));
    RotationPolicy rotation;
    rotation.interval_months = KH_TRY(interval_of(*update.rotation, next.rotation));
    rotation.enabled = update.rotation->enabled.value_or(true);
    rotation.stamp = stamped(next.rotation ? &next.rotation->stamp : nullptr, actor, now);
    next.rotation = std::move(rotation);
  }
  if (update.dual_auth) {
    if (next.dual_auth && next.dual_auth->enabled && !*update.dual_auth) {
      return Error{Reason::DualAuthPolicyEnabled,
                   "the dual authorization policy of a key cannot be switched off; delete the key "
                   "with two authorizations instead",
                   "enabled"};
    }
    DualAuthPolicy dual_auth;
    dual_auth.enabled = *update.dual_auth;
    dual_auth.stamp = stamped(next.dual_auth ? &next.dual_auth->stamp : nullptr, actor, now);
    next.dual_auth = std::move(dual_auth);
  }
  return next;
}

Result<KeyRecordPtr> KeyService::set_policies(const KeyRecord& seen, const PolicyUpdate& update,
                                              Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::SetPolicies, *key, now));
  KeyPolicies policies = KH_TRY(updated_policies(*key, update, change.actor, now));
  add_details(change, update, key->policies(), policies);
  KeyRecord next = *key;
  next.set_policies(std::move(policies));
  touch(next, now, change);
  return changes_.commit(std::move(next), change);
}

}  // namespace keyhaven::keys
