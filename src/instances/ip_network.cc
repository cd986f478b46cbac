#include "instances/ip_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace keyhaven::instances {
namespace {

constexpr std::size_t kMaxAddressText = INET6_ADDRSTRLEN;
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

// The bits of byte `index` that belong to a prefix of that length.
std::uint8_t mask_of(unsigned prefix_bits, unsigned index) noexcept {
  if (prefix_bits >= 8 * index + 8) return 0xff;
  if (prefix_bits <= 8 * index) return 0;
  return static_cast<std::uint8_t>(0xff << (8 * index + 8 - prefix_bits));
}

IpAddress network_of(IpAddress address, unsigned prefix_bits) noexcept {
  for (unsigned i = 0; i < address.bytes.size(); ++i) address.bytes[i] &= mask_of(prefix_bits, i);
  return address;
}

std::string address_text(const IpAddress& address) {
  char out[INET6_ADDRSTRLEN] = {};
  const int family = address.family == IpFamily::V4 ? AF_INET : AF_INET6;
  ::inet_ntop(family, address.bytes.data(), out, sizeof out);
  return out;
}

// As written, without taking IPv4-mapped addresses for IPv4.
std::optional<IpAddress> parse_literally(std::string_view text) noexcept {
  char terminated[kMaxAddressText + 1] = {};
  if (text.size() > kMaxAddressText || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::copy(text.begin(), text.end(), terminated);
  IpAddress out;
  if (::inet_pton(AF_INET, terminated, out.bytes.data()) == 1) return out;
  out.family = IpFamily::V6;
  if (::inet_pton(AF_INET6, terminated, out.bytes.data()) == 1) return out;
  return std::nullopt;
}

bool is_mapped(const IpAddress& address) noexcept {
  return address.family == IpFamily::V6 &&
         std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
}

IpAddress unmapped(const IpAddress& address) noexcept {
  IpAddress out;
  std::copy(address.bytes.begin() + kMappedPrefix.size(), address.bytes.end(), out.bytes.begin());
  return out;
}

Error bad_network(std::string_view text, std::string_view remedy) {
  constexpr std::size_t kShown = 64;
  std::string message = "allowed_ip: \"";
  message.append(text.substr(0, kShown)).append("\" ").append(remedy);
  return {Reason::InvalidField, std::move(message), "allowed_ip"};
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  const auto address = parse_literally(text.substr(0, text.find('%')));
  if (address && is_mapped(*address)) return unmapped(*address);
  return address;
}

bool is_network_address(const IpAddress& address, unsigned prefix_bits) noexcept {
  return network_of(address, prefix_bits) == address;
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  auto address = parse_literally(text.substr(0, slash));
  if (!address) {
    return bad_network(text,
                       "is no network in CIDR notation; write it as 192.0.2.0/24 or "
                       "2001:db8::/32");
  }
  if (slash == text.size()) {
    return bad_network(text, "has no prefix length; write \"" + address_text(*address) + "/" +
                                 std::to_string(bits_of(address->family)) +
                                 "\" for the single address");
  }
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), prefix, 10);
  const bool canonical = digits.size() == 1 || !digits.starts_with('0');
  if (failed != std::errc() || end != digits.data() + digits.size() || !canonical ||
      prefix > bits_of(address->family)) {
    return bad_network(text, "has a prefix length that is no number from 0 to " +
                                 std::to_string(bits_of(address->family)));
  }
  if (!is_network_address(*address, prefix)) {
    return bad_network(
        text, "has bits set beyond its prefix; write \"" +
                  address_text(network_of(*address, prefix)) + "/" + std::to_string(prefix) +
                  "\" for the network or \"" + address_text(*address) + "/" +
                  std::to_string(bits_of(address->family)) + "\" for the single address");
  }
  if (is_mapped(*address) && prefix >= kMappedBits) {
    address = unmapped(*address);
    prefix -= kMappedBits;
  }
  return IpNetwork{*address, static_cast<std::uint8_t>(prefix)};
}

std::string IpNetwork::text() const {
  return address_text(address) + "/" + std::to_string(prefix_bits);
}

bool IpNetwork::contains(const IpAddress& other) const noexcept {
  if (other.family != address.family) return false;
  for (unsigned i = 0; 8 * i < prefix_bits; ++i) {
    if (((other.bytes[i] ^ address.bytes[i]) & mask_of(prefix_bits, i)) != 0) return false;
  }
  return true;
}

}  // namespace keyhaven::instances
