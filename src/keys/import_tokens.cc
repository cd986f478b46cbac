#include "keys/import_tokens.h"

#include <string>
#include <utility>

#include "crypto/random.h"

namespace keyhaven::keys {
namespace {

unit::KeyBinding binding_of(const InstanceId& instance, const Uuid& token) {
  return {instance, KeyId{token}, VersionId{token}};
}

Error out_of_range(const char* field, std::int64_t least, std::int64_t most) {
  return {Reason::InvalidField,
          std::string(field) + " must be " + std::to_string(least) + " to " + std::to_string(most),
          field};
}

Result<void> check(const ImportTokenRequest& request) {
  if (request.expiration_seconds < kLeastTokenSeconds ||
      request.expiration_seconds > kMostTokenSeconds)
    return out_of_range("expiration", kLeastTokenSeconds, kMostTokenSeconds);
  if (request.max_retrievals < 1 || request.max_retrievals > kMostTokenRetrievals)
    return out_of_range("maxAllowedRetrievals", 1, kMostTokenRetrievals);
  return {};
}

}  // namespace

Result<void> ImportTokens::load() {
  const std::lock_guard lock(mutex_);
  return parts_.store.load_import_tokens([this](ImportToken token) {
    const InstanceId instance = token.instance;
    tokens_[instance] = std::make_shared<const ImportToken>(std::move(token));
  });
}

std::unique_lock<std::mutex> ImportTokens::lock_changes(const InstanceId& instance) {
  return std::unique_lock(stripes_[instance.uuid.bytes[15] % stripes_.size()]);
}

Result<ImportTokenPtr> ImportTokens::live(const InstanceId& instance) const {
  ImportTokenPtr token;
  {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(instance);
    if (found != tokens_.end()) token = found->second;
  }
  if (token == nullptr) {
    return Error{Reason::ImportTokenNotFound,
                 "the instance has no import token; create one with POST /api/v2/import_token", ""};
  }
  if (parts_.clock.now() >= token->expires) {
    return Error{Reason::ImportTokenExpired,
                 "the import token expired at " + format_rfc3339(token->expires) +
                     "; create a new one and encrypt the key again",
                 ""};
  }
  return token;
}

Result<ImportTokenPtr> ImportTokens::commit(ImportToken token, Change& change) {
  add_detail(change, "responseData.expirationDate", format_rfc3339(token.expires));
  add_detail(change, "responseData.maxAllowedRetrievals", std::to_string(token.max_retrievals));
  add_detail(change, "responseData.remainingRetrievals",
             std::to_string(token.remaining_retrievals));
  KH_TRY(parts_.store.put_import_token(token, change.event));
  change.recorded = true;
  auto made = std::make_shared<const ImportToken>(std::move(token));
  publish(made);
  return made;
}

void ImportTokens::publish(ImportTokenPtr token) {
  const std::lock_guard lock(mutex_);
  tokens_[token->instance] = std::move(token);
}

Result<ImportTokenPtr> ImportTokens::create(const InstanceId& instance,
                                            const ImportTokenRequest& request, Change& change) {
  KH_TRY(check(request));
  const SealGate::Pass pass = KH_TRY(parts_.gate.pass(instance));
  ImportToken token;
  token.instance = instance;
  token.id = crypto::random_uuid();
  unit::ImportTokenKey key =
      KH_TRY(parts_.slow_unit.create_import_token(binding_of(instance, token.id)));
  token.public_key = std::move(key.public_key);
  token.nonce = key.nonce;
  token.private_key = std::move(key.private_key);
  token.created = parts_.clock.now();
  token.created_by = change.actor;
  token.expires = token.created.plus_seconds(request.expiration_seconds);
  token.max_retrievals = static_cast<std::uint32_t>(request.max_retrievals);
  token.remaining_retrievals = token.max_retrievals;
  const auto lock = lock_changes(instance);
  return commit(std::move(token), change);
}

Result<ImportTokenPtr> ImportTokens::retrieve(const InstanceId& instance, Change& change) {
  const auto lock = lock_changes(instance);
  const ImportTokenPtr token = KH_TRY(live(instance));
  if (token->remaining_retrievals == 0) {
    return Error{Reason::ImportTokenExpired,
                 "all retrievals of the import token are used up; keys encrypted for it can be "
                 "imported until " +
                     format_rfc3339(token->expires) + ", or create a new one",
                 ""};
  }
  ImportToken next = *token;
  --next.remaining_retrievals;
  return commit(std::move(next), change);
}

std::optional<unit::BlobPattern> ImportTokens::sealed_under(const InstanceId& instance) const {
  const auto token = live(instance);
  if (!token) return std::nullopt;
  return master_key_or_zeros((*token)->private_key);
}

Result<void> ImportTokens::reseal(const InstanceId& instance, const unit::BlobPattern& target,
                                  Change& change) {
  const auto lock = lock_changes(instance);
  const auto token = live(instance);
  if (!token || master_key_or_zeros((*token)->private_key) == target) return {};
  ImportToken next = **token;
  next.private_key = KH_TRY(parts_.unit.reseal(
      unit::BlobPurpose::ImportToken, binding_of(instance, next.id), next.private_key, target));
  KH_TRY(parts_.store.put_import_token(next, change.event));
  change.recorded = true;
  publish(std::make_shared<const ImportToken>(std::move(next)));
  return {};
}

Result<unit::SealedRootKey> ImportTokens::import(const unit::KeyBinding& binding,
                                                 const unit::EncryptedMaterial& material) {
  const ImportTokenPtr token = KH_TRY(live(binding.instance));
  return parts_.unit.import_encrypted_root_key(binding, binding_of(token->instance, token->id),
                                               token->private_key, material);
}

}  // namespace keyhaven::keys
