#include "keys/registrations.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "keys/memory_key_store.h"
#include "keys/surroundings_for_tests.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::keys {
namespace {

const std::string kService = "crn:v1:bluemix:public:databases:eu-de:a/acc:one";
const std::string kOther = "crn:v1:bluemix:public:databases:eu-de:a/acc:two";
const std::string kBucket = kService + ":bucket:a";

class RegistrationsTest : public testing::Test {
 protected:
  // A key as if it had been made a day ago, without material.
  KeyRecordPtr make_key(KeyKind kind = KeyKind::RootKey) {
    KeyRecord key;
    key.instance = instance;
    key.id = KeyId{crypto::random_uuid()};
    key.kind = kind;
    key.name = "payroll";
    key.created = key.state_changed = clock.now().plus_seconds(-86400);
    key.versions.push_back({VersionId{key.id.uuid}, key.created, 256, {}, {}});
    return store_key(key);
  }
  KeyRecordPtr store_key(KeyRecord key) {
    KeyChange change;
    change.put = {key};
    key.revision = store.commit(change, {}).value().at(0);
    directory.load(key);
    return directory.find(key.instance, key.id);
  }
  // The key as a lifecycle operation would leave it.
  KeyRecordPtr step(LifecycleKind kind, KeyRecord next) {
    Change change = a_change();
    KeyChange rest;
    service.add_effects(kind, next, clock.now(), rest);
    EXPECT_TRUE(changes.commit(std::move(next), change, rest));
    service.publish(rest);
    return directory.find(instance, last_key);
  }
  KeyRecordPtr with_state(const KeyRecord& key, KeyState state, LifecycleKind kind) {
    KeyRecord next = *directory.find(instance, key.id);
    next.state = state;
    next.state_changed = clock.now();
    last_key = key.id;
    return step(kind, std::move(next));
  }
  KeyRecordPtr rotated(const KeyRecord& key) {
    KeyRecord next = *directory.find(instance, key.id);
    next.versions.push_back({VersionId{crypto::random_uuid()}, clock.now(), 256, {}, {}});
    next.rotated = clock.now();
    last_key = key.id;
    return step(LifecycleKind::Rotate, std::move(next));
  }
  static Change a_change() {
    Change change;
    change.actor = "iam-ServiceId-db";
    return change;
  }
  static RegistrationTarget target(const std::string& crn = kBucket,
                                   const std::string& service_crn = kService) {
    return {service_crn, crn, {}};
  }
  Result<RegistrationPtr> create(const KeyRecord& key, const RegistrationTarget& what,
                                 const RegistrationInput& input = {}) {
    Change change = a_change();
    return service.create(key, what, input, change);
  }
  Result<RegistrationPtr> write(Registrations::Write kind, const KeyRecord& key,
                                const RegistrationInput& input,
                                const RegistrationTarget& what = target()) {
    Change change = a_change();
    return service.write(kind, key, what, input, change);
  }
  Result<RegistrationPtr> remove(const KeyRecord& key, const RegistrationTarget& what = target()) {
    Change change = a_change();
    return service.remove(key, what, change);
  }
  std::vector<LifecycleEventPtr> pending(const std::string& service_crn = kService) {
    EventQuery query;
    query.service_crn = service_crn;
    return service.events(instance, query).events;
  }
  Result<void> acknowledge(const Uuid& event, const std::string& state,
                           std::optional<VersionId> version = {},
                           const std::string& service_crn = kService) {
    Change change = a_change();
    return service.acknowledge(instance, {event, service_crn, state, version}, change);
  }
  Result<std::size_t> sync(const KeyRecord& key) {
    Change change = a_change();
    return service.sync(key, change);
  }
  // What a restart would serve.
  void expect_stored_as_served(const KeyRecord& key) {
    Registrations fresh(changes, rules, clock);
    ASSERT_TRUE(fresh.load());
    RegistrationQuery query;
    query.key = &key;
    const auto served = service.list(instance, query).registrations;
    const auto stored = fresh.list(instance, query).registrations;
    ASSERT_EQ(served.size(), stored.size());
    for (std::size_t i = 0; i < served.size(); ++i) EXPECT_EQ(*served[i], *stored[i]);
    for (const bool acknowledged : {false, true}) {
      EventQuery events;
      events.service_crn = kService;
      events.acknowledged = acknowledged;
      EXPECT_EQ(service.events(instance, events).total, fresh.events(instance, events).total);
    }
  }

