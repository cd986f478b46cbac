#include "tke/key_file.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::tke {

namespace {

constexpr unsigned kIterations = 4096;  // fixed by the format
constexpr std::size_t kSaltSize = 32;
constexpr std::string_view kSignatureKeyType = "p521ec";
constexpr std::string_view kKeyPartType = "keyhaven-key-part";

using Fields = std::map<std::string, std::string, std::less<>>;

Error malformed(const std::string& what) {
  return {Reason::InvalidArgument, "key file: " + what, {}};
}

Result<Fields> read_fields(std::string_view text) {
  if (text.size() > kMaxKeyFileBytes) return malformed("larger than 16 KiB");
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(text, code);
  if (code || !value.is_object()) return malformed("not a JSON object");
  Fields out;
  for (const auto& member : value.get_object()) {
    if (!member.value().is_string()) return malformed("a value that is not a string");
    const auto& string = member.value().get_string();
    out.emplace(std::string(member.key()), std::string(string.data(), string.size()));
  }
  return out;
}

// Reads back what it wrote, so that text which is not UTF-8 is refused now and not at the ceremony.
Result<std::string> write_fields(const Fields& fields) {
  boost::json::object object;
  for (const auto& [name, value] : fields) object.emplace(name, value);
  std::string text = boost::json::serialize(object) + "\n";
  if (!read_fields(text))
    return Error{Reason::InvalidField, "name or description is not UTF-8", {}};
  return text;
}

std::string_view field(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

Result<Digest> digest_field(const Fields& fields, std::string_view name) {
  const auto bytes = from_hex(field(fields, name));
  Digest out{};
  if (!bytes || bytes->size() != out.size()) {
    return malformed("field " + std::string(name) + " is not 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

Result<void> check_password(const SecretBytes& password) {
  if (password.size() >= kMinPasswordBytes) return {};
  return Error{Reason::InvalidField, "a password has at least 6 characters", "password"};
}

bool plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

struct Sealed {
  std::string encrypted;  // hex
  std::string salt;       // hex
};

Sealed seal(const SecretBytes& content, const SecretBytes& password) {
  std::array<std::uint8_t, kSaltSize> salt{};
  crypto::random_bytes(salt);
  const SecretBytes key = crypto::pbkdf2_sha256(password, salt, kIterations, 32);
  return {to_hex(crypto::aes256_gcm_seal(key, content.expose(), {})), to_hex(salt)};
}

Result<SecretBytes> open(const Fields& fields, const SecretBytes& password) {
  const auto sealed = from_hex(field(fields, "enckey"));
  const auto salt = from_hex(field(fields, "seaSalt"));
  if (!sealed || sealed->empty() || !salt || salt->size() != kSaltSize) {
    return malformed("field enckey or seaSalt is missing or malformed");
  }
  const SecretBytes key = crypto::pbkdf2_sha256(password, *salt, kIterations, 32);
  auto opened = crypto::aes256_gcm_open(key, *sealed, {});
  if (!opened) {
    return Error{Reason::DecryptFailed, "wrong password, or the key file is damaged", "password"};
  }
  return opened;
}

Result<Fields> signature_key_fields(std::string_view text) {
  Fields fields = KH_TRY(read_fields(text));
  const std::string_view type = field(fields, "keyType");
  if (type != kSignatureKeyType) {
    return malformed(type == kKeyPartType ? "this is a key part, not a signature key"
                                          : "only signature keys of type p521ec are supported");
  }
  return fields;
}

Result<Fields> key_part_fields(std::string_view text) {
  Fields fields = KH_TRY(read_fields(text));
  if (field(fields, "keyType") != kKeyPartType) return malformed("not a key part");
  return fields;
}

}  // namespace

Result<std::string> encode_signature_key(const crypto::P521PrivateKey& key, const std::string& name,
                                         const SecretBytes& password) {
  KH_TRY(check_password(password));
  if (name.empty() || name.size() > 30 || !plain_text(name)) {
    return Error{Reason::InvalidField, "an administrator name has 1 to 30 bytes", "name"};
  }
  Sealed sealed = seal(key.pem_labelled_private_key(), password);
  return write_fields({{"name", name},
                       {"keyType", std::string(kSignatureKeyType)},
                       {"ski", to_hex(ski_of(key.public_key().point()))},
                       {"seaSalt", std::move(sealed.salt)},
                       {"enckey", std::move(sealed.encrypted)}});
}

Result<SignatureKeyInfo> inspect_signature_key(std::string_view text) {
  const Fields fields = KH_TRY(signature_key_fields(text));
  const std::string_view name = field(fields, "name");
  if (name.size() > 30 || !plain_text(name)) return malformed("field name is not a name");
  const Ski ski = KH_TRY(digest_field(fields, "ski"));
  return SignatureKeyInfo{std::string(name), ski};
}

Result<crypto::P521PrivateKey> decode_signature_key(std::string_view text,
                                                    const SecretBytes& password) {
  const Fields fields = KH_TRY(signature_key_fields(text));
  const Digest ski = KH_TRY(digest_field(fields, "ski"));
  const SecretBytes pem = KH_TRY(open(fields, password));
  auto key = crypto::P521PrivateKey::from_pem(pem.expose());
  if (!key) return malformed("the decrypted content is no P-521 private key");
  if (ski_of(key->public_key().point()) != ski)
    return malformed("the key is not that of field ski");
  return key;
}

Result<std::string> encode_key_part(const SecretBytes& part, const std::string& description,
                                    const SecretBytes& password) {
  KH_TRY(check_password(password));
  if (part.size() != kMasterKeySize) {
    return Error{Reason::InvalidField, "a key part has 32 bytes", "value"};
  }
  if (description.size() > kMaxDescriptionBytes || !plain_text(description)) {
    return Error{Reason::InvalidField, "a description has at most 128 bytes", "description"};
  }
  Sealed sealed = seal(part, password);
  return write_fields({{"description", description},
                       {"keyType", std::string(kKeyPartType)},
                       {"vp", pattern_text(key_part_hash(part))},
                       {"seaSalt", std::move(sealed.salt)},
                       {"enckey", std::move(sealed.encrypted)}});
}

Result<KeyPartInfo> inspect_key_part(std::string_view text) {
  const Fields fields = KH_TRY(key_part_fields(text));
  const std::string_view description = field(fields, "description");
  if (description.size() > kMaxDescriptionBytes || !plain_text(description)) {
    return malformed("field description is too long");
  }
  const VerificationPattern pattern = KH_TRY(digest_field(fields, "vp"));
  return KeyPartInfo{std::string(description), pattern};
}

Result<SecretBytes> decode_key_part(std::string_view text, const SecretBytes& password) {
  const Fields fields = KH_TRY(key_part_fields(text));
  const Digest pattern = KH_TRY(digest_field(fields, "vp"));
  SecretBytes part = KH_TRY(open(fields, password));
  if (part.size() != kMasterKeySize || key_part_hash(part) != pattern) {
    return malformed("the key part is not that of field vp");
  }
  return part;
}

}  // namespace keyhaven::tke
