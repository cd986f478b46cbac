// Domain attributes: thresholds and permissions of one crypto unit. Source:
// instances-tke-iam.md 3.6.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "tke/codes.h"

namespace keyhaven::tke {

namespace permission {
inline constexpr std::uint32_t kImport = 0x1;
inline constexpr std::uint32_t kExport = 0x2;
inline constexpr std::uint32_t kSinglePart = 0x4;
inline constexpr std::uint32_t kRandomKey = 0x8;
inline constexpr std::uint32_t kThresholdOfOne = 0x10;
inline constexpr std::uint32_t kControlPointsWithOne = 0x20;
inline constexpr std::uint32_t kZeroizeWithOne = 0x40;
inline constexpr std::uint32_t kDoNotDisturb = 0x2000;
inline constexpr std::uint32_t kSignatureThresholdMayChange = 0x100000;
inline constexpr std::uint32_t kRevocationThresholdMayChange = 0x200000;
inline constexpr std::uint32_t kFreshDomain =
    0x8FFF0011;  // import, thresholds of 1, every "may change" bit
}  // namespace permission

// What a unit is for, as far as its permissions go.
enum class UnitRole : std::uint8_t { Operational, Recovery, Failover };

// The permissions an administrator gives a unit of this role when it is configured: what existing
// clients set. Key in one part, zeroize with one signature and import always; random keys and
// export in recovery units only. From kFreshDomain: 0FFF2055, recovery units 0FFF205F.
std::uint32_t permissions_for(UnitRole role, std::uint32_t now) noexcept;

// The "may change" bit that guards a permission bit; 0 for bits that a domain ignores.
std::uint32_t may_change_bit(std::uint32_t permission_bit) noexcept;

inline constexpr std::uint32_t kMaxThreshold = 8;
inline constexpr std::size_t kMaxAdministrators = 8;

struct DomainAttributes {
  std::uint32_t signature_threshold = 0;                 // index 1
  std::uint32_t revocation_threshold = 0;                // index 2
  std::uint32_t permissions = permission::kFreshDomain;  // index 3
  std::uint32_t operational_mode = 0;                    // index 4
  std::uint32_t compliance = 0;                          // index 5, read-only
  bool operator==(const DomainAttributes&) const = default;
  bool imprint() const noexcept { return signature_threshold == 0; }
};

// Pairs of u32 index and u32 value. `encode_for_set` gives indexes 1 to 4 (32 bytes),
// `encode_for_query` 1 to 5 (40).
Bytes encode_for_set(const DomainAttributes& attributes);
Bytes encode_for_query(const DomainAttributes& attributes);
// Overwrites in `base` what the list names. Indexes 6 to 10 of later firmware are accepted and
// ignored. Errors: InvalidArgument: not a multiple of 8, more than 16 pairs, an index twice or
// unknown; `why`, if given, gets the unit's reason code.
Result<DomainAttributes> apply_attribute_list(DomainAttributes base, ByteView list,
                                              ReasonCode* why = nullptr);

}  // namespace keyhaven::tke
