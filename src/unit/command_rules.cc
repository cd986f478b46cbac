#include "unit/command_rules.h"

#include <algorithm>

#include "base/wire.h"

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

// Whether the permissions may change from `now` to `wanted` (spec 3.6).
Status check_permissions(std::uint32_t now, std::uint32_t wanted) {
  std::uint32_t may_change =
      permission::kSignatureThresholdMayChange | permission::kRevocationThresholdMayChange;
  for (std::uint32_t bit : kGuardedPermissions) may_change |= tke::may_change_bit(bit);
  if ((wanted & ~now & may_change) != 0) return inconsistent(tke::kMayChangeCannotBeSet);
  for (std::uint32_t bit : kGuardedPermissions) {
    if (((now ^ wanted) & bit) != 0 && (now & tke::may_change_bit(bit)) == 0) {
      return inconsistent(tke::kPermissionMayNotChange);
    }
  }
  // Only recovery units may ever export or make random keys; this implementation has operational
  // units.
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

// A part may not be signed by an administrator who signed another one, unless the unit allows a key
// in a single part: then one person may know the whole key anyway.
bool signers_differ(const std::vector<VerifiedKeyPart>& parts) {
  std::vector<tke::Ski> all;
  for (const VerifiedKeyPart& part : parts) {
    all.insert(all.end(), part.signers.begin(), part.signers.end());
  }
  std::sort(all.begin(), all.end());
  return std::adjacent_find(all.begin(), all.end()) == all.end();
}

Status open_parts(const DomainState& domain, const std::vector<VerifiedKeyPart>& parts,
                  std::vector<SecretBytes>& out) {
  for (const VerifiedKeyPart& part : parts) {
    auto opened = tke::open_key_part(part.recipient_info, *domain.importer);
    if (!opened) {
      return {tke::kInvalidData, opened.error().reason == Reason::DecryptFailed
                                     ? tke::kRecipientInfoDoesNotOpen
                                     : tke::kRecipientInfoFault};
    }
    for (const SecretBytes& other : out) {
      if (other == *opened) return inconsistent(tke::kEqualKeyParts);
    }
    out.push_back(std::move(opened).value());
  }
  return kSuccess;
}

bool matches(ByteView given, const Register& key) {
  tke::VerificationPattern pattern{};
  if (given.size() != pattern.size()) return false;
  std::copy(given.begin(), given.end(), pattern.begin());
  return tke::same_pattern(pattern, key.pattern());
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
  const auto found = std::find_if(
      domain.administrators.begin(), domain.administrators.end(), [&](const auto& each) {
        return std::equal(each.ski.begin(), each.ski.end(), ski.begin(), ski.end());
      });
  if (found == domain.administrators.end()) return {tke::kInvalidData, tke::kAdministratorNotFound};
  const std::size_t left = domain.administrators.size() - 1;
  if (left < domain.attributes.signature_threshold ||
      left < domain.attributes.revocation_threshold) {
    return inconsistent(tke::kRemovalBelowThreshold);
  }
  domain.administrators.erase(found);
  return kSuccess;
}

Status set_attributes(DomainState& domain, const DomainAttributes& wanted) {
  const DomainAttributes& now = domain.attributes;
  if (wanted.operational_mode != now.operational_mode || wanted.compliance != now.compliance) {
    return {tke::kInvalidData, tke::kAttributeListFault};
  }
  if (const Status status = check_permissions(now.permissions, wanted.permissions); !status.ok()) {
    return status;
  }
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

Status generate_importer(DomainState& domain, ByteView type, Bytes& output) {
  if (type.size() != 4) return {tke::kMissingInput, tke::kNoReason};
  Reader r(type);
  const std::uint32_t kind = r.u32();
  if (kind == tke::kImporterRsa2048) return {tke::kNotSupported, tke::kNoReason};
  if (kind != tke::kImporterP521) return {tke::kInvalidData, tke::kImporterTypeUnknown};
  domain.importer = crypto::P521PrivateKey::generate();
  output = domain.importer->public_key().spki();
  return kSuccess;
}

Status import_key_parts(DomainState& domain, const std::vector<VerifiedKeyPart>& parts) {
  const bool single_allowed = (domain.attributes.permissions & permission::kSinglePart) != 0;
  if ((domain.attributes.permissions & permission::kImport) == 0) {
    return {tke::kNotAllowed, tke::kImportProhibited};
  }
  if (domain.pending.full()) return inconsistent(tke::kRegisterFull);
  if (parts.size() == 1 && !single_allowed) return {tke::kNotAllowed, tke::kSinglePartProhibited};
  if (!single_allowed && !signers_differ(parts)) {
    return {tke::kNotEnoughSignatures, tke::kTooFewSignatures};
  }
  if (!domain.importer) return {tke::kBadArguments, tke::kNoImporterKey};

  std::vector<SecretBytes> opened;
  if (const Status status = open_parts(domain, parts, opened); !status.ok()) return status;
  std::vector<const SecretBytes*> pointers;
  for (const SecretBytes& part : opened) pointers.push_back(&part);
  auto key = tke::combine_key_parts(pointers);
  if (!key) return {tke::kBadArguments, tke::kNoKeyParts};
  if (domain.current.full() && domain.current.key == *key) return inconsistent(tke::kSameAsCurrent);
  domain.pending = Register{std::move(key).value(), false};
  domain.importer.reset();  // used once: a recorded import cannot be opened later
  return kSuccess;
}

Status commit_pending(DomainState& domain, ByteView pattern) {
  if (!domain.pending.full()) return {tke::kNotInitialised, tke::kNoPendingKey};
  if (!matches(pattern, domain.pending)) return {tke::kPatternMismatch, tke::kPatternDiffers};
  domain.pending.committed = true;
  return kSuccess;
}

Status finalize_pending(DomainState& domain, ByteView pattern) {
  if (!domain.pending.full()) return {tke::kNotInitialised, tke::kNoPendingKey};
  if (!domain.pending.committed) return inconsistent(tke::kPendingNotCommitted);
  if (!matches(pattern, domain.pending)) return {tke::kPatternMismatch, tke::kPatternDiffers};
  domain.current = std::move(domain.pending);
  domain.pending = Register{};
  return kSuccess;
}

Status change_control_points(DomainState& domain, std::uint32_t command, ByteView mask) {
  if (mask.size() != domain.control_points.size()) return {tke::kMissingInput, tke::kNoReason};
  for (std::size_t i = 0; i < mask.size(); ++i) {
    std::uint8_t& points = domain.control_points[i];
    const unsigned value = command == tke::kSetControlPoints      ? mask[i]
                           : command == tke::kEnableControlPoints ? points | unsigned{mask[i]}
                                                                  : points & ~unsigned{mask[i]};
    points = static_cast<std::uint8_t>(value);
  }
  return kSuccess;
}

}  // namespace keyhaven::unit
