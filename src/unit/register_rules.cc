#include "unit/register_rules.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/random.h"
#include "tke/key_export.h"

namespace keyhaven::unit {

namespace {

using tke::Status;
namespace permission = tke::permission;

constexpr Status kSuccess{};

Status inconsistent(std::uint32_t reason) { return {tke::kInconsistent, reason}; }

bool permits(const DomainState& domain, std::uint32_t permission) {
  return (domain.attributes.permissions & permission) != 0;
}

// Whether the unit is of the kind that keeps master keys for others, and configured so.
bool may_as_recovery_unit(const DomainState& domain, std::uint32_t permission) {
  return domain.type == UnitType::Recovery && permits(domain, permission);
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
    tke::ReasonCode why = tke::kRecipientInfoFault;
    auto opened = tke::open_key_part(part.recipient_info, *domain.importer, &why);
    if (!opened) return {tke::kInvalidData, why};
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

Status generate_importer(DomainState& domain, ByteView type, Bytes& output) {
  if (type.size() != 4) return {tke::kMissingInput, tke::kNoReason};
  Reader r(type);
  const std::uint32_t kind = r.u32();
  // An RSA key that decrypts PKCS#1 v1.5 padding for whoever asks is an oracle; P-521 is not.
  if (kind == tke::kImporterRsa2048) return {tke::kNotSupported, tke::kNoReason};
  if (kind != tke::kImporterP521) return {tke::kInvalidData, tke::kImporterTypeUnknown};
  domain.importer = crypto::P521PrivateKey::generate();
  output = domain.importer->public_key().spki();
  return kSuccess;
}

Status import_key_parts(DomainState& domain, const std::vector<VerifiedKeyPart>& parts) {
  const bool single_allowed = permits(domain, permission::kSinglePart);
  if (!permits(domain, permission::kImport)) return {tke::kNotAllowed, tke::kImportProhibited};
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
  Register made{software_master_key(std::move(key).value()), false};
  if (same_key(domain.current.key, made.key)) return inconsistent(tke::kSameAsCurrent);
  domain.pending = std::move(made);
  domain.importer.reset();  // used once: a recorded import cannot be opened later
  return kSuccess;
}

Status create_random_key(DomainState& domain, Bytes& output) {
  if (!may_as_recovery_unit(domain, permission::kRandomKey)) {
    return {tke::kNotAllowed, tke::kRandomKeyProhibited};
  }
  if (domain.current.full() && domain.pending.full()) return inconsistent(tke::kRegisterFull);
  const bool into_current = !domain.current.full();  // which has nothing to commit
  Register& target = into_current ? domain.current : domain.pending;
  target = Register{software_master_key(crypto::random_secret(tke::kMasterKeySize)), into_current};
  const tke::VerificationPattern pattern = target.pattern();
  output.assign(pattern.begin(), pattern.end());
  return kSuccess;
}

Status export_key(const DomainState& domain, const Register& key, tke::ReasonCode missing,
                  ByteView request, Bytes& output) {
  if (!may_as_recovery_unit(domain, permission::kExport)) {
    return {tke::kNotAllowed, tke::kExportProhibited};
  }
  if (!permits(domain, permission::kSinglePart)) {
    return {tke::kNotAllowed, tke::kSinglePartProhibited};
  }
  Status refused;
  const auto importer = tke::parse_export_request(request, &refused);
  if (!importer) return refused;
  if (!key.full()) return {tke::kNotInitialised, missing};
  const SecretBytes* bytes = key.key->bytes();
  if (bytes == nullptr) return {tke::kNotAllowed, tke::kExportProhibited};  // it is in a token
  const auto sealed = tke::seal_key_part(*bytes, *importer);
  if (!sealed) return {tke::kInternalError, tke::kNoReason};
  output = tke::make_export_answer(*sealed);
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

Status clear(Register& key) noexcept {
  key = Register{};
  return kSuccess;
}

}  // namespace keyhaven::unit
