// What a record from another deployment may say. Everything that our own calls make passes; what
// could not have been made by them is refused, so that no later step meets a record it was not
// written for.
#include <algorithm>
#include <set>
#include <utility>

#include "keys/crn_query.h"
#include "keys/key_rules.h"
#include "keys/registrations.h"
#include "keys/transfer_record.h"

namespace keyhaven::keys {
namespace {

// 9999-12-31T23:59:59Z: what RFC 3339 can say, and far from where waiting times would overflow.
constexpr Timestamp kLatest{253'402'300'799'000'000};

Error refuse(std::string message, std::string_view field) {
  return {Reason::InvalidField, "the record of the key is refused: " + std::move(message),
          std::string(field)};
}

Result<void> check_dates(std::initializer_list<Timestamp> dates) {
  for (const Timestamp date : dates) {
    if (date < Timestamp() || date > kLatest)
      return refuse("a date is before 1970 or after 9999", "date");
  }
  return {};
}

Result<void> check_texts(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (count_characters(text) == kInvalidUtf8) return refuse("a text is not valid UTF-8", "text");
  }
  return {};
}

Result<void> check_stamp(const PolicyStamp& stamp) {
  KH_TRY(check_texts({stamp.created_by, stamp.updated_by}));
  return check_dates({stamp.created, stamp.updated});
}

Result<void> check_attributes(const KeyRecord& key, const Limits& limits) {
  KH_TRY(check_name(key.name));
  KH_TRY(check_description(key.description));
  KH_TRY(check_tags(key.tags));
  KH_TRY(check_aliases(key.aliases, limits.aliases_per_key));
  KH_TRY(check_ring_id(key.key_ring));
  KH_TRY(check_texts({key.created_by, key.updated_by, key.deleted_by}));
  KH_TRY(check_dates(
      {key.created, key.updated, key.rotated, key.expires, key.state_changed, key.deleted}));
  if (!key.created.is_set()) return refuse("it has no date of creation", "creationDate");
  if ((key.state == KeyState::Destroyed) != key.deleted.is_set())
    return refuse("its state and its date of deletion disagree", "state");
  return {};
}

Result<void> check_policies(const KeyRecord& key) {
  const KeyPolicies& policies = key.policies();
  const bool root = key.kind == KeyKind::RootKey;
  if (policies.rotation) {
    // The sweep makes the next version of such a key by itself.
    if (!root || key.imported)
      return refuse("only a root key that was generated has a rotation policy", "rotation");
    KH_TRY(check_stamp(policies.rotation->stamp));
  }
  if (policies.dual_auth) KH_TRY(check_stamp(policies.dual_auth->stamp));
  if (policies.authorization) {
    KH_TRY(check_texts({policies.authorization->by}));
    KH_TRY(check_dates({policies.authorization->given, policies.authorization->lapses}));
  }
  if (policies.migration_intent) {
    if (!root) return refuse("only a root key has a migration intent", "migrationIntent");
    KH_TRY(check_texts(
        {policies.migration_intent->target_key_crn, policies.migration_intent->created_by}));
    KH_TRY(check_dates({policies.migration_intent->created}));
  }
  return check_dates({policies.synced});
}

Result<void> check_registration(const Registration& registration) {
  KH_TRY(check_resource_crn(registration.resource_crn));
  if (count_characters(registration.description) > kMaxRegistrationDescription)
    return refuse("the description of a registration is too long", "description");
  if (count_characters(registration.metadata) > kMaxRegistrationMetadata)
    return refuse("the metadata of a registration are too long", "registrationMetadata");
  KH_TRY(check_texts({registration.created_by, registration.updated_by}));
  return check_dates({registration.created, registration.updated});
}

Result<void> check_registrations(const TransferRecord& record, const Limits& limits) {
  if (record.registrations.empty()) return {};
  if (record.key.kind != KeyKind::RootKey)
    return refuse("only a root key has registrations", "registrations");
  if (record.registrations.size() > limits.registrations_per_key) {
    return Error{Reason::RegistrationLimit,
                 "the key has " + std::to_string(record.registrations.size()) +
                     " registrations, in this instance a key has at most " +
                     std::to_string(limits.registrations_per_key) +
                     "; raise its limit for the transfer",
                 ""};
  }
  std::set<std::string_view> crns;
  for (const Registration& registration : record.registrations) {
    KH_TRY(check_registration(registration));
    if (!crns.insert(registration.resource_crn).second)
      return refuse("a resource is registered twice", "registrations");
  }
  return {};
}

Result<void> check_version(const KeyRecord& key, const KeyVersion& said,
                           const unit::TransferVersion& opened) {
  KH_TRY(check_dates({said.created}));
  if (said.id != opened.id)
    return refuse("its versions are not those that came with it", "versions");
  if (key.kind == KeyKind::StandardKey) {
    if (said.commitment == unit::Commitment{}) return {};
    return refuse("a standard key has no commitment", "versions");
  }
  if (said.commitment != opened.commitment || said.bits != opened.bits)
    return refuse("the material of version " + said.id.text() + " is not what the record says",
                  "versions");
  return {};
}

}  // namespace

Result<void> check_transfer_record(const TransferRecord& record, const Limits& limits) {
  KH_TRY(check_attributes(record.key, limits));
  KH_TRY(check_policies(record.key));
  return check_registrations(record, limits);
}

Result<void> check_transfer_versions(const KeyRecord& key, const unit::TransferKey& opened) {
  const bool root = opened.purpose == unit::BlobPurpose::RootKey;
  if (key.id != opened.key || root != (key.kind == KeyKind::RootKey))
    return refuse("it is of another key than the material", "id");
  if (key.versions.size() != opened.versions.size())
    return refuse("its versions are not those that came with it", "versions");
  // The first version has the key's own id (key-management-api.md 4).
  if (key.versions.front().id.uuid != key.id.uuid)
    return refuse("its first version has not the id of the key", "versions");
  std::set<VersionId> ids;
  for (std::size_t i = 0; i < key.versions.size(); ++i) {
    if (!ids.insert(key.versions[i].id).second)
      return refuse("a version is there twice", "versions");
    KH_TRY(check_version(key, key.versions[i], opened.versions[i]));
  }
  return {};
}

}  // namespace keyhaven::keys
