#include "unit/root_key.h"

#include <algorithm>

#include "crypto/hash.h"
#include "unit/wrapped_dek.h"

namespace keyhaven::unit {

namespace {

// The AAD of the AEAD: clear header, then the encoded list.
Result<Bytes> bound_data(const Commitment& commitment, const AadList& aad) {
  Bytes out = {'K', 'W', 1, 1};
  const Bytes list = KH_TRY(encode_aad(aad));
  out.reserve(kWrappedDekHeaderSize + list.size());
  append(out, commitment);
  append(out, list);
  return out;
}

}  // namespace

bool is_root_key_size(std::size_t size) noexcept { return size == 16 || size == 24 || size == 32; }

Commitment commitment_of_material(const SecretBytes& material) {
  const SecretBytes derived =
      crypto::hkdf_sha256(material, {}, "keyhaven wrapped dek v1 commitment", kCommitmentSize);
  Commitment out{};
  std::copy_n(derived.expose().begin(), out.size(), out.begin());
  return out;
}

SecretBytes derive_wrapping_key(const SecretBytes& material) {
  return crypto::hkdf_sha256(material, {}, "keyhaven wrapped dek v1 key", crypto::kXaesKeySize);
}

RootKey::RootKey(const SecretBytes& material, crypto::XaesContexts& contexts)
    : commitment_(commitment_of_material(material)), key_(derive_wrapping_key(material), contexts) {
  KH_ASSERT(is_root_key_size(material.size()));
}

Result<Bytes> RootKey::wrap(std::span<const std::uint8_t> dek, const AadList& aad) {
  if (dek.empty() || dek.size() > kMaxDekBytes) {
    return Error{Reason::InvalidField, "a data encryption key has 1 to 7500 bytes", "plaintext"};
  }
  const Bytes bound = KH_TRY(bound_data(commitment_, aad));
  Bytes out(kWrappedDekOverhead + dek.size());
  std::copy_n(bound.begin(), kWrappedDekHeaderSize, out.begin());
  key_.seal_into(dek, bound, std::span(out).subspan(kWrappedDekHeaderSize));
  return out;
}

Result<SecretBytes> RootKey::unwrap(ByteView wrapped_dek, const AadList& aad) {
  const Commitment carried = KH_TRY(commitment_of(wrapped_dek));
  const Bytes bound = KH_TRY(bound_data(commitment_, aad));
  if (crypto::equal_constant_time(carried, commitment_)) {
    auto dek = key_.open(wrapped_dek.subspan(kWrappedDekHeaderSize), bound);
    if (dek) return dek;
  }
  return Error{Reason::CiphertextInvalid,
               "the ciphertext does not open with this key and additional authenticated data",
               "ciphertext"};
}

}  // namespace keyhaven::unit
