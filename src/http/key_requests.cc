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

Result<Bytes> read_bytes(JsonValue& value, std::string_view field, std::size_t limit) {
  if (value.is_null()) return Bytes();
  return value.base64(field, limit);
}

// The members that bring material, in whatever order they come.
class MaterialMembers {
 public:
  // True when the member is one of them.
  Result<bool> read(std::string_view name, JsonValue& value) {
    if (name == "payload") {
      payload_ = KH_TRY(read_secret(value, "payload", unit::kMaxStandardPayloadBytes));
    } else if (name == "encryptednonce") {
      nonce_ = KH_TRY(read_bytes(value, "encryptedNonce", unit::kMaxEncryptedNonceBytes));
    } else if (name == "iv") {
      iv_ = KH_TRY(read_bytes(value, "iv", unit::kMaxEncryptedNonceBytes));
    } else if (name == "encryptionalgorithm") {
      const std::string algorithm = KH_TRY(read_text(value, "encryptionAlgorithm"));
      hash_ = KH_TRY(hash_of(algorithm));
    } else {
      return false;
    }
    return true;
  }

  // To be called once, after the last member.
  Result<keys::Material> take() {
    if (nonce_.empty() != iv_.empty()) {
      return invalid_field(nonce_.empty() ? "encryptedNonce" : "iv",
                           "encryptedNonce and iv come together or not at all");
    }
    if (nonce_.empty()) return keys::Material(std::move(payload_));
    if (payload_.empty()) {
      return invalid_field("payload",
                           "encryptedNonce and iv come with a payload, the material encrypted with "
                           "the import token's public key");
    }
    keys::Material material;
    // This payload is a ciphertext for the crypto unit, no secret.
    material.encrypted = unit::EncryptedMaterial{to_bytes(payload_.expose()), std::move(nonce_),
                                                 std::move(iv_), hash_};
    return material;
  }

 private:
  static Result<unit::OaepHash> hash_of(std::string_view algorithm) {
    if (algorithm.empty() || algorithm == "RSAES_OAEP_SHA_256") return unit::OaepHash::Sha256;
    if (algorithm == "RSAES_OAEP_SHA_1") return unit::OaepHash::Sha1;
    return invalid_field("encryptionAlgorithm",
                         "encryptionAlgorithm must be RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1");
  }

  SecretBytes payload_;
  Bytes nonce_;
  Bytes iv_;
  unit::OaepHash hash_ = unit::OaepHash::Sha256;
};

Result<void> read_rotation_override(JsonValue& value, keys::PolicyOverrides& overrides) {
  const auto read_member = [&](std::string_view name, JsonValue& member) -> Result<void> {
    if (member.is_null()) return {};
    if (name == "enabled") overrides.rotation_enabled = KH_TRY(member.boolean("enabled"));
    if (name == "interval_month")
      overrides.rotation_months = KH_TRY(member.integer("interval_month"));
    return {};
  };
  KH_TRY(value.object(read_member));
  if (overrides.rotation_months) return {};
  return invalid_field("interval_month", "rotation needs interval_month, 1 to 12");
}

Result<void> read_dual_auth_override(JsonValue& value, keys::PolicyOverrides& overrides) {
  const auto read_member = [&](std::string_view name, JsonValue& member) -> Result<void> {
    if (name == "enabled" && !member.is_null())
      overrides.dual_auth = KH_TRY(member.boolean("enabled"));
    return {};
  };
  KH_TRY(value.object(read_member));
  if (overrides.dual_auth) return {};
  return invalid_field("enabled", "dualAuthDelete needs enabled, true or false");
}

// Ignored where policies cannot be brought, as everything that a create does not know.
Result<void> read_policy_override(std::string_view name, JsonValue& value,
                                  std::optional<keys::PolicyOverrides>& overrides) {
  if (!overrides || value.is_null()) return {};
  if (name == "rotation") return read_rotation_override(value, *overrides);
  if (name == "dualauthdelete") return read_dual_auth_override(value, *overrides);
  return {};
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
    if (value.is_null()) return {};
    const bool extractable = KH_TRY(value.boolean("extractable"));
    request.kind = extractable ? keys::KeyKind::StandardKey : keys::KeyKind::RootKey;
  } else if (name == "tags") {
    request.tags = KH_TRY(value.strings("tags", keys::kMaxTags, kTextLimit));
  } else if (name == "aliases") {
    // One more than any key may have, so that the rule answers with its own reason.
    request.aliases = KH_TRY(value.strings("aliases", keys::kMostAliasesPerKey + 1, kTextLimit));
  } else if (name == "expirationdate") {
    request.expires = KH_TRY(value.date("expirationDate")).value_or(Timestamp());
  } else {
    return read_policy_override(name, value, request.overrides);
  }
  return {};
}

Result<keys::CreateRequest> read_create(std::span<std::uint8_t> body, keys::CreateRequest request) {
  request.kind = keys::KeyKind::StandardKey;  // extractable absent means true
  MaterialMembers material;
  std::size_t seen = 0;
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    const bool is_material = KH_TRY(material.read(name, value));
    if (is_material) return {};
    return read_create_member(name, value, request);
  };
  const auto read_resource = [&](JsonValue& resource) -> Result<void> {
    if (++seen > 1) return Error{Reason::BadBody, "one key per request", ""};
    return resource.object(read_member);
  };
  KH_TRY(read_envelope(body, read_resource));
  request.material = KH_TRY(material.take());
  return request;
}

}  // namespace

Result<keys::CreateRequest> read_create_key(std::span<std::uint8_t> body) {
  return read_create(body, {});
}

Result<keys::CreateRequest> read_create_key_with_overrides(std::span<std::uint8_t> body) {
  keys::CreateRequest request;
  request.overrides.emplace();
  return read_create(body, std::move(request));
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

Result<keys::Material> read_rotate(std::span<std::uint8_t> body) {
  MaterialMembers material;
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    KH_TRY(material.read(name, value));
    return {};
  };
  KH_TRY(read_json(body, read_member));
  return material.take();
}

Result<keys::Material> read_restore(std::span<std::uint8_t> body) {
  MaterialMembers material;
  const MemberVisitor read_material = [&](std::string_view name, JsonValue& value) -> Result<void> {
    KH_TRY(material.read(name, value));
    return {};
  };
  const auto read_member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "resources" || value.is_null()) return read_material(name, value);
    if (!value.is_array()) return Error{Reason::BadBody, "resources must be an array", ""};
    return value.array([&](JsonValue& resource) { return resource.object(read_material); });
  };
  KH_TRY(read_json(body, read_member));
  return material.take();
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
