#include "base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace keyhaven {
namespace {

struct Case {
  const char* text;
  std::int64_t us;
};

TEST(ClockTest, ParsesRfc3339) {
  constexpr Case kCases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1985-04-12T23:20:50.52Z", 482'196'050'520'000},  // these three: RFC 3339 section 5.8
      {"1996-12-19T16:39:57-08:00", 851'042'397'000'000},
      {"1937-01-01T12:00:27.87+00:20", -1'041'337'172'130'000},
      {"2000-02-29T00:00:00Z", 951'782'400'000'000},
      {"2031-05-17T09:30:00.123456789Z", 1'936'776'600'123'456},  // cut to microseconds
      {"2031-05-17t09:30:00.123456z", 1'936'776'600'123'456},
      {"2026-03-01T00:59:59+01:00", 1'772'323'199'000'000},
      {"1969-12-31T23:59:59.999999Z", -1},
      {"0001-01-01T00:00:00-00:00", -62'135'596'800'000'000},
      {"9999-12-31T23:59:59Z", 253'402'300'799'000'000},
  };
  for (const Case& c : kCases) {
    const auto parsed = parse_rfc3339(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(parsed->us, c.us) << c.text;
  }
}

TEST(ClockTest, RefusesWhatIsNoDate) {
  for (const char* text : {
           "",
           "2031-05-17",
           "2031-05-17T09:30:00",              // no offset
           "2031-05-17 09:30:00Z",             // space
           "2031-05-17T09:30Z",                // no seconds
           "2031-05-17T09:30:00.Z",            // empty fraction
           "2031-05-17T09:30:00.1234567890Z",  // ten digits
           "2031-05-17T09:30:00,5Z",
           "2031-05-17T09:30:00ZZ",
           "2031-05-17T09:30:00Z ",
           " 2031-05-17T09:30:00Z",
           "2031-05-17T09:30:00+0100",
           "2031-05-17T09:30:00+24:00",
           "2031-05-17T09:30:00+01:60",
           "2031-00-17T09:30:00Z",
           "2031-13-17T09:30:00Z",
           "2031-05-00T09:30:00Z",
           "2031-05-32T09:30:00Z",
           "2031-04-31T09:30:00Z",
           "2031-02-29T09:30:00Z",
           "2100-02-29T09:30:00Z",
           "2031-05-17T24:00:00Z",
           "2031-05-17T09:60:00Z",
           "2031-05-17T09:30:60Z",  // no leap seconds
           "31-05-17T09:30:00Z",
           "+031-05-17T09:30:00Z",
           "20310-05-17T09:30:00Z",
           "9999-12-31T23:59:59-00:01",  // year 10000
           "0000-01-01T00:00:00+00:01",
       }) {
    const auto parsed = parse_rfc3339(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().reason, Reason::InvalidArgument);
  }
}

TEST(ClockTest, FormatsWholeSecondsDownwards) {
  constexpr Case kCases[] = {
      {"1970-01-01T00:00:00Z", 999'999},
      {"1969-12-31T23:59:59Z", -1},
      {"2031-05-17T09:30:00Z", 1'936'776'600'123'456},
      {"0001-01-01T00:00:00Z", -62'135'596'800'000'000},
      {"9999-12-31T23:59:59Z", INT64_MAX},
      {"0000-01-01T00:00:00Z", INT64_MIN},
  };
  for (const Case& c : kCases) EXPECT_EQ(format_rfc3339(Timestamp{c.us}), c.text) << c.us;
  std::string out = "at ";
  append_rfc3339(out, Timestamp{});
  EXPECT_EQ(out, "at 1970-01-01T00:00:00Z");
}

// Against the C library, one step of an odd number of seconds after another through four centuries.
TEST(ClockTest, AgreesWithTheCLibrary) {
  for (std::int64_t seconds = -6'000'000'000; seconds < 7'000'000'000; seconds += 2'345'677) {
    const std::time_t time = seconds;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char expected[32];
    std::strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &parts);
    const std::string text = format_rfc3339(Timestamp::from_seconds(seconds));
    ASSERT_EQ(text, expected);
    ASSERT_EQ(parse_rfc3339(text).value().seconds(), seconds);
  }
}

TEST(ClockTest, ManualClockMovesOnlyByHand) {
  ManualClock clock(Timestamp::from_seconds(100));
  EXPECT_EQ(clock.now().seconds(), 100);
  clock.advance_seconds(50);
  EXPECT_EQ(clock.now(), Timestamp::from_seconds(150));
}

TEST(ClockTest, SystemClockIsNearTheKernels) {
  const std::int64_t before = std::time(nullptr);
  const Timestamp now = SystemClock().now();
  EXPECT_GE(now.seconds(), before);
  EXPECT_LE(now.seconds(), std::time(nullptr) + 1);
}

}  // namespace
}  // namespace keyhaven
