// Requests of the API: bodies in secret memory, paths and queries percent-encoded.
#pragma once

#include <string>
#include <string_view>

#include "client/secret_json.h"
#include "client/types.h"

namespace keyhaven::client {

// RFC 3986 section 2.1: everything but unreserved characters.
std::string percent_encode(std::string_view text);
void append_percent_encoded(JsonWriter& out, std::span<const std::uint8_t> secret);

std::string key_query(const KeyQuery& query, bool paged);
SecretBytes encode_create_key(const CreateKey& request);
SecretBytes encode_payload(
    std::span<const std::uint8_t> payload);  // {"payload": ...}; {} when empty
SecretBytes encode_encrypted(const EncryptedMaterial& material);
SecretBytes encode_key_policies(const KeyPolicies& policies);
SecretBytes encode_registration(const Registration& registration);
SecretBytes encode_migration_intent(std::string_view target_crn);
SecretBytes encode_wrap(std::span<const std::uint8_t> plaintext, const AadList& aad);
SecretBytes encode_unwrap(std::string_view ciphertext, const AadList& aad);
SecretBytes encode_create_instance(const CreateInstance& request);
SecretBytes encode_update_instance(const UpdateInstance& change);
SecretBytes encode_instance_policy(const InstancePolicyChange& change);
SecretBytes encode_access_policy(const AccessPolicy& policy);

}  // namespace keyhaven::client
