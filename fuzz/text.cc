// Hexadecimal, base64 in both alphabets, RFC 3339 and UUIDs: what decodes is written back the same.
#include <algorithm>

#include "base/clock.h"
#include "base/id.h"
#include "base/secret_bytes.h"
#include "fuzz.h"

using namespace keyhaven;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

void decode(std::string_view text) {
  if (const auto bytes = from_hex(text)) {
    KH_ASSERT(to_hex(*bytes) == lower(text));
    KH_ASSERT(from_hex(to_hex_upper(*bytes)).value() == *bytes);
  }
  KH_ASSERT(from_hex(text).has_value() == secret_from_hex(text).has_value());
  const auto public_bytes = from_base64(text);
  const auto secret_bytes = secret_from_base64(text);
  KH_ASSERT(public_bytes.has_value() == secret_bytes.has_value());
  if (public_bytes) {
    KH_ASSERT(to_base64(*public_bytes) == text);
    KH_ASSERT(fuzz::same(*public_bytes, secret_bytes->expose()));
    KH_ASSERT(as_text(secret_to_base64(*public_bytes).expose()) == text);
    KH_ASSERT(base64_size(public_bytes->size()) == text.size());
  }
  if (const auto bytes = from_base64url(text)) KH_ASSERT(to_base64url(*bytes) == text);
  if (const auto time = parse_rfc3339(text)) {
    const auto again = parse_rfc3339(format_rfc3339(*time));
    KH_ASSERT(again && again->us == time->us - (time->us % 1'000'000 + 1'000'000) % 1'000'000);
  }
  if (const auto uuid = Uuid::parse(text)) KH_ASSERT(uuid->text() == lower(text));
  if (Uuid::looks_like_v4(text)) KH_ASSERT(Uuid::parse(text).has_value());
}

}  // namespace

KH_FUZZ_TARGET(in) {
  decode(as_text(in));
  KH_ASSERT(from_base64(to_base64(in)).value() == to_bytes(in));
  KH_ASSERT(from_base64url(to_base64url(in)).value() == to_bytes(in));
  KH_ASSERT(from_hex(to_hex(in)).value() == to_bytes(in));
}
