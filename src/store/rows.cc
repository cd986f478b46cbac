#include "store/rows.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/hash.h"

namespace keyhaven::store {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kIdentityFormat = 2;
constexpr std::uint8_t kLinkedIdentityFormat = 3;
constexpr std::size_t kMaxText = 1 << 20;

void write_optional_id(Writer& out, const Uuid* uuid) {
  out.u8(uuid == nullptr ? 0 : 1);
  if (uuid != nullptr) out.uuid(*uuid);
}

template <class IdType>
std::optional<IdType> read_optional_id(Reader& in) {
  const std::uint8_t present = in.u8();
  if (present > 1) in.fail();
  if (present != 1) return std::nullopt;
  return IdType{in.uuid()};
}

std::string read_text(Reader& in) { return std::string(in.text32(kMaxText)); }

void expect_format(Reader& in) {
  if (in.u8() != kFormat) in.fail();
}

template <class T>
Result<T> finish(const Reader& in, T value) {
  if (!in.at_end())
    return Error{Reason::Internal, "the record is damaged or of an unknown format", {}};
  return value;
}

}  // namespace

Checksum checksum_of(std::string_view table, ByteView record) {
  const std::uint8_t zero[] = {0};
  const Digest digest = crypto::sha256({as_bytes(table), ByteView(zero), record});
  Checksum checksum;
  std::copy_n(digest.begin(), checksum.size(), checksum.begin());
  return checksum;
}

StoredRow make_row(std::string_view table, Bytes record) {
  const Checksum checksum = checksum_of(table, record);
  return {std::move(record), checksum};
}

Checksum setting_checksum(std::string_view name, std::string_view value) {
  return checksum_of("settings", as_bytes(std::string(name) + '\0' + std::string(value)));
}

Bytes encode(const keys::KeyRing& ring) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(kFormat);
  out.uuid(ring.instance.uuid);
  out.text32(ring.id);
  out.i64(ring.created.us);
  out.text32(ring.created_by);
  return bytes;
}

Result<keys::KeyRing> decode_ring(ByteView record) {
  Reader in(record);
  keys::KeyRing ring;
  expect_format(in);
  ring.instance = {in.uuid()};
  ring.id = read_text(in);
  ring.created = {in.i64()};
  ring.created_by = read_text(in);
  return finish(in, std::move(ring));
}

Bytes encode(const iam::Identity& identity) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(identity.oidc ? kLinkedIdentityFormat : kIdentityFormat);
  out.text32(identity.iam_id);
  out.u8(identity.kind == iam::IdentityKind::User ? 1 : 2);
  out.text32(identity.name);
  out.text32(identity.description);
  out.i64(identity.created.us);
  out.text32(identity.service_crn);
  if (identity.oidc) {
    out.text32(identity.oidc->id);
    out.text32(identity.oidc->issuer);
    out.text32(identity.oidc->subject);
  }
  return bytes;
}

Result<iam::Identity> decode_identity(ByteView record) {
  Reader in(record);
  iam::Identity identity;
  const std::uint8_t format = in.u8();
  if (format < kFormat || format > kLinkedIdentityFormat) in.fail();
  identity.iam_id = read_text(in);
  const std::uint8_t kind = in.u8();
  if (kind != 1 && kind != 2) in.fail();
  identity.kind = kind == 1 ? iam::IdentityKind::User : iam::IdentityKind::ServiceId;
  identity.name = read_text(in);
  identity.description = read_text(in);
  identity.created = {in.i64()};
  if (format >= kIdentityFormat) identity.service_crn = read_text(in);
  if (format == kLinkedIdentityFormat)
    identity.oidc = iam::OidcLink{read_text(in), read_text(in), read_text(in)};
  return finish(in, std::move(identity));
}

Bytes encode(const iam::ApiKey& key) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(kFormat);
  out.text32(key.id);
  out.text32(key.iam_id);
  out.text32(key.name);
  out.raw(key.secret_hash);
  out.i64(key.created.us);
  out.u8(key.locked ? 1 : 0);
  return bytes;
}

Result<iam::ApiKey> decode_api_key(ByteView record) {
  Reader in(record);
  iam::ApiKey key;
  expect_format(in);
  key.id = read_text(in);
  key.iam_id = read_text(in);
  key.name = read_text(in);
  const ByteView hash = in.raw(key.secret_hash.size());
  if (in.ok()) std::copy(hash.begin(), hash.end(), key.secret_hash.begin());
  key.created = {in.i64()};
  key.locked = in.flag();
  return finish(in, std::move(key));
}

Bytes encode(const iam::Grant& grant) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(kFormat);
  out.text32(grant.id);
  out.text32(grant.iam_id);
  out.u16(grant.roles);
  write_optional_id(out, grant.instance ? &grant.instance->uuid : nullptr);
  out.text32(grant.key_ring);
  write_optional_id(out, grant.key ? &grant.key->uuid : nullptr);
  return bytes;
}

Result<iam::Grant> decode_grant(ByteView record) {
  Reader in(record);
  iam::Grant grant;
  expect_format(in);
  grant.id = read_text(in);
  grant.iam_id = read_text(in);
  grant.roles = in.u16();
  grant.instance = read_optional_id<InstanceId>(in);
  grant.key_ring = read_text(in);
  grant.key = read_optional_id<KeyId>(in);
  return finish(in, std::move(grant));
}

Error damaged_row(std::string_view kind, std::string_view id, std::string_view what) {
  return {Reason::Internal,
          std::string(kind) + " " + std::string(id) + ": the stored row is damaged (" +
              std::string(what) + "); restore a backup",
          {}};
}

}  // namespace keyhaven::store
