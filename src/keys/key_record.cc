// The canonical encoding of a key record; docs/protocols/key-record.md gives every byte.
#include "keys/key_record.h"

#include "base/wire.h"

namespace keyhaven::keys {
namespace {

constexpr std::uint8_t kMagic[] = {'K', 'R'};
constexpr std::uint8_t kFormat = 1;
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

bool read_header(Reader& in, KeyRecord& record) {
  const ByteView magic = in.raw(2);
  if (magic.size() != 2 || magic[0] != kMagic[0] || magic[1] != kMagic[1]) return false;
  if (in.u8() != kFormat) return false;
  const std::uint8_t kind = in.u8();
  const std::uint8_t state = in.u8();
  const std::uint8_t flags = in.u8();
  if (kind != 1 && kind != 2) return false;
  if (state > 5 || state == 4) return false;
  if ((flags & ~kImported) != 0) return false;
  record.kind = kind == 1 ? KeyKind::RootKey : KeyKind::StandardKey;
  record.state = static_cast<KeyState>(state);
  record.imported = (flags & kImported) != 0;
  return in.ok();
}

}  // namespace

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
  return bytes;
}

Result<KeyRecord> decode_key_record(ByteView bytes) {
  const Error damaged{Reason::Internal, "a stored key record is damaged", ""};
  Reader in(bytes);
  KeyRecord record;
  if (!read_header(in, record)) return damaged;
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
  if (!in.at_end()) return damaged;
  return record;
}

}  // namespace keyhaven::keys
