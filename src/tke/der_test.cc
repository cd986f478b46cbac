#include "tke/der.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace keyhaven::tke {
namespace {

TEST(DerTest, LengthsAreMinimal) {
  for (std::size_t size : {0u, 1u, 127u, 128u, 255u, 256u, 65535u, 65536u}) {
    const Bytes content(size, 0xAB);
    const Bytes element = der::octet_string(content);
    const std::size_t header = size < 128 ? 2 : size < 256 ? 3 : size < 65536 ? 4 : 5;
    EXPECT_EQ(element.size(), size + header) << size;
    DerReader reader(element);
    EXPECT_EQ(to_bytes(reader.octet_string()), content);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(DerTest, RefusesWhatIsNotDer) {
  const std::pair<const char*, const char*> kCases[] = {
      {"04", "no length"},
      {"0401", "content missing"},
      {"048000", "indefinite length"},
      {"04810100", "long form of a short length"},
      {"0482007F"
       "00",
       "leading zero in the length"},
      {"0485000000000100", "five length bytes"},
      {"0484FFFFFFFF00", "length far beyond the input"},
      {"1F0100", "multi-byte tag"},
      {"300100", "another tag"},
  };
  for (const auto& [hex, what] : kCases) {
    const Bytes bytes = from_hex(hex).value();
    DerReader reader(bytes);
    reader.octet_string();
    EXPECT_FALSE(reader.ok()) << what;
    EXPECT_FALSE(reader.at_end()) << what;
  }
}

TEST(DerTest, StaysFailedAfterTheFirstFault) {
  const Bytes bytes = from_hex("0401AA0500").value();
  DerReader reader(bytes);
  EXPECT_EQ(reader.octet_string_u32(), 0u);
  EXPECT_TRUE(reader.read(der::kNull).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.enter(der::kSequence).ok());
}

TEST(DerTest, BitStringHasNoUnusedBits) {
  for (const auto& [hex, good] :
       {std::pair{"030200AA", true}, {"030201AA", false}, {"0300", false}}) {
    const Bytes bytes = from_hex(hex).value();
    DerReader reader(bytes);
    reader.bit_string();
    EXPECT_EQ(reader.ok(), good) << hex;
  }
}

RC_GTEST_PROP(DerTest, ReadingArbitraryBytesEnds, (const Bytes& input)) {
  DerReader reader(input);
  std::size_t elements = 0;
  while (reader.ok() && !reader.at_end()) {
    reader.read_element();
    RC_ASSERT(++elements <= input.size());
  }
}

}  // namespace
}  // namespace keyhaven::tke
