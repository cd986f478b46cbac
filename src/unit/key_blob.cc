#include "unit/key_blob.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/hash.h"

namespace keyhaven::unit {

namespace {
constexpr std::string_view kMagic = "KB";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kAlgorithmAt = 3;
constexpr std::size_t kPatternAt = 8;

bool is_algorithm(std::uint8_t value) noexcept {
  return value == static_cast<std::uint8_t>(BlobAlgorithm::Hkdf) ||
         value == static_cast<std::uint8_t>(BlobAlgorithm::Cmac);
}
}  // namespace

BlobHeader make_blob_header(BlobPurpose purpose, const BlobSeal& seal, const KeyBinding& binding) {
  Bytes bytes;
  bytes.reserve(kBlobHeaderSize);
  Writer w(bytes);
  w.raw(as_bytes(kMagic));
  w.u8(kFormat);
  w.u8(static_cast<std::uint8_t>(seal.algorithm));
  w.u8(static_cast<std::uint8_t>(purpose));
  w.u8(0);
  w.u16(0);
  w.raw(seal.pattern);
  w.uuid(binding.instance.uuid);
  w.uuid(binding.key.uuid);
  w.uuid(binding.version.uuid);
  BlobHeader out{};
  KH_ASSERT(bytes.size() == out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::optional<BlobPattern> master_key_of(const KeyBlob& blob) noexcept {
  const ByteView bytes(blob.bytes);
  if (bytes.size() < kBlobOverhead || as_text(bytes.first(2)) != "KB") return std::nullopt;
  BlobPattern out;
  std::copy_n(bytes.begin() + 8, out.size(), out.begin());
  return out;
}

std::optional<BlobName> read_blob_header(ByteView blob) noexcept {
  if (blob.size() <= kBlobOverhead || blob.size() > kMaxBlobBytes) return std::nullopt;
  Reader r(blob);
  const bool ours =
      as_text(r.raw(kMagic.size())) == kMagic && r.u8() == kFormat && is_algorithm(r.u8());
  BlobName out;
  out.purpose = BlobPurpose{r.u8()};
  const bool known = out.purpose >= BlobPurpose::RootKey && out.purpose <= BlobPurpose::ImportToken;
  const bool zero = r.u8() == 0 && r.u16() == 0;
  r.raw(BlobPattern{}.size());
  out.binding.instance.uuid = r.uuid();
  out.binding.key.uuid = r.uuid();
  out.binding.version.uuid = r.uuid();
  if (!ours || !known || !zero || !r.ok()) return std::nullopt;
  return out;
}

Result<BlobSeal> check_blob_header(ByteView blob, BlobPurpose purpose, const KeyBinding& binding) {
  const Error refused{Reason::DecryptFailed, "the key blob does not open for this key", {}};
  if (blob.size() <= kBlobOverhead || blob.size() > kMaxBlobBytes) return refused;
  BlobSeal seal;
  std::copy_n(blob.begin() + kPatternAt, seal.pattern.size(), seal.pattern.begin());
  if (!is_algorithm(blob[kAlgorithmAt])) return refused;
  seal.algorithm = static_cast<BlobAlgorithm>(blob[kAlgorithmAt]);
  const BlobHeader expected = make_blob_header(purpose, seal, binding);
  if (!std::equal(expected.begin(), expected.end(), blob.begin())) return refused;
  return seal;
}

SecretBytes derive_blob_key(const SecretBytes& master_key) {
  return crypto::hkdf_sha256(master_key, {}, "keyhaven key blob v1", 32);
}

}  // namespace keyhaven::unit
