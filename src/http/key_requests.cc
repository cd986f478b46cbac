#include "http/key_requests.h"

#include "http/json.h"
#include "keys/key_rules.h"
#include "unit/wrapped_dek.h"

namespace keyhaven::http {
namespace {

constexpr std::size_t kTextLimit =
    4096;  // bytes; the rules about characters are in keys/key_rules.h
constexpr std::size_t kAadCharacters = 255;

Error invalid_field(std::string_view field, std::string message) {
  return {Reason::InvalidField, std::move(message), std::string(field)};
}

// Members of the secure form of import (material encrypted for an import token). Empty ones are as
// good as absent.
Result<void> refuse_secure_import(std::string_view name, JsonValue& value) {
  std::string_view field;
  if (name == "encryptednonce") field = "encryptedNonce";
  if (name == "iv") field = "iv";
  if (field.empty() || value.is_null()) return {};
  const std::string text = KH_TRY(value.text(field, kTextLimit));
  if (text.empty()) return {};
  return invalid_field(
      field, "import with an import token is not offered; send the material itself in payload");
}

Result<unit::AadList> read_aad(JsonValue& value) {
  unit::AadList aad = KH_TRY(value.strings("aad", unit::kMaxAadEntries, unit::kMaxAadEntryBytes));
  for (const std::string& entry : aad) {
    if (keys::count_characters(entry) > kAadCharacters) {
      return invalid_field(
          "aad", "an entry of aad has more than " + std::to_string(kAadCharacters) + " characters");
    }
  }
  return aad;
}

// Reads `field` as a secret unless it is null.
Result<SecretBytes> read_secret(JsonValue& value, std::string_view field, std::size_t limit) {
  if (value.is_null()) return SecretBytes();
  return value.base64_secret(field, limit);
}

Result<std::string> read_text(JsonValue& value, std::string_view field) {
  if (value.is_null()) return std::string();
  return value.text(field, kTextLimit);
}

Result<void> read_create_member(std::string_view name, JsonValue& value,
                                keys::CreateRequest& request) {
  if (name == "name") {
    request.name = KH_TRY(read_text(value, "name"));
  } else if (name == "description") {
    request.description = KH_TRY(read_text(value, "description"));
  } else if (name == "type") {
    const std::string type = KH_TRY(read_text(value, "type"));
    if (!type.empty() && type != "application/vnd.ibm.kms.key+json") {
      return invalid_field("type", "type must be application/vnd.ibm.kms.key+json");
    }
  } else if (name == "extractable") {
    const bool extractable = KH_TRY(value.boolean("extractable"));
    request.kind = extractable ? keys::KeyKind::StandardKey : keys::KeyKind::RootKey;
  } else if (name == "tags") {
    request.tags = KH_TRY(value.strings("tags", keys::kMaxTags, kTextLimit));
  } else if (name == "aliases") {
    // One more than allowed, so that the rule answers with its own reason.
    request.aliases = KH_TRY(value.strings("aliases", keys::kMaxAliasesPerKey + 1, kTextLimit));
  } else if (name == "expirationdate") {
    if (value.is_null()) return {};
    request.expires = KH_TRY(value.date("expirationDate"));
  } else if (name == "payload") {
    request.material.clear = KH_TRY(read_secret(value, "payload", unit::kMaxStandardPayloadBytes));
  } else {
    return refuse_secure_import(name, value);
  }
  return {};
}

}  // namespace

Result<keys::CreateRequest> read_create_key(std::span<std::uint8_t> body) {
  keys::CreateRequest request;
  request.kind = keys::KeyKind::StandardKey;  // extractable absent means true
  std::size_t seen = 0;
  const auto read_resource = [&](JsonValue& resource) -> Result<void> {
    if (++seen > 1) return Error{Reason::BadBody, "one key per request", ""};
    return resource.object([&](std::string_view name, JsonValue& value) {
      return read_create_member(name, value, request);
    });
  };
  KH_TRY(read_envelope(body, read_resource));
  return request;
}

Result<WrapRequest> read_wrap(std::span<std::uint8_t> body) {
  WrapRequest request;
  KH_TRY(read_json(body, [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "plaintext") {
      auto plaintext = read_secret(value, "plaintext", unit::kMaxDekBytes);
      if (!plaintext) return std::move(plaintext).error();
      request.plaintext = std::move(plaintext).value();
    } else if (name == "aad") {
      auto aad = read_aad(value);
      if (!aad) return std::move(aad).error();
      request.aad = std::move(aad).value();
    }
    return {};
  }));
  return request;
}

Result<UnwrapRequest> read_unwrap(std::span<std::uint8_t> body) {
  UnwrapRequest request;
  bool has_ciphertext = false;
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "ciphertext" && !value.is_null()) {
      constexpr std::size_t kLimit = unit::kMaxDekBytes + unit::kWrappedDekOverhead;
      request.ciphertext = KH_TRY(value.base64("ciphertext", kLimit, Reason::NotACiphertext));
      has_ciphertext = true;
    } else if (name == "aad") {
      request.aad = KH_TRY(read_aad(value));
    }
    return {};
  };
  const Body present = KH_TRY(read_json(body, read_member));
  if (present == Body::Absent)
    return Error{Reason::NoBody, "the call needs a body with a ciphertext", ""};
  if (!has_ciphertext) return invalid_field("ciphertext", "ciphertext is missing");
  return request;
}

Result<SecretBytes> read_rotate(std::span<std::uint8_t> body) {
  SecretBytes payload;
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "payload") return refuse_secure_import(name, value);
    payload = KH_TRY(read_secret(value, "payload", unit::kMaxStandardPayloadBytes));
    return {};
  };
  KH_TRY(read_json(body, read_member));
  return payload;
}

Result<std::optional<SecretBytes>> read_restore(std::span<std::uint8_t> body) {
  std::optional<SecretBytes> material;
  const MemberVisitor read_material = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "payload") return refuse_secure_import(name, value);
    SecretBytes payload = KH_TRY(read_secret(value, "payload", unit::kMaxStandardPayloadBytes));
    if (!payload.empty()) material = std::move(payload);
    return {};
  };
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "resources" || !value.is_array()) return read_material(name, value);
    return value.array([&](JsonValue& resource) { return resource.object(read_material); });
  };
  KH_TRY(read_json(body, read_member));
  return material;
}

Result<std::string> read_patch_key(std::span<std::uint8_t> body) {
  std::string ring;
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "keyringid") ring = KH_TRY(read_text(value, "keyRingID"));
    return {};
  };
  const Body present = KH_TRY(read_json(body, read_member));
  if (present == Body::Absent)
    return Error{Reason::NoBody, "the call needs a body with keyRingID", ""};
  if (ring.empty())
    return invalid_field("keyRingID",
                         "keyRingID, the only attribute that can be patched, is missing");
  KH_TRY(keys::check_ring_id(ring));
  return ring;
}

}  // namespace keyhaven::http
