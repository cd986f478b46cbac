#include "keys/registrations.h"

#include <algorithm>
#include <utility>

#include "keys/key_rules.h"
#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

Result<void> require_owner(std::string_view service_crn, std::string_view resource_crn) {
  if (service_crn.empty()) {
    return Error{Reason::ServiceOnly,
                 "only services write registrations; an administrator makes a service id one by "
                 "giving it a service_crn",
                 ""};
  }
  KH_TRY(check_resource_crn(resource_crn));
  if (is_owned_by(resource_crn, service_crn)) return {};
  return Error{Reason::ResourceOwner,
               "the first eight segments of the resource CRN are not those of the calling service",
               ""};
}

Result<void> require_registrable(const KeyRecord& key) {
  if (key.kind == KeyKind::RootKey) return {};
  return Error{Reason::RegistrationRootKey,
               "the key is a standard key; only root keys have "
               "registrations",
               ""};
}

Result<void> require_active(const KeyRecord& key, Timestamp now) {
  KH_TRY(require_registrable(key));
  const KeyState state = effective_state(key, now);
  if (state == KeyState::Active) return {};
  return Error{Reason::RegistrationState,
               "the key is in the state \"" + std::string(word_of(state)) +
                   "\"; registrations are made and changed while it is active",
               ""};
}

Result<void> require_releasable(const KeyRecord& key, Timestamp now) {
  KH_TRY(require_registrable(key));
  const KeyState state = effective_state(key, now);
  if (state != KeyState::Destroyed && state != KeyState::PreActivation) return {};
  return Error{Reason::RegistrationState,
               "the key is in the state \"" + std::string(word_of(state)) +
                   "\"; its registrations cannot be changed",
               ""};
}

Result<void> check_text(std::string_view text, std::size_t limit, std::string_view field) {
  const std::size_t characters = count_characters(text);
  if (characters != kInvalidUtf8 && characters <= limit) return {};
  return Error{Reason::InvalidField,
               std::string(field) + " is UTF-8 of at most " + std::to_string(limit) + " characters",
               std::string(field)};
}

Result<void> check_input(const RegistrationInput& input) {
  KH_TRY(check_text(input.description.value_or(""), kMaxRegistrationDescription, "description"));
  return check_text(input.metadata.value_or(""), kMaxRegistrationMetadata, "registrationMetadata");
}

void note(Change& change, const Registration& registration) {
  add_detail(change, "requestData.resourceCRN", registration.resource_crn);
  add_detail(change, "requestData.preventKeyDeletion",
             registration.prevent_key_deletion ? "true" : "false");
  add_detail(change, "responseData.keyVersionId", registration.version.text());
}

}  // namespace

Registrations::Registrations(KeyChanges& changes, const InstanceSettings& settings,
                             const Clock& clock)
    : changes_(changes), settings_(settings), clock_(clock) {}

Result<void> Registrations::load() {
  KeyStore& store = changes_.store();
  KH_TRY(store.load_registrations(
      [&](Registration registration) { index_.load(std::move(registration)); }));
  return store.load_events([&](LifecycleEvent event) { index_.load(std::move(event)); });
}

// Position among the versions of the key; the number of versions when it is none of them.
std::size_t Registrations::age_of(const KeyRecord& key, const VersionId& version) {
  const auto found = std::find_if(key.versions.begin(), key.versions.end(),
                                  [&](const KeyVersion& each) { return each.id == version; });
  return static_cast<std::size_t>(found - key.versions.begin());
}

// The registered version may be unknown: nothing keeps it from moving forward then.
Result<void> Registrations::require_version(const KeyRecord& key, const Registration& registration,
                                            const VersionId& version, bool may_repeat,
                                            std::string_view field) {
  const std::size_t count = key.versions.size();
  const std::size_t age = age_of(key, version);
  if (age == count) {
    return Error{Reason::RegistrationVersion, "the key has no such version", std::string(field)};
  }
  const std::size_t registered = age_of(key, registration.version);
  if (registered == count || age > registered || (may_repeat && age == registered)) return {};
  return Error{Reason::RegistrationVersion,
               "the version is not newer than the registered one, " + registration.version.text(),
               std::string(field)};
}

RegistrationPage Registrations::list(const InstanceId& instance,
                                     const RegistrationQuery& query) const {
  RegistrationPage page;
  const auto visit = [&](const RegistrationPtr& one) {
    if (query.prevent_key_deletion && *query.prevent_key_deletion != one->prevent_key_deletion)
      return;
    if (query.resource && !query.resource->matches(one->resource_crn)) return;
    if (query.visible && !query.visible(*one)) return;
    const std::size_t position = page.total++;
    if (position >= query.offset && page.registrations.size() < query.limit)
      page.registrations.push_back(one);
  };
  if (query.key == nullptr) {
    index_.each(instance, visit);
  } else {
    for (const RegistrationPtr& one : index_.of_key(instance, query.key->id)) visit(one);
  }
  return page;
}

Result<void> Registrations::commit(KeyChange stored, Change& change) {
  KH_TRY(changes_.commit(stored, change));
  index_.apply(stored);
  return {};
}

