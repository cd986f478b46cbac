#include "web/own_page.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyhaven::web {
namespace {

struct Row {
  bool good;
  std::vector<net::Header> headers;
};

Result<void> check(const Row& row, Scheme scheme) {
  net::Request request;
  request.headers = row.headers;
  return check_own_page(request, scheme);
}

TEST(OwnPageTest, OnlyRequestsOfTheOwnPagePass) {
  const net::Header host{"Host", "Keys.example:8443"};
  const net::Header mark{"x-keyhaven-console", "1"};
  const Row rows[] = {
      {true, {host, mark}},
      {true, {host, mark, {"Origin", "https://keys.example:8443"}}},
      {true,
       {host, mark, {"Origin", "https://keys.example:8443"}, {"Sec-Fetch-Site", "same-origin"}}},
      {true, {host, mark, {"Sec-Fetch-Site", "none"}}},
      {false, {host}},
      {false, {host, {"X-Keyhaven-Console", "0"}}},
      {false, {host, mark, mark}},
      {false, {host, mark, {"Origin", "https://evil.example"}}},
      {false, {host, mark, {"Origin", "https://keys.example"}}},
      {false, {host, mark, {"Origin", "https://keys.example:84430"}}},
      {false, {host, mark, {"Origin", "http://keys.example:8443"}}},
      {false, {host, mark, {"Origin", "https://a.keys.example:8443"}}},
      {false, {host, mark, {"Origin", "null"}}},
      {false, {host, mark, {"Origin", ""}}},
      {false, {mark, {"Origin", "https://keys.example:8443"}}},
      {false,
       {host, mark, {"Origin", "https://keys.example:8443"}, {"Origin", "https://evil.example"}}},
      {false, {host, host, mark}},
      {false, {host, mark, {"Sec-Fetch-Site", "same-site"}}},
      {false, {host, mark, {"Sec-Fetch-Site", "cross-site"}}},
  };
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const auto checked = check(rows[i], Scheme::Https);
    EXPECT_EQ(static_cast<bool>(checked), rows[i].good) << "row " << i;
    if (!checked) {
      EXPECT_EQ(checked.error().reason, Reason::Unauthenticated);
    }
  }
}

TEST(OwnPageTest, SchemeIsPartOfTheOrigin) {
  const Row plain{true,
                  {{"Host", "127.0.0.1:4000"},
                   {"X-Keyhaven-Console", "1"},
                   {"Origin", "http://127.0.0.1:4000"}}};
  EXPECT_TRUE(check(plain, Scheme::Http));
  EXPECT_FALSE(check(plain, Scheme::Https));
}

}  // namespace
}  // namespace keyhaven::web
