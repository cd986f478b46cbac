#include "tke/attributes.h"

#include <string>

#include "base/wire.h"

namespace keyhaven::tke {

namespace {

constexpr std::size_t kPairSize = 8;
constexpr std::size_t kMaxPairs = 16;
constexpr std::uint32_t kLastIndex = 10;  // 6 to 10: later firmware

Bytes encode_first(const DomainAttributes& attributes, std::uint32_t count) {
  const std::uint32_t values[] = {attributes.signature_threshold, attributes.revocation_threshold,
                                  attributes.permissions, attributes.operational_mode,
                                  attributes.compliance};
  Bytes out;
  Writer w(out);
  for (std::uint32_t i = 0; i < count; ++i) {
    w.u32(i + 1);
    w.u32(values[i]);
  }
  return out;
}

}  // namespace

std::uint32_t may_change_bit(std::uint32_t permission_bit) noexcept {
  switch (permission_bit) {
    case permission::kImport:
      return 0x10000;
    case permission::kExport:
      return 0x20000;
    case permission::kSinglePart:
      return 0x40000;
    case permission::kRandomKey:
      return 0x80000;
    case permission::kThresholdOfOne:
      return 0x400000;
    case permission::kControlPointsWithOne:
      return 0x800000;
    case permission::kZeroizeWithOne:
      return 0x1000000;
    case permission::kDoNotDisturb:
      return 0x80000000;
    default:
      return 0;
  }
}

std::uint32_t permissions_for(UnitRole role, std::uint32_t now) noexcept {
  const std::uint32_t guard = may_change_bit(permission::kDoNotDisturb);
  std::uint32_t out =
      now | permission::kZeroizeWithOne | permission::kImport | permission::kSinglePart;
  if (role == UnitRole::Recovery) {
    out |= permission::kRandomKey | permission::kExport | permission::kDoNotDisturb;
    return out & ~guard;
  }
  out &= ~permission::kExport;
  return (out & guard) == 0 ? out : (out | permission::kDoNotDisturb) & ~guard;
}

Bytes encode_for_set(const DomainAttributes& attributes) { return encode_first(attributes, 4); }
Bytes encode_for_query(const DomainAttributes& attributes) { return encode_first(attributes, 5); }

Result<DomainAttributes> apply_attribute_list(DomainAttributes base, ByteView list,
                                              ReasonCode* why) {
  const auto refuse = [&](ReasonCode reason, const char* what) {
    if (why != nullptr) *why = reason;
    return Error{Reason::InvalidArgument, std::string("attribute list: ") + what, {}};
  };
  if (list.empty() || list.size() % kPairSize != 0 || list.size() > kMaxPairs * kPairSize) {
    return refuse(kAttributeListFault, "not a list of 1 to 16 pairs");
  }
  Reader r(list);
  std::uint32_t seen = 0;
  while (!r.at_end()) {
    const std::uint32_t index = r.u32();
    const std::uint32_t value = r.u32();
    if (index == 0 || index > kLastIndex) return refuse(kAttributeUnknown, "unknown index");
    if ((seen & 1u << index) != 0) return refuse(kAttributeTwice, "an index twice");
    seen |= 1u << index;
    switch (index) {
      case 1:
        base.signature_threshold = value;
        break;
      case 2:
        base.revocation_threshold = value;
        break;
      case 3:
        base.permissions = value;
        break;
      case 4:
        base.operational_mode = value;
        break;
      case 5:
        base.compliance = value;
        break;
      default:
        break;
    }
  }
  return base;
}

}  // namespace keyhaven::tke
