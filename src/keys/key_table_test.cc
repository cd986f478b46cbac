#include "keys/key_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

constexpr Timestamp at(std::int64_t seconds) { return {seconds * 1'000'000}; }

KeyId id_of(std::uint32_t number) {
  KeyId id;
  for (std::size_t i = 0; i < 4; ++i)
    id.uuid.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return id;
}

KeyRecordPtr key(std::uint32_t number, KeyState state = KeyState::Active,
                 std::string ring = "default", KeyKind kind = KeyKind::RootKey,
                 Timestamp expires = {}) {
  auto out = std::make_shared<KeyRecord>();
  out->id = id_of(number);
  out->state = state;
  out->key_ring = std::move(ring);
  out->kind = kind;
  out->expires = expires;
  return out;
}

std::vector<KeyRecordPtr> page(const KeyTable& table, const KeySelection& selection,
                               std::size_t offset, std::size_t limit) {
  std::vector<KeyRecordPtr> out;
  table.walk(selection, offset, [&](const KeyRecordPtr& record) {
    out.push_back(record);
    return out.size() < limit;
  });
  return out;
}

TEST(KeyTableTest, PutReplacesAndEraseReturnsWhatWasThere) {
  KeyTable table;
  EXPECT_EQ(table.erase(id_of(1)), nullptr);
  const auto first = key(1);
  const auto second = key(1, KeyState::Suspended);
  EXPECT_EQ(table.put(first), nullptr);
  EXPECT_EQ(table.put(second), first);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.erase(id_of(2)), nullptr);
  EXPECT_EQ(table.erase(id_of(1)), second);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.count({}), 0U);
}

// Several chunks, and cursors that are no key of the table.
TEST(KeyTableTest, GoesOnBehindAnId) {
  KeyTable table;
  const auto behind = [&](std::uint32_t cursor, std::size_t most) {
    std::vector<KeyId> out;
    table.walk_after(id_of(cursor), [&](const KeyRecordPtr& record) {
      out.push_back(record->id);
      return out.size() < most;
    });
    return out;
  };
  EXPECT_TRUE(behind(0, 9).empty());
  for (std::uint32_t number = 1500; number > 0; --number) table.put(key(2 * number));
  for (const std::uint32_t cursor : {0U, 1U, 2U, 511U, 512U, 513U, 1999U, 2994U, 2999U}) {
    const std::uint32_t next = cursor / 2 * 2 + 2;
    EXPECT_EQ(behind(cursor, 1), std::vector{id_of(next)}) << cursor;
    EXPECT_EQ(behind(cursor, 5000).size(), (3002 - next) / 2) << cursor;
  }
  EXPECT_TRUE(behind(3000, 9).empty());
  EXPECT_TRUE(behind(3001, 9).empty());
}

TEST(KeyTableTest, AKeyExpiresByTimeAlone) {
  KeyTable table;
  table.put(key(1, KeyState::Active, "default", KeyKind::RootKey, at(100)));
  table.put(key(2, KeyState::Suspended, "default", KeyKind::RootKey, at(100)));
  table.put(key(3));
  const auto count = [&](KeyState state, std::int64_t now) {
    KeySelection selection;
    selection.states = bit(state);
    selection.now = at(now);
    const std::size_t counted = table.count(selection);
    EXPECT_EQ(page(table, selection, 0, 9).size(), counted);
    return counted;
  };
  EXPECT_EQ(count(KeyState::Active, 99), 2U);
  EXPECT_EQ(count(KeyState::Deactivated, 99), 0U);
  EXPECT_EQ(count(KeyState::Active, 100), 1U);
  EXPECT_EQ(count(KeyState::Deactivated, 100), 1U);
  EXPECT_EQ(count(KeyState::Suspended, 100), 1U);
}

