#include "base/id.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

namespace keyhaven {
namespace {

static_assert(!std::is_convertible_v<KeyId, InstanceId>);

constexpr char kText[] = "fadedbee-4567-4abc-9def-0123456789ab";

TEST(UuidTest, ParsesBothCasesAndPrintsLower) {
  const Uuid uuid = Uuid::parse(kText).value();
  EXPECT_EQ(uuid.text(), kText);
  EXPECT_EQ(uuid.bytes[0], 0xfa);
  EXPECT_EQ(uuid.bytes[15], 0xab);
  EXPECT_EQ(Uuid::parse("FADEDBEE-4567-4ABC-9DEF-0123456789AB").value(), uuid);
  std::string out = "id ";
  uuid.append_to(out);
  EXPECT_EQ(out, std::string("id ") + kText);
}

TEST(UuidTest, RefusesOtherShapes) {
  for (const char* text :
       {"", "fadedbee-4567-4abc-9def-0123456789a", "fadedbee-4567-4abc-9def-0123456789abc",
        "fadedbee45674abc9def0123456789ab", "{adedbee-4567-4abc-9def-0123456789a}",
        "fadedbee-4567-4abc-9def-0123456789ag", "fadedbee+4567-4abc-9def-0123456789ab",
        "fadedbee-45674-abc-9def-0123456789ab", " fadedbee-4567-4abc-9def-0123456789a"}) {
    EXPECT_FALSE(Uuid::parse(text)) << text;
    EXPECT_FALSE(Uuid::looks_like_v4(text)) << text;
  }
  EXPECT_EQ(KeyId::parse("x").error().reason, Reason::InvalidArgument);
}

TEST(UuidTest, LooksLikeV4NeedsVersionAndVariant) {
  EXPECT_TRUE(Uuid::looks_like_v4(kText));
  EXPECT_TRUE(Uuid::looks_like_v4("FADEDBEE-4567-4ABC-BDEF-0123456789AB"));
  EXPECT_FALSE(Uuid::looks_like_v4("fadedbee-4567-1abc-9def-0123456789ab"));  // version 1
  EXPECT_FALSE(Uuid::looks_like_v4("fadedbee-4567-4abc-cdef-0123456789ab"));  // variant 11
  EXPECT_FALSE(Uuid::looks_like_v4("fadedbee-4567-4abc-7def-0123456789ab"));  // variant 0
}

TEST(UuidTest, NilAndOrder) {
  EXPECT_TRUE(Uuid{}.is_nil());
  const KeyId key{Uuid::parse(kText).value()};
  EXPECT_FALSE(key.uuid.is_nil());
  EXPECT_LT(KeyId{}, key);
  std::unordered_set<KeyId, UuidHash> set{key, key, KeyId{}};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace keyhaven
