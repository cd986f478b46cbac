#include "keys/key_rules.h"

#include <algorithm>
#include <array>

#include "unit/crypto_unit.h"

namespace keyhaven::keys {
namespace {

// Words that stand where an alias could stand in a path (key-management-api.md 9).
constexpr std::array<std::string_view, 16> kReservedAliases = {
    "allowed_ip",   "key",           "keys",     "metadata", "policies", "policy",
    "registration", "registrations", "rewrap",   "ring",     "rings",    "rotate",
    "unwrap",       "version",       "versions", "wrap"};

Error field_error(std::string_view field, std::string message) {
  return Error{Reason::InvalidField, std::move(message), std::string(field)};
}

Result<void> check_length(std::string_view field, std::string_view text, std::size_t low,
                          std::size_t high) {
  const std::size_t count = count_characters(text);
  if (count == kInvalidUtf8) return field_error(field, std::string(field) + " is not valid UTF-8");
  if (count < low || count > high) {
    return field_error(field, std::string(field) + " has " + std::to_string(count) +
                                  " characters, allowed are " + std::to_string(low) + " to " +
                                  std::to_string(high));
  }
  return {};
}

bool is_word(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

// Bytes that follow a lead byte; -1 for a byte that leads nothing.
int trail_count(unsigned char lead) noexcept {
  if (lead < 0x80) return 0;
  if (lead >= 0xC2 && lead <= 0xDF) return 1;
  if (lead >= 0xE0 && lead <= 0xEF) return 2;
  if (lead >= 0xF0 && lead <= 0xF4) return 3;
  return -1;
}

// Overlong forms, surrogates and values above U+10FFFF show in the second byte (RFC 3629 section
// 4).
bool second_byte_ok(unsigned char lead, unsigned char second) noexcept {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

}  // namespace

std::size_t count_characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int trail = trail_count(lead);
    if (trail < 0 || i + static_cast<std::size_t>(trail) >= text.size()) return kInvalidUtf8;
    for (int k = 1; k <= trail; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((byte & 0xC0) != 0x80 || (k == 1 && !second_byte_ok(lead, byte))) return kInvalidUtf8;
    }
    i += static_cast<std::size_t>(trail) + 1;
  }
  return count;
}

Result<void> check_name(std::string_view name) { return check_length("name", name, 2, 90); }

Result<void> check_description(std::string_view description) {
  if (description.empty()) return {};
  return check_length("description", description, 2, 240);
}

Result<void> check_tags(const std::vector<std::string>& tags) {
  if (tags.size() > kMaxTags) {
    return field_error("tags",
                       std::to_string(tags.size()) + " tags, at most " + std::to_string(kMaxTags));
  }
  for (const std::string& tag : tags) {
    KH_TRY(check_length("tags", tag, 1, 30));
    if (tag.find_first_of("<>,:&|") != std::string::npos) {
      return field_error("tags", "a tag may contain none of < > , : & |");
    }
  }
  return {};
}

Result<void> check_alias(std::string_view alias) {
  if (alias.size() < 2 || alias.size() > 90 || !is_word(alias)) {
    return field_error("aliases", "an alias has 2 to 90 letters, digits, '-' or '_'");
  }
  if (Uuid::looks_like_v4(alias))
    return field_error("aliases", "an alias must not look like a key id");
  if (std::find(kReservedAliases.begin(), kReservedAliases.end(), alias) !=
      kReservedAliases.end()) {
    return field_error("aliases", "this alias is a reserved word");
  }
  return {};
}

Result<void> check_alias_count(std::size_t count, std::size_t limit) {
  if (count <= std::min(limit, kMostAliasesPerKey)) return {};
  return Error{Reason::AliasLimit,
               "the key would have " + std::to_string(count) +
                   " aliases, in this instance a key has at most " +
                   std::to_string(std::min(limit, kMostAliasesPerKey)) +
                   "; remove one that is no longer used",
               "aliases"};
}

Result<void> check_aliases(const std::vector<std::string>& aliases, std::size_t limit) {
  KH_TRY(check_alias_count(aliases.size(), limit));
  for (auto alias = aliases.begin(); alias != aliases.end(); ++alias) {
    KH_TRY(check_alias(*alias));
    if (std::find(aliases.begin(), alias, *alias) != alias) {
      return field_error("aliases", "the same alias is given twice");
    }
  }
  return {};
}

Result<void> check_ring_id(std::string_view id) {
  if (id.size() < 2 || id.size() > 100 || !is_word(id)) {
    return field_error("keyRingID", "a key ring id has 2 to 100 letters, digits, '-' or '_'");
  }
  return {};
}

Result<void> check_material_size(KeyKind kind, std::size_t size, std::size_t limit) {
  if (kind == KeyKind::RootKey) {
    if (size == 16 || size == 24 || size == 32) return {};
    return field_error("payload", "root key material has " + std::to_string(size) +
                                      " bytes, allowed are 16, 24 or 32");
  }
  const std::size_t most = std::min(limit, unit::kMaxStandardPayloadBytes);
  if (size >= 1 && size <= most) return {};
  return field_error("payload",
                     "the payload has " + std::to_string(size) +
                         " bytes, allowed in this instance are 1 to " + std::to_string(most) +
                         "; encrypt what is longer with a data key that a root key wraps");
}

Result<void> check_material(KeyKind kind, const Material& material, std::size_t limit) {
  if (!material.encrypted) {
    return material.clear.empty() ? Result<void>()
                                  : check_material_size(kind, material.clear.size(), limit);
  }
  if (kind != KeyKind::RootKey) {
    return Error{Reason::KeyRootRequired,
                 "material encrypted for an import token is for root keys only; set extractable to "
                 "false, or send the payload of a standard key as it is",
                 "encryptedNonce"};
  }
  const unit::EncryptedMaterial& encrypted = *material.encrypted;
  if (encrypted.payload.empty() || encrypted.payload.size() > unit::kMaxEncryptedMaterialBytes) {
    return field_error("payload", "material encrypted with the import token's public key has " +
                                      std::to_string(unit::kMaxEncryptedMaterialBytes) +
                                      " bytes, the payload has " +
                                      std::to_string(encrypted.payload.size()));
  }
  if (encrypted.encrypted_nonce.empty() ||
      encrypted.encrypted_nonce.size() > unit::kMaxEncryptedNonceBytes) {
    return field_error(
        "encryptedNonce",
        "encryptedNonce has 1 to " + std::to_string(unit::kMaxEncryptedNonceBytes) + " bytes");
  }
  if (encrypted.iv.size() != 12 && encrypted.iv.size() != 16) {
    return field_error("iv", "iv has " + std::to_string(encrypted.iv.size()) +
                                 " bytes, allowed are 12 (AES-GCM) or 16 (AES-CBC)");
  }
  return {};
}

Result<void> check_create_import_access(const InstanceRules& rules, KeyKind kind,
                                        const Material& material) {
  const bool root = kind == KeyKind::RootKey;
  const bool allowed = material.given()
                           ? (root ? rules.import_root_key : rules.import_standard_key)
                           : (root ? rules.create_root_key : rules.create_standard_key);
  if (!allowed) {
    const std::string permission = std::string(material.given() ? "import" : "create") +
                                   (root ? "_root_key" : "_standard_key");
    return Error{Reason::KeyCreateImportAccess,
                 "the policy keyCreateImportAccess of the instance does not give " + permission +
                     "; a manager of the instance can set it to true",
                 ""};
  }
  return check_token_enforced(rules, material);
}

Result<void> check_token_enforced(const InstanceRules& rules, const Material& material) {
  if (!rules.enforce_token || material.clear.empty()) return {};
  return Error{Reason::KeyCreateImportAccess,
               "the policy keyCreateImportAccess of the instance has enforce_token: material must "
               "be encrypted with the import token's public key (encryptedNonce and iv beside the "
               "payload)",
               ""};
}

}  // namespace keyhaven::keys
