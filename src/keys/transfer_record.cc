// The encoding of the record of a key in transfer; docs/protocols/transfer-record.md gives every
// byte.
#include "keys/transfer_record.h"

#include <algorithm>
#include <utility>

#include "base/wire.h"

namespace keyhaven::keys {
namespace {

constexpr std::uint8_t kMagic[] = {'T', 'R'};
constexpr std::uint8_t kFormat = 1;

Error malformed() {
  return {Reason::InvalidField,
          "the record of the key is none that this release reads: it was damaged, or written by a "
          "newer release; transfer the key again with both servers of the same release",
          "record"};
}

// What a record leaves out; it was so before, so it is the only encoding.
bool is_bare(const KeyRecord& key) {
  return key.revision == 0 &&
         std::all_of(key.versions.begin(), key.versions.end(),
                     [](const KeyVersion& version) { return version.blob.bytes.empty(); });
}

Result<KeyRecord> read_key(Reader& in) {
  const ByteView bytes = in.bytes32(unit::kMaxTransferRecordBytes);
  auto key = decode_key_record(bytes);
  // Older formats of a key record decode too, but are never written.
  if (!key || !is_bare(*key) || !std::ranges::equal(encode(*key), bytes)) return malformed();
  return key;
}

}  // namespace

Bytes encode(const TransferRecord& record) {
  KH_ASSERT(record.registrations.size() <= UINT16_MAX);
  KeyRecord key = record.key;
  key.revision = 0;
  for (KeyVersion& version : key.versions) version.blob.bytes.clear();
  Bytes bytes;
  Writer out(bytes);
  out.raw(kMagic);
  out.u8(kFormat);
  out.bytes32(encode(key));
  out.u16(static_cast<std::uint16_t>(record.registrations.size()));
  for (const Registration& registration : record.registrations) out.bytes32(encode(registration));
  return bytes;
}

Result<TransferRecord> decode_transfer_record(ByteView bytes) {
  if (bytes.size() > unit::kMaxTransferRecordBytes) return malformed();
  Reader in(bytes);
  if (!std::ranges::equal(in.raw(sizeof kMagic), kMagic) || in.u8() != kFormat) return malformed();
  TransferRecord out;
  out.key = KH_TRY(read_key(in));
  const std::size_t count = in.u16();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    auto registration = decode_registration(in.bytes32(unit::kMaxTransferRecordBytes));
    if (!registration || registration->instance != out.key.instance ||
        registration->key != out.key.id) {
      return malformed();
    }
    out.registrations.push_back(std::move(registration).value());
  }
  if (!in.at_end()) return malformed();
  return out;
}

}  // namespace keyhaven::keys
