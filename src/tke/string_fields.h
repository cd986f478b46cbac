// JSON objects whose values are all strings: the shape of every file of a ceremony. Internal to
// tke/.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::tke {

using StringFields = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t kMaxKeyFileBytes = 16 * 1024;

// Errors: InvalidArgument: above kMaxKeyFileBytes, not a JSON object, a value that is no string.
Result<StringFields> read_string_fields(std::string_view text);
// Reads back what it wrote, so that text which is not UTF-8 is refused now and not at the ceremony.
// Errors: InvalidField.
Result<std::string> write_string_fields(const StringFields& fields);

// Empty when absent.
std::string_view field(const StringFields& fields, std::string_view name);
// 64 hexadecimal digits. Errors: InvalidArgument (names the field).
Result<Digest> digest_field(const StringFields& fields, std::string_view name);

// "key file: WHAT".
Error malformed_key_file(const std::string& what);

// No control characters: what a file says is shown at terminals.
bool is_plain_text(std::string_view text) noexcept;

// Errors: InvalidField below kMinPasswordBytes (key_file.h).
Result<void> check_password(const SecretBytes& password);

// How a password becomes a key of 32 bytes: the format that existing clients read, or Argon2id
// (64 MiB, 3 passes, 4 lanes) for files of our own.
enum class PasswordKey : std::uint8_t { Pbkdf2With4096Rounds, Argon2id };

// `content` sealed under a key from `password`, as fields enckey and seaSalt (32 bytes):
// AES-256-GCM, nonce ‖ ciphertext ‖ tag. Errors: Io when there is no memory for Argon2id.
Result<void> seal_fields(StringFields& fields, const SecretBytes& content,
                         const SecretBytes& password, PasswordKey how, ByteView aad);
// Errors: InvalidArgument (fields missing), DecryptFailed (wrong password or damaged), Io.
Result<SecretBytes> open_fields(const StringFields& fields, const SecretBytes& password,
                                PasswordKey how, ByteView aad);

}  // namespace keyhaven::tke
