#include "tke/string_fields.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "crypto/aead.h"
#include "crypto/argon2.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "tke/key_file.h"

namespace keyhaven::tke {

namespace {

constexpr std::size_t kSaltSize = 32;
constexpr unsigned kPbkdf2Rounds = 4096;  // fixed by the format
constexpr crypto::Argon2Cost kArgon2Cost{64 * 1024, 3, 4};
constexpr std::size_t kKeySize = 32;

Result<SecretBytes> key_of(const SecretBytes& password, ByteView salt, PasswordKey how) {
  if (how == PasswordKey::Argon2id) return crypto::argon2id(password, salt, kArgon2Cost, kKeySize);
  return crypto::pbkdf2_sha256(password, salt, kPbkdf2Rounds, kKeySize);
}

}  // namespace

Error malformed_key_file(const std::string& what) {
  return {Reason::InvalidArgument, "key file: " + what, {}};
}

Result<StringFields> read_string_fields(std::string_view text) {
  if (text.size() > kMaxKeyFileBytes) return malformed_key_file("larger than 16 KiB");
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(text, code);
  if (code || !value.is_object()) return malformed_key_file("not a JSON object");
  StringFields out;
  for (const auto& member : value.get_object()) {
    if (!member.value().is_string()) return malformed_key_file("a value that is not a string");
    const auto& string = member.value().get_string();
    out.emplace(std::string(member.key()), std::string(string.data(), string.size()));
  }
  return out;
}

Result<std::string> write_string_fields(const StringFields& fields) {
  boost::json::object object;
  for (const auto& [name, value] : fields) object.emplace(name, value);
  std::string text = boost::json::serialize(object) + "\n";
  if (!read_string_fields(text))
    return Error{Reason::InvalidField, "name or description is not UTF-8", {}};
  return text;
}

std::string_view field(const StringFields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

Result<Digest> digest_field(const StringFields& fields, std::string_view name) {
  const auto bytes = from_hex(field(fields, name));
  Digest out{};
  if (!bytes || bytes->size() != out.size()) {
    return malformed_key_file("field " + std::string(name) + " is not 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

bool is_plain_text(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

Result<void> check_password(const SecretBytes& password) {
  if (password.size() >= kMinPasswordBytes) return {};
  return Error{Reason::InvalidField, "a password has at least 6 characters", "password"};
}

Result<void> seal_fields(StringFields& fields, const SecretBytes& content,
                         const SecretBytes& password, PasswordKey how, ByteView aad) {
  std::array<std::uint8_t, kSaltSize> salt{};
  crypto::random_bytes(salt);
  const SecretBytes key = KH_TRY(key_of(password, salt, how));
  fields["enckey"] = to_hex(crypto::aes256_gcm_seal(key, content.expose(), aad));
  fields["seaSalt"] = to_hex(salt);
  return {};
}

Result<SecretBytes> open_fields(const StringFields& fields, const SecretBytes& password,
                                PasswordKey how, ByteView aad) {
  const auto sealed = from_hex(field(fields, "enckey"));
  const auto salt = from_hex(field(fields, "seaSalt"));
  if (!sealed || sealed->empty() || !salt || salt->size() != kSaltSize) {
    return malformed_key_file("field enckey or seaSalt is missing or malformed");
  }
  const SecretBytes key = KH_TRY(key_of(password, *salt, how));
  auto opened = crypto::aes256_gcm_open(key, *sealed, aad);
  if (!opened) {
    return Error{Reason::DecryptFailed, "wrong password, or the key file is damaged", "password"};
  }
  return opened;
}

}  // namespace keyhaven::tke
