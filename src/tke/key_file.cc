#include "tke/key_file.h"

#include "tke/string_fields.h"

namespace keyhaven::tke {

namespace {

constexpr PasswordKey kPasswordKey = PasswordKey::Pbkdf2With4096Rounds;  // fixed by the format
constexpr std::string_view kSignatureKeyType = "p521ec";
constexpr std::string_view kKeyPartType = "keyhaven-key-part";
constexpr std::string_view kOwnTypes = "keyhaven-";  // our other files; never signature keys

Result<StringFields> signature_key_fields(std::string_view text) {
  StringFields fields = KH_TRY(read_string_fields(text));
  const std::string_view type = field(fields, "keyType");
  if (type == kKeyPartType) {
    return malformed_key_file("this is a key part, not a signature key");
  }
  if (type.empty() || type.starts_with(kOwnTypes)) {
    return malformed_key_file("field keyType does not name a signature key");
  }
  return fields;
}

SignatureKeyType type_of(const StringFields& fields) {
  return field(fields, "keyType") == kSignatureKeyType ? SignatureKeyType::P521
                                                       : SignatureKeyType::Rsa;
}

struct OpenedKey {
  SecretBytes pem;
  Ski ski{};
};
Result<OpenedKey> open_pem(std::string_view text, SignatureKeyType type,
                           const SecretBytes& password) {
  const StringFields fields = KH_TRY(signature_key_fields(text));
  if (type_of(fields) != type)
    return Error{Reason::NotSupported, "key file: the signature key is of another type", {}};
  const Digest ski = KH_TRY(digest_field(fields, "ski"));
  return OpenedKey{KH_TRY(open_fields(fields, password, kPasswordKey, {})), ski};
}

Result<StringFields> key_part_fields(std::string_view text) {
  StringFields fields = KH_TRY(read_string_fields(text));
  if (field(fields, "keyType") != kKeyPartType) return malformed_key_file("not a key part");
  return fields;
}

}  // namespace

Result<std::string> encode_signature_key(const crypto::P521PrivateKey& key, const std::string& name,
                                         const SecretBytes& password) {
  KH_TRY(check_password(password));
  if (name.empty() || name.size() > 30 || !is_plain_text(name)) {
    return Error{Reason::InvalidField, "an administrator name has 1 to 30 bytes", "name"};
  }
  StringFields fields = {{"name", name},
                         {"keyType", std::string(kSignatureKeyType)},
                         {"ski", to_hex(ski_of(key.public_key().point()))}};
  KH_TRY(seal_fields(fields, key.pem_labelled_private_key(), password, kPasswordKey, {}));
  return write_string_fields(fields);
}

Result<SignatureKeyInfo> inspect_signature_key(std::string_view text) {
  const StringFields fields = KH_TRY(signature_key_fields(text));
  const std::string_view name = field(fields, "name");
  if (name.size() > 30 || !is_plain_text(name))
    return malformed_key_file("field name is not a name");
  const Ski ski = KH_TRY(digest_field(fields, "ski"));
  return SignatureKeyInfo{std::string(name), ski, type_of(fields)};
}

Result<crypto::P521PrivateKey> decode_signature_key(std::string_view text,
                                                    const SecretBytes& password) {
  const OpenedKey opened = KH_TRY(open_pem(text, SignatureKeyType::P521, password));
  auto key = crypto::P521PrivateKey::from_pem(opened.pem.expose());
  if (!key) return malformed_key_file("the decrypted content is no P-521 private key");
  if (ski_of(key->public_key().point()) != opened.ski)
    return malformed_key_file("the key is not that of field ski");
  return key;
}

Result<crypto::RsaPrivateKey> decode_rsa_signature_key(std::string_view text,
                                                       const SecretBytes& password) {
  const OpenedKey opened = KH_TRY(open_pem(text, SignatureKeyType::Rsa, password));
  auto key = crypto::RsaPrivateKey::from_pkcs1_pem(opened.pem);
  if (!key) return malformed_key_file("the decrypted content is no RSA private key (PKCS#1)");
  if (ski_of(key->public_key()) != opened.ski)
    return malformed_key_file("the key is not that of field ski");
  return key;
}

Result<std::unique_ptr<Signer>> open_signature_key(std::string_view text,
                                                   const SecretBytes& password) {
  const SignatureKeyInfo info = KH_TRY(inspect_signature_key(text));
  std::unique_ptr<Signer> out;
  if (info.type == SignatureKeyType::Rsa) {
    crypto::RsaPrivateKey key = KH_TRY(decode_rsa_signature_key(text, password));
    out = std::make_unique<RsaSigner>(std::move(key));
  } else {
    crypto::P521PrivateKey key = KH_TRY(decode_signature_key(text, password));
    out = std::make_unique<LocalSigner>(std::move(key));
  }
  return out;
}

Result<std::string> encode_key_part(const SecretBytes& part, const std::string& description,
                                    const SecretBytes& password) {
  KH_TRY(check_password(password));
  if (part.size() != kMasterKeySize) {
    return Error{Reason::InvalidField, "a key part has 32 bytes", "value"};
  }
  if (description.size() > kMaxDescriptionBytes || !is_plain_text(description)) {
    return Error{Reason::InvalidField, "a description has at most 128 bytes", "description"};
  }
  StringFields fields = {{"description", description},
                         {"keyType", std::string(kKeyPartType)},
                         {"vp", pattern_text(key_part_hash(part))}};
  KH_TRY(seal_fields(fields, part, password, kPasswordKey, {}));
  return write_string_fields(fields);
}

Result<KeyPartInfo> inspect_key_part(std::string_view text) {
  const StringFields fields = KH_TRY(key_part_fields(text));
  const std::string_view description = field(fields, "description");
  if (description.size() > kMaxDescriptionBytes || !is_plain_text(description)) {
    return malformed_key_file("field description is too long");
  }
  const VerificationPattern pattern = KH_TRY(digest_field(fields, "vp"));
  return KeyPartInfo{std::string(description), pattern};
}

Result<SecretBytes> decode_key_part(std::string_view text, const SecretBytes& password) {
  const StringFields fields = KH_TRY(key_part_fields(text));
  const Digest pattern = KH_TRY(digest_field(fields, "vp"));
  SecretBytes part = KH_TRY(open_fields(fields, password, kPasswordKey, {}));
  if (part.size() != kMasterKeySize || key_part_hash(part) != pattern) {
    return malformed_key_file("the key part is not that of field vp");
  }
  return part;
}

}  // namespace keyhaven::tke
