// Registrations and what follows from them: who protects which resource with a key, the lifecycle
// events that tell it what happened, synchronisation, and migration intents
// (key-management-api.md 13).
//
// Everything is served from memory. Changes go through KeyChanges under the key's lock. Who may
// call is settled by the front end; that only services write, and only their own resources, is
// settled here.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "keys/crn_query.h"
#include "keys/dependents.h"
#include "keys/instance_rules.h"
#include "keys/key_changes.h"
#include "keys/registration_index.h"

namespace keyhaven::keys {

inline constexpr std::size_t kMaxRegistrationDescription = 240;  // characters
inline constexpr std::size_t kMaxRegistrationMetadata = 1024;    // characters
inline constexpr std::size_t kMaxAdopterKeyState = 64;           // bytes
inline constexpr std::int64_t kEventAnswerSeconds = 4 * 3600;
inline constexpr std::int64_t kEventKeepSeconds = 30 * 86400;  // after the deadline
// Above it the oldest events of an instance go, acknowledged or not.
inline constexpr std::size_t kMaxEventsPerInstance = 100'000;

// What a service says about its resource; what is absent stays as it is, or is empty.
struct RegistrationInput {
  std::optional<std::string> description;
  std::optional<std::string> metadata;
  std::optional<bool> prevent_key_deletion;
  std::optional<VersionId> version;  // must be newer than the registered one
};

// One registration as a caller names it.
struct RegistrationTarget {
  std::string_view service_crn;  // of the caller; empty: no service
  std::string_view resource_crn;
  // Whether the registration is the one that the caller means to change; absent: any.
  std::function<bool(const Registration&)> precondition;
};

struct RegistrationQuery {
  const KeyRecord* key = nullptr;  // null: of all keys
  std::optional<CrnQuery> resource;
  std::optional<bool> prevent_key_deletion;
  std::function<bool(const Registration&)> visible;  // absent: all
  std::size_t limit = 200;
  std::size_t offset = 0;
};
struct RegistrationPage {
  std::vector<RegistrationPtr> registrations;  // by creation, then CRN
  std::size_t total = 0;
};

struct EventQuery {
  std::string_view service_crn;
  bool acknowledged = false;
  std::function<bool(const LifecycleEvent&)> visible;  // absent: all
  std::size_t limit = 200;
  std::size_t offset = 0;
};
struct EventPage {
  std::vector<LifecycleEventPtr> events;  // oldest first
  std::size_t total = 0;
};

struct Acknowledgement {
  Uuid event;
  std::string_view service_crn;
  std::string adopter_key_state;
  std::optional<VersionId> rewrapped_version;
};

// Thread-safe. Errors of all changes: ServiceOnly, ResourceOwner, those of KeyChanges::current and
// KeyStore::commit; where a key's record is taken it is the one the caller was authorised for.
class Registrations final : public Dependents {
 public:
  // Borrows all of them.
  Registrations(KeyChanges& changes, const InstanceSettings& settings, const Clock& clock);
  // Reads everything from the store; once, before anything else. Errors of KeyStore.
  Result<void> load();

  RegistrationPage list(const InstanceId& instance, const RegistrationQuery& query) const;

  // --- Writing; common errors: RegistrationRootKey, RegistrationState (the key must be active) ---
  // Takes the place of a deactivated one. Errors: InvalidField, RegistrationExists,
  // RegistrationLimit.
  Result<RegistrationPtr> create(const KeyRecord& key, const RegistrationTarget& target,
                                 const RegistrationInput& input, Change& change);
  // Replace: what `input` lacks becomes empty, but for the version. Update: it stays. Both make a
  // deactivated registration active again. Errors: InvalidField, RegistrationNotFound,
  // PreconditionFailed, RegistrationVersion.
  enum class Write : std::uint8_t { Replace, Update };
  Result<RegistrationPtr> write(Write kind, const KeyRecord& key, const RegistrationTarget& target,
                                const RegistrationInput& input, Change& change);
  // Also of a suspended or deactivated key, which could never be deleted otherwise. Returns what it
  // was. Errors: RegistrationNotFound, PreconditionFailed.
  Result<RegistrationPtr> remove(const KeyRecord& key, const RegistrationTarget& target,
                                 Change& change);
  // All or none; those that are inactive already stay as they are. In the states of remove. Errors:
  // RegistrationNotFound.
  Result<std::vector<RegistrationPtr>> deactivate(const KeyRecord& key,
                                                  std::string_view service_crn,
                                                  const std::vector<std::string>& resource_crns,
                                                  Change& change);

  // --- Lifecycle events ---
  EventPage events(const InstanceId& instance, const EventQuery& query) const;
  // Null when there is none.
  LifecycleEventPtr find_event(const InstanceId& instance, const Uuid& id) const {
    return index_.find_event(instance, id);
  }
  // Repeating it changes nothing. DEK_ENABLED needs a version, to which the registration moves
  // forward; other states leave it. Errors: LifecycleEventNotFound (also for another service's),
  // InvalidField, RegistrationVersion (no version of the key, or an older one than the registered).
  Result<void> acknowledge(const InstanceId& instance, const Acknowledgement& acknowledgement,
                           Change& change);
  // Tells all services again where the key stands; returns how many registrations. None: nothing
  // changes. Errors: KeyRootRequired, KeyActionInvalidState, RequestTooEarly.
  Result<std::size_t> sync(const KeyRecord& key, Change& change);

  // --- Migration intents: tells the services to move to another key ---
  // `target_crn` has been checked. Errors: KeyRootRequired, KeyActionInvalidState, KeyDeleted,
  // MigrationIntentExists.
  Result<MigrationIntent> set_migration_intent(const KeyRecord& key, const std::string& target_crn,
                                               Change& change);
  // Errors: MigrationIntentNotFound.
  Result<void> remove_migration_intent(const KeyRecord& key, Change& change);

  // --- Dependents ---
  Blockers blockers(const KeyRecord& key) const override;
  void add_effects(LifecycleKind kind, const KeyRecord& next, Timestamp now,
                   KeyChange& change) const override;
  void publish(const KeyChange& change) override { index_.apply(change); }
  void forget(const InstanceId& instance, const KeyId& key) override {
    index_.forget(instance, key);
  }

 private:
  Result<RegistrationPtr> find(const KeyRecord& key, const RegistrationTarget& target) const;
  Result<RegistrationPtr> put(Registration next, Change& change);
  Result<void> commit(KeyChange stored, Change& change);
  static std::size_t age_of(const KeyRecord& key, const VersionId& version);
  static Result<void> require_version(const KeyRecord& key, const Registration& registration,
                                      const VersionId& version, bool may_repeat,
                                      std::string_view field);

  KeyChanges& changes_;
  const InstanceSettings& settings_;
  const Clock& clock_;
  RegistrationIndex index_;
};

}  // namespace keyhaven::keys
