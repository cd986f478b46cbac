// The canonical encoding of a key record; docs/protocols/key-record.md gives every byte.
#include "keys/key_record.h"

#include "base/wire.h"

namespace keyhaven::keys {
namespace {

constexpr std::uint8_t kMagic[] = {'K', 'R'};
constexpr std::uint8_t kFormat = 2;
constexpr std::uint8_t kFormatWithoutPolicies = 1;
constexpr std::uint8_t kImported = 0x01;
constexpr std::size_t kTextLimit = 4096;
constexpr std::size_t kListLimit = 1000;
constexpr std::size_t kBlobLimit = 64 * 1024;
constexpr std::size_t kVersionLimit = 1'000'000;

void write_list(Writer& out, const std::vector<std::string>& texts) {
  KH_ASSERT(texts.size() <= kListLimit);
  out.u16(static_cast<std::uint16_t>(texts.size()));
  for (const std::string& text : texts) out.text32(text);
}

std::vector<std::string> read_list(Reader& in) {
  const std::size_t count = in.u16();
  if (count > kListLimit) in.fail();
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count && in.ok(); ++i) out.emplace_back(in.text32(kTextLimit));
  return out;
}

void write_version(Writer& out, const KeyVersion& version) {
  out.uuid(version.id.uuid);
  out.i64(version.created.us);
  out.u16(version.bits);
  out.raw(version.commitment);
  out.bytes32(version.blob.bytes);
}

KeyVersion read_version(Reader& in) {
  KeyVersion out;
  out.id = VersionId{in.uuid()};
  out.created = {in.i64()};
  out.bits = in.u16();
  const ByteView commitment = in.raw(out.commitment.size());
  if (in.ok()) std::copy(commitment.begin(), commitment.end(), out.commitment.begin());
  out.blob.bytes = to_bytes(in.bytes32(kBlobLimit));
  return out;
}

void read_versions(Reader& in, KeyRecord& record) {
  const std::size_t count = in.u32();
  const bool possible =
      record.kind == KeyKind::StandardKey ? count == 1 : count >= 1 && count <= kVersionLimit;
  if (!possible) in.fail();
  for (std::size_t i = 0; i < count && in.ok(); ++i) record.versions.push_back(read_version(in));
}

// --- Policies: one byte that says which parts follow, then the parts ---

constexpr std::uint8_t kHasRotation = 0x01;
constexpr std::uint8_t kHasDualAuth = 0x02;
constexpr std::uint8_t kHasAuthorization = 0x04;
constexpr std::uint8_t kHasMigrationIntent = 0x08;
constexpr std::uint8_t kHasSync = 0x10;
constexpr std::uint8_t kKnownParts = 0x1f;

void write_stamp(Writer& out, const PolicyStamp& stamp) {
  out.uuid(stamp.id);
  out.text32(stamp.created_by);
  out.i64(stamp.created.us);
  out.text32(stamp.updated_by);
  out.i64(stamp.updated.us);
}

PolicyStamp read_stamp(Reader& in) {
  PolicyStamp stamp;
  stamp.id = in.uuid();
  stamp.created_by = in.text32(kTextLimit);
  stamp.created.us = in.i64();
  stamp.updated_by = in.text32(kTextLimit);
  stamp.updated.us = in.i64();
  return stamp;
}

void write_policies(Writer& out, const KeyPolicies& policies) {
  std::uint8_t parts = 0;
  if (policies.rotation) parts |= kHasRotation;
  if (policies.dual_auth) parts |= kHasDualAuth;
  if (policies.authorization) parts |= kHasAuthorization;
  if (policies.migration_intent) parts |= kHasMigrationIntent;
  if (policies.synced.is_set()) parts |= kHasSync;
  out.u8(parts);
  if (policies.rotation) {
    write_stamp(out, policies.rotation->stamp);
    out.u8(policies.rotation->enabled ? 1 : 0);
    out.u8(policies.rotation->interval_months);
  }
  if (policies.dual_auth) {
    write_stamp(out, policies.dual_auth->stamp);
    out.u8(policies.dual_auth->enabled ? 1 : 0);
  }
  if (policies.authorization) {
    out.text32(policies.authorization->by);
    out.i64(policies.authorization->given.us);
    out.i64(policies.authorization->lapses.us);
  }
  if (policies.migration_intent) {
    out.uuid(policies.migration_intent->id);
    out.text32(policies.migration_intent->target_key_crn);
    out.text32(policies.migration_intent->created_by);
    out.i64(policies.migration_intent->created.us);
  }
  if (policies.synced.is_set()) out.i64(policies.synced.us);
}

RotationPolicy read_rotation(Reader& in) {
  RotationPolicy policy;
  policy.stamp = read_stamp(in);
  policy.enabled = in.flag();
  policy.interval_months = in.u8();
  if (policy.interval_months < 1 || policy.interval_months > 12) in.fail();
  return policy;
}

DeletionAuthorization read_authorization(Reader& in) {
  DeletionAuthorization authorization;
  authorization.by = in.text32(kTextLimit);
  authorization.given.us = in.i64();
  authorization.lapses.us = in.i64();
  return authorization;
}

MigrationIntent read_migration_intent(Reader& in) {
  MigrationIntent intent;
  intent.id = in.uuid();
  intent.target_key_crn = in.text32(kTextLimit);
  intent.created_by = in.text32(kTextLimit);
  intent.created.us = in.i64();
  return intent;
}

KeyPolicies read_policies(Reader& in) {
  KeyPolicies policies;
  const std::uint8_t parts = in.u8();
  if ((parts & ~kKnownParts) != 0) in.fail();
  if ((parts & kHasRotation) != 0) policies.rotation = read_rotation(in);
  if ((parts & kHasDualAuth) != 0) {
    policies.dual_auth.emplace();
    policies.dual_auth->stamp = read_stamp(in);
    policies.dual_auth->enabled = in.flag();
  }
  if ((parts & kHasAuthorization) != 0) policies.authorization = read_authorization(in);
  if ((parts & kHasMigrationIntent) != 0) policies.migration_intent = read_migration_intent(in);
  if ((parts & kHasSync) != 0) {
    policies.synced.us = in.i64();
    if (!policies.synced.is_set()) in.fail();
  }
  return policies;
}

// Returns the format; nothing for a header that is not ours.
std::optional<std::uint8_t> read_header(Reader& in, KeyRecord& record) {
  const ByteView magic = in.raw(2);
  if (magic.size() != 2 || magic[0] != kMagic[0] || magic[1] != kMagic[1]) return std::nullopt;
  const std::uint8_t format = in.u8();
  if (format != kFormat && format != kFormatWithoutPolicies) return std::nullopt;
  const std::uint8_t kind = in.u8();
  const std::uint8_t state = in.u8();
  const std::uint8_t flags = in.u8();
  if (kind != 1 && kind != 2) return std::nullopt;
  if (state > 5 || state == 4) return std::nullopt;
  if ((flags & ~kImported) != 0) return std::nullopt;
  record.kind = kind == 1 ? KeyKind::RootKey : KeyKind::StandardKey;
  record.state = static_cast<KeyState>(state);
  record.imported = (flags & kImported) != 0;
  return in.ok() ? std::optional(format) : std::nullopt;
}

}  // namespace

