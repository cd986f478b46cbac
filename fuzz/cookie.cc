// The Cookie headers of a request, of which the session of a console is one.
#include "web/cookies.h"

#include <vector>

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  // Lines stand for several headers.
  std::vector<net::Header> headers;
  std::string_view rest = as_text(in);
  while (!rest.empty() && headers.size() < 32) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    headers.push_back({headers.size() % 2 == 0 ? "Cookie" : "cOOKIE", rest.substr(0, end)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  net::Request request;
  request.headers = headers;
  std::size_t counted = 0;
  for (const net::Header& header : headers) {
    net::Request alone;
    alone.headers = {&header, 1};
    const web::Cookies found = web::cookies_named(alone, "id");
    counted += found.count;
    KH_ASSERT(found.count > 0 || found.value.empty());
    KH_ASSERT(found.value.empty() || (found.value.data() >= header.value.data() &&
                                      found.value.data() + found.value.size() <=
                                          header.value.data() + header.value.size()));
    KH_ASSERT(found.value.find(';') == std::string_view::npos);
  }
  KH_ASSERT(web::cookies_named(request, "id").count == counted);
}
