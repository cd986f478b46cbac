// Password-protected files of the ceremony, as pure functions over their text: signature keys of
// administrators and key parts of master keys.
//
// Both are JSON objects whose values are all strings. Key from password: PBKDF2-HMAC-SHA-256, 4096
// iterations, 32-byte salt; sealed with AES-256-GCM, nonce ‖ ciphertext ‖ tag. 4096 is what
// existing clients read, and weak today: choose long passwords. Source: instances-tke-iam.md 3.7;
// docs/protocols/key-files.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"
#include "tke/key_part.h"
#include "tke/signer_info.h"
#include "tke/string_fields.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxDescriptionBytes = 128;
inline constexpr std::size_t kMinPasswordBytes = 6;

// The format knows two: "p521ec", and whatever else it says is RSA-2048. We make no new RSA keys.
enum class SignatureKeyType : std::uint8_t { P521, Rsa };

// What a signature key file shows without its password.
struct SignatureKeyInfo {
  std::string
      name;  // administrator name, at most 30 bytes; empty in files of clients that do not write it
  Ski ski{};
  SignatureKeyType type = SignatureKeyType::P521;
};
// Errors: InvalidField (name, password shorter than 6 bytes).
Result<std::string> encode_signature_key(const crypto::P521PrivateKey& key, const std::string& name,
                                         const SecretBytes& password);
// Errors: InvalidArgument (not such a file).
Result<SignatureKeyInfo> inspect_signature_key(std::string_view text);
// Errors: as above; NotSupported for a key of the other type; DecryptFailed for a wrong password;
// InvalidArgument when the key is not that of `ski`.
Result<crypto::P521PrivateKey> decode_signature_key(std::string_view text,
                                                    const SecretBytes& password);

Result<crypto::RsaPrivateKey> decode_rsa_signature_key(std::string_view text,
                                                       const SecretBytes& password);
// Either kind, as what signs.
Result<std::unique_ptr<Signer>> open_signature_key(std::string_view text,
                                                   const SecretBytes& password);

struct KeyPartInfo {
  std::string description;  // at most 128 bytes
  VerificationPattern pattern{};
};
// Errors: InvalidField (description, password, size of the part).
Result<std::string> encode_key_part(const SecretBytes& part, const std::string& description,
                                    const SecretBytes& password);
Result<KeyPartInfo> inspect_key_part(std::string_view text);  // Errors: InvalidArgument
// Errors: InvalidArgument; DecryptFailed for a wrong password.
Result<SecretBytes> decode_key_part(std::string_view text, const SecretBytes& password);

}  // namespace keyhaven::tke
