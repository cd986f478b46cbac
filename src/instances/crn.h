// Cloud resource names: ten fields with colons between (instances-tke-iam.md 1.1).
//
//   crn:v1:bluemix:public:hs-crypto:<region>:a/<account>:<instance>:<resource type>:<resource>
#pragma once

#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace keyhaven::instances {

inline constexpr std::size_t kMaxCrnBytes = 512;

// Views into the text they were read from.
struct Crn {
  std::string_view service;  // "hs-crypto"
  std::string_view region;
  std::string_view account;  // without "a/"
  std::string_view instance;
  std::string_view resource_type;  // "", "key", "endpoint"
  std::string_view resource;       // may contain colons
};

// Errors: InvalidArgument (not ten fields, other version or cloud, no account scope, longer than
// kMaxCrnBytes).
Result<Crn> parse_crn(std::string_view text);

std::string instance_crn(std::string_view region, std::string_view account,
                         const InstanceId& instance);
std::string key_crn(std::string_view region, std::string_view account, const InstanceId& instance,
                    const KeyId& key);

// The instance that `text` names: its GUID, or its CRN with this account (a CRN of a key or of
// another service is no name of an instance). Errors: InstanceNotFound.
Result<InstanceId> instance_named_by(std::string_view text, std::string_view account);

}  // namespace keyhaven::instances
