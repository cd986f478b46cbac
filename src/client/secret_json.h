// Secrets in JSON texts: taken out of an answer before any parser copies them, and written into a
// request without one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace keyhaven::client {

struct TakenSecret {
  std::string_view name;  // one of the names asked for
  SecretBytes value;      // the string's bytes, escapes resolved
};

// Moves the string values of members called one of `names` (at any depth) out of `json` and blanks
// them there, so that the rest can be given to a parser that copies strings to ordinary memory.
// Order of appearance. The text need not be valid JSON: what is malformed is left to the parser.
// Errors: BadBody for an escape that is not an ASCII character in a secret (base64 and tokens have
// none), TooLarge for more than 16 secrets.
Result<std::vector<TakenSecret>> take_secrets(SecretBytes& json,
                                              std::span<const std::string_view> names);

// The value of the first secret of that name, moved out; empty when absent.
SecretBytes take(std::vector<TakenSecret>& secrets, std::string_view name);

// Appends JSON to secret memory; growing wipes the old buffer. Commas are its business. Not
// thread-safe.
class JsonWriter {
 public:
  JsonWriter();
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);  // invalid UTF-8 is passed on: the server refuses it
  JsonWriter& integer(std::int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  JsonWriter& base64(std::span<const std::uint8_t> secret);
  // Raw bytes outside JSON rules, for forms.
  JsonWriter& raw(std::span<const std::uint8_t> bytes);
  JsonWriter& raw(std::string_view text);
  SecretBytes finish();  // leaves the writer empty

 private:
  void separate();
  void append(std::span<const std::uint8_t> bytes);
  void append(char byte);
  SecretBytes buffer_;
  std::size_t size_ = 0;
  bool comma_ = false;
};

}  // namespace keyhaven::client
