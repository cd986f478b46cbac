#include "unit/secure_import.h"

#include <algorithm>

#include "crypto/aes_modes.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/rsa_oaep.h"
#include "unit/root_key.h"
#include "unit/sealing_key.h"

namespace keyhaven::unit {

namespace {

constexpr std::size_t kSubstituteSize = 32;

// One answer for a payload that does not decrypt and for a nonce that does not: else whoever asks
// often enough could decrypt a payload that he intercepted.
Error not_decrypted() {
  return Error{Reason::IncorrectNonceIv,
               "the nonce does not decrypt with the key in the payload and this iv: encrypt the "
               "key with the public key of the instance's current import token, and the token's "
               "12-byte nonce with the key itself",
               "encryptedNonce"};
}

// Only what has the size of a nonce counts as decrypted: CBC proves nothing, and a wrong key would
// pass as "another nonce" now and then.
Result<SecretBytes> decrypt_nonce(const SecretBytes& key, const EncryptedMaterial& material) {
  if (material.iv.size() == crypto::kGcmIvSize)
    return crypto::aes_gcm_decrypt(key, material.iv, material.encrypted_nonce);
  auto nonce = crypto::aes_cbc_decrypt(key, material.iv, material.encrypted_nonce);
  if (nonce && nonce->size() != kImportNonceSize) return not_decrypted();
  return nonce;
}

// Refuses by sizes alone, before any secret is touched.
bool has_possible_sizes(const EncryptedMaterial& material) {
  const std::size_t iv = material.iv.size();
  return material.payload.size() <= kMaxEncryptedMaterialBytes &&
         material.encrypted_nonce.size() <= kMaxEncryptedNonceBytes &&
         (iv == crypto::kGcmIvSize || iv == crypto::kAesBlockSize);
}

crypto::OaepHash oaep_hash(OaepHash hash) {
  switch (hash) {
    case OaepHash::Sha1:
      return crypto::OaepHash::Sha1;
    case OaepHash::Sha256:
      return crypto::OaepHash::Sha256;
  }
  fatal(__FILE__, __LINE__, "no such hash");
}

}  // namespace

SecretBytes import_token_content(const ImportNonce& nonce, const SecretBytes& pkcs8) {
  SecretBytes out(nonce.size() + pkcs8.size());
  const auto bytes = out.expose_mutable();
  std::copy(nonce.begin(), nonce.end(), bytes.begin());
  std::copy(pkcs8.expose().begin(), pkcs8.expose().end(), bytes.begin() + nonce.size());
  return out;
}

Result<SecretBytes> open_encrypted_material(const SecretBytes& content,
                                            const EncryptedMaterial& material) {
  if (content.size() <= kImportNonceSize)
    return Error{Reason::DecryptFailed, "the import token's key does not open", {}};
  const auto nonce = content.expose().first(kImportNonceSize);
  const auto pkcs8 = content.expose().subspan(kImportNonceSize);
  const auto key = crypto::OaepPrivateKey::from_pkcs8(SecretBytes::copy_of(pkcs8));
  if (!key) return Error{Reason::DecryptFailed, "the import token's key does not open", {}};
  if (!has_possible_sizes(material)) return not_decrypted();

  // Without a right payload the nonce is decrypted with a key of chance, so that both failures
  // take the same steps.
  SecretBytes substitute = crypto::random_secret(kSubstituteSize);
  std::optional<SecretBytes> payload = key->decrypt(material.payload, oaep_hash(material.hash));
  const bool opened = payload.has_value();
  SecretBytes imported = opened ? std::move(*payload) : std::move(substitute);
  if (!is_root_key_size(imported.size())) {
    return Error{Reason::InvalidField,
                 "the key in the encrypted payload must have 16, 24 or 32 bytes", "payload"};
  }
  const Result<SecretBytes> sent = decrypt_nonce(imported, material);
  if (!sent || !opened) return not_decrypted();
  if (!crypto::equal_constant_time(sent->expose(), nonce)) {
    return Error{Reason::IncorrectNonce,
                 "the nonce is not the one of the instance's current import token; retrieve the "
                 "token again",
                 "encryptedNonce"};
  }
  return imported;
}

Result<ImportTokenKey> create_import_token(const DomainTable& table, const KeyBinding& token,
                                           std::size_t key_bits) {
  // Asked before the long work, and again after it: a master key that was zeroized meanwhile seals
  // nothing any more.
  crypto::XaesContexts contexts;
  KH_TRY(SealingKey::of(*table.snapshot(), token.instance, contexts));
  const auto key = crypto::OaepPrivateKey::generate(static_cast<int>(key_bits));
  ImportTokenKey out;
  crypto::random_bytes(out.nonce);
  const SecretBytes content = import_token_content(out.nonce, key.pkcs8());
  SealingKey sealing = KH_TRY(SealingKey::of(*table.snapshot(), token.instance, contexts));
  out.private_key = sealing.seal(BlobPurpose::ImportToken, token, content.expose());
  out.public_key = key.public_key();
  return out;
}

Result<SealedRootKey> import_encrypted_root_key(const DomainTable& table, const KeyBinding& binding,
                                                const KeyBinding& token, ByteView private_key,
                                                const EncryptedMaterial& material) {
  if (binding.instance != token.instance) {
    return Error{Reason::DecryptFailed, "the import token is of another instance", {}};
  }
  crypto::XaesContexts contexts;
  SealingKey sealing = KH_TRY(SealingKey::of(*table.snapshot(), token.instance, contexts));
  const SecretBytes content = KH_TRY(sealing.open(BlobPurpose::ImportToken, token, private_key));
  const SecretBytes imported = KH_TRY(open_encrypted_material(content, material));
  return sealing.seal_root_key(binding, imported);
}

}  // namespace keyhaven::unit
