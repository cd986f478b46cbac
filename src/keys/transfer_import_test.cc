// Keys of one deployment in another: what arrives, what is refused, and that nothing comes twice.
#include "keys/transfer_import.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "keys/transfer_for_tests.h"

namespace keyhaven::keys {
namespace {

class TransferImportTest : public TransferFixture {
 protected:
  KeyRecordPtr rotated(KeyRecordPtr key) {
    clock.advance_seconds(4000);
    Change change = TransferSide::a_change();
    return source.server->service.rotate(*key, Material(), change).value();
  }
  // What the target has must say the same as what the source has.
  void expect_equal(const KeyId& id) {
    const KeyRecordPtr theirs = source.find(id);
    const KeyRecordPtr ours = target.find(id);
    ASSERT_TRUE(theirs && ours);
    KeyRecord a = *theirs;
    KeyRecord b = *ours;
    EXPECT_EQ(b.instance, target.instance);
    EXPECT_EQ(b.revision, 1U);
    b.instance = a.instance;
    b.revision = a.revision;
    // Who authorized a deletion there is nobody here.
    EXPECT_FALSE(b.policies().authorization);
    const KeyPolicies& said = a.policies();
    a.set_policies(
        {said.rotation, said.dual_auth, std::nullopt, said.migration_intent, said.synced});
    for (KeyRecord* key : {&a, &b}) {
      for (KeyVersion& version : key->versions) version.blob.bytes.clear();
    }
    EXPECT_EQ(encode(a), encode(b));
  }
  std::map<std::string, std::string> details(const Change& change) {
    return {change.event.details.begin(), change.event.details.end()};
  }
};

TEST_F(TransferImportTest, EveryVersionArrivesAndOldDeksOpen) {
  KeyRecordPtr key = source.root_key({"pay"});
  std::vector<SecretBytes> deks;
  std::vector<Bytes> wrapped;
  for (int version = 0; version < 3; ++version) {
    deks.push_back(crypto::random_secret(32));
    wrapped.push_back(source.wrap(key, deks.back()));
    if (version < 2) key = rotated(key);
  }
  const SecretBytes payload = crypto::random_secret(100);
  const KeyRecordPtr standard = source.standard_key(payload.clone());
  EXPECT_EQ(import_all(bring()), (Outcomes{"imported", "imported"}));
  expect_equal(key->id);
  expect_equal(standard->id);
  for (int start = 0; start < 2; ++start) {
    for (std::size_t i = 0; i < deks.size(); ++i)
      EXPECT_TRUE(target.unwrap(key, wrapped[i]) == deks[i]);
    EXPECT_TRUE(target.server->service.payload_of(*target.find(standard->id)).value() == payload);
    EXPECT_EQ(target.directory().find_alias(target.instance, "pay")->id, key->id);
    target.restart();
  }
  EXPECT_EQ(target.find(key->id)->versions.size(), 3U);
  EXPECT_EQ(target.gate.out(), 0);
}

TEST_F(TransferImportTest, WhatWasSaidOfAKeyArrivesWithIt) {
  Change change = TransferSide::a_change();
  source.server->service.create_ring(source.instance, "payments", change).value();
  CreateRequest request;
  request.kind = KeyKind::RootKey;
  request.description = "of the payroll";
  request.tags = {"hr"};
  request.key_ring = "payments";
  request.expires = clock.now().plus_seconds(100);
  request.overrides = PolicyOverrides{.rotation_months = 3, .dual_auth = true};
  const KeyRecordPtr key = source.make(std::move(request)).value();
  const std::string service_crn = "crn:v1:bluemix:public:databases:eu-de:a/acc:one";
  RegistrationInput input;
  input.prevent_key_deletion = true;
  source.server->registrations.create(*key, {service_crn, service_crn + "::", {}}, input, change)
      .value();
  source.server->registrations.set_migration_intent(*key, "crn:x", change).value();
  source.server->service.set_for_deletion(*key, change).value();
  source.server->service.disable(*source.find(key->id), change).value();
  target.settings.current.import_root_key = false;  // the quorum has consented: does not apply
  target.settings.current.create_root_key = false;
  EXPECT_EQ(import_all(bring()), Outcomes{"imported"});
  for (int start = 0; start < 2; ++start) {
    expect_equal(key->id);
    EXPECT_TRUE(target.directory().has_ring(target.instance, "payments"));
    EXPECT_EQ(target.directory().ring_size(target.instance, "payments"), 1U);
    RegistrationQuery query;
    const auto page = target.server->registrations.list(target.instance, query);
    ASSERT_EQ(page.total, 1U);
    EXPECT_EQ(page.registrations[0]->instance, target.instance);
    EXPECT_EQ(page.registrations[0]->key, key->id);
    EXPECT_TRUE(page.registrations[0]->prevent_key_deletion);
    target.restart();
  }
  EXPECT_TRUE(source.find(key->id)->policies().authorization);
}

TEST_F(TransferImportTest, RepeatingChangesNothing) {
  const KeyRecordPtr key = source.root_key({"pay"});
  const KeyRecordPtr standard = source.standard_key();
  const TransferBundle bundle = bring();
  Change change = TransferSide::a_change();
  ASSERT_TRUE(import_chunk(bundle, 0, change));
  EXPECT_TRUE(change.recorded);
  EXPECT_EQ(details(change)["responseData.imported"], "2");
  EXPECT_NE(details(change)["responseData.importedKeyIds"].find(key->id.text()), std::string::npos);
  EXPECT_EQ(target.store.events().size(), 1U);
  EXPECT_EQ(import_all(bundle), (Outcomes{"present", "present"}));
  // Also when the key has gone on here since.
  clock.advance_seconds(1);
  Change rotation = TransferSide::a_change();
  target.server->service.rotate(*target.find(key->id), Material(), rotation).value();
  Change again = TransferSide::a_change();
  ASSERT_TRUE(import_chunk(bundle, 0, again));
  EXPECT_FALSE(again.recorded);
  EXPECT_EQ(details(again)["responseData.present"], "2");
  EXPECT_EQ(details(again)["responseData.imported"], "0");
  EXPECT_EQ(target.find(key->id)->versions.size(), 2U);
  EXPECT_EQ(target.store.events().size(), 2U) << "the import and the rotation";
}

TEST_F(TransferImportTest, APurgedKeyComesBackWhileTheTransferIsOpenOnly) {
  const KeyRecordPtr key = source.root_key();
  const TransferBundle bundle = bring();
  EXPECT_EQ(import_all(bundle), Outcomes{"imported"});
  const auto purge = [&] {
    Change change = TransferSide::a_change();
    target.server->service.destroy(*target.find(key->id), Force::No, change).value();
    clock.advance_seconds(5 * 3600);
    target.server->service.purge(*target.find(key->id), change).value();
  };
  purge();
  EXPECT_EQ(import_all(bundle), Outcomes{"imported"});
  purge();
  target.transfer.close_transfer(target.instance, transfer).value();
  Change change = TransferSide::a_change();
  EXPECT_EQ(import_chunk(bundle, 0, change).error().reason, Reason::TransferNotAllowed);
}

TEST_F(TransferImportTest, OneKeysRefusalIsNotTheOthers) {
  const KeyRecordPtr taken = source.root_key({"taken"});
  const KeyRecordPtr free = source.root_key({"free"});
  const KeyRecordPtr other = source.root_key();
  target.root_key({"taken"});
  KeyRecord same_id = *target.root_key();
  same_id.id = other->id;
  same_id.versions[0].id = VersionId{other->id.uuid};
  target.directory().load(same_id);
  const TransferBundle bundle = bring();
  Change change = TransferSide::a_change();
  const auto keys = import_chunk(bundle, 0, change);
  ASSERT_TRUE(keys);
  std::map<KeyId, std::string> reasons;
  for (const TransferredKey& key : *keys) {
    reasons[key.id] = key.refusal ? name_of(key.refusal->reason) : name_of(key.outcome);
    EXPECT_EQ(key.name, "payroll");
  }
  EXPECT_EQ(reasons, (std::map<KeyId, std::string>{{taken->id, "AliasNotUnique"},
                                                   {free->id, "imported"},
                                                   {other->id, "AlreadyExists"}}));
  EXPECT_FALSE(target.find(taken->id));
  EXPECT_EQ(details(change)["responseData.refused"], "2");
  EXPECT_EQ(details(change)["responseData.importedKeyIds"], free->id.text());
}

// Of several transfers, or of one within a deployment.
TEST_F(TransferImportTest, AKeyCanBeInSeveralInstances) {
  const KeyRecordPtr key = source.root_key();
  KeyRecord elsewhere = *key;
  elsewhere.instance = unit::test_instance(3);
  target.directory().load(elsewhere);
  EXPECT_EQ(import_all(bring()), Outcomes{"imported"});
  expect_equal(key->id);
  EXPECT_EQ(target.directory().find(elsewhere.instance, key->id)->instance, elsewhere.instance);
}

TEST_F(TransferImportTest, LimitsHoldAndNothingIsLeftClaimed) {
  Change change = TransferSide::a_change();
  for (const char* ring : {"one", "two"}) {
    source.server->service.create_ring(source.instance, ring, change).value();
    CreateRequest request;
    request.kind = KeyKind::RootKey;
    request.key_ring = ring;
    source.make(std::move(request)).value();
  }
  const TransferBundle bundle = bring();
  Limits& limits = target.settings.current.limits;
  limits.rings = 1;
  EXPECT_EQ(import_all(bundle), (Outcomes{"KeyRingLimit", "KeyRingLimit"}));
  limits.rings = 2;
  limits.keys = 0;
  EXPECT_EQ(import_all(bundle), (Outcomes{"KeyLimit", "KeyLimit"}));
  EXPECT_EQ(target.directory().rings(target.instance).size(), 1U) << "no ring without its key";
  limits.keys = 1;
  limits.rings = 3;
  EXPECT_EQ(import_all(bundle), (Outcomes{"imported", "KeyLimit"}));
  limits.keys = 2;
  EXPECT_EQ(import_all(bundle), (Outcomes{"present", "imported"}));
  EXPECT_EQ(target.directory().live_keys(target.instance), 2U);
}

TEST_F(TransferImportTest, ARecordThatIsNotTheMaterialsIsRefused) {
  const KeyRecordPtr key = source.root_key();
  source.root_key();
  const TransferBundle bundle = bring();
  const auto with = [&](std::function<void(unit::TransferKey&)> change) {
    target.transfer.edit = [&, change](std::vector<unit::TransferKey>& keys) {
      for (unit::TransferKey& each : keys) {
        if (each.key == key->id) change(each);
      }
    };
    Outcomes out = import_all(bundle);
    std::sort(out.begin(), out.end());
    return out;
  };
  const Outcomes refused = {"InvalidField", "imported"};
  EXPECT_EQ(with([](unit::TransferKey& each) { each.versions[0].commitment[0] ^= 1; }), refused);
  const Outcomes again = {"InvalidField", "present"};
  EXPECT_EQ(with([](unit::TransferKey& each) { each.versions[0].bits = 128; }), again);
  EXPECT_EQ(with([](unit::TransferKey& each) { each.record.pop_back(); }), again);
  EXPECT_EQ(with([](unit::TransferKey& each) { each.record.clear(); }), again);
  EXPECT_EQ(with([](unit::TransferKey& each) { each.purpose = unit::BlobPurpose::StandardKey; }),
            again);
  EXPECT_FALSE(target.find(key->id));
  // A second one of the same id cannot take the place of the first.
  target.transfer.edit = [&](std::vector<unit::TransferKey>& keys) { keys[1] = keys[0]; };
  Outcomes twice = import_all(bundle);
  EXPECT_EQ(std::ranges::count(twice, "InvalidField"), 1);
}

TEST_F(TransferImportTest, AQuarantinedRecordKeepsItsPlace) {
  const KeyRecordPtr key = source.root_key();
  target.directory().quarantine().add_key(target.instance, key->id, "old");
  EXPECT_EQ(import_all(bring()), Outcomes{"RecordNotAuthentic"});
}

TEST_F(TransferImportTest, WhereTheStoreRefusesOneKeyTheOthersComeEachByItself) {
  std::vector<KeyRecordPtr> keys;
  for (int i = 0; i < 4; ++i) keys.push_back(source.root_key());
  const TransferBundle bundle = bring();
  target.picky.refused = {keys[1]->id};
  Change change = TransferSide::a_change();
  const auto results = import_chunk(bundle, 0, change);
  ASSERT_TRUE(results) << results.error().message;
  EXPECT_FALSE(change.recorded) << "the call's own event is still to be written";
  EXPECT_EQ(details(change)["responseData.imported"], "3");
  EXPECT_EQ(details(change)["responseData.refusedKeyIds"], keys[1]->id.text());
  EXPECT_EQ(target.store.events().size(), 3U);
  EXPECT_FALSE(target.find(keys[1]->id));
  target.picky.refused.clear();
  Outcomes again = import_all(bundle);
  EXPECT_EQ(std::ranges::count(again, "imported"), 1);
  EXPECT_EQ(std::ranges::count(again, "present"), 3);
}

TEST_F(TransferImportTest, AStoreThatCannotWriteChangesNothing) {
  Change change = TransferSide::a_change();
  source.server->service.create_ring(source.instance, "payments", change).value();
  CreateRequest request;
  request.kind = KeyKind::RootKey;
  request.key_ring = "payments";
  request.aliases = {"pay"};
  const KeyRecordPtr key = source.make(std::move(request)).value();
  const TransferBundle bundle = bring();
  target.store.fail_with(Error{Reason::StoreUnavailable, "full", ""});
  Change refused = TransferSide::a_change();
  EXPECT_EQ(import_chunk(bundle, 0, refused).error().reason, Reason::StoreUnavailable);
  EXPECT_FALSE(refused.recorded);
  EXPECT_FALSE(target.find(key->id));
  EXPECT_EQ(target.directory().rings(target.instance).size(), 1U);
  target.store.fail_with(std::nullopt);
  EXPECT_EQ(import_all(bundle), Outcomes{"imported"}) << "alias, ring and place are free again";
}

TEST_F(TransferImportTest, NothingComesWithoutConsentToThisManifest) {
  source.root_key();
  open_transfer();
  TransferBundle bundle = export_all();
  bundle.manifest = {1, 2, 3};
  Change change = TransferSide::a_change();
  EXPECT_EQ(import_chunk(bundle, 0, change).error().reason, Reason::TransferNotAllowed);
  sign_and_consent(bundle);
  TransferBundle other = bundle;
  other.manifest.push_back(0);
  EXPECT_EQ(import_chunk(other, 0, change).error().reason, Reason::TransferNotAllowed);
  const Uuid real = std::exchange(transfer, crypto::random_uuid());
  EXPECT_EQ(import_chunk(bundle, 0, change).error().reason, Reason::TransferNotAllowed);
  transfer = real;
  other = bundle;
  other.chunks[0].back() ^= 1;
  EXPECT_EQ(import_chunk(other, 0, change).error().reason, Reason::Forbidden);
  target.gate.shut = true;
  EXPECT_EQ(import_chunk(bundle, 0, change).error().reason, Reason::MasterKeyRotationInProgress);
  target.gate.shut = false;
  EXPECT_EQ(target.store.events().size(), 0U);
  EXPECT_EQ(import_all(bundle), Outcomes{"imported"});
}

TEST_F(TransferImportTest, ChunksThatArriveTogetherShareTheirNewRing) {
  Change change = TransferSide::a_change();
  source.server->service.create_ring(source.instance, "payments", change).value();
  for (int i = 0; i < 130; ++i) {
    CreateRequest request;
    request.kind = KeyKind::RootKey;
    request.key_ring = "payments";
    source.make(std::move(request)).value();
  }
  const TransferBundle bundle = bring();
  ASSERT_EQ(bundle.chunks.size(), 3U);
  std::vector<std::thread> threads;
  std::atomic<std::size_t> imported = 0;
  for (std::size_t i = 0; i < bundle.chunks.size(); ++i) {
    threads.emplace_back([&, i] {
      Change own = TransferSide::a_change();
      const auto keys = import_chunk(bundle, i, own);
      if (!keys) return;
      for (const TransferredKey& key : *keys) {
        if (key.outcome == TransferOutcome::Imported) ++imported;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(imported, 130U);
  EXPECT_EQ(target.directory().ring_size(target.instance, "payments"), 130U);
}

}  // namespace
}  // namespace keyhaven::keys
