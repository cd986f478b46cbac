#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/reason.h"
#include "base/wire.h"

namespace keyhaven {
namespace {

TEST(BytesTest, HexBothWays) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(to_hex_upper(Bytes{0x00, 0xab, 0xff}), "00ABFF");
  EXPECT_EQ(from_hex("00aBFf").value(), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_EQ(from_hex("").value(), Bytes{});
}

TEST(BytesTest, HexRefuses) {
  for (const char* text : {"0", "0g", " 0", "0x", "00 1", "+1"}) {
    const auto parsed = from_hex(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().reason, Reason::InvalidArgument);
  }
}

// RFC 4648 section 10.
constexpr std::pair<const char*, const char*> kRfc4648[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

TEST(BytesTest, Base64VectorsOfTheRfc) {
  for (const auto& [plain, text] : kRfc4648) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    EXPECT_EQ(base64_size(std::string_view(plain).size()), std::string_view(text).size());
    EXPECT_EQ(as_text(from_base64(text).value()), plain);
    std::string url = text;
    url.erase(url.find_last_not_of('=') + 1);
    EXPECT_EQ(to_base64url(as_bytes(plain)), url);
    EXPECT_EQ(as_text(from_base64url(url).value()), plain);
  }
}

TEST(BytesTest, Base64AlphabetsDiffer) {
  const Bytes bytes = {0xfb, 0xff, 0xbf};
  EXPECT_EQ(to_base64(bytes), "+/+/");
  EXPECT_EQ(to_base64url(bytes), "-_-_");
  EXPECT_FALSE(from_base64("-_-_"));
  EXPECT_FALSE(from_base64url("+/+/"));
}

struct Refused {
  const char* text;
  const char* offset;
};

TEST(BytesTest, Base64RefusesWhatIsNotCanonicalAndNamesTheOffset) {
  constexpr Refused kCases[] = {
      {"Zg", "2"},           // no padding
      {"Zg=", "2"},          // half a padding
      {"Zm8", "3"},          //
      {"Z", "1"},            // six bits are no byte
      {"Zg===", "2"},        // too much padding
      {"Zg==Zg==", "2"},     // padding inside
      {"====", "0"},         //
      {"Z===", "1"},         //
      {"=", "0"},            //
      {"Zm9v\n", "4"},       // white space
      {" Zm9v", "0"},        //
      {"Zm9v Zm9v", "4"},    //
      {"Zh==", "1"},         // unused bits set
      {"Zm9=", "2"},         //
      {"Zm9vY-==", "5"},     // other alphabet
      {"Zm\xc3\xa4v", "2"},  // not ASCII
  };
  for (const Refused& c : kCases) {
    const auto parsed = from_base64(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().reason, Reason::InvalidArgument);
    EXPECT_EQ(parsed.error().message, std::string("not valid base64 at offset ") + c.offset)
        << c.text;
  }
}

TEST(BytesTest, Base64UrlRefuses) {
  for (const char* text : {"Zg==", "Z", "Zh", "Zm9vY", "Zm 8", "Zm9vZm9="}) {
    EXPECT_FALSE(from_base64url(text)) << text;
  }
}

TEST(BytesTest, AppendBase64KeepsWhatIsThere) {
  std::string out = "\"ciphertext\":\"";
  append_base64(out, as_bytes("foo"));
  EXPECT_EQ(out, "\"ciphertext\":\"Zm9v");
}

TEST(WireTest, ReaderReadsWhatWriterWrote) {
  Bytes bytes;
  Writer writer(bytes);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.i64(-2);
  writer.text32("key");
  EXPECT_EQ(to_hex(bytes),
            "0102030405060"
            "7fffffffffffffffe000000036b6579");
  Reader reader(bytes);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607u);
  EXPECT_EQ(reader.i64(), -2);
  EXPECT_EQ(reader.text32(3), "key");
  EXPECT_TRUE(reader.at_end());
}

TEST(WireTest, ReaderStaysFailedAfterAShortRead) {
  const Bytes bytes = {0, 0, 0, 4, 'k', 'e', 'y'};
  Reader reader(bytes);
  EXPECT_TRUE(reader.bytes32(100).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.at_end());
}

TEST(WireTest, AFlagIsZeroOrOne) {
  const Bytes bytes = {0, 1, 2, 1};
  Reader reader(bytes);
  EXPECT_FALSE(reader.flag());
  EXPECT_TRUE(reader.flag());
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.flag());
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.flag());  // the 1 behind it is not read any more
}

TEST(WireTest, AShortReadLeavesAnArrayAsItIs) {
  const Bytes bytes = {1, 2, 3};
  std::array<std::uint8_t, 2> out{};
  Reader reader(bytes);
  reader.into(out);
  EXPECT_EQ(out, (std::array<std::uint8_t, 2>{1, 2}));
  reader.into(out);
  EXPECT_EQ(out, (std::array<std::uint8_t, 2>{1, 2}));
  EXPECT_FALSE(reader.ok());
}

TEST(WireTest, ACountFitsItsLimitAndWhatIsLeft) {
  struct Case {
    std::size_t limit, least, count;
    bool ok;
  };
  const Bytes bytes = {0, 3, 9, 9, 9, 9, 9, 9};
  for (const Case& c : {Case{3, 2, 3, true}, Case{4, 1, 3, true}, Case{2, 2, 0, false},
                        Case{3, 3, 0, false}, Case{0, 0, 0, false}}) {
    Reader reader(bytes);
    EXPECT_EQ(reader.count16(c.limit, c.least), c.count) << c.limit << ' ' << c.least;
    EXPECT_EQ(reader.ok(), c.ok) << c.limit << ' ' << c.least;
  }
}

TEST(WireTest, ReaderRefusesALengthAboveTheLimit) {
  const Bytes bytes = {0, 0, 0, 3, 'k', 'e', 'y'};
  Reader inside(bytes);
  EXPECT_EQ(inside.bytes32(3).size(), 3u);
  EXPECT_TRUE(inside.ok());
  Reader outside(bytes);
  EXPECT_TRUE(outside.bytes32(2).empty());
  EXPECT_FALSE(outside.ok());
}

TEST(ReasonTest, EveryReasonHasAClassAndADistinctName) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    errc_of(reason);  // fatal for a reason without a class
    for (const std::string_view other : names) EXPECT_NE(name_of(reason), other);
    names.push_back(name_of(reason));
  }
}

Result<int> half(int value) {
  if (value % 2 != 0) return Error{Reason::InvalidArgument, "odd", "value"};
  return value / 2;
}
Result<int> quarter(int value) {
  const int once = KH_TRY(half(value));
  return half(once);
}

TEST(ResultTest, TryPassesValuesAndErrors) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(7).error().code(), Errc::InvalidArgument);
}

TEST(ResultTest, AccessInTheWrongStateStopsTheProcess) {
  EXPECT_DEATH(static_cast<void>(quarter(7).value()), "wrong state");
  EXPECT_DEATH(static_cast<void>(quarter(12).error()), "wrong state");
}

}  // namespace
}  // namespace keyhaven
