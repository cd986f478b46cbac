#include "web/cookies.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyhaven::web {
namespace {

TEST(Cookies, AreReadFromAllHeadersAndCounted) {
  const struct {
    std::vector<net::Header> headers;
    std::size_t count;
    std::string_view value;
  } rows[] = {
      {{}, 0, ""},
      {{{"Cookie", "id=a"}}, 1, "a"},
      {{{"cookie", "id=a"}}, 1, "a"},
      {{{"COOKIE", "x=1; id=a=b;y"}}, 1, "a=b"},
      {{{"Cookie", " \t id=a \t "}}, 1, "a"},
      {{{"Cookie", "id="}}, 1, ""},
      {{{"Cookie", "id"}}, 0, ""},
      {{{"Cookie", "ID=a; xid=b; id =c; =id"}}, 0, ""},
      {{{"Cookie", ";;=;"}}, 0, ""},
      {{{"Cookie", "id=a; id=b"}}, 2, "b"},
      {{{"Cookie", "id=a"}, {"Cookie", "id=a"}}, 2, "a"},
      {{{"Cookies", "id=a"}, {"X-Cookie", "id=b"}}, 0, ""},
  };
  for (const auto& row : rows) {
    net::Request request;
    request.headers = row.headers;
    const Cookies found = cookies_named(request, "id");
    EXPECT_EQ(found.count, row.count) << (row.headers.empty() ? "" : row.headers[0].value);
    EXPECT_EQ(found.value, row.value);
  }
}

}  // namespace
}  // namespace keyhaven::web