Result<RegistrationPtr> Registrations::put(Registration next, Change& change) {
  note(change, next);
  KeyChange stored;
  stored.put_registrations.push_back(next);
  KH_TRY(commit(std::move(stored), change));
  return RegistrationPtr(std::make_shared<const Registration>(std::move(next)));
}

Result<RegistrationPtr> Registrations::find(const KeyRecord& key,
                                            const RegistrationTarget& target) const {
  RegistrationPtr found = index_.find(key.instance, key.id, target.resource_crn);
  if (!found) {
    return Error{Reason::RegistrationNotFound, "the resource is not registered with the key", ""};
  }
  if (target.precondition && !target.precondition(*found)) {
    return Error{Reason::PreconditionFailed,
                 "the registration has changed since it was read; read it again", ""};
  }
  return found;
}

Result<RegistrationPtr> Registrations::create(const KeyRecord& seen,
                                              const RegistrationTarget& target,
                                              const RegistrationInput& input, Change& change) {
  KH_TRY(require_owner(target.service_crn, target.resource_crn));
  KH_TRY(check_input(input));
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_active(*key, now));
  const RegistrationPtr before = index_.find(key->instance, key->id, target.resource_crn);
  if (before && before->active) {
    return Error{Reason::RegistrationExists, "the resource is registered with the key already", ""};
  }
  const std::size_t limit = settings_.rules(key->instance).limits.registrations_per_key;
  if (!before && index_.count(key->instance, key->id) >= limit) {
    return Error{Reason::RegistrationLimit,
                 "a key of this instance has at most " + std::to_string(limit) + " registrations",
                 ""};
  }
  Registration next;
  next.instance = key->instance;
  next.key = key->id;
  next.resource_crn = target.resource_crn;
  next.revision = before ? before->revision + 1 : 1;
  next.version = key->newest().id;
  next.prevent_key_deletion = input.prevent_key_deletion.value_or(false);
  next.description = input.description.value_or("");
  next.metadata = input.metadata.value_or("");
  next.created_by = next.updated_by = change.actor;
  next.created = next.updated = now;
  return put(std::move(next), change);
}

Result<RegistrationPtr> Registrations::write(Write kind, const KeyRecord& seen,
                                             const RegistrationTarget& target,
                                             const RegistrationInput& input, Change& change) {
  KH_TRY(require_owner(target.service_crn, target.resource_crn));
  KH_TRY(check_input(input));
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_active(*key, now));
  const RegistrationPtr before = KH_TRY(find(*key, target));
  if (input.version) {
    KH_TRY(require_version(*key, *before, *input.version, false, "keyVersionId"));
  }
  Registration next = *before;
  const bool replace = kind == Write::Replace;
  if (replace || input.description) next.description = input.description.value_or("");
  if (replace || input.metadata) next.metadata = input.metadata.value_or("");
  if (replace || input.prevent_key_deletion)
    next.prevent_key_deletion = input.prevent_key_deletion.value_or(false);
  if (input.version) next.version = *input.version;
  next.active = true;
  next.revision += 1;
  next.updated = now;
  next.updated_by = change.actor;
  return put(std::move(next), change);
}

Result<RegistrationPtr> Registrations::remove(const KeyRecord& seen,
                                              const RegistrationTarget& target, Change& change) {
  KH_TRY(require_owner(target.service_crn, target.resource_crn));
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_releasable(*key, clock_.now()));
  RegistrationPtr before = KH_TRY(find(*key, target));
  note(change, *before);
  KeyChange stored;
  stored.remove_registrations.push_back({key->instance, key->id, before->resource_crn});
  KH_TRY(commit(std::move(stored), change));
  return before;
}

Result<std::vector<RegistrationPtr>> Registrations::deactivate(
    const KeyRecord& seen, std::string_view service_crn,
    const std::vector<std::string>& resource_crns, Change& change) {
  for (const std::string& crn : resource_crns) KH_TRY(require_owner(service_crn, crn));
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_releasable(*key, now));
  KeyChange stored;
  for (const std::string& crn : resource_crns) {
    const RegistrationPtr before = KH_TRY(find(*key, {service_crn, crn, {}}));
    if (!before->active) continue;
    Registration next = *before;
    next.active = false;
    next.revision += 1;
    next.updated = now;
    next.updated_by = change.actor;
    stored.put_registrations.push_back(std::move(next));
  }
  add_detail(change, "responseData.totalResources",
             std::to_string(stored.put_registrations.size()));
  if (!stored.put_registrations.empty()) KH_TRY(commit(std::move(stored), change));
  std::vector<RegistrationPtr> out;
  for (const std::string& crn : resource_crns)
    out.push_back(index_.find(key->instance, key->id, crn));
  return out;
}

Dependents::Blockers Registrations::blockers(const KeyRecord& key) const {
  Blockers out;
  for (const RegistrationPtr& one : index_.of_key(key.instance, key.id)) {
    if (!one->active) continue;
    ++out.registrations;
    out.prevent_deletion = out.prevent_deletion || one->prevent_key_deletion;
  }
  return out;
}

}  // namespace keyhaven::keys
