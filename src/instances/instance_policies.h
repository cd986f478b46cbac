// The policies of an instance (key-management-api.md 12): what was set, by whom, and what follows
// from it. Immutable once in an InstanceRecord, so that a request reads them without a lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/wire.h"
#include "instances/ip_network.h"

namespace keyhaven::instances {

// In the order in which they are listed and stored; the values are those of the stored record.
enum class PolicyType : std::uint8_t {
  AllowedIp = 1,
  AllowedNetwork = 2,
  DualAuthDelete = 3,
  KeyCreateImportAccess = 4,
  Metrics = 5,
  Rotation = 6,
};
inline constexpr std::size_t kPolicyTypeCount = 6;

std::string_view name_of(PolicyType type) noexcept;  // "allowedIP"
// Also the historic "ipWhitelist". Nothing for other texts.
std::optional<PolicyType> policy_type_of(std::string_view name) noexcept;

enum class AllowedNetwork : std::uint8_t { PublicAndPrivate = 1, PrivateOnly = 2 };
std::string_view name_of(AllowedNetwork network) noexcept;  // "private-only"
std::optional<AllowedNetwork> allowed_network_of(std::string_view name) noexcept;

using AllowedIp = std::vector<IpNetwork>;
struct KeyCreateImportAccess {
  bool create_root_key = true;
  bool create_standard_key = true;
  bool import_root_key = true;
  bool import_standard_key = true;
  bool enforce_token = false;  // material may come in under an import token only
  bool operator==(const KeyCreateImportAccess&) const = default;
};
struct RotationInterval {
  std::uint8_t months = 1;  // of 30 days
  bool operator==(const RotationInterval&) const = default;
};
inline constexpr std::int64_t kMaxRotationMonths = 12;

// What the policy's type has; nothing while it is disabled, and for dualAuthDelete and metrics.
using PolicyAttributes = std::variant<std::monostate, AllowedIp, AllowedNetwork,
                                      KeyCreateImportAccess, RotationInterval>;

struct PolicyUpdate {
  PolicyType type = PolicyType::Metrics;
  bool enabled = false;
  PolicyAttributes attributes;
};

struct InstancePolicy {
  PolicyType type = PolicyType::Metrics;
  bool enabled = false;
  PolicyAttributes attributes;
  Timestamp created;
  std::string created_by;  // IAM id
  Timestamp updated;
  std::string updated_by;
  bool operator==(const InstancePolicy&) const = default;
};

// Errors: InvalidField (the target names the attribute) when the attributes are not those of an
// enabled or disabled policy of this type, allowedIP has none or more than `max_networks`, or the
// interval is not 1 to 12 months.
Result<void> check(const PolicyUpdate& update, std::uint64_t max_networks);

class InstancePolicies {
 public:
  // Those that were ever set, in the order of their types.
  const std::vector<InstancePolicy>& all() const noexcept { return all_; }
  // Null: never set.
  const InstancePolicy* find(PolicyType type) const noexcept;

  // `update` must have passed check(). Keeps who first set the policy, and when.
  void set(PolicyUpdate update, std::string_view by, Timestamp now);

  // --- What is in force. Constant time but allows_address; no allocation. ---
  bool is_enabled(PolicyType type) const noexcept;
  AllowedNetwork allowed_network() const noexcept;
  // Null: every address is allowed.
  const AllowedIp* allowed_ip() const noexcept;
  // Linear in the number of networks. An address that cannot be read is not allowed by any.
  bool allows_address(std::string_view numeric_address) const noexcept;
  KeyCreateImportAccess key_create_import_access() const noexcept;
  unsigned rotation_months() const noexcept;  // 0: none

  void encode(Writer& writer) const;
  // Fails the reader for what encode() does not write.
  static InstancePolicies decode(Reader& reader);

  bool operator==(const InstancePolicies&) const = default;

 private:
  template <class Attributes>
  const Attributes* attributes(PolicyType type) const noexcept;
  std::vector<InstancePolicy> all_;
};

// What an audit record says of one policy before or after a change (key-management-api.md 18):
// names like "policyAllowedNetworkEnabled" and their values. `policy` null: never set.
std::vector<std::pair<std::string, std::string>> audit_view(PolicyType type,
                                                            const InstancePolicy* policy);

}  // namespace keyhaven::instances