TEST(KeyTableTest, EachRingIsAskedForOnce) {
  KeyTable table;
  for (std::uint32_t i = 0; i < 900; ++i)
    table.put(key(i, KeyState::Active, i % 3 == 0 ? "one" : "two"));
  std::map<std::string, int, std::less<>> asked;
  KeySelection selection;
  selection.ring = [&](std::string_view ring) {
    ++asked[std::string(ring)];
    return ring == "one";
  };
  EXPECT_EQ(table.count(selection), 300U);
  EXPECT_EQ(asked, (std::map<std::string, int, std::less<>>{{"one", 1}, {"two", 1}}));
  // A ring that lost its last key is not asked for, and its number serves another.
  for (std::uint32_t i = 0; i < 900; i += 3) table.put(key(i, KeyState::Active, "three"));
  asked.clear();
  EXPECT_EQ(table.count(selection), 0U);
  EXPECT_EQ(asked, (std::map<std::string, int, std::less<>>{{"three", 1}, {"two", 1}}));
}

// Every question is also asked of a plain map, whose answer is obvious.
class KeyTableModelTest : public testing::Test {
 protected:
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_()) % end; }

  void put(std::uint32_t number) {
    constexpr KeyState kStates[] = {KeyState::PreActivation, KeyState::Active, KeyState::Suspended,
                                    KeyState::Deactivated, KeyState::Destroyed};
    const auto record =
        key(number, kStates[below(5)], "ring" + std::to_string(below(4)),
            below(2) == 0 ? KeyKind::RootKey : KeyKind::StandardKey,
            below(20) == 0 ? at(1 + static_cast<std::int64_t>(below(100))) : Timestamp{});
    const auto old = model_.find(record->id);
    EXPECT_EQ(table_.put(record), old == model_.end() ? nullptr : old->second);
    model_[record->id] = record;
  }
  void erase(std::uint32_t number) {
    const auto old = model_.find(id_of(number));
    EXPECT_EQ(table_.erase(id_of(number)), old == model_.end() ? nullptr : old->second);
    if (old != model_.end()) model_.erase(old);
  }
  void compare() {
    KeySelection selection;
    selection.states = static_cast<StateSet>(below(64));
    if (below(2) == 0) selection.kind = below(2) == 0 ? KeyKind::RootKey : KeyKind::StandardKey;
    selection.now = at(below(120));
    const std::string ring = "ring" + std::to_string(below(4));
    const bool one_ring = below(2) == 0;
    if (one_ring) selection.ring = [&](std::string_view asked) { return asked == ring; };
    std::vector<KeyRecordPtr> wanted;
    for (const auto& [id, record] : model_) {
      if ((selection.states & bit(effective_state(*record, selection.now))) == 0) continue;
      if (selection.kind && *selection.kind != record->kind) continue;
      if (!one_ring || record->key_ring == ring) wanted.push_back(record);
    }
    ASSERT_EQ(table_.size(), model_.size());
    ASSERT_EQ(table_.count(selection), wanted.size());
    const std::size_t offset = below(static_cast<std::uint32_t>(wanted.size()) + 10);
    const std::size_t limit = 1 + below(300);
    const std::size_t begin = std::min(offset, wanted.size());
    const std::size_t end = std::min(begin + limit, wanted.size());
    ASSERT_EQ(page(table_, selection, offset, limit),
              std::vector(wanted.begin() + static_cast<std::ptrdiff_t>(begin),
                          wanted.begin() + static_cast<std::ptrdiff_t>(end)));
  }

  std::mt19937 random_{20261125};
  KeyTable table_;
  std::map<KeyId, KeyRecordPtr> model_;
};

TEST_F(KeyTableModelTest, GrowsAndShrinksAtRandom) {
  for (const std::uint32_t erased_of_ten : {2U, 5U, 9U}) {
    for (int i = 0; i < 6000; ++i) {
      const std::uint32_t number = below(4000);
      below(10) < erased_of_ten ? erase(number) : put(number);
      if (i % 20 == 0) compare();
    }
  }
}

TEST_F(KeyTableModelTest, GrowsInOrderAndBackwards) {
  for (std::uint32_t i = 0; i < 2000; ++i) {
    put(10'000 + i);
    put(10'000 - i);
    if (i % 50 == 0) compare();
  }
  while (!model_.empty()) {  // and empties from the front
    const auto first = model_.begin()->second;
    EXPECT_EQ(table_.erase(first->id), first);
    model_.erase(first->id);
    if (model_.size() % 200 == 0) compare();
  }
}

}  // namespace
}  // namespace keyhaven::keys
