// Stored keys go under another master key: nothing but their blobs changes, and nothing is lost.
#include "keys/resealer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "crypto/secure_import_for_tests.h"
#include "keys/key_service_for_tests.h"
#include "keys/memory_import_token_store.h"

namespace keyhaven::keys {
namespace {

unit::BlobPattern pattern_of(
    const std::array<std::uint8_t, unit::kVerificationPatternSize>& pattern) {
  unit::BlobPattern out;
  std::copy_n(pattern.begin(), out.size(), out.begin());
  return out;
}

// An instance of its own for each test, whose units hold a second, committed master key.
class ResealerTest : public KeyServiceFixture {
 protected:
  ResealerTest() {
    static std::uint8_t number = 100;
    mine = unit::test_instance(++number);
    static const unit::Administrators* administrators = new unit::Administrators(2);
    deployment().initialise(mine, *administrators, unit::random_parts());
    const auto parts = unit::random_parts();
    const auto made = deployment().table().list_units(mine).value();
    for (const unit::UnitStatus& status : made) {
      auto session = deployment().session(mine, status);
      const auto importer = session.generate_importer(administrators->some({0})).value();
      std::vector<tke::SignedKeyPart> signed_parts;
      for (std::size_t i = 0; i < parts.size(); ++i)
        signed_parts.push_back({&parts[i], administrators->some({i})});
      const auto pattern = session.import_key_parts(importer, signed_parts).value();
      session.commit_pending(pattern, administrators->all()).value();
    }
    const auto units = deployment().table().list_units(mine).value();
    task = {mine, pattern_of(units[0].current_pattern), pattern_of(units[0].pending_pattern)};
    soft_unit.set_import_key_bits(2048);
  }

  KeyRecordPtr make(KeyKind kind = KeyKind::RootKey) {
    CreateRequest what = request(kind);
    what.instance = mine;
    return create(std::move(what)).value();
  }
  KeyRecordPtr current(const KeyRecordPtr& key) { return directory.find(mine, key->id); }
  std::size_t blobs_under(const unit::BlobPattern& master_key) {
    for (const SealedUnder& row : directory.sealed_under(mine)) {
      if (row.master_key == master_key) return row.blobs;
    }
    return 0;
  }
  Resealer::Done reseal_all(const ResealTask& what) {
    Resealer::Done out;
    const std::vector<KeyId> keys = resealer.find(what);
    for (std::size_t at = 0; at < keys.size(); at += Resealer::kBatchKeys) {
      const std::size_t size = std::min(Resealer::kBatchKeys, keys.size() - at);
      auto done = resealer.reseal(what, std::span(keys).subspan(at, size)).value();
      out.keys += done.keys;
      for (Unopened& each : done.unopened) out.unopened.push_back(std::move(each));
    }
    return out;
  }

