// The part of Registrations about what services are told: lifecycle events and their
// acknowledgement, synchronisation, migration intents.
#include <algorithm>
#include <utility>

#include "crypto/random.h"
#include "keys/key_state.h"
#include "keys/registrations.h"

namespace keyhaven::keys {
namespace {

// How many more events than it adds a change may clear away.
constexpr std::size_t kCleanUp = 64;
// The service has rewrapped its DEK and uses the key.
constexpr std::string_view kDekEnabled = "DEK_ENABLED";

bool is_outdated(const LifecycleEvent& event, Timestamp now) noexcept {
  return event.deadline.plus_seconds(kEventKeepSeconds) <= now;
}

// The last thing that services were told about; creation is none. 0: nothing yet.
Timestamp last_told(const KeyRecord& key) noexcept {
  Timestamp last = std::max(key.policies().synced, key.rotated);
  if (key.state_changed != key.created) last = std::max(last, key.state_changed);
  return last;
}

Error no_event() {
  return {Reason::LifecycleEventNotFound, "the service has no such event", "eventId"};
}

Result<void> check_state_text(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!text.empty() && text.size() <= kMaxAdopterKeyState && printable) return {};
  return Error{Reason::InvalidField,
               "adopterKeyState is a word of 1 to " + std::to_string(kMaxAdopterKeyState) +
                   " characters, for instance DEK_ENABLED",
               "adopterKeyState"};
}

}  // namespace

void Registrations::add_effects(LifecycleKind kind, const KeyRecord& next, Timestamp now,
                                KeyChange& change) const {
  const std::size_t before = change.put_events.size();
  for (const RegistrationPtr& one : index_.of_key(next.instance, next.id)) {
    if (!one->active) continue;
    LifecycleEvent event;
    event.instance = next.instance;
    event.id = crypto::random_uuid();
    event.kind = kind;
    event.key = next.id;
    event.version = next.newest().id;
    event.resource_crn = one->resource_crn;
    event.created = now;
    event.deadline = now.plus_seconds(kEventAnswerSeconds);
    change.put_events.push_back(std::move(event));
  }
  const std::size_t added = change.put_events.size() - before;
  if (added == 0) return;
  const std::size_t count = index_.event_count(next.instance) + added;
  const auto outdated = [&](const LifecycleEvent& event, std::size_t taken) {
    return is_outdated(event, now) || count - taken > kMaxEventsPerInstance;
  };
  for (const Uuid& id : index_.oldest_events(next.instance, added + kCleanUp, outdated))
    change.remove_events.emplace_back(next.instance, id);
}

EventPage Registrations::events(const InstanceId& instance, const EventQuery& query) const {
  EventPage page;
  const Timestamp now = clock_.now();
  index_.each_event(instance, [&](const LifecycleEventPtr& event) {
    if (event->acknowledged.is_set() != query.acknowledged || is_outdated(*event, now)) return;
    if (!is_owned_by(event->resource_crn, query.service_crn)) return;
    if (query.visible && !query.visible(*event)) return;
    const std::size_t position = page.total++;
    if (position >= query.offset && page.events.size() < query.limit) page.events.push_back(event);
  });
  return page;
}

