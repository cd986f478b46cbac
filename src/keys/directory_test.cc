#include "keys/directory.h"

#include <gtest/gtest.h>

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
    query.visible = [](const KeyRecord&) { return true; };
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
