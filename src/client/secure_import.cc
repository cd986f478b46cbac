#include "client/secure_import.h"

#include "crypto/secure_import.h"

namespace keyhaven::client {

SecureImport secure_import_of(std::string_view url) noexcept {
  return url.find("hs-crypto") != std::string_view::npos ? SecureImport::Sha1Cbc
                                                         : SecureImport::Sha256Gcm;
}

Result<EncryptedMaterial> encrypt_material(const ImportToken& token, const SecretBytes& material,
                                           SecureImport form) {
  const bool is_old = form == SecureImport::Sha1Cbc;
  const crypto::SealedMaterial sealed =
      KH_TRY(crypto::seal_for_import(token.public_key_pem, token.nonce, material,
                                     is_old ? crypto::OaepHash::Sha1 : crypto::OaepHash::Sha256,
                                     is_old ? crypto::NonceCipher::Cbc : crypto::NonceCipher::Gcm));
  return EncryptedMaterial{to_base64(sealed.payload), to_base64(sealed.encrypted_nonce),
                           to_base64(sealed.iv),
                           is_old ? "RSAES_OAEP_SHA_1" : "RSAES_OAEP_SHA_256"};
}

}  // namespace keyhaven::client
