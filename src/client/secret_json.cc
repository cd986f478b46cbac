#include "client/secret_json.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace keyhaven::client {
namespace {

constexpr std::size_t kMaxSecrets = 16;
constexpr std::size_t kFirstBufferSize = 512;

bool is_space(std::uint8_t byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

// Index after the closing quote of the string that starts at `open` (its opening quote); the size
// if it never closes.
std::size_t end_of_string(std::span<const std::uint8_t> text, std::size_t open) {
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

std::size_t skip_space(std::span<const std::uint8_t> text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

std::optional<unsigned> hex4(std::span<const std::uint8_t> digits) {
  unsigned value = 0;
  for (std::uint8_t digit : digits) {
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + (digit - '0');
    } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
      value = value * 16 + static_cast<unsigned>((digit | 0x20) - 'a') + 10;
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// The byte an escape stands for; nullopt for what no secret of this API contains.
std::optional<std::uint8_t> resolve_escape(std::span<const std::uint8_t> raw, std::size_t& at) {
  switch (raw[at]) {
    case '"':
    case '\\':
    case '/':
      return raw[at];
    case 'n':
      return std::uint8_t{'\n'};
    case 'r':
      return std::uint8_t{'\r'};
    case 't':
      return std::uint8_t{'\t'};
    case 'u': {
      if (raw.size() - at < 5) return std::nullopt;
      const auto value = hex4(raw.subspan(at + 1, 4));
      if (!value || *value > 0x7f) return std::nullopt;
      at += 4;
      return static_cast<std::uint8_t>(*value);
    }
    default:
      return std::nullopt;
  }
}

Result<SecretBytes> unescape(std::span<const std::uint8_t> raw) {
  SecretBytes out(raw.size());
  auto bytes = out.expose_mutable();
  std::size_t size = 0;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '\\') {
      bytes[size++] = raw[at];
      continue;
    }
    if (++at == raw.size())
      return Error{Reason::BadBody, "a secret in the answer ends within an escape", {}};
    const auto byte = resolve_escape(raw, at);
    if (!byte)
      return Error{
          Reason::BadBody, "a secret in the answer holds an escape that it cannot hold", {}};
    bytes[size++] = *byte;
  }
  out.shrink(size);
  return out;
}

}  // namespace

Result<std::vector<TakenSecret>> take_secrets(SecretBytes& json,
                                              std::span<const std::string_view> names) {
  std::vector<TakenSecret> taken;
  auto text = json.expose_mutable();
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] != '"') {
      ++at;
      continue;
    }
    const std::size_t end = end_of_string(text, at);
    if (end - at < 2) break;
    const std::string_view member(reinterpret_cast<const char*>(text.data() + at + 1),
                                  end - at - 2);
    std::size_t next = skip_space(text, end);
    at = end;
    if (next >= text.size() || text[next] != ':') continue;
    next = skip_space(text, next + 1);
    if (next >= text.size() || text[next] != '"') continue;
    const auto name = std::find(names.begin(), names.end(), member);
    if (name == names.end()) continue;
    const std::size_t value_end = end_of_string(text, next);
    // An unterminated string: take everything, so that no parser sees it.
    const bool closed = value_end - next >= 2 && text[value_end - 1] == '"';
    auto value = text.subspan(next + 1, value_end - next - (closed ? 2U : 1U));
    if (taken.size() == kMaxSecrets)
      return Error{Reason::TooLarge, "the answer holds too many secrets", {}};
    auto unescaped = unescape(value);
    wipe(value);
    std::fill(value.begin(), value.end(), std::uint8_t{' '});
    if (!unescaped) return std::move(unescaped).error();
    taken.push_back({*name, std::move(unescaped).value()});
    at = value_end;
  }
  return taken;
}

SecretBytes take(std::vector<TakenSecret>& secrets, std::string_view name) {
  for (TakenSecret& secret : secrets) {
    if (secret.name == name) {
      secret.name = {};
      return std::move(secret.value);
    }
  }
  return {};
}

JsonWriter::JsonWriter() : buffer_(kFirstBufferSize) {}

void JsonWriter::append(std::span<const std::uint8_t> bytes) {
  if (buffer_.size() - size_ < bytes.size()) {
    SecretBytes larger(std::max(buffer_.size() * 2, size_ + bytes.size()));
    if (size_ > 0) std::memcpy(larger.expose_mutable().data(), buffer_.expose().data(), size_);
    buffer_ = std::move(larger);
  }
  if (!bytes.empty())
    std::memcpy(buffer_.expose_mutable().data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void JsonWriter::append(char byte) {
  const auto value = static_cast<std::uint8_t>(byte);
  append({&value, 1});
}

void JsonWriter::separate() {
  if (comma_) append(',');
  comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  append('{');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  append('}');
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  append('[');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  append(']');
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  string(name);
  append(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  separate();
  append('"');
  std::size_t plain = 0;  // start of the run that needs no escape
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    append(as_bytes(text.substr(plain, at - plain)));
    plain = at + 1;
    if (byte == '"' || byte == '\\') {
      append('\\');
      append(text[at]);
    } else {
      const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      append(as_bytes({escape, sizeof escape}));
    }
  }
  append(as_bytes(text.substr(plain)));
  append('"');
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  separate();
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  append(as_bytes({digits, static_cast<std::size_t>(end - digits)}));
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  append(as_bytes("null"));
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  append(as_bytes(value ? "true" : "false"));
  return *this;
}

JsonWriter& JsonWriter::base64(std::span<const std::uint8_t> secret) {
  separate();
  append('"');
  const SecretBytes text = secret_to_base64(secret);
  append(text.expose());
  append('"');
  return *this;
}

JsonWriter& JsonWriter::raw(std::span<const std::uint8_t> bytes) {
  append(bytes);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view text) { return raw(as_bytes(text)); }

SecretBytes JsonWriter::finish() {
  SecretBytes out = std::move(buffer_);
  out.shrink(size_);
  buffer_ = SecretBytes(kFirstBufferSize);
  size_ = 0;
  comma_ = false;
  return out;
}

}  // namespace keyhaven::client
