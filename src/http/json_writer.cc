#include <charconv>

#include "http/json.h"
#include "keys/key_rules.h"

namespace keyhaven::http {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 0x0F];
}

bool is_plain(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

bool is_ascii(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const bool valid = is_ascii(text) || keys::count_characters(text) != keys::kInvalidUtf8;
  out += '"';
  for (const char c : text) {
    if (!valid && static_cast<unsigned char>(c) >= 0x80) {
      out += "\xEF\xBF\xBD";
    } else if (is_plain(c)) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  out += '"';
}

void JsonWriter::separate() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number) {
  separate();
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  out_.append(digits, end.ptr);
  return *this;
}

JsonWriter& JsonWriter::value(bool flag) {
  separate();
  out_ += flag ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::date(Timestamp time) {
  separate();
  out_ += '"';
  append_rfc3339(out_, time);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::base64(ByteView bytes) {
  separate();
  out_ += '"';
  append_base64(out_, bytes);
  out_ += '"';
  return *this;
}

void begin_envelope(JsonWriter& json, std::string_view collection_type, std::size_t count) {
  json.begin_object().key("metadata").begin_object();
  json.field("collectionType", collection_type).field("collectionTotal", count);
  json.end_object().key("resources").begin_array();
}

void end_envelope(JsonWriter& json) { json.end_array().end_object(); }

}  // namespace keyhaven::http