const KeyPolicies& KeyRecord::policies() const noexcept {
  static const KeyPolicies kNone;
  return policies_or_null ? *policies_or_null : kNone;
}

void KeyRecord::set_policies(KeyPolicies policies) {
  policies_or_null = policies == KeyPolicies()
                         ? nullptr
                         : std::make_shared<const KeyPolicies>(std::move(policies));
}

const KeyVersion* KeyRecord::find(const unit::Commitment& commitment) const noexcept {
  // Newest first: when the same material was imported twice, the ciphertext counts as one of the
  // newest version.
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->commitment == commitment) return &*version;
  }
  return nullptr;
}

Bytes encode(const KeyRecord& record) {
  KH_ASSERT(!record.versions.empty() && record.versions.size() <= kVersionLimit);
  Bytes bytes;
  bytes.reserve(256 + record.name.size() + record.versions.size() * 256);
  Writer out(bytes);
  out.raw(kMagic);
  out.u8(kFormat);
  out.u8(record.kind == KeyKind::RootKey ? 1 : 2);
  out.u8(static_cast<std::uint8_t>(record.state));
  out.u8(record.imported ? kImported : 0);
  out.uuid(record.instance.uuid);
  out.uuid(record.id.uuid);
  out.u64(record.revision);
  for (const Timestamp time : {record.created, record.updated, record.rotated, record.expires,
                               record.state_changed, record.deleted}) {
    out.i64(time.us);
  }
  for (const std::string* text : {&record.name, &record.description, &record.key_ring,
                                  &record.created_by, &record.updated_by, &record.deleted_by}) {
    out.text32(*text);
  }
  write_list(out, record.tags);
  write_list(out, record.aliases);
  out.u32(static_cast<std::uint32_t>(record.versions.size()));
  for (const KeyVersion& version : record.versions) write_version(out, version);
  write_policies(out, record.policies());
  return bytes;
}

Result<KeyRecord> decode_key_record(ByteView bytes) {
  const Error damaged{Reason::Internal, "a stored key record is damaged", ""};
  Reader in(bytes);
  KeyRecord record;
  const auto format = read_header(in, record);
  if (!format) return damaged;
  record.instance = InstanceId{in.uuid()};
  record.id = KeyId{in.uuid()};
  record.revision = in.u64();
  for (Timestamp* time : {&record.created, &record.updated, &record.rotated, &record.expires,
                          &record.state_changed, &record.deleted}) {
    time->us = in.i64();
  }
  for (std::string* text : {&record.name, &record.description, &record.key_ring, &record.created_by,
                            &record.updated_by, &record.deleted_by}) {
    *text = in.text32(kTextLimit);
  }
  record.tags = read_list(in);
  record.aliases = read_list(in);
  read_versions(in, record);
  if (*format != kFormatWithoutPolicies) record.set_policies(read_policies(in));
  if (!in.at_end()) return damaged;
  return record;
}

}  // namespace keyhaven::keys
