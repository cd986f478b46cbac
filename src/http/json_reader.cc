// The reading half of json.h, over simdjson ondemand.
//
// Ondemand validates lazily: what nobody reads is not looked at. So every value that a visitor left
// alone is walked here, and the end of the document is checked, before a body counts as well
// formed. Base64 members are taken from the raw text between their quotes, so that key material
// never lies in the parser's string buffer, which is not wiped.
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "http/json.h"
#include "net/http_server.h"

namespace keyhaven::http {

static_assert(net::kBodySlack >= simdjson::SIMDJSON_PADDING,
              "simdjson reads past the end of the body");

namespace {

namespace ondemand = simdjson::ondemand;

struct Cursor {
  ondemand::value value;
  const char* body_end;
};

Cursor& cursor(void* value) noexcept { return *static_cast<Cursor*>(value); }

Error bad_body(std::string_view what) {
  return {Reason::BadBody, "the body is not valid JSON: " + std::string(what), ""};
}

Error bad_body(simdjson::error_code code) { return bad_body(simdjson::error_message(code)); }

Error bad_field(std::string_view field, std::string_view what) {
  return {Reason::InvalidField, std::string(field) + ' ' + std::string(what), std::string(field)};
}

// A reader met something else than it wanted: another type is the field's fault, the rest is the
// document's.
Error read_error(simdjson::error_code code, std::string_view field, std::string_view wanted) {
  if (code == simdjson::INCORRECT_TYPE) return bad_field(field, wanted);
  return bad_body(code);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The raw text of a string value, between its quotes, escapes untouched.
Result<std::string_view> raw_text(Cursor& at, std::string_view field) {
  ondemand::raw_json_string raw;
  if (const auto code = at.value.get_raw_json_string().get(raw))
    return read_error(code, field, "must be a base64 string");
  const char* begin = raw.raw();
  for (const char* p = begin; p < at.body_end; ++p) {
    if (*p == '\\') {
      ++p;
    } else if (*p == '"') {
      return std::string_view(begin, static_cast<std::size_t>(p - begin));
    }
  }
  return bad_body("unclosed string");
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Some encoders write '/' as "\/" and '+' or '=' as \u002b, \u003d. Undoes exactly these escapes;
// false for others.
bool unescape_base64(std::string_view raw, SecretBytes& out) {
  std::size_t size = 0;
  auto to = out.expose_mutable();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '\\') {
      if (++i >= raw.size()) return false;
      if (raw[i] == 'u') {
        if (raw.size() - i < 5 || raw[i + 1] != '0' || raw[i + 2] != '0') return false;
        const int high = hex_value(raw[i + 3]);
        const int low = hex_value(raw[i + 4]);
        if (high < 0 || high > 7 || low < 0) return false;
        c = static_cast<char>(high * 16 + low);
        i += 4;
      } else if (raw[i] == '/') {
        c = '/';
      } else {
        return false;
      }
    }
    to[size++] = static_cast<std::uint8_t>(c);
  }
  out.shrink(size);
  return true;
}

// Calls `decode` with the base64 text of a member, unescaped.
template <class Decode>
auto with_base64(Cursor& at, std::string_view field, std::size_t limit, Reason reason,
                 Decode decode) -> decltype(decode(std::string_view())) {
  const std::string_view raw = KH_TRY(raw_text(at, field));
  // Escapes take at most six characters for one.
  if (raw.size() > base64_size(limit) * 6) {
    return Error{reason,
                 std::string(field) + " decodes to more than " + std::to_string(limit) + " bytes",
                 std::string(field)};
  }
  SecretBytes unescaped;
  std::string_view text = raw;
  if (raw.find('\\') != std::string_view::npos) {
    unescaped = SecretBytes(raw.size());
    if (!unescape_base64(raw, unescaped)) {
      return Error{reason, std::string(field) + " is not base64", std::string(field)};
    }
    text = as_text(unescaped.expose());
  }
  if (text.size() > base64_size(limit)) {
    return Error{reason,
                 std::string(field) + " decodes to more than " + std::to_string(limit) + " bytes",
                 std::string(field)};
  }
  auto decoded = decode(text);
  if (!decoded) {
    return Error{reason, std::string(field) + ": " + decoded.error().message, std::string(field)};
  }
  if (decoded.value().size() > limit) {
    return Error{reason, std::string(field) + " has more than " + std::to_string(limit) + " bytes",
                 std::string(field)};
  }
  return decoded;
}

}  // namespace

// Walks objects and arrays; befriended so that it can make JsonValues.
struct JsonWalk {
  static Result<void> members(ondemand::object object, const char* body_end, int depth,
                              const MemberVisitor& visit) {
    std::vector<std::string> seen;
    for (auto member : object) {
      ondemand::field field;
      if (const auto code = std::move(member).get(field)) return bad_body(code);
      std::string_view key;
      if (const auto code = field.unescaped_key().get(key)) return bad_body(code);
      std::string name = lower(key);
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        return bad_body("a member occurs twice");
      if (seen.size() >= kMaxJsonMembers) return bad_body("an object has too many members");
      seen.push_back(name);
      Cursor at{field.value(), body_end};
      JsonValue value(&at, depth);
      value.name_ = key;
      KH_TRY(visit(name, value));
      if (!value.consumed_) KH_TRY(skip(at, depth));
    }
    return {};
  }

