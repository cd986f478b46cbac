// What a change of a key's policies comes to (key-management-api.md 11). KeyService::set_policies
// and create use it.
#pragma once

#include <string>

#include "base/result.h"
#include "keys/key_record.h"
#include "keys/key_service.h"

namespace keyhaven::keys {

inline constexpr std::int64_t kMaxRotationMonths = 12;

// The policies of `key` after `update` by `actor`; a policy that is set for the first time gets a
// fresh id. Looks at kind and origin of the key, not at its state. All of `update` or nothing.
// Errors: KeyRootRequired, KeyPayloadRequired, InvalidField (target interval_month),
// DualAuthPolicyEnabled.
Result<KeyPolicies> updated_policies(const KeyRecord& key, const PolicyUpdate& update,
                                     const std::string& actor, Timestamp now);

}  // namespace keyhaven::keys
