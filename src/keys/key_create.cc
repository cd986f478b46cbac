// How a key comes to be: the rules of its instance, its material, its first version and policies.
#include <utility>

#include "crypto/random.h"
#include "keys/key_policies.h"
#include "keys/key_rules.h"
#include "keys/key_service.h"
#include "keys/key_steps.h"

namespace keyhaven::keys {
namespace {

Result<void> check_request(const CreateRequest& request, const InstanceRules& rules,
                           Timestamp now) {
  // Before the rules about the body (key-management-api.md 5.1): who may not create learns that and
  // nothing else.
  KH_TRY(check_create_import_access(rules, request.kind, request.material));
  KH_TRY(check_name(request.name));
  KH_TRY(check_description(request.description));
  KH_TRY(check_tags(request.tags));
  KH_TRY(check_aliases(request.aliases, rules.limits.aliases_per_key));
  KH_TRY(check_ring_id(request.key_ring));
  if (request.expires.is_set() && request.expires <= now) {
    return Error{Reason::InvalidField, "expirationDate must be in the future", "expirationDate"};
  }
  return check_material(request.kind, request.material, rules.limits.standard_key_bytes);
}

// The policies of the request in place of the instance's, when it brings any; else what the
// instance gives to new keys.
PolicyUpdate policies_for(const CreateRequest& request, const InstanceRules& rules) {
  PolicyUpdate out;
  if (request.overrides) {
    const PolicyOverrides& own = *request.overrides;
    if (own.rotation_months) {
      out.rotation = {.enabled = own.rotation_enabled, .interval_months = own.rotation_months};
    }
    out.dual_auth = own.dual_auth;
    return out;
  }
  // Only what the service can rotate by itself inherits that.
  const bool generated_root = request.kind == KeyKind::RootKey && !request.material.given();
  if (rules.rotation_months != 0 && generated_root) {
    out.rotation = {.enabled = true, .interval_months = rules.rotation_months};
  }
  if (rules.dual_auth_delete) out.dual_auth = true;
  return out;
}

}  // namespace

Result<unit::SealedRootKey> KeyService::sealed_version(const unit::KeyBinding& binding,
                                                       const Material& material) {
  if (material.encrypted) return secure_import_.import(binding, *material.encrypted);
  if (material.clear.empty()) return unit_.generate_root_key(binding);
  return unit_.import_root_key(binding, material.clear);
}

Result<KeyVersion> KeyService::make_version(const KeyRecord& key, VersionId id,
                                            const Material& material, Timestamp now) {
  KeyVersion version;
  version.id = id;
  version.created = now;
  const unit::KeyBinding binding{key.instance, key.id, id};
  if (key.kind == KeyKind::StandardKey) {
    version.blob = KH_TRY(unit_.create_standard_key(binding, material.clear));
    return version;
  }
  auto sealed = KH_TRY(sealed_version(binding, material));
  version.bits = sealed.bits;
  version.blob = std::move(sealed.blob);
  version.commitment = sealed.commitment;
  return version;
}

Result<KeyRecordPtr> KeyService::create(CreateRequest request, Change& change) {
  const Timestamp now = clock_.now();
  const InstanceRules rules = settings_.rules(request.instance);
  KH_TRY(check_request(request, rules, now));
  const SealGate::Pass pass = KH_TRY(gate_.pass(request.instance));
  KeyRecord key;
  key.instance = request.instance;
  key.id = request.id;
  key.kind = request.kind;
  key.imported = request.material.given();
  key.set_policies(KH_TRY(updated_policies(key, policies_for(request, rules), change.actor, now)));

  const Claim claim{.instance = request.instance,
                    .key = request.id,
                    .new_key = true,
                    .ring = request.key_ring,
                    .aliases = request.aliases};
  KH_TRY(changes_.directory().claim(claim, rules.limits));
  ClaimGuard guard(changes_.directory(), claim);
  key.name = std::move(request.name);
  key.description = std::move(request.description);
  key.tags = std::move(request.tags);
  key.aliases = std::move(request.aliases);
  key.key_ring = std::move(request.key_ring);
  key.created = now;
  key.created_by = change.actor;
  key.expires = request.expires;
  key.state_changed = now;
  // The first version has the key's own id (key-management-api.md 4).
  key.versions.push_back(
      KH_TRY(make_version(key, VersionId{request.id.uuid}, request.material, now)));

  add_detail(change, "responseData.keyId", key.id.text());
  add_detail(change, "responseData.keyVersionId", key.id.text());
  add_detail(change, "responseData.keyVersionCreationDate", format_rfc3339(now));
  add_detail(change, "responseData.keyState", number_of(key.state));
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(key), change));
  guard.keep();
  return record;
}

}  // namespace keyhaven::keys
