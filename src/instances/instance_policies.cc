#include "instances/instance_policies.h"

#include <algorithm>
#include <array>

namespace keyhaven::instances {
namespace {

constexpr std::array<std::string_view, kPolicyTypeCount> kNames = {
    "allowedIP", "allowedNetwork", "dualAuthDelete", "keyCreateImportAccess",
    "metrics",   "rotation"};

bool is_type(std::uint8_t value) noexcept { return value >= 1 && value <= kPolicyTypeCount; }

Error invalid(std::string_view target, std::string message) {
  return {Reason::InvalidField, std::move(message), std::string(target)};
}

Result<void> check_networks(const AllowedIp& networks, std::uint64_t max_networks) {
  if (!networks.empty() && networks.size() <= max_networks) return {};
  return invalid("allowed_ip", "allowed_ip must have 1 to " + std::to_string(max_networks) +
                                   " networks in CIDR notation; it has " +
                                   std::to_string(networks.size()));
}

Result<void> check_months(unsigned months) {
  if (months >= 1 && months <= kMaxRotationMonths) return {};
  return invalid("interval_month", "interval_month must be 1 to 12");
}

std::string on_off(bool value) { return value ? "true" : "false"; }

std::string joined(const AllowedIp& networks) {
  std::string out;
  for (const IpNetwork& network : networks)
    out.append(out.empty() ? "" : ",").append(network.text());
  return out;
}

}  // namespace

std::string_view name_of(PolicyType type) noexcept {
  return kNames.at(static_cast<std::size_t>(type) - 1);
}

std::optional<PolicyType> policy_type_of(std::string_view name) noexcept {
  if (name == "ipWhitelist") return PolicyType::AllowedIp;
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<PolicyType>(found - kNames.begin() + 1);
}

std::string_view name_of(AllowedNetwork network) noexcept {
  return network == AllowedNetwork::PrivateOnly ? "private-only" : "public-and-private";
}

std::optional<AllowedNetwork> allowed_network_of(std::string_view name) noexcept {
  for (const auto network : {AllowedNetwork::PublicAndPrivate, AllowedNetwork::PrivateOnly}) {
    if (name == name_of(network)) return network;
  }
  return std::nullopt;
}

namespace {

template <class Own>
Result<void> check_kind(const PolicyUpdate& update) {
  if (update.enabled ? std::holds_alternative<Own>(update.attributes)
                     : std::holds_alternative<std::monostate>(update.attributes)) {
    return {};
  }
  std::string message(name_of(update.type));
  message += update.enabled ? " needs its own attributes when it is enabled"
                            : " takes no attributes when it is disabled";
  return invalid("attributes", std::move(message));
}

}  // namespace

Result<void> check(const PolicyUpdate& update, std::uint64_t max_networks) {
  switch (update.type) {
    case PolicyType::DualAuthDelete:
    case PolicyType::Metrics:
      return check_kind<std::monostate>(update);
    case PolicyType::AllowedIp: {
      KH_TRY(check_kind<AllowedIp>(update));
      const auto* networks = std::get_if<AllowedIp>(&update.attributes);
      return networks == nullptr ? Result<void>() : check_networks(*networks, max_networks);
    }
    case PolicyType::AllowedNetwork:
      return check_kind<AllowedNetwork>(update);
    case PolicyType::KeyCreateImportAccess:
      return check_kind<KeyCreateImportAccess>(update);
    case PolicyType::Rotation: {
      KH_TRY(check_kind<RotationInterval>(update));
      const auto* interval = std::get_if<RotationInterval>(&update.attributes);
      return interval == nullptr ? Result<void>() : check_months(interval->months);
    }
  }
  fatal(__FILE__, __LINE__, "unknown PolicyType");
}

const InstancePolicy* InstancePolicies::find(PolicyType type) const noexcept {
  for (const InstancePolicy& policy : all_) {
    if (policy.type == type) return &policy;
  }
  return nullptr;
}

void InstancePolicies::set(PolicyUpdate update, std::string_view by, Timestamp now) {
  auto at = std::find_if(all_.begin(), all_.end(),
                         [&](const InstancePolicy& policy) { return policy.type >= update.type; });
  if (at == all_.end() || at->type != update.type) {
    at = all_.insert(at, InstancePolicy{update.type, false, {}, now, std::string(by), now, {}});
  }
  at->enabled = update.enabled;
  at->attributes = std::move(update.attributes);
  at->updated = now;
  at->updated_by = by;
}

bool InstancePolicies::is_enabled(PolicyType type) const noexcept {
  const InstancePolicy* policy = find(type);
  return policy != nullptr && policy->enabled;
}

template <class Attributes>
const Attributes* InstancePolicies::attributes(PolicyType type) const noexcept {
  const InstancePolicy* policy = find(type);
  return policy == nullptr ? nullptr : std::get_if<Attributes>(&policy->attributes);
}

AllowedNetwork InstancePolicies::allowed_network() const noexcept {
  const auto* network = attributes<AllowedNetwork>(PolicyType::AllowedNetwork);
  return network == nullptr ? AllowedNetwork::PublicAndPrivate : *network;
}

const AllowedIp* InstancePolicies::allowed_ip() const noexcept {
  return attributes<AllowedIp>(PolicyType::AllowedIp);
}

bool InstancePolicies::allows_address(std::string_view numeric_address) const noexcept {
  const AllowedIp* networks = allowed_ip();
  if (networks == nullptr) return true;
  const auto address = IpAddress::parse(numeric_address);
  return address && std::any_of(networks->begin(), networks->end(), [&](const IpNetwork& network) {
           return network.contains(*address);
         });
}

KeyCreateImportAccess InstancePolicies::key_create_import_access() const noexcept {
  const auto* access = attributes<KeyCreateImportAccess>(PolicyType::KeyCreateImportAccess);
  return access == nullptr ? KeyCreateImportAccess() : *access;
}

unsigned InstancePolicies::rotation_months() const noexcept {
  const auto* interval = attributes<RotationInterval>(PolicyType::Rotation);
  return interval == nullptr ? 0 : interval->months;
}

// --- Stored form: docs/protocols/instance-record.md ---

namespace {

constexpr std::size_t kMaxTextBytes = 1024;
constexpr std::size_t kMaxStoredNetworks = 1000;

void encode_networks(Writer& writer, const AllowedIp& networks) {
  writer.u16(static_cast<std::uint16_t>(networks.size()));
  for (const IpNetwork& network : networks) {
    writer.u8(static_cast<std::uint8_t>(network.address.family));
    writer.u8(network.prefix_bits);
    writer.raw(ByteView(network.address.bytes).first(bits_of(network.address.family) / 8));
  }
}

AllowedIp decode_networks(Reader& reader) {
  AllowedIp out;
  const std::size_t count = reader.u16();
  if (count == 0 || count > kMaxStoredNetworks) reader.fail();
  while (reader.ok() && out.size() < count) {
    IpNetwork network;
    const std::uint8_t family = reader.u8();
    network.address.family = static_cast<IpFamily>(family);
    if (family != static_cast<std::uint8_t>(IpFamily::V4) &&
        family != static_cast<std::uint8_t>(IpFamily::V6)) {
      reader.fail();
      break;
    }
    network.prefix_bits = reader.u8();
    const ByteView bytes = reader.raw(bits_of(network.address.family) / 8);
    std::copy(bytes.begin(), bytes.end(), network.address.bytes.begin());
    if (network.prefix_bits > bits_of(network.address.family) ||
        !is_network_address(network.address, network.prefix_bits)) {
      reader.fail();
    }
    out.push_back(network);
  }
  return out;
}

std::uint8_t access_bits(const KeyCreateImportAccess& access) {
  return static_cast<std::uint8_t>(
      (access.create_root_key ? 1 : 0) | (access.create_standard_key ? 2 : 0) |
      (access.import_root_key ? 4 : 0) | (access.import_standard_key ? 8 : 0) |
      (access.enforce_token ? 16 : 0));
}

KeyCreateImportAccess decode_access(Reader& reader) {
  const unsigned bits = reader.u8();
  if (bits > 31) reader.fail();
  return {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
}

void encode_attributes(Writer& writer, const PolicyAttributes& attributes) {
  if (const auto* networks = std::get_if<AllowedIp>(&attributes))
    encode_networks(writer, *networks);
  if (const auto* network = std::get_if<AllowedNetwork>(&attributes))
    writer.u8(static_cast<std::uint8_t>(*network));
  if (const auto* access = std::get_if<KeyCreateImportAccess>(&attributes))
    writer.u8(access_bits(*access));
  if (const auto* interval = std::get_if<RotationInterval>(&attributes))
    writer.u8(interval->months);
}

// Of an enabled policy.
PolicyAttributes decode_attributes(Reader& reader, PolicyType type) {
  switch (type) {
    case PolicyType::AllowedIp:
      return decode_networks(reader);
    case PolicyType::AllowedNetwork: {
      const std::uint8_t network = reader.u8();
      if (network != 1 && network != 2) reader.fail();
      return static_cast<AllowedNetwork>(network);
    }
    case PolicyType::KeyCreateImportAccess:
      return decode_access(reader);
    case PolicyType::Rotation: {
      const RotationInterval interval{reader.u8()};
      if (!check_months(interval.months)) reader.fail();
      return interval;
    }
    case PolicyType::DualAuthDelete:
    case PolicyType::Metrics:
      return std::monostate();
  }
  fatal(__FILE__, __LINE__, "unknown PolicyType");
}

}  // namespace

void InstancePolicies::encode(Writer& writer) const {
  writer.u8(static_cast<std::uint8_t>(all_.size()));
  for (const InstancePolicy& policy : all_) {
    writer.u8(static_cast<std::uint8_t>(policy.type));
    writer.u8(policy.enabled ? 1 : 0);
    writer.i64(policy.created.us);
    writer.text32(policy.created_by);
    writer.i64(policy.updated.us);
    writer.text32(policy.updated_by);
    encode_attributes(writer, policy.attributes);
  }
}

InstancePolicies InstancePolicies::decode(Reader& reader) {
  InstancePolicies out;
  const std::size_t count = reader.u8();
  if (count > kPolicyTypeCount) reader.fail();
  std::uint8_t last = 0;
  while (reader.ok() && out.all_.size() < count) {
    const std::uint8_t type = reader.u8();
    const std::uint8_t enabled = reader.u8();
    if (!is_type(type) || type <= last || enabled > 1) {
      reader.fail();
      break;
    }
    last = type;
    InstancePolicy policy;
    policy.type = static_cast<PolicyType>(type);
    policy.enabled = enabled == 1;
    policy.created.us = reader.i64();
    policy.created_by = reader.text32(kMaxTextBytes);
    policy.updated.us = reader.i64();
    policy.updated_by = reader.text32(kMaxTextBytes);
    if (policy.enabled) policy.attributes = decode_attributes(reader, policy.type);
    out.all_.push_back(std::move(policy));
  }
  return out;
}

// --- Audit ---

std::vector<std::pair<std::string, std::string>> audit_view(PolicyType type,
                                                            const InstancePolicy* policy) {
  const bool enabled = policy != nullptr && policy->enabled;
  const auto attributes = policy == nullptr ? PolicyAttributes() : policy->attributes;
  switch (type) {
    case PolicyType::AllowedIp: {
      const auto* networks = std::get_if<AllowedIp>(&attributes);
      return {{"policyAllowedIPEnabled", on_off(enabled)},
              {"policyAllowedIPAttribute", networks == nullptr ? "" : joined(*networks)}};
    }
    case PolicyType::AllowedNetwork: {
      const auto* network = std::get_if<AllowedNetwork>(&attributes);
      return {{"policyAllowedNetworkEnabled", on_off(enabled)},
              {"policyAllowedNetworkAttribute",
               network == nullptr ? "" : std::string(name_of(*network))}};
    }
    case PolicyType::DualAuthDelete:
      return {{"policyDualAuthDeleteEnabled", on_off(enabled)}};
    case PolicyType::KeyCreateImportAccess: {
      const auto* access = std::get_if<KeyCreateImportAccess>(&attributes);
      if (access == nullptr) return {{"PolicyKCIAEnabled", on_off(enabled)}};
      return {{"PolicyKCIAEnabled", on_off(enabled)},
              {"PolicyKCIAAttrCRK", on_off(access->create_root_key)},
              {"PolicyKCIAAttrCSK", on_off(access->create_standard_key)},
              {"PolicyKCIAAttrIRK", on_off(access->import_root_key)},
              {"PolicyKCIAAttrISK", on_off(access->import_standard_key)},
              {"PolicyKCIAAttrET", on_off(access->enforce_token)}};
    }
    case PolicyType::Metrics:
      return {{"policyMetricsEnabled", on_off(enabled)}};
    case PolicyType::Rotation: {
      const auto* interval = std::get_if<RotationInterval>(&attributes);
      return {
          {"policyRotationEnabled", on_off(enabled)},
          {"policyRotationInterval", interval == nullptr ? "" : std::to_string(interval->months)}};
    }
  }
  fatal(__FILE__, __LINE__, "unknown PolicyType");
}

}  // namespace keyhaven::instances
