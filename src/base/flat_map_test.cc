#include "base/flat_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>

namespace keyhaven {
namespace {

using Handle = std::shared_ptr<const int>;

struct Identity {
  std::size_t operator()(std::uint32_t key) const noexcept { return key; }
};
// Few homes, one of them the very last slot: long runs that wrap round.
struct Crowded {
  std::size_t operator()(std::uint32_t key) const noexcept {
    constexpr std::size_t kLastSlot = 0 - std::size_t{0xF1DE83E19937733D};
    return key % 3 == 0 ? kLastSlot : key % 3;
  }
};

TEST(FlatMapTest, PutReplacesFindSeesEraseForgets) {
  FlatMap<std::uint32_t, Handle, Identity> map;
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_FALSE(map.erase(1));
  const auto first = std::make_shared<const int>(1);
  const auto second = std::make_shared<const int>(2);
  map.put(1, first);
  map.put(1, second);
  EXPECT_EQ(map.size(), 1U);
  EXPECT_EQ(*map.find(1), second);
  EXPECT_EQ(first.use_count(), 1);  // what was replaced or erased is not kept
  EXPECT_TRUE(map.erase(1));
  EXPECT_EQ(second.use_count(), 1);
  EXPECT_EQ(map.find(1), nullptr);
  map.put(1, second);
  map.clear();
  EXPECT_EQ(second.use_count(), 1);
  EXPECT_EQ(map.size(), 0U);
}

template <class Hash>
void compare_with_std_map() {
  std::mt19937 random(20261125);
  FlatMap<std::uint32_t, Handle, Hash> map;
  std::map<std::uint32_t, Handle> model;
  for (int step = 0; step < 20'000; ++step) {
    const auto key = static_cast<std::uint32_t>(random() % 300);
    // Grows to the full in the first half, empties in the second.
    if (random() % 10 < (step < 10'000 ? 7U : 3U)) {
      const auto value = std::make_shared<const int>(step);
      map.put(key, value);
      model[key] = value;
    } else {
      ASSERT_EQ(map.erase(key), model.erase(key) == 1);
    }
    ASSERT_EQ(map.size(), model.size());
    if (step % 16 != 0) continue;
    for (std::uint32_t other = 0; other < 300; ++other) {
      const auto known = model.find(other);
      const Handle* found = map.find(other);
      ASSERT_EQ(found == nullptr ? nullptr : *found,
                known == model.end() ? nullptr : known->second);
    }
  }
}

TEST(FlatMapTest, EqualsAMapOfNodes) { compare_with_std_map<Identity>(); }
TEST(FlatMapTest, EqualsAMapOfNodesWhenHomesCollide) { compare_with_std_map<Crowded>(); }

// Keys whose varying bits are few and low, or high, spread as well as others: a look-up passes few
// slots.
TEST(FlatMapTest, FixedBitsOfTheHashDoNotCrowd) {
  static int compared = 0;
  struct Counted {
    std::size_t operator()(std::uint64_t key) const noexcept {
      ++compared;
      return key;
    }
  };
  for (const int shift : {0, 8, 40}) {
    FlatMap<std::uint64_t, Handle, Counted> map;
    const auto value = std::make_shared<const int>(1);
    const auto key = [shift](std::uint64_t i) {
      return ((i & 0x3F) | (i & ~std::uint64_t{0x3F}) << 2 | 0x80) << shift;
    };
    for (std::uint64_t i = 0; i < 12'000; ++i) map.put(key(i), value);
    compared = 0;
    for (std::uint64_t i = 0; i < 12'000; ++i) map.erase(key(i));  // hashes the whole run behind
    EXPECT_LT(compared, 12'000 * 6) << shift;
  }
}

}  // namespace
}  // namespace keyhaven
