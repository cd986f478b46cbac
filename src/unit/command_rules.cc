#include "unit/command_rules.h"

#include <algorithm>

namespace keyhaven::unit {

namespace {

using tke::DomainAttributes;
using tke::Status;
namespace permission = tke::permission;

constexpr Status kSuccess{};

constexpr std::uint32_t kGuardedPermissions[] = {
    permission::kImport,         permission::kExport,         permission::kSinglePart,
    permission::kRandomKey,      permission::kThresholdOfOne, permission::kControlPointsWithOne,
    permission::kZeroizeWithOne, permission::kDoNotDisturb};

Status inconsistent(std::uint32_t reason) { return {tke::kInconsistent, reason}; }

// Whether the permissions of a unit may change from `now` to `wanted` (spec 3.6).
Status check_permissions(UnitType type, std::uint32_t now, std::uint32_t wanted) {
  std::uint32_t may_change =
      permission::kSignatureThresholdMayChange | permission::kRevocationThresholdMayChange;
  for (std::uint32_t bit : kGuardedPermissions) may_change |= tke::may_change_bit(bit);
  if ((wanted & ~now & may_change) != 0) return inconsistent(tke::kMayChangeCannotBeSet);
  for (std::uint32_t bit : kGuardedPermissions) {
    if (((now ^ wanted) & bit) != 0 && (now & tke::may_change_bit(bit)) == 0) {
      return inconsistent(tke::kPermissionMayNotChange);
    }
  }
  // Whatever a client asks for: only recovery units ever export or make random keys.
  if (type == UnitType::Recovery) return kSuccess;
  if ((wanted & permission::kExport) != 0) return {tke::kNotAllowed, tke::kExportProhibited};
  if ((wanted & permission::kRandomKey) != 0) return {tke::kNotAllowed, tke::kRandomKeyProhibited};
  return kSuccess;
}

struct ThresholdReasons {
  std::uint32_t to_zero;
  std::uint32_t to_one;
  std::uint32_t too_high;
  std::uint32_t may_change;
};

Status check_threshold(std::uint32_t now, std::uint32_t wanted, std::size_t administrators,
                       const DomainAttributes& before, std::uint32_t permissions,
                       const ThresholdReasons& reasons) {
  if (wanted == 0) return inconsistent(reasons.to_zero);
  if (wanted > administrators) return inconsistent(reasons.too_high);
  const bool changed = wanted != now;
  if (changed && !before.imprint() && (before.permissions & reasons.may_change) == 0) {
    return inconsistent(tke::kThresholdMayNotChange);
  }
  if (wanted == 1 && (permissions & permission::kThresholdOfOne) == 0) {
    return inconsistent(changed ? reasons.to_one : tke::kThresholdOfOneInUse);
  }
  return kSuccess;
}

std::vector<tke::AdministratorCertificate>::iterator find(DomainState& domain, ByteView ski) {
  return std::find_if(domain.administrators.begin(), domain.administrators.end(),
                      [&](const tke::AdministratorCertificate& each) {
                        return std::equal(each.ski.begin(), each.ski.end(), ski.begin(), ski.end());
                      });
}

}  // namespace

Status add_administrator(DomainState& domain, ByteView certificate) {
  auto parsed = tke::parse_administrator_certificate(certificate);
  if (!parsed) return {tke::kInvalidData, tke::kBadCertificate};
  if (domain.administrator(parsed->ski) != nullptr)
    return {tke::kAdministratorExists, tke::kKeyExists};
  if (domain.administrators.size() >= tke::kMaxAdministrators) {
    return {tke::kAdministratorListFull, tke::kListFull};
  }
  domain.administrators.push_back(std::move(parsed).value());
  return kSuccess;
}

Status remove_administrator(DomainState& domain, ByteView ski) {
  const auto found = find(domain, ski);
  if (found == domain.administrators.end()) return {tke::kInvalidData, tke::kAdministratorNotFound};
  const std::size_t left = domain.administrators.size() - 1;
  if (left < domain.attributes.signature_threshold ||
      left < domain.attributes.revocation_threshold) {
    return inconsistent(tke::kRemovalBelowThreshold);
  }
  domain.administrators.erase(found);
  return kSuccess;
}

Status replace_administrator(DomainState& domain, ByteView input) {
  constexpr std::size_t kSkiSize = tke::Ski{}.size();
  if (input.size() <= kSkiSize) return {tke::kMissingInput, tke::kNoReason};
  const auto old = find(domain, input.first(kSkiSize));
  if (old == domain.administrators.end()) return {tke::kInvalidData, tke::kAdministratorNotFound};
  auto parsed = tke::parse_administrator_certificate(input.subspan(kSkiSize));
  if (!parsed) return {tke::kInvalidData, tke::kBadCertificate};
  // The same key may come back, under another name.
  if (parsed->ski != old->ski && domain.administrator(parsed->ski) != nullptr) {
    return {tke::kAdministratorExists, tke::kKeyExists};
  }
  *old = std::move(parsed).value();
  return kSuccess;
}

Status set_attributes(DomainState& domain, const DomainAttributes& wanted) {
  const DomainAttributes& now = domain.attributes;
  if (wanted.operational_mode != now.operational_mode || wanted.compliance != now.compliance) {
    return {tke::kInvalidData, tke::kAttributeListFault};
  }
  const Status permissions = check_permissions(domain.type, now.permissions, wanted.permissions);
  if (!permissions.ok()) return permissions;
  const std::uint32_t revocation_to_zero =
      now.imprint() ? tke::kRevocationThresholdZero : tke::kRevocationThresholdToZero;
  const Status signature =
      check_threshold(now.signature_threshold, wanted.signature_threshold,
                      domain.administrators.size(), now, wanted.permissions,
                      {tke::kSignatureThresholdToZero, tke::kSignatureThresholdToOne,
                       tke::kSignatureThresholdTooHigh, permission::kSignatureThresholdMayChange});
  if (!signature.ok()) return signature;
  const Status revocation = check_threshold(
      now.revocation_threshold, wanted.revocation_threshold, domain.administrators.size(), now,
      wanted.permissions,
      {revocation_to_zero, tke::kRevocationThresholdToOne, tke::kRevocationThresholdTooHigh,
       permission::kRevocationThresholdMayChange});
  if (!revocation.ok()) return revocation;
  domain.attributes = wanted;
  return kSuccess;
}

Status change_control_points(DomainState& domain, std::uint32_t command, ByteView mask) {
  tke::ControlPoints& points = domain.control_points;
  if (mask.size() != points.size()) return {tke::kMissingInput, tke::kNoReason};
  const tke::ControlPoints known = tke::known_control_points();
  tke::ControlPoints next = points;
  bool enables = false;
  bool disables = false;
  bool unknown = false;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const unsigned now = points[i];
    const unsigned value = command == tke::kSetControlPoints      ? mask[i]
                           : command == tke::kEnableControlPoints ? now | mask[i]
                                                                  : now & ~unsigned{mask[i]};
    next[i] = static_cast<std::uint8_t>(value);
    enables |= (value & ~now) != 0;
    disables |= (now & ~value) != 0;
    unknown |= (value & ~now & ~unsigned{known[i]}) != 0;
  }
  if (unknown || (enables && !tke::has_control_point(points, tke::kMayEnableControlPoints))) {
    return {tke::kNotAllowed, tke::kMayNotEnable};
  }
  if (disables && !tke::has_control_point(points, tke::kMayDisableControlPoints)) {
    return {tke::kNotAllowed, tke::kMayNotDisable};
  }
  points = next;
  return kSuccess;
}

}  // namespace keyhaven::unit
