#include "console/local_session.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyhaven::console {
namespace {

class LocalSessionTest : public ::testing::Test {
 protected:
  std::string token() { return std::string(as_text(session.start_token().expose())); }
  // "name=value" of a good start.
  std::string cookie() {
    const std::string set = session.start(token()).value();
    return set.substr(0, set.find(';'));
  }
  bool enters(const std::vector<net::Header>& headers) {
    net::Request request;
    request.headers = headers;
    return session.has_cookie(request);
  }

  ManualClock clock{Timestamp::from_seconds(1'800'000'000)};
  LocalSession session{clock, 4000};
};

TEST_F(LocalSessionTest, StartTokenIsTakenOnce) {
  const std::string good = token();
  EXPECT_EQ(good.size(), kTokenLetters);
  for (const std::string& wrong : {std::string(), std::string("x"), good + "x", good.substr(1),
                                   std::string(kTokenLetters, 'A')}) {
    EXPECT_EQ(session.start(wrong).error().reason, Reason::Unauthenticated) << wrong;
  }
  const auto set = session.start(good);
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->starts_with("keyhaven-local-4000="));
  EXPECT_TRUE(set->ends_with("; Path=/; HttpOnly; SameSite=Strict")) << *set;
  EXPECT_EQ(set->find(good), std::string::npos);
  EXPECT_FALSE(session.start(good));
  EXPECT_TRUE(session.start_token().empty());
  EXPECT_FALSE(session.start(""));
}

TEST_F(LocalSessionTest, StartTokenLapses) {
  clock.advance_seconds(kStartSeconds - 1);
  LocalSession other(clock, 1);
  const std::string good = token();
  clock.advance_seconds(1);
  EXPECT_FALSE(session.start(good));
  EXPECT_TRUE(other.start(as_text(other.start_token().expose())));
}

TEST_F(LocalSessionTest, OnlyTheCookieEnters) {
  EXPECT_FALSE(enters({{"Cookie", "keyhaven-local-4000="}}));
  const std::string good = cookie();
  EXPECT_TRUE(enters({{"cookie", good}}));
  EXPECT_TRUE(enters({{"Cookie", "a=b; " + good + "; keyhaven-local-4001=x"}}));
  EXPECT_FALSE(enters({}));
  EXPECT_FALSE(enters({{"Cookie", good + "x"}}));
  EXPECT_FALSE(enters({{"Cookie", good.substr(0, good.size() - 1)}}));
  EXPECT_FALSE(enters({{"Cookie", "x" + good}}));
  EXPECT_FALSE(enters({{"Cookie", good}, {"Cookie", good}}));
  EXPECT_FALSE(enters({{"Cookie", "keyhaven-local-4000=x; " + good}}));
  EXPECT_FALSE(enters({{"X-Cookie", good}}));
}

TEST_F(LocalSessionTest, EndedSessionLetsNobodyIn) {
  const std::string good = cookie();
  EXPECT_TRUE(session.end().ends_with("; Max-Age=0"));
  EXPECT_FALSE(enters({{"Cookie", good}}));
  EXPECT_FALSE(enters({{"Cookie", "keyhaven-local-4000="}}));
}

}  // namespace
}  // namespace keyhaven::console
