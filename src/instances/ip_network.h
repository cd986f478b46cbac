// IP addresses and networks in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3), for the
// policy allowedIP.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::instances {

enum class IpFamily : std::uint8_t { V4 = 4, V6 = 6 };

// An IPv4-mapped IPv6 address (::ffff:a.b.c.d, what a socket for both families reports) is the IPv4
// address.
struct IpAddress {
  IpFamily family = IpFamily::V4;
  std::array<std::uint8_t, 16> bytes{};  // IPv4: the first four; the rest is zero

  // Numeric text; a zone ("fe80::1%eth0") does not count. Nothing for other texts. Does not
  // allocate.
  static std::optional<IpAddress> parse(std::string_view text) noexcept;
  bool operator==(const IpAddress&) const = default;
};

constexpr unsigned bits_of(IpFamily family) noexcept { return family == IpFamily::V4 ? 32 : 128; }

struct IpNetwork {
  IpAddress address;  // no bit set beyond the prefix
  std::uint8_t prefix_bits = 0;

  // "192.0.2.0/24". Errors: InvalidField (target allowed_ip; the message says what to write
  // instead): not an address and a prefix length, or bits set beyond the prefix, which is more
  // often a mistyped address or length than meant.
  static Result<IpNetwork> parse(std::string_view text);
  std::string text() const;
  // IPv6 networks hold no IPv4 address, not even ::/0.
  bool contains(const IpAddress& other) const noexcept;
  bool operator==(const IpNetwork&) const = default;
};

// Whether no bit of `address` beyond the first `prefix_bits` is set.
bool is_network_address(const IpAddress& address, unsigned prefix_bits) noexcept;

}  // namespace keyhaven::instances
