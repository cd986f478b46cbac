#include "tke/pkcs11_uri.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tke/string_fields.h"

namespace keyhaven::tke {

namespace {

enum class Place : std::uint8_t { Path, Query };

struct TextAttribute {
  std::string_view name;
  std::string Pkcs11Uri::*member;
  std::size_t limit;
  bool in_query;
};
constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxIdBytes = 64;
// The first name of a member is the canonical one.
constexpr std::array<TextAttribute, 7> kAttributes = {{
    {"token", &Pkcs11Uri::token, 32, false},
    {"serial", &Pkcs11Uri::serial, 16, false},
    {"manufacturer", &Pkcs11Uri::manufacturer, 32, false},
    {"model", &Pkcs11Uri::model, 16, false},
    {"object", &Pkcs11Uri::object, 128, false},
    {"module-path", &Pkcs11Uri::module_path, kMaxPath, true},
    {"pin-source", &Pkcs11Uri::pin_file, kMaxPath, true},
}};
constexpr std::string_view kFileScheme = "file:";

Error bad(const std::string& what) {
  return {Reason::InvalidArgument, "PKCS#11 URI: " + what, "signer"};
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view name, std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c <= 0x20 || c >= 0x7F) {
      return bad("attribute " + std::string(name) +
                 " holds a space or another character that must be written as %XX");
    }
    if (c != '%') {
      out += c;
      continue;
    }
    const int high = at + 1 < value.size() ? digit_value(value[at + 1]) : -1;
    const int low = at + 2 < value.size() ? digit_value(value[at + 2]) : -1;
    if (high < 0 || low < 0)
      return bad("attribute " + std::string(name) + ": % without two hexadecimal digits");
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

// "file:/path", "file:///path" and "file:relative".
Result<std::string> pin_path(std::string value) {
  if (!value.starts_with(kFileScheme))
    return bad("pin-source is file:PATH; programs are not started for a PIN");
  value.erase(0, kFileScheme.size());
  if (value.starts_with("//")) {
    value.erase(0, 2);
    if (!value.starts_with('/')) return bad("pin-source names another host");
  }
  return value;
}

Result<void> set_text(Pkcs11Uri& uri, const TextAttribute& attribute, std::string value) {
  const std::string name(attribute.name);
  std::string& member = uri.*attribute.member;
  if (!member.empty()) return bad("attribute " + name + " stands there twice");
  if (attribute.member == &Pkcs11Uri::pin_file) value = KH_TRY(pin_path(std::move(value)));
  if (value.empty()) return bad("attribute " + name + " is empty");
  if (value.size() > attribute.limit)
    return bad("attribute " + name + " has more than " + std::to_string(attribute.limit) +
               " bytes");
  if (!is_plain_text(value)) return bad("attribute " + name + " holds control characters");
  if (attribute.member == &Pkcs11Uri::module_path && value.front() != '/')
    return bad("the module is named by its absolute path");
  member = std::move(value);
  return {};
}

Result<void> set_attribute(Pkcs11Uri& uri, std::string_view piece, Place place) {
  const std::size_t equals = piece.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return bad("attributes look like NAME=VALUE, separated by ';' (after '?' by '&')");
  std::string_view name = piece.substr(0, equals);
  std::string value = KH_TRY(decode(name, piece.substr(equals + 1)));
  if (name == "pin-value")
    return bad(
        "a PIN never stands in a URI, because arguments are public: use pin-source=file:PATH");
  if (name == "module") name = "module-path";
  if (name == "type" && place == Place::Path) {
    if (value == "private") return {};
    return bad("only keys of type=private sign");
  }
  if (name == "id" && place == Place::Path) {
    if (!uri.id.empty()) return bad("attribute id stands there twice");
    if (value.empty() || value.size() > kMaxIdBytes) return bad("attribute id has 1 to 64 bytes");
    uri.id = to_bytes(as_bytes(value));
    return {};
  }
  for (const TextAttribute& attribute : kAttributes) {
    if (attribute.name != name || (place == Place::Query && !attribute.in_query)) continue;
    return set_text(uri, attribute, std::move(value));
  }
  return bad(
      "an attribute that is not known at its place; known are token, serial, manufacturer, "
      "model, object, id, type, and after '?' module-path and pin-source");
}

Result<void> set_all(Pkcs11Uri& uri, std::string_view text, char separator, Place place) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    KH_TRY(set_attribute(uri, text.substr(0, end), place));
    if (end + 1 == text.size()) return bad("nothing follows the last separator");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

void put(std::string& out, char separator, std::string_view name, std::string_view value) {
  constexpr std::string_view kKept = "-._~/";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (value.empty()) return;
  if (separator != 0) out += separator;
  out += name;
  out += '=';
  for (const char c : value) {
    const bool is_letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || kKept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
}

}  // namespace

Result<Pkcs11Uri> parse_pkcs11_uri(std::string_view text) {
  if (text.size() > kMaxPkcs11UriBytes) return bad("longer than 2048 bytes");
  if (!text.starts_with(kPkcs11Scheme)) return bad("does not start with pkcs11:");
  text.remove_prefix(kPkcs11Scheme.size());
  const std::size_t question = std::min(text.find('?'), text.size());
  const std::string_view query = text.substr(std::min(question + 1, text.size()));
  if (question < text.size() && query.empty()) return bad("nothing follows the '?'");
  if (query.find(';') != std::string_view::npos)
    return bad("attributes after '?' are separated by '&'");
  Pkcs11Uri uri;
  KH_TRY(set_all(uri, text.substr(0, question), ';', Place::Path));
  KH_TRY(set_all(uri, query, '&', Place::Query));
  return uri;
}

std::string format_pkcs11_uri(const Pkcs11Uri& uri) {
  std::string path;
  std::string query;
  for (const TextAttribute& attribute : kAttributes) {
    const std::string& value = uri.*attribute.member;
    std::string& part = attribute.in_query ? query : path;
    const char separator = part.empty() ? '\0' : attribute.in_query ? '&' : ';';
    if (attribute.member == &Pkcs11Uri::pin_file && !value.empty()) {
      put(part, separator, attribute.name, std::string(kFileScheme) + value);
    } else {
      put(part, separator, attribute.name, value);
    }
  }
  put(path, path.empty() ? '\0' : ';', "id", as_text(uri.id));
  return std::string(kPkcs11Scheme) + path + (query.empty() ? "" : "?") + query;
}

}  // namespace keyhaven::tke