  static Result<void> elements(ondemand::array array, const char* body_end, int depth,
                               const ElementVisitor& visit) {
    std::size_t count = 0;
    for (auto element : array) {
      Cursor at{{}, body_end};
      if (const auto code = std::move(element).get(at.value)) return bad_body(code);
      if (++count > kMaxJsonElements) return bad_body("an array has too many elements");
      JsonValue value(&at, depth);
      KH_TRY(visit(value));
      if (!value.consumed_) KH_TRY(skip(at, depth));
    }
    return {};
  }

  static Result<void> object(Cursor& at, int depth, const MemberVisitor& visit) {
    if (depth >= kMaxJsonDepth) return bad_body("nested too deeply");
    ondemand::object object;
    if (const auto code = at.value.get_object().get(object)) return bad_body(code);
    return members(object, at.body_end, depth + 1, visit);
  }

  static Result<void> array(Cursor& at, int depth, const ElementVisitor& visit) {
    if (depth >= kMaxJsonDepth) return bad_body("nested too deeply");
    ondemand::array array;
    if (const auto code = at.value.get_array().get(array)) return bad_body(code);
    return elements(array, at.body_end, depth + 1, visit);
  }

  // Validates a value that nobody read.
  static Result<void> skip(Cursor& at, int depth) {
    ondemand::json_type type{};
    if (const auto code = at.value.type().get(type)) return bad_body(code);
    switch (type) {
      case ondemand::json_type::object:
        return object(at, depth, [](std::string_view, JsonValue&) -> Result<void> { return {}; });
      case ondemand::json_type::array:
        return array(at, depth, [](JsonValue&) -> Result<void> { return {}; });
      case ondemand::json_type::string: {
        std::string_view text;
        if (const auto code = at.value.get_string().get(text)) return bad_body(code);
        return {};
      }
      case ondemand::json_type::number: {
        double number = 0;
        if (const auto code = at.value.get_double().get(number)) return bad_body(code);
        return {};
      }
      case ondemand::json_type::boolean: {
        bool flag = false;
        if (const auto code = at.value.get_bool().get(flag)) return bad_body(code);
        return {};
      }
      case ondemand::json_type::null: {
        bool null = false;
        const auto code = at.value.is_null().get(null);
        if (code || !null) return bad_body("neither a value nor null");
        return {};
      }
    }
    return bad_body("unknown kind of value");
  }
};

bool JsonValue::is_null() {
  ondemand::json_type type{};
  return !cursor(value_).value.type().get(type) && type == ondemand::json_type::null;
}

bool JsonValue::is_object() {
  ondemand::json_type type{};
  return !cursor(value_).value.type().get(type) && type == ondemand::json_type::object;
}

bool JsonValue::is_array() {
  ondemand::json_type type{};
  return !cursor(value_).value.type().get(type) && type == ondemand::json_type::array;
}

Result<std::string> JsonValue::text(std::string_view field, std::size_t limit) {
  consumed_ = true;
  std::string_view text;
  if (const auto code = cursor(value_).value.get_string().get(text))
    return read_error(code, field, "must be a string");
  if (text.size() > limit) return bad_field(field, "is too long");
  return std::string(text);
}

Result<bool> JsonValue::boolean(std::string_view field) {
  consumed_ = true;
  bool flag = false;
  if (const auto code = cursor(value_).value.get_bool().get(flag))
    return read_error(code, field, "must be true or false");
  return flag;
}

Result<std::int64_t> JsonValue::integer(std::string_view field) {
  consumed_ = true;
  ondemand::value& value = cursor(value_).value;
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return bad_body(code);
  if (type != ondemand::json_type::number) return bad_field(field, "must be a number");
  std::int64_t number = 0;
  if (!value.get_int64().get(number)) return number;
  double real = 0;  // clients send 1200.0 (key-management-api.md 3.2)
  if (const auto code = value.get_double().get(real)) return bad_body(code);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!(std::fabs(real) <= kExact) || std::floor(real) != real)
    return bad_field(field, "must be an integer");
  return static_cast<std::int64_t>(real);
}

Result<std::optional<Timestamp>> JsonValue::date(std::string_view field) {
  if (is_null()) return std::optional<Timestamp>();
  const std::string content = KH_TRY(text(field, 64));
  if (content.empty()) return std::optional<Timestamp>();
  const auto parsed = parse_rfc3339(content);
  if (!parsed) return bad_field(field, "must be a date as in 2026-01-02T03:04:05Z");
  return std::optional<Timestamp>(parsed.value());
}

