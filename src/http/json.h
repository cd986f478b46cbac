// JSON in and out. In: a strict single pass over the request body (RFC 8259) that never builds a
// tree: the decoder of a request gets each member once. Out: appends to a string.
//
// Rules for input, each needed by a real client or against a hostile one
// (key-management-api.md 3.2): member names match case-insensitively; a member twice is refused;
// the whole document is validated, also what nobody reads; nesting at most kMaxJsonDepth; integers
// may arrive as floats; base64 members are decoded from the raw text straight into secret memory,
// never through the parser's string buffer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::http {

inline constexpr int kMaxJsonDepth = 16;
inline constexpr std::size_t kMaxJsonMembers = 64;       // of one object
inline constexpr std::size_t kMaxJsonElements = 10'000;  // of one array

class JsonValue;
// `name` is lower-cased ASCII: compare with lower-case literals. Reading nothing from the value
// skips (and validates) it.
using MemberVisitor = std::function<Result<void>(std::string_view name, JsonValue& value)>;
using ElementVisitor = std::function<Result<void>(JsonValue& value)>;

// One value under the cursor; read it at most once, inside the visitor. Every reader of a wrong
// type fails with InvalidField whose target is the member's name as documented by the caller
// (`field`).
class JsonValue {
 public:
  bool is_null();  // does not consume
  bool is_object();
  bool is_array();
  // At most `limit` bytes of UTF-8.
  Result<std::string> text(std::string_view field, std::size_t limit);
  Result<bool> boolean(std::string_view field);
  // An integer, or a float without fraction.
  Result<std::int64_t> integer(std::string_view field);
  // RFC 3339 text; nothing for null and "".
  Result<std::optional<Timestamp>> date(std::string_view field);
  // Base64 of a secret of at most `limit` bytes; "" gives an empty one. The message names the
  // offset, never the text.
  Result<SecretBytes> base64_secret(std::string_view field, std::size_t limit);
  // Base64 of public bytes. Errors: NotACiphertext when `reason` says so, else InvalidField.
  Result<Bytes> base64(std::string_view field, std::size_t limit,
                       Reason reason = Reason::InvalidField);
  // Array of strings; null gives none, a null in it an empty string. `limit` bytes each.
  Result<std::vector<std::string>> strings(std::string_view field, std::size_t max_count,
                                           std::size_t limit);
  Result<void> object(const MemberVisitor& visit);
  Result<void> array(const ElementVisitor& visit);
  // The member's name as the client wrote it; empty for an element of an array.
  std::string_view name_as_sent() const noexcept { return name_; }

 private:
  friend struct JsonWalk;
  explicit JsonValue(void* value, int depth) : value_(value), depth_(depth) {}
  void* value_;  // simdjson's value, on the walker's stack
  int depth_;
  std::string_view name_;  // in the parser's memory
  bool consumed_ = false;
};

// For bodies that allow only the members they know: BadBody in the words of the vendor's server,
// `json: unknown field "name"`.
Error unknown_field(const JsonValue& value);

enum class Body : std::uint8_t { Absent, Present };

// Walks the top-level object of `body`. Absent (nothing called): no bytes, only white space, or the
// literal null. `body` must be followed by net::kBodySlack readable bytes. Errors: BadBody with the
// place and kind of the mistake, or what `visit` returned. Thread-safe; not re-entrant from within
// `visit`.
Result<Body> read_json(std::span<std::uint8_t> body, const MemberVisitor& visit);

// Walks an envelope {"metadata":{…},"resources":[…]} and calls `visit` with each resource's value,
// in order. Errors: BadBody when metadata or resources are missing or resources is no array of
// objects; CollectionTotalMismatch. An absent body is BadBody.
Result<std::size_t> read_envelope(std::span<std::uint8_t> body, const ElementVisitor& visit);

// Writes compact JSON to the end of a string. Calls must be well nested; commas are placed by the
// writer.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);  // `name` needs no escaping
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(std::size_t number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(bool flag);
  JsonWriter& null();
  JsonWriter& date(Timestamp time);
  JsonWriter& base64(ByteView bytes);
  template <class T>
  JsonWriter& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  JsonWriter& date_field(std::string_view name, Timestamp time) { return key(name).date(time); }
  // Nothing for an empty text.
  JsonWriter& text_field_if(std::string_view name, std::string_view text) {
    return text.empty() ? *this : key(name).value(text);
  }
  std::string& out() noexcept { return out_; }

 private:
  void separate();
  std::string& out_;
  bool need_comma_ = false;
};

// Appends `text` as a JSON string with quotes; invalid UTF-8 is replaced by U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// {"metadata":{"collectionType":T,"collectionTotal":N},"resources":[ … ]}: call begin, write N
// values, call end.
void begin_envelope(JsonWriter& json, std::string_view collection_type, std::size_t count);
void end_envelope(JsonWriter& json);

}  // namespace keyhaven::http
