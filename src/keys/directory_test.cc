#include "keys/directory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/random.h"
#include "keys/key_list.h"

namespace keyhaven::keys {
namespace {

class DirectoryTest : public ::testing::Test {
 protected:
  KeyRecord make(std::string name = "key") {
    KeyRecord key;
    key.instance = instance;
    key.id = KeyId{crypto::random_uuid()};
    key.name = std::move(name);
    key.created = Timestamp::from_seconds(1000);
    key.versions.emplace_back();
    return key;
  }
  Claim claim_of(const KeyRecord& key) {
    return {.instance = key.instance,
            .key = key.id,
            .new_key = true,
            .ring = key.key_ring,
            .aliases = key.aliases};
  }
  KeyRecordPtr add(KeyRecord key) {
    EXPECT_TRUE(directory.claim(claim_of(key), limits));
    auto shared = std::make_shared<const KeyRecord>(std::move(key));
    directory.publish(shared);
    return shared;
  }

  InstanceId instance{crypto::random_uuid()};
  InstanceId other{crypto::random_uuid()};
  const Limits limits{.keys = 5, .rings = 3, .aliases = 4};
  Directory directory;
};

TEST_F(DirectoryTest, FindsByIdAndAliasInItsInstanceOnly) {
  KeyRecord key = make();
  key.aliases = {"pay"};
  const KeyRecordPtr added = add(key);
  EXPECT_EQ(directory.find(instance, added->id), added);
  EXPECT_EQ(directory.resolve(instance, "pay", ""), added);
  EXPECT_EQ(directory.resolve(instance, added->id.text(), "default"), added);
  EXPECT_EQ(directory.resolve(instance, "pay", "elsewhere"), nullptr);
  EXPECT_EQ(directory.find(other, added->id), nullptr);
  EXPECT_EQ(directory.resolve(other, "pay", ""), nullptr);
}

TEST_F(DirectoryTest, AliasesAreUniquePerInstance) {
  KeyRecord key = make();
  key.aliases = {"pay"};
  add(key);
  KeyRecord second = make();
  second.aliases = {"free", "pay"};
  EXPECT_EQ(directory.claim(claim_of(second), limits).error().reason, Reason::AliasNotUnique);
  second.aliases = {"free"};  // nothing of the failed claim is left
  EXPECT_TRUE(directory.claim(claim_of(second), limits));
  KeyRecord foreign = make();
  foreign.instance = other;
  foreign.aliases = {"pay"};
  EXPECT_TRUE(directory.claim(claim_of(foreign), limits));
}

TEST_F(DirectoryTest, AClaimedAliasDoesNotShowBeforeItsChangeIsPublished) {
  const KeyRecordPtr key = add(make());
  ASSERT_TRUE(directory.claim(
      {.instance = instance, .key = key->id, .new_key = false, .ring = {}, .aliases = {"soon"}},
      limits));
  EXPECT_EQ(directory.resolve(instance, "soon", ""), nullptr);
  KeyRecord next = *key;
  next.aliases = {"soon"};
  directory.publish(std::make_shared<const KeyRecord>(next));
  EXPECT_NE(directory.resolve(instance, "soon", ""), nullptr);
}

TEST_F(DirectoryTest, ReleasedClaimsFreeTheirPlaces) {
  for (int i = 0; i < 20; ++i) {
    KeyRecord key = make();
    key.aliases = {"again"};
    ASSERT_TRUE(directory.claim(claim_of(key), limits));
    directory.release(claim_of(key));
  }
  EXPECT_EQ(directory.ring_size(instance, "default"), 0U);
  EXPECT_EQ(directory.live_keys(instance), 0U);
}

TEST_F(DirectoryTest, LimitsCountClaims) {
  for (int i = 0; i < 4; ++i) add(make());
  const KeyRecord fifth = make();
  ASSERT_TRUE(directory.claim(claim_of(fifth), limits));
  EXPECT_EQ(directory.claim(claim_of(make()), limits).error().reason, Reason::KeyLimit);
  directory.release(claim_of(fifth));
  EXPECT_TRUE(directory.claim(claim_of(make()), limits));
}

TEST_F(DirectoryTest, AliasLimitOfTheInstance) {
  KeyRecord key = make();
  key.aliases = {"a1", "a2", "a3", "a4"};
  const KeyRecordPtr added = add(key);
  const Claim more{
      .instance = instance, .key = added->id, .new_key = false, .ring = {}, .aliases = {"a5"}};
  EXPECT_EQ(directory.claim(more, limits).error().reason, Reason::AliasLimit);
  KeyRecord fewer = *added;
  fewer.aliases = {"a2"};
  directory.publish(std::make_shared<const KeyRecord>(fewer));
  EXPECT_EQ(directory.resolve(instance, "a1", ""), nullptr);
  EXPECT_TRUE(directory.claim(more, limits));
  // Lowered below what is there: keys without aliases still come.
  const Limits lowered{.keys = 5, .rings = 3, .aliases = 0};
  EXPECT_TRUE(directory.claim(claim_of(make()), lowered));
}

TEST_F(DirectoryTest, RingsAppearWhenPublishedAndCountTheirKeys) {
  KeyRing ring{instance, "finance", Timestamp::from_seconds(5), "me"};
  ASSERT_TRUE(directory.claim_ring(ring, limits));
  EXPECT_FALSE(directory.has_ring(instance, "finance"));
  EXPECT_EQ(directory.claim_ring(ring, limits).error().reason, Reason::KeyRingExists);
  KeyRecord key = make();
  key.key_ring = "finance";
  EXPECT_EQ(directory.claim(claim_of(key), limits).error().reason, Reason::KeyRingNotFound);
  directory.publish_ring(instance, "finance");
  const KeyRecordPtr added = add(key);
  EXPECT_EQ(directory.ring_size(instance, "finance"), 1U);
  ASSERT_TRUE(directory.begin_ring_removal(instance, "finance"));
  KeyRecord late = make();
  late.key_ring = "finance";
  EXPECT_EQ(directory.claim(claim_of(late), limits).error().reason, Reason::KeyRingNotFound);
  directory.cancel_ring_removal(instance, "finance");
  EXPECT_TRUE(directory.claim(claim_of(late), limits));
  const auto rings = directory.rings(instance);
  ASSERT_EQ(rings.size(), 2U);
  EXPECT_EQ(rings[0].id, "default");
}

TEST_F(DirectoryTest, ARingCanComeWithItsFirstKey) {
  const KeyRing ring{instance, "payments", Timestamp::from_seconds(1), "me"};
  KeyRecord key = make();
  key.key_ring = "payments";
  Claim claim = claim_of(key);
  claim.with_ring = true;
  EXPECT_EQ(directory.claim(claim, limits).error().reason, Reason::KeyRingNotFound);
  ASSERT_TRUE(directory.claim_ring(ring, limits));
  EXPECT_EQ(directory.claim(claim_of(key), limits).error().reason, Reason::KeyRingNotFound);
  ASSERT_TRUE(directory.claim(claim, limits));
  directory.release(claim);
  directory.release_ring(instance, "payments");
  EXPECT_FALSE(directory.has_ring(instance, "payments"));
  ASSERT_TRUE(directory.claim_ring(ring, limits));
  ASSERT_TRUE(directory.claim(claim, limits));
  directory.publish_ring(instance, "payments");
  directory.publish(std::make_shared<const KeyRecord>(key));
  EXPECT_EQ(directory.ring_size(instance, "payments"), 1U);
  EXPECT_EQ(directory.claim(claim, limits).error().reason, Reason::KeyRingNotFound)
      << "it is there";
}

TEST_F(DirectoryTest, SeveralInstancesCanHaveAKeyOfOneId) {
  KeyRecord key = make();
  const InstanceId third{crypto::random_uuid()};
  const auto in = [&](const InstanceId& where, std::string name) {
    key.instance = where;
    key.name = std::move(name);
    return add(key);
  };
  const KeyRecordPtr one = in(instance, "one");
  const KeyRecordPtr two = in(other, "two");
  EXPECT_EQ(directory.find(instance, key.id), one);
  EXPECT_EQ(directory.find(other, key.id), two);
  EXPECT_EQ(directory.find(third, key.id), nullptr);
  directory.erase(instance, key.id);
  EXPECT_EQ(directory.find(instance, key.id), nullptr);
  EXPECT_EQ(directory.find(other, key.id), two);
  KeyRecord next = *two;
  next.name = "two again";
  const auto changed = std::make_shared<const KeyRecord>(next);
  directory.publish(changed);
  const KeyRecordPtr three = in(third, "three");
  EXPECT_EQ(directory.find(other, key.id), changed);
  EXPECT_EQ(directory.find(third, key.id), three);
  directory.erase(other, key.id);
  EXPECT_EQ(directory.find(other, key.id), nullptr);
  EXPECT_EQ(directory.find(third, key.id), three);
  directory.erase(third, key.id);
  EXPECT_EQ(directory.find(third, key.id), nullptr);
}

TEST_F(DirectoryTest, RingLimit) {
  ASSERT_TRUE(directory.claim_ring({instance, "r1", {}, ""}, limits));
  ASSERT_TRUE(directory.claim_ring({instance, "r2", {}, ""}, limits));
  EXPECT_EQ(directory.claim_ring({instance, "r3", {}, ""}, limits).error().reason,
            Reason::KeyRingLimit);
}

TEST_F(DirectoryTest, ErasedKeysLeaveNothing) {
  KeyRecord key = make();
  key.aliases = {"pay"};
  const KeyRecordPtr added = add(key);
  directory.erase(instance, added->id);
  EXPECT_EQ(directory.resolve(instance, "pay", ""), nullptr);
  EXPECT_EQ(directory.find(instance, added->id), nullptr);
  EXPECT_EQ(directory.ring_size(instance, "default"), 0U);
  add(key);
}

// While keys come and go, a client that pages through by id sees every key that stays, exactly once
// if nothing before it changes, and never one twice; counts stay between what is possible.
TEST(DirectoryConcurrencyTest, PagesAndCountsBesideChanges) {
  Directory directory;
  const InstanceId instance{crypto::random_uuid()};
  const Limits limits{.keys = 10'000, .rings = 3, .aliases = 4};
  const auto key_of = [&](std::uint32_t number) {
    KeyRecord key;
    key.instance = instance;
    key.id.uuid.bytes = {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    key.id.uuid.bytes[15] = static_cast<std::uint8_t>(number);
    key.versions.emplace_back();
    return key;
  };
  constexpr std::uint32_t kStaying = 2000;
  for (std::uint32_t i = 0; i < kStaying; ++i) directory.load(key_of(i));
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (std::uint32_t writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::uint32_t round = 0; !stop; ++round) {
        // Comes and goes behind the keys that stay; and one of those changes.
        const KeyRecord passing = key_of(kStaying + writer * 1000 + round % 700);
        ASSERT_TRUE(directory.claim({.instance = instance,
                                     .key = passing.id,
                                     .new_key = true,
                                     .ring = passing.key_ring,
                                     .aliases = {}},
                                    limits));
        directory.publish(std::make_shared<const KeyRecord>(passing));
        KeyRecord changed = key_of(round * 7 % kStaying);
        changed.state = round % 2 == 0 ? KeyState::Suspended : KeyState::Active;
        directory.publish(std::make_shared<const KeyRecord>(changed));
        directory.erase(instance, passing.id);
      }
    });
  }
  ListQuery query;
  query.visible = [](std::string_view) { return true; };
  query.limit = 150;
  for (int pass = 0; pass < 100; ++pass) {
    KeyId last;
    std::uint32_t seen = 0;
    for (query.offset = 0;; query.offset += query.limit) {
      const KeyPage page = list_keys(directory, instance, query, Timestamp{}).value();
      for (const KeyRecordPtr& key : page.keys) {
        ASSERT_TRUE(seen == 0 || last < key->id);
        last = key->id;
        ++seen;
        if (seen <= kStaying) {
          ASSERT_EQ(key->id, key_of(seen - 1).id);
        }
      }
      if (page.keys.size() < query.limit) break;
    }
    ASSERT_GE(seen, kStaying);
    const std::size_t counted = count_keys(directory, instance, query, Timestamp{}).value();
    ASSERT_GE(counted, kStaying);
    ASSERT_LE(counted, kStaying + writers.size());
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(count_keys(directory, instance, query, Timestamp{}).value(), kStaying);
  EXPECT_EQ(directory.live_keys(instance), kStaying);
}

TEST(KeyListTest, SortsPagesAndFilters) {
  Directory directory;
  const InstanceId instance{crypto::random_uuid()};
  for (std::uint8_t i = 0; i < 10; ++i) {
    KeyRecord key;
    key.instance = instance;
    key.id.uuid.bytes[0] = i;
    key.kind = i % 2 == 0 ? KeyKind::RootKey : KeyKind::StandardKey;
    key.state = i == 9 ? KeyState::Destroyed : KeyState::Active;
    key.created = Timestamp::from_seconds(100 - i);
    if (i < 2) key.rotated = Timestamp::from_seconds(50 + i);
    key.versions.emplace_back();
    directory.load(std::move(key));
  }
  const auto ids = [&](const std::function<void(ListQuery&)>& set) {
    ListQuery query;
    query.visible = [](std::string_view) { return true; };
    set(query);
    std::string out;
    const auto page = list_keys(directory, instance, query, Timestamp::from_seconds(1));
    for (const auto& key : page.value().keys) {
      out += std::to_string(key->id.uuid.bytes[0]);
    }
    return out;
  };
  const auto sorted = [&](std::string_view by, std::size_t limit) {
    return ids([&](ListQuery& query) {
      query.sort = parse_sort(by).value();
      query.limit = limit;
    });
  };
  EXPECT_EQ(ids([](ListQuery&) {}), "012345678");
  EXPECT_EQ(ids([](ListQuery& query) { query.states = bit(KeyState::Destroyed); }), "9");
  EXPECT_EQ(ids([](ListQuery& query) { query.kind = KeyKind::StandardKey; }), "1357");
  EXPECT_EQ(ids([](ListQuery& query) { query.offset = 100; }), "");
  EXPECT_EQ(ids([](ListQuery& query) {
              query.offset = 3;
              query.limit = 2;
            }),
            "34");
  EXPECT_EQ(sorted("creationDate", 200), "876543210");
  EXPECT_EQ(sorted("extractable,-id", 200), "864207531");
  EXPECT_EQ(sorted("lastRotateDate", 3), "012");   // absent last
  EXPECT_EQ(sorted("-lastRotateDate", 3), "234");  // absent first
}

// Every page of every order is the same cut of the whole, ties by id included.
TEST(KeyListTest, SortedPagesJoinToTheWhole) {
  Directory directory;
  const InstanceId instance{crypto::random_uuid()};
  constexpr KeyState kStates[] = {KeyState::Active, KeyState::Suspended, KeyState::Deactivated};
  for (std::uint32_t i = 0; i < 600; ++i) {
    KeyRecord key;
    key.instance = instance;
    key.id = KeyId{crypto::random_uuid()};
    key.kind = i % 2 == 0 ? KeyKind::RootKey : KeyKind::StandardKey;
    key.state = kStates[i % 3];
    key.created = Timestamp::from_seconds(1000 + i * 7 % 50);
    if (i % 4 == 0) key.rotated = Timestamp::from_seconds(5000 - i % 11);
    key.versions.emplace_back();
    directory.load(std::move(key));
  }
  ListQuery query;
  query.visible = [](std::string_view) { return true; };
  const auto list = [&](std::size_t offset, std::size_t limit) {
    query.offset = offset;
    query.limit = limit;
    return list_keys(directory, instance, query, Timestamp::from_seconds(1)).value().keys;
  };
  for (const std::string_view by : {"id", "-id", "state", "-state,-id", "creationDate,-extractable",
                                    "-lastRotateDate,state,creationDate", "extractable,-state"}) {
    query.sort = parse_sort(by).value();
    const auto whole = list(0, 5000);
    ASSERT_EQ(whole.size(), 600U);
    for (const std::size_t limit : {1U, 7U, 200U, 599U}) {
      std::vector<KeyRecordPtr> joined;
      for (std::size_t offset = 0; offset < whole.size(); offset += limit) {
        for (KeyRecordPtr& key : list(offset, limit)) joined.push_back(std::move(key));
      }
      ASSERT_EQ(joined, whole) << by << " " << limit;
    }
  }
}

TEST(KeyListTest, ParsersRefuseWhatTheyDoNotKnow) {
  for (const auto bad : {"", "name", "id,", "-", "--id", "id,id,id,id,id,id,id,id,id,id"}) {
    EXPECT_FALSE(parse_sort(bad)) << bad;
  }
  EXPECT_EQ(parse_states("0,1,2,3").value(), kListedByDefault);
  for (const auto bad : {"", "4", "6", "1,", "1 ,2", "12", "-1"})
    EXPECT_FALSE(parse_states(bad)) << bad;
}

}  // namespace
}  // namespace keyhaven::keys