Result<void> Registrations::acknowledge(const InstanceId& instance,
                                        const Acknowledgement& acknowledgement, Change& change) {
  if (acknowledgement.service_crn.empty()) {
    return Error{Reason::ServiceOnly, "only services acknowledge lifecycle events", ""};
  }
  KH_TRY(check_state_text(acknowledgement.adopter_key_state));
  const bool dek_enabled = acknowledgement.adopter_key_state == kDekEnabled;
  if (dek_enabled && !acknowledgement.rewrapped_version) {
    return Error{Reason::InvalidField,
                 "DEK_ENABLED needs the version of the key under which the DEK is wrapped now, in "
                 "keyStateData.rewrappedKeyVersion",
                 "rewrappedKeyVersion"};
  }
  LifecycleEventPtr event = index_.find_event(instance, acknowledgement.event);
  if (!event || !is_owned_by(event->resource_crn, acknowledgement.service_crn)) return no_event();
  const KeyChanges::KeyLock lock = changes_.lock(event->key);
  const Timestamp now = clock_.now();
  event = index_.find_event(instance, acknowledgement.event);  // as it is now
  const KeyRecordPtr key = event ? changes_.directory().find(instance, event->key) : nullptr;
  if (!key) return no_event();
  if (event->acknowledged.is_set()) return {};
  KeyChange stored;
  const RegistrationPtr registration = index_.find(instance, event->key, event->resource_crn);
  if (dek_enabled && registration) {
    const VersionId version = *acknowledgement.rewrapped_version;
    KH_TRY(require_version(*key, *registration, version, true, "rewrappedKeyVersion"));
    if (version != registration->version) {
      Registration moved = *registration;
      moved.version = version;
      moved.revision += 1;
      moved.updated = now;
      moved.updated_by = change.actor;
      stored.put_registrations.push_back(std::move(moved));
    }
  }
  LifecycleEvent next = *event;
  next.acknowledged = now;
  next.acknowledged_by = change.actor;
  next.adopter_key_state = acknowledgement.adopter_key_state;
  stored.put_events.push_back(std::move(next));
  return commit(std::move(stored), change);
}

Result<std::size_t> Registrations::sync(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::Sync, *key, now));
  const Timestamp last = last_told(*key);
  const Timestamp allowed = last.plus_seconds(settings_.rules(key->instance).sync_interval_seconds);
  if (last.is_set() && now < allowed) {
    return Error{Reason::RequestTooEarly,
                 "the services of the key were told only recently; sync is allowed again from " +
                     format_rfc3339(allowed.plus_seconds(allowed.us % 1'000'000 == 0 ? 0 : 1)),
                 ""};
  }
  // Only then: the vendor refuses a key without registrations too when it changed only now, which
  // the live tests of its Python SDK expect; see tests/conformance/python/cases_lifecycle.py.
  if (blockers(*key).registrations == 0) return std::size_t{0};
  KeyRecord next = *key;
  KeyPolicies policies = next.policies();
  policies.synced = now;
  next.set_policies(std::move(policies));
  KeyChange rest;
  add_effects(LifecycleKind::Sync, next, now, rest);
  add_detail(change, "responseData.totalResources", std::to_string(rest.put_events.size()));
  KH_TRY(changes_.commit(std::move(next), change, rest));
  index_.apply(rest);
  return rest.put_events.size();
}

Result<MigrationIntent> Registrations::set_migration_intent(const KeyRecord& seen,
                                                            const std::string& target_crn,
                                                            Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::MigrationIntent, *key, now));
  if (key->policies().migration_intent) {
    return Error{Reason::MigrationIntentExists,
                 "the key has a migration intent already; delete it first", ""};
  }
  MigrationIntent intent{crypto::random_uuid(), target_crn, change.actor, now};
  KeyRecord next = *key;
  KeyPolicies policies = next.policies();
  policies.migration_intent = intent;
  next.set_policies(std::move(policies));
  add_detail(change, "requestData.targetCRK", target_crn);
  KeyChange rest;
  add_effects(LifecycleKind::MigrationIntent, next, now, rest);
  KH_TRY(changes_.commit(std::move(next), change, rest));
  index_.apply(rest);
  return intent;
}

Result<void> Registrations::remove_migration_intent(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const KeyRecordPtr key = KH_TRY(changes_.current(seen));
  if (!key->policies().migration_intent) {
    return Error{Reason::MigrationIntentNotFound, "the key has no migration intent", ""};
  }
  KeyRecord next = *key;
  KeyPolicies policies = next.policies();
  policies.migration_intent.reset();
  next.set_policies(std::move(policies));
  KH_TRY(changes_.commit(std::move(next), change));
  return {};
}

}  // namespace keyhaven::keys
