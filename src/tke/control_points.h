// Control points: functions of a crypto unit that its administrators switch on and off.
//
// 128 bits, bit 0 is the highest bit of the first byte. Bits and their XCP names are those of the
// public EP11 header, so that existing tools read them rightly.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace keyhaven::tke {

inline constexpr std::size_t kControlPointBytes = 16;
using ControlPoints = std::array<std::uint8_t, kControlPointBytes>;

struct ControlPoint {
  unsigned bit;
  std::string_view name;  // column heading of comparing tools
  std::string_view verb;  // what command lines call it; empty for the two that guard the others
  std::string_view meaning;
};

// While they are set, control points may be enabled and disabled. Without either the set is fixed
// until the unit is zeroized.
inline constexpr unsigned kMayEnableControlPoints = 0;
inline constexpr unsigned kMayDisableControlPoints = 1;
inline constexpr unsigned kControlPointEdDsa = 55;
inline constexpr unsigned kControlPointBitcoin = 66;
inline constexpr unsigned kControlPointOtherSignatures = 67;
// Ours, beyond those of the EP11 header: keys may leave for another deployment, or come from one.
// Switching them on always takes the signature threshold (tke/transfer.h).
inline constexpr unsigned kControlPointTransferOut = 120;
inline constexpr unsigned kControlPointTransferIn = 121;

// All that a unit knows; no other bit can be set.
std::span<const ControlPoint> control_point_table() noexcept;
// The one of a command-line word ("btc", "eddsa", "sig-other"); nothing for other words.
std::optional<ControlPoint> control_point_of_verb(std::string_view verb) noexcept;

bool has_control_point(const ControlPoints& points, unsigned bit) noexcept;
ControlPoints control_point_mask(unsigned bit) noexcept;  // this bit alone
// A new or zeroized unit: the two guards only, every function off.
ControlPoints default_control_points() noexcept;
// Every bit of the table.
ControlPoints known_control_points() noexcept;

}  // namespace keyhaven::tke
