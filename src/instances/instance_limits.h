// How much of everything an instance may hold (key-management-api.md 19). One table drives reading,
// ranges, storing and showing, here and in the server's configuration.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhaven::instances {

struct InstanceLimits {
  std::uint64_t keys = 50'000;   // root and standard keys that are not purged
  std::uint64_t key_rings = 50;  // "default" included
  std::uint64_t aliases = 1'000;
  std::uint64_t aliases_per_key = 5;
  std::uint64_t registrations_per_key = 1'000;
  std::uint64_t standard_key_bytes = 7'500;  // decoded material of a standard key
  std::uint64_t dek_bytes = 7'500;           // plaintext given to wrap
  std::uint64_t allowed_ip_subnets = 1'000;
  std::uint64_t requests_per_second = 0;  // of all callers; 0: no limit
  std::uint64_t request_burst = 1'000;    // requests at once above that rate

  bool operator==(const InstanceLimits&) const = default;
};

struct LimitRow {
  std::string_view name;  // as in parameters.limits and in [limits] of the configuration
  std::uint64_t InstanceLimits::*field;
  std::uint64_t least;
  std::uint64_t most;
};
inline constexpr std::size_t kLimitCount = 10;
// The order is that of the stored record: new rows go to the end.
std::span<const LimitRow, kLimitCount> limit_rows() noexcept;

// Bit i: row i is set by the instance itself; the others follow the deployment.
using LimitSet = std::uint16_t;

struct LimitChange {
  std::size_t row = 0;
  std::optional<std::uint64_t> value;  // none: back to what the deployment says
};
using LimitChanges = std::vector<LimitChange>;

// Errors: InvalidField (target is limits.<name>): unknown name, or a value out of its range; the
// message names what is allowed.
Result<LimitChange> limit_change(std::string_view name, std::optional<std::int64_t> value);

}  // namespace keyhaven::instances