  InstanceId mine;
  ResealTask task;
  MemoryImportTokenStore token_store;
  ImportTokens tokens{{token_store, soft_unit, soft_unit, gate, clock}};
  Resealer resealer{{changes, tokens, soft_unit, clock}};
};

TEST_F(ResealerTest, AllVersionsOfAllKeysGoAndNothingElseChanges) {
  const KeyRecordPtr root = make();
  ASSERT_EQ(rotate(root), "ok");
  clock.advance_seconds(7200);
  ASSERT_EQ(rotate(root), "ok");
  const KeyRecordPtr standard = make(KeyKind::StandardKey);
  const KeyRecordPtr deleted = make();
  ASSERT_EQ(destroy(deleted), "ok");
  const SecretBytes dek = crypto::random_secret(32);
  const VersionRef with = decide_wrap(current(root), clock.now()).value();
  const Bytes wrapped = soft_unit.wrap(with.binding(), with.blob(), dek, {}).value().wrapped_dek;
  const SecretBytes payload = service.payload_of(*current(standard)).value();
  const KeyRecord before = *current(root);
  EXPECT_EQ(blobs_under(task.from), 5u);

  clock.advance_seconds(60);
  const Resealer::Done done = reseal_all(task);
  EXPECT_EQ(done.keys, 3u);
  EXPECT_TRUE(done.unopened.empty());
  EXPECT_EQ(blobs_under(task.from), 0u);
  EXPECT_EQ(blobs_under(task.to), 5u);
  EXPECT_TRUE(resealer.find(task).empty());

  KeyRecord after = *current(root);
  EXPECT_EQ(after.revision, before.revision + 1);
  for (std::size_t i = 0; i < after.versions.size(); ++i) {
    EXPECT_NE(after.versions[i].blob, before.versions[i].blob);
    EXPECT_EQ(after.versions[i].commitment, before.versions[i].commitment);
    after.versions[i].blob = before.versions[i].blob;
  }
  after.revision = before.revision;
  EXPECT_EQ(encode(after), encode(before));

  const UnwrapPlan plan = decide_unwrap(current(root), wrapped, clock.now()).value();
  EXPECT_EQ(
      soft_unit.unwrap(plan.with.binding(), plan.with.blob(), wrapped, {}, nullptr).value().dek,
      dek);
  EXPECT_EQ(service.payload_of(*current(standard)).value(), payload);
  clock.advance_seconds(60);
  Change change = a_change();
  ASSERT_TRUE(service.restore(*current(deleted), {}, change));

  // And back, as an abandoned rotation does.
  const ResealTask back{mine, task.to, task.from};
  EXPECT_EQ(reseal_all(back).keys, 3u);
  EXPECT_EQ(blobs_under(task.from), 5u);
  EXPECT_EQ(service.payload_of(*current(standard)).value(), payload);
}

TEST_F(ResealerTest, ABatchIsOneTransactionWithOneEvent) {
  for (int i = 0; i < 15; ++i) make();
  const std::size_t events = store.events().size();
  EXPECT_EQ(reseal_all(task).keys, 15u);
  ASSERT_EQ(store.events().size(), events + 1);
  const audit::Event event = store.events().back();
  EXPECT_EQ(event.action, "hs-crypto.tke-master-key-rotation.reseal");
  EXPECT_EQ(event.initiator_id, "keyhaven");
}

TEST_F(ResealerTest, AFailingStoreOrUnitChangesNothing) {
  const KeyRecordPtr key = make();
  const std::vector<KeyId> keys = resealer.find(task);
  store.fail_with(Error{Reason::StoreUnavailable, "the disk is full", ""});
  EXPECT_EQ(resealer.reseal(task, keys).error().reason, Reason::StoreUnavailable);
  EXPECT_EQ(current(key), key);
  store.fail_with(std::nullopt);
  // A key that the units do not hold.
  ResealTask elsewhere = task;
  elsewhere.to.fill(7);
  EXPECT_EQ(resealer.reseal(elsewhere, keys).error().reason, Reason::MasterKeyRotationState);
  EXPECT_EQ(current(key), key);
  EXPECT_EQ(reseal_all(task).keys, 1u);
}

TEST_F(ResealerTest, APurgedKeyStaysPurged) {
  const KeyRecordPtr gone = make();
  const KeyRecordPtr kept = make();
  const std::vector<KeyId> keys = resealer.find(task);
  ASSERT_EQ(destroy(gone), "ok");
  clock.advance_seconds(5 * 3600);
  ASSERT_EQ(purge(gone), "ok");
  EXPECT_EQ(resealer.reseal(task, keys).value().keys, 1u);
  EXPECT_EQ(current(gone), nullptr);
  EXPECT_EQ(blobs_under(task.to), 1u);
}

// Changes from other threads while every key goes back and forth: none is lost, none comes back.
TEST_F(ResealerTest, ChangesMeanwhileAreKept) {
  settings.current.limits.keys = 1000;
  std::vector<KeyRecordPtr> keys;
  for (int i = 0; i < 60; ++i) keys.push_back(make());
  std::atomic<bool> stop{false};
  std::thread moving([&] {
    ResealTask now = task;
    while (!stop) {
      reseal_all(now);
      std::swap(now.from, now.to);
    }
  });
  std::vector<std::thread> changing;
  std::atomic<int> disabled{0};
  for (int part = 0; part < 3; ++part) {
    changing.emplace_back([&, part] {
      for (std::size_t i = static_cast<std::size_t>(part); i < keys.size(); i += 3) {
        Change change = a_change();
        if (service.disable(*keys[i], change)) ++disabled;
      }
    });
  }
  for (auto& thread : changing) thread.join();
  stop = true;
  moving.join();
  EXPECT_EQ(disabled, 60);
  for (const KeyRecordPtr& key : keys) EXPECT_EQ(current(key)->state, KeyState::Suspended);
  reseal_all(task);
  EXPECT_EQ(blobs_under(task.to), 60u);
}

TEST_F(ResealerTest, ABlobThatDoesNotOpenIsNamedAndTheOthersGo) {
  const KeyRecordPtr bad = make();
  const KeyRecordPtr foreign = make();
  const KeyRecordPtr good = make();
  const auto put = [&](const KeyRecordPtr& key, auto edit) {
    KeyRecord next = *key;
    edit(next.versions[0].blob.bytes);
    Change change = a_change();
    ASSERT_TRUE(changes.commit(std::move(next), change));
  };
  put(bad, [](Bytes& blob) { blob.back() ^= 1; });
  const Bytes other =
      soft_unit.generate_root_key({instance, KeyId{}, VersionId{}}).value().blob.bytes;
  put(foreign, [&](Bytes& blob) { blob = other; });  // of another instance's master key
  const Resealer::Done done = reseal_all(task);
  EXPECT_EQ(done.keys, 1u);
  ASSERT_EQ(done.unopened.size(), 2u);
  std::set<KeyId> named;
  for (const Unopened& each : done.unopened) {
    named.insert(each.key);
    EXPECT_FALSE(each.cause.empty());
  }
  EXPECT_EQ(named, (std::set<KeyId>{bad->id, foreign->id}));
  EXPECT_EQ(blobs_under(task.to), 1u);
}

TEST_F(ResealerTest, TheImportTokenGoesToo) {
  Change change = a_change();
  const ImportTokenPtr token = tokens.create(mine, {600, 3}, change).value();
  EXPECT_EQ(tokens.sealed_under(mine), task.from);
  ASSERT_TRUE(resealer.reseal_token(task));
  EXPECT_EQ(tokens.sealed_under(mine), task.to);
  const Bytes material(32, 9);
  const Bytes iv(12, 3);
  const unit::EncryptedMaterial encrypted{
      crypto::oaep_encrypt(token->public_key, material, crypto::OaepHash::Sha256),
      crypto::aes_encrypt(material, iv, token->nonce), iv, unit::OaepHash::Sha256};
  EXPECT_TRUE(tokens.import({mine, KeyId{crypto::random_uuid()}, VersionId{crypto::random_uuid()}},
                            encrypted));
  Change read = a_change();
  EXPECT_EQ((*tokens.retrieve(mine, read))->remaining_retrievals, 2u);
  // One that has expired is of no use and stays.
  clock.advance_seconds(601);
  EXPECT_EQ(tokens.sealed_under(mine), std::nullopt);
  const std::size_t events = token_store.take_events().size();
  EXPECT_GT(events, 0u);
  ASSERT_TRUE(resealer.reseal_token({mine, task.to, task.from}));
  EXPECT_TRUE(token_store.take_events().empty());
}

TEST_F(ResealerTest, NothingIsSealedWhileTheGateIsShut) {
  const KeyRecordPtr key = make();
  gate.shut = true;
  EXPECT_EQ(create(request()).error().reason, Reason::MasterKeyRotationInProgress);
  EXPECT_EQ(create(import_request(32)).error().reason, Reason::MasterKeyRotationInProgress);
  EXPECT_EQ(create(request(KeyKind::StandardKey)).error().reason,
            Reason::MasterKeyRotationInProgress);
  EXPECT_EQ(rotate(key), "MasterKeyRotationInProgress");
  Change change = a_change();
  EXPECT_EQ(tokens.create(mine, {}, change).error().reason, Reason::MasterKeyRotationInProgress);
  // What makes no blob goes on.
  EXPECT_EQ(disable(key), "ok");
  EXPECT_EQ(destroy(key), "ok");
  clock.advance_seconds(60);
  EXPECT_EQ(restore(key), "ok");
  EXPECT_EQ(gate.out(), 0);
}

TEST_F(ResealerTest, AutomaticRotationsWaitUntilTheGateOpens) {
  CreateRequest what = request();
  what.overrides = PolicyOverrides{.rotation_months = 1};
  const KeyRecordPtr key = create(std::move(what)).value();
  clock.advance_seconds(24 * 32 * 3600);
  gate.shut = true;
  EXPECT_EQ(service.sweep(clock.now()).value(), 0u);  // no failure: it waits
  EXPECT_EQ(now(key)->versions.size(), 1u);
  gate.shut = false;
  EXPECT_EQ(service.sweep(clock.now()).value(), 1u);
  EXPECT_EQ(now(key)->versions.size(), 2u);
  EXPECT_EQ(gate.out(), 0);
}

// The counts that follow every change equal those of a walk over all records.
TEST_F(ResealerTest, TheCensusEqualsARecount) {
  settings.current.limits.keys = 1000;
  std::mt19937 chance(20261126);
  std::vector<KeyRecordPtr> keys;
  ResealTask now_task = task;
  for (int step = 0; step < 400; ++step) {
    const KeyRecordPtr key = keys.empty() ? nullptr : keys[chance() % keys.size()];
    switch (chance() % 6) {
      case 0:
      case 1:
        keys.push_back(make(chance() % 3 == 0 ? KeyKind::StandardKey : KeyKind::RootKey));
        break;
      case 2:
        if (key) rotate(key);
        break;
      case 3:
        if (key) destroy(key);
        break;
      case 4:
        if (key) purge(key);
        break;
      default: {
        std::vector<KeyId> found = resealer.find(now_task);
        found.resize(std::min<std::size_t>(found.size(), 3));
        ASSERT_TRUE(resealer.reseal(now_task, found));
        if (found.empty()) std::swap(now_task.from, now_task.to);
      }
    }
    clock.advance_seconds(90 * 60);
    BlobCensus recount;
    directory.walk(mine, {}, 0, [&](const KeyRecordPtr& each) {
      recount.add(*each);
      return true;
    });
    std::vector<SealedUnder> kept = directory.sealed_under(mine);
    std::vector<SealedUnder> counted = recount.rows();
    const auto by_key = [](const SealedUnder& a, const SealedUnder& b) {
      return a.master_key < b.master_key;
    };
    std::sort(kept.begin(), kept.end(), by_key);
    std::sort(counted.begin(), counted.end(), by_key);
    ASSERT_EQ(kept, counted) << "after step " << step;
  }
}

}  // namespace
}  // namespace keyhaven::keys
