#include "instances/instance_limits.h"

namespace keyhaven::instances {
namespace {

using L = InstanceLimits;
constexpr std::array<LimitRow, kLimitCount> kRows = {{
    {"keys", &L::keys, 0, 10'000'000},
    {"key_rings", &L::key_rings, 1, 10'000},
    {"aliases", &L::aliases, 0, 10'000'000},
    {"aliases_per_key", &L::aliases_per_key, 0, 5},
    {"registrations_per_key", &L::registrations_per_key, 0, 100'000},
    {"standard_key_bytes", &L::standard_key_bytes, 1, 7'500},
    {"dek_bytes", &L::dek_bytes, 32, 7'500},  // 32: what wrap generates
    {"allowed_ip_subnets", &L::allowed_ip_subnets, 1, 1'000},
    {"requests_per_second", &L::requests_per_second, 0, 1'000'000},
    {"request_burst", &L::request_burst, 1, 1'000'000},
}};

}  // namespace

std::span<const LimitRow, kLimitCount> limit_rows() noexcept { return kRows; }

Result<LimitChange> limit_change(std::string_view name, std::optional<std::int64_t> value) {
  std::string known;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const LimitRow& row = kRows[i];
    known.append(known.empty() ? "" : ", ").append(row.name);
    if (row.name != name) continue;
    const std::string target = "limits." + std::string(name);
    if (!value) return LimitChange{i, std::nullopt};
    if (*value >= 0 && static_cast<std::uint64_t>(*value) >= row.least &&
        static_cast<std::uint64_t>(*value) <= row.most) {
      return LimitChange{i, static_cast<std::uint64_t>(*value)};
    }
    return Error{Reason::InvalidField,
                 target + " is " + std::to_string(*value) + "; it must be " +
                     std::to_string(row.least) + " to " + std::to_string(row.most),
                 target};
  }
  constexpr std::size_t kShown = 64;
  return Error{
      Reason::InvalidField,
      "there is no limit \"" + std::string(name.substr(0, kShown)) + "\"; the limits are " + known,
      "limits"};
}

}  // namespace keyhaven::instances