  const InstanceId instance = unit::test_instance(1);
  ManualClock clock{Timestamp::from_seconds(1'800'000'000)};
  MemoryKeyStore store;
  Directory directory;
  KeyChanges changes{store, directory, KeyTimes()};
  FixedRules rules;
  Registrations service{changes, rules, clock};
  KeyId last_key;
};

template <class T>
Reason reason_of(const Result<T>& result) {
  if (result) {
    ADD_FAILURE() << "succeeded";
    return Reason::Internal;
  }
  return result.error().reason;
}

TEST_F(RegistrationsTest, IsOfAnActiveRootKeyAndTheServicesOwn) {
  const KeyRecordPtr key = make_key();
  EXPECT_EQ(reason_of(create(*key, target(kBucket, ""))), Reason::ServiceOnly);
  EXPECT_EQ(reason_of(create(*key, target(kBucket, kOther))), Reason::ResourceOwner);
  EXPECT_EQ(reason_of(create(*key, target(kService + "x:bucket:a"))), Reason::ResourceOwner);
  EXPECT_EQ(reason_of(create(*key, target("crn:v1:short"))), Reason::InvalidField);
  EXPECT_EQ(reason_of(create(*make_key(KeyKind::StandardKey), target())),
            Reason::RegistrationRootKey);
  for (const KeyState state : {KeyState::Suspended, KeyState::Deactivated, KeyState::Destroyed}) {
    const KeyRecordPtr inactive = with_state(*make_key(), state, LifecycleKind::Disable);
    EXPECT_EQ(reason_of(create(*inactive, target())), Reason::RegistrationState);
  }
  KeyRecord expired = *make_key();
  expired.expires = clock.now();
  EXPECT_EQ(reason_of(create(*store_key(expired), target())), Reason::RegistrationState);

  const auto made = create(*key, target());
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->version, key->newest().id);
  EXPECT_EQ((*made)->created_by, "iam-ServiceId-db");
  EXPECT_EQ(reason_of(create(*key, target())), Reason::RegistrationExists);
  EXPECT_TRUE(create(*key, target(kService)));
  expect_stored_as_served(*key);
}

TEST_F(RegistrationsTest, TextsAndNumberAreLimited) {
  const KeyRecordPtr key = make_key();
  RegistrationInput input;
  input.description = std::string(kMaxRegistrationDescription + 1, 'x');
  EXPECT_EQ(reason_of(create(*key, target(), input)), Reason::InvalidField);
  input.description = std::string(kMaxRegistrationDescription, 'x');
  input.metadata = std::string(kMaxRegistrationMetadata + 1, 'x');
  EXPECT_EQ(reason_of(create(*key, target(), input)), Reason::InvalidField);
  input.metadata = "\xff";
  EXPECT_EQ(reason_of(create(*key, target(), input)), Reason::InvalidField);
  input.metadata = std::string(kMaxRegistrationMetadata, 'x');
  rules.current.limits.registrations_per_key = 2;
  EXPECT_TRUE(create(*key, target(), input));
  EXPECT_TRUE(create(*key, target(kService + ":bucket:b")));
  EXPECT_EQ(reason_of(create(*key, target(kService + ":bucket:c"))), Reason::RegistrationLimit);
  EXPECT_TRUE(create(*make_key(), target()));  // each key has its own
  EXPECT_TRUE(remove(*key));
  EXPECT_TRUE(create(*key, target(kService + ":bucket:c")));
}

TEST_F(RegistrationsTest, ReplaceResetsAndUpdateKeeps) {
  const KeyRecordPtr key = make_key();
  RegistrationInput all;
  all.description = "d";
  all.metadata = "m";
  all.prevent_key_deletion = true;
  ASSERT_TRUE(create(*key, target(), all));
  RegistrationInput one;
  one.description = "e";
  const auto updated = write(Registrations::Write::Update, *key, one);
  ASSERT_TRUE(updated);
  EXPECT_EQ((*updated)->description, "e");
  EXPECT_EQ((*updated)->metadata, "m");
  EXPECT_TRUE((*updated)->prevent_key_deletion);
  EXPECT_EQ((*updated)->revision, 2U);
  const auto replaced = write(Registrations::Write::Replace, *key, one);
  ASSERT_TRUE(replaced);
  EXPECT_EQ((*replaced)->metadata, "");
  EXPECT_FALSE((*replaced)->prevent_key_deletion);
  EXPECT_EQ((*replaced)->version, key->newest().id);
  EXPECT_EQ(reason_of(write(Registrations::Write::Replace, *key, {}, target(kService))),
            Reason::RegistrationNotFound);
  EXPECT_EQ(reason_of(write(Registrations::Write::Update, *key, {}, target(kBucket, kOther))),
            Reason::ResourceOwner);
  RegistrationTarget stale = target();
  stale.precondition = [](const Registration& now) { return now.revision == 1; };
  EXPECT_EQ(reason_of(write(Registrations::Write::Update, *key, one, stale)),
            Reason::PreconditionFailed);
  EXPECT_EQ(reason_of(remove(*key, stale)), Reason::PreconditionFailed);
  expect_stored_as_served(*key);
}

TEST_F(RegistrationsTest, TheVersionMovesForwardOnly) {
  const KeyRecordPtr first = make_key();
  ASSERT_TRUE(create(*first, target()));
  const KeyRecordPtr key = rotated(*rotated(*first));
  RegistrationInput input;
  for (const VersionId& wrong : {VersionId{crypto::random_uuid()}, key->versions[0].id}) {
    input.version = wrong;
    EXPECT_EQ(reason_of(write(Registrations::Write::Update, *key, input)),
              Reason::RegistrationVersion);
  }
  input.version = key->versions[2].id;
  EXPECT_EQ(write(Registrations::Write::Update, *key, input).value()->version, *input.version);
  input.version = key->versions[1].id;
  EXPECT_EQ(reason_of(write(Registrations::Write::Replace, *key, input)),
            Reason::RegistrationVersion);
  // Without one, a replacement leaves it.
  EXPECT_EQ(write(Registrations::Write::Replace, *key, {}).value()->version, key->versions[2].id);
}

TEST_F(RegistrationsTest, CanBeReleasedUnlessTheKeyIsDestroyed) {
  for (const KeyState state : {KeyState::Active, KeyState::Suspended, KeyState::Deactivated}) {
    const KeyRecordPtr key = make_key();
    ASSERT_TRUE(create(*key, target()));
    const KeyRecordPtr now = with_state(*key, state, LifecycleKind::Disable);
    EXPECT_TRUE(remove(*now));
    EXPECT_EQ(reason_of(remove(*now)), Reason::RegistrationNotFound);
    EXPECT_EQ(service.blockers(*now).registrations, 0U);
    expect_stored_as_served(*now);
  }
  const KeyRecordPtr key = make_key();
  ASSERT_TRUE(create(*key, target()));
  const KeyRecordPtr gone = with_state(*key, KeyState::Destroyed, LifecycleKind::Delete);
  EXPECT_EQ(reason_of(remove(*gone)), Reason::RegistrationState);
  RegistrationQuery query;
  query.key = gone.get();
  EXPECT_EQ(service.list(instance, query).total, 1U);
}

TEST_F(RegistrationsTest, DeactivatedOnesBlockNothingUntilTheyAreWrittenAgain) {
  const KeyRecordPtr key = make_key();
  RegistrationInput forbidding;
  forbidding.prevent_key_deletion = true;
  ASSERT_TRUE(create(*key, target(), forbidding));
  ASSERT_TRUE(create(*key, target(kService + ":bucket:b")));
  EXPECT_EQ(service.blockers(*key).registrations, 2U);
  EXPECT_TRUE(service.blockers(*key).prevent_deletion);
  Change change = a_change();
  // One unknown: none of them changes.
  EXPECT_EQ(reason_of(service.deactivate(*key, kService, {kBucket, kService}, change)),
            Reason::RegistrationNotFound);
  EXPECT_EQ(service.blockers(*key).registrations, 2U);
  for (int i = 0; i < 2; ++i) {
    Change again = a_change();
    const auto done = service.deactivate(*key, kService, {kBucket}, again);
    ASSERT_TRUE(done);
    EXPECT_FALSE(done->at(0)->active);
    EXPECT_EQ(done->at(0)->revision, 2U);
    EXPECT_EQ(again.recorded, i == 0);  // repeating it changes nothing
  }
  EXPECT_EQ(service.blockers(*key).registrations, 1U);
  EXPECT_FALSE(service.blockers(*key).prevent_deletion);
  ASSERT_TRUE(sync(*key));
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(pending()[0]->resource_crn, kService + ":bucket:b");
  ASSERT_TRUE(create(*key, target(), forbidding));
  EXPECT_TRUE(service.blockers(*key).prevent_deletion);
  expect_stored_as_served(*key);
}

TEST_F(RegistrationsTest, ListsByCreationThenCrn) {
  const KeyRecordPtr a = make_key();
  const KeyRecordPtr b = make_key();
  RegistrationInput forbidding;
  forbidding.prevent_key_deletion = true;
  ASSERT_TRUE(create(*b, target(kService + ":bucket:z")));
  ASSERT_TRUE(create(*b, target(kService + ":bucket:m"), forbidding));
  clock.advance_seconds(1);
  ASSERT_TRUE(create(*a, target(kService + ":bucket:a")));
  ASSERT_TRUE(create(*a, target(kOther + ":bucket:b", kOther)));
  const auto crns = [&](RegistrationQuery query) {
    std::string out;
    const auto page = service.list(instance, query);
    for (const auto& one : page.registrations) out += one->resource_crn.back();
    return out + "/" + std::to_string(page.total);
  };
  RegistrationQuery query;
  EXPECT_EQ(crns(query), "mzab/4");
  query.limit = 2;
  query.offset = 1;
  EXPECT_EQ(crns(query), "za/4");
  query.offset = 9;
  EXPECT_EQ(crns(query), "/4");
  query = {};
  query.prevent_key_deletion = true;
  EXPECT_EQ(crns(query), "m/1");
  query.prevent_key_deletion = false;
  EXPECT_EQ(crns(query), "zab/3");
  query = {};
  query.key = a.get();
  EXPECT_EQ(crns(query), "ab/2");
  query.resource = CrnQuery::all_of(kOther);
  EXPECT_EQ(crns(query), "b/1");
  query = {};
  query.visible = [&](const Registration& one) { return one.key == b->id; };
  EXPECT_EQ(crns(query), "mz/2");
  // A change keeps the place.
  ASSERT_TRUE(write(Registrations::Write::Update, *b, {}, target(kService + ":bucket:z")));
  EXPECT_EQ(crns({}), "mzab/4");
  EXPECT_EQ(service.list(unit::test_instance(2), {}).total, 0U);
}

TEST_F(RegistrationsTest, EachLifecycleStepTellsEachService) {
  const KeyRecordPtr key = make_key();
  ASSERT_TRUE(create(*key, target()));
  ASSERT_TRUE(create(*key, target(kOther, kOther)));
  with_state(*key, KeyState::Suspended, LifecycleKind::Disable);
  clock.advance_seconds(60);
  const KeyRecordPtr turned = rotated(*key);
  ASSERT_EQ(pending().size(), 2U);
  EXPECT_EQ(pending()[0]->kind, LifecycleKind::Disable);
  const LifecycleEvent event = *pending()[1];
  EXPECT_EQ(event.kind, LifecycleKind::Rotate);
  EXPECT_EQ(event.key, key->id);
  EXPECT_EQ(event.version, turned->newest().id);
  EXPECT_EQ(event.resource_crn, kBucket);
  EXPECT_EQ(event.deadline, clock.now().plus_seconds(4 * 3600));
  EXPECT_EQ(pending(kOther).size(), 2U);
  EXPECT_TRUE(pending("crn:v1:bluemix:public:databases:eu-de:a/acc:three").empty());
  expect_stored_as_served(*key);

  service.forget(instance, key->id);
  EXPECT_TRUE(pending().empty());
  EXPECT_EQ(service.list(instance, {}).total, 0U);
}

TEST_F(RegistrationsTest, AnAcknowledgementMovesTheVersionForward) {
  const KeyRecordPtr first = make_key();
  ASSERT_TRUE(create(*first, target()));
  const KeyRecordPtr key = rotated(*first);
  const Uuid event = pending().at(0)->id;
  const VersionId newest = key->newest().id;
  EXPECT_EQ(reason_of(acknowledge(event, "DEK_ENABLED", newest, "")), Reason::ServiceOnly);
  EXPECT_EQ(reason_of(acknowledge(event, "DEK_ENABLED", newest, kOther)),
            Reason::LifecycleEventNotFound);
  EXPECT_EQ(reason_of(acknowledge(crypto::random_uuid(), "DEK_ENABLED", newest)),
            Reason::LifecycleEventNotFound);
  EXPECT_EQ(reason_of(acknowledge(event, "DEK_ENABLED")), Reason::InvalidField);
  EXPECT_EQ(reason_of(acknowledge(event, "", newest)), Reason::InvalidField);
  EXPECT_EQ(reason_of(acknowledge(event, std::string(kMaxAdopterKeyState + 1, 'x'), newest)),
            Reason::InvalidField);
  EXPECT_EQ(reason_of(acknowledge(event, "DEK_ENABLED", VersionId{crypto::random_uuid()})),
            Reason::RegistrationVersion);
  EXPECT_EQ(pending().size(), 1U);
  RegistrationQuery query;
  query.key = key.get();
  for (int i = 0; i < 2; ++i) {  // the second time nothing happens
    ASSERT_TRUE(acknowledge(event, "DEK_ENABLED", newest));
    EXPECT_TRUE(pending().empty());
    const auto registration = service.list(instance, query).registrations.at(0);
    EXPECT_EQ(registration->version, newest);
    EXPECT_EQ(registration->revision, 2U);
  }
  const LifecycleEventPtr kept = service.find_event(instance, event);
  EXPECT_EQ(kept->adopter_key_state, "DEK_ENABLED");
  EXPECT_EQ(kept->acknowledged_by, "iam-ServiceId-db");
  EXPECT_EQ(kept->acknowledged, clock.now());
  expect_stored_as_served(*key);

  // The version before is older than what is registered; other states say nothing about it.
  ASSERT_TRUE(sync(*rotated(*key)).error().reason == Reason::RequestTooEarly);
  const Uuid next = pending().at(0)->id;
  EXPECT_EQ(reason_of(acknowledge(next, "DEK_ENABLED", key->versions[0].id)),
            Reason::RegistrationVersion);
  EXPECT_TRUE(acknowledge(next, "DEK_DISABLED", key->versions[0].id));
  EXPECT_EQ(service.list(instance, query).registrations.at(0)->version, newest);
}

TEST_F(RegistrationsTest, SyncWaitsAnHourAfterWhatServicesWereTold) {
  const KeyRecordPtr key = make_key();
  EXPECT_EQ(sync(*key).value(), 0U);  // nobody to tell
  EXPECT_FALSE(directory.find(instance, key->id)->policies().synced.is_set());
  ASSERT_TRUE(create(*key, target()));
  EXPECT_EQ(sync(*key).value(), 1U);
  clock.advance_seconds(3599);
  const auto early = sync(*key);
  EXPECT_EQ(reason_of(early), Reason::RequestTooEarly);
  const std::string when = format_rfc3339(clock.now().plus_seconds(1));
  EXPECT_TRUE(early.error().message.ends_with(when)) << early.error().message;
  clock.advance_seconds(1);
  EXPECT_EQ(sync(*key).value(), 1U);
  clock.advance_seconds(3600);
  rotated(*key);
  EXPECT_EQ(reason_of(sync(*key)), Reason::RequestTooEarly);
  clock.advance_seconds(3600);
  with_state(*key, KeyState::Destroyed, LifecycleKind::Delete);
  EXPECT_EQ(reason_of(sync(*key)), Reason::RequestTooEarly);
  rules.current.sync_interval_seconds = 300;
  clock.advance_seconds(300);
  EXPECT_EQ(sync(*key).value(), 1U);  // of a destroyed key too
  const KeyRecordPtr alone = make_key();
  with_state(*alone, KeyState::Destroyed, LifecycleKind::Delete);
  EXPECT_EQ(reason_of(sync(*alone)), Reason::RequestTooEarly);  // though there is nobody to tell
  EXPECT_EQ(reason_of(sync(*make_key(KeyKind::StandardKey))), Reason::KeyRootRequired);
  EXPECT_EQ(pending().back()->kind, LifecycleKind::Sync);
}

TEST_F(RegistrationsTest, OneMigrationIntentPerKey) {
  const KeyRecordPtr key = make_key();
  ASSERT_TRUE(create(*key, target()));
  const auto intend = [&](const KeyRecord& of) {
    Change change = a_change();
    return service.set_migration_intent(of, "crn:target", change);
  };
  Change change = a_change();
  EXPECT_EQ(reason_of(service.remove_migration_intent(*key, change)),
            Reason::MigrationIntentNotFound);
  const auto intent = intend(*key);
  ASSERT_TRUE(intent);
  EXPECT_EQ(pending().at(0)->kind, LifecycleKind::MigrationIntent);
  EXPECT_EQ(directory.find(instance, key->id)->policies().migration_intent, *intent);
  EXPECT_EQ(reason_of(intend(*key)), Reason::MigrationIntentExists);
  Change removal = a_change();
  ASSERT_TRUE(service.remove_migration_intent(*key, removal));
  EXPECT_TRUE(intend(*key));
  EXPECT_EQ(reason_of(intend(*make_key(KeyKind::StandardKey))), Reason::KeyRootRequired);
  EXPECT_EQ(
      reason_of(intend(*with_state(*make_key(), KeyState::Suspended, LifecycleKind::Disable))),
      Reason::KeyActionInvalidState);
  EXPECT_EQ(reason_of(intend(*with_state(*make_key(), KeyState::Destroyed, LifecycleKind::Delete))),
            Reason::KeyDeleted);
  EXPECT_TRUE(intend(*with_state(*make_key(), KeyState::Deactivated, LifecycleKind::Disable)));
}

TEST_F(RegistrationsTest, OldEventsGoWithNewOnes) {
  const KeyRecordPtr key = make_key();
  ASSERT_TRUE(create(*key, target()));
  rotated(*key);
  const Uuid old = pending().at(0)->id;
  clock.advance_seconds(kEventAnswerSeconds + kEventKeepSeconds - 1);
  rotated(*key);
  EXPECT_EQ(pending().size(), 2U);
  clock.advance_seconds(1);
  EXPECT_EQ(pending().size(), 1U);  // no longer shown, though still there
  EXPECT_TRUE(service.find_event(instance, old));
  rotated(*key);
  EXPECT_FALSE(service.find_event(instance, old));
  EXPECT_EQ(pending().size(), 2U);
  expect_stored_as_served(*key);
}

TEST_F(RegistrationsTest, AnInstanceKeepsSoManyEventsAndNoMore) {
  const KeyRecordPtr key = make_key();
  ASSERT_TRUE(create(*key, target()));
  KeyChange many;
  for (std::size_t i = 0; i < kMaxEventsPerInstance; ++i) {
    LifecycleEvent event;
    event.instance = instance;
    event.id = crypto::random_uuid();
    event.key = key->id;
    event.resource_crn = kBucket;
    event.created = clock.now().plus_seconds(-60);
    event.deadline = event.created.plus_seconds(kEventAnswerSeconds);
    many.put_events.push_back(std::move(event));
  }
  service.publish(many);
  EventQuery query;
  query.service_crn = kService;
  EXPECT_EQ(service.events(instance, query).total, kMaxEventsPerInstance);
  rotated(*key);
  EXPECT_EQ(service.events(instance, query).total, kMaxEventsPerInstance);
  query.offset = kMaxEventsPerInstance - 1;
  EXPECT_EQ(service.events(instance, query).events.at(0)->created, clock.now());
}

TEST_F(RegistrationsTest, AFailedCommitChangesNothing) {
  const KeyRecordPtr key = make_key();
  ASSERT_TRUE(create(*key, target()));
  rotated(*key);
  const Uuid event = pending().at(0)->id;
  store.fail_with(Error{Reason::StoreUnavailable, "full", ""});
  EXPECT_EQ(reason_of(create(*key, target(kService))), Reason::StoreUnavailable);
  EXPECT_EQ(reason_of(write(Registrations::Write::Replace, *key, {})), Reason::StoreUnavailable);
  EXPECT_EQ(reason_of(remove(*key)), Reason::StoreUnavailable);
  EXPECT_EQ(reason_of(acknowledge(event, "DEK_DISABLED")), Reason::StoreUnavailable);
  store.fail_with(std::nullopt);
  EXPECT_EQ(pending().size(), 1U);
  RegistrationQuery query;
  query.key = key.get();
  ASSERT_EQ(service.list(instance, query).total, 1U);
  EXPECT_EQ(service.list(instance, query).registrations[0]->revision, 1U);
  expect_stored_as_served(*key);
}

}  // namespace
}  // namespace keyhaven::keys