Result<SecretBytes> JsonValue::base64_secret(std::string_view field, std::size_t limit) {
  consumed_ = true;
  return with_base64(cursor(value_), field, limit, Reason::InvalidField,
                     [](std::string_view text) { return secret_from_base64(text); });
}

Result<Bytes> JsonValue::base64(std::string_view field, std::size_t limit, Reason reason) {
  consumed_ = true;
  return with_base64(cursor(value_), field, limit, reason,
                     [](std::string_view text) { return from_base64(text); });
}

Result<std::vector<std::string>> JsonValue::strings(std::string_view field, std::size_t max_count,
                                                    std::size_t limit) {
  std::vector<std::string> out;
  if (is_null()) return out;  // skipped, and so validated, by the walker
  consumed_ = true;
  if (!is_array()) return bad_field(field, "must be an array of strings");
  const auto read_one = [&](JsonValue& element) -> Result<void> {
    if (out.size() >= max_count)
      return bad_field(field, "has more than " + std::to_string(max_count) + " entries");
    // The vendor's server reads null as the empty string, and redstone.crypto depends on it: it
    // sends [null] for "no additional data"; see tests/conformance/python/cases_use.py.
    out.push_back(element.is_null() ? std::string() : KH_TRY(element.text(field, limit)));
    return {};
  };
  KH_TRY(JsonWalk::array(cursor(value_), depth_, read_one));
  return out;
}

Result<void> JsonValue::object(const MemberVisitor& visit) {
  consumed_ = true;
  if (!is_object()) return bad_body("an object is expected");
  return JsonWalk::object(cursor(value_), depth_, visit);
}

Result<void> JsonValue::array(const ElementVisitor& visit) {
  consumed_ = true;
  if (!is_array()) return bad_body("an array is expected");
  return JsonWalk::array(cursor(value_), depth_, visit);
}

Error unknown_field(const JsonValue& value) {
  constexpr std::size_t kShown = 64;  // bytes; the text comes from outside
  std::string message = "json: unknown field \"";
  message += value.name_as_sent().substr(0, kShown);
  message += '"';
  return {Reason::BadBody, std::move(message), ""};
}

Result<Body> read_json(std::span<std::uint8_t> body, const MemberVisitor& visit) {
  std::string_view text = as_text(body);
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.empty() || text == "null") return Body::Absent;
  if (text.front() != '{') return bad_body("the body must be an object");

  thread_local ondemand::parser parser;
  ondemand::document document;
  const simdjson::padded_string_view padded(reinterpret_cast<const char*>(body.data()), body.size(),
                                            body.size() + net::kBodySlack);
  if (const auto code = parser.iterate(padded).get(document)) return bad_body(code);
  ondemand::object object;
  if (const auto code = document.get_object().get(object)) return bad_body(code);
  const char* end = reinterpret_cast<const char*>(body.data()) + body.size();
  KH_TRY(JsonWalk::members(object, end, 1, visit));
  const char* rest = nullptr;
  if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
    return bad_body("text after the object");
  return Body::Present;
}

Result<std::size_t> read_envelope(std::span<std::uint8_t> body, const ElementVisitor& visit) {
  bool has_metadata = false;
  bool has_resources = false;
  std::optional<std::int64_t> total;
  std::size_t count = 0;
  const auto read_metadata = [&](JsonValue& value) {
    return value.object([&](std::string_view name, JsonValue& member) -> Result<void> {
      has_metadata = true;  // empty metadata is as good as none
      if (name == "collectiontotal" && !member.is_null())
        total = KH_TRY(member.integer("collectionTotal"));
      return {};
    });
  };
  const auto read_resources = [&](JsonValue& value) -> Result<void> {
    if (!value.is_array()) return Error{Reason::BadBody, "resources must be an array", ""};
    has_resources = true;
    return value.array([&](JsonValue& element) -> Result<void> {
      if (!element.is_object())
        return Error{Reason::BadBody, "each of the resources must be an object", ""};
      ++count;
      return visit(element);
    });
  };
  KH_TRY(read_json(body, [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "metadata") {
      if (!value.is_object()) return Error{Reason::BadBody, "metadata must be an object", ""};
      return read_metadata(value);
    }
    if (name == "resources") return read_resources(value);
    return {};
  }));
  if (!has_metadata)
    return Error{Reason::BadBody, "the body needs metadata and resources; metadata is missing", ""};
  if (!has_resources || count == 0) return Error{Reason::BadBody, "the body has no resources", ""};
  if (total && *total != static_cast<std::int64_t>(count)) {
    return Error{Reason::CollectionTotalMismatch,
                 "collectionTotal is " + std::to_string(*total) + ", but there are " +
                     std::to_string(count) + " resources",
                 "collectionTotal"};
  }
  return count;
}

}  // namespace keyhaven::http
