// Request framing: the same request whether its bytes come at once or in pieces, so that no peer
// and no network can make us see two different ends of one request.
#include <string>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "net/request_parser.h"

using namespace keyhaven;

namespace {

using Outcome = net::RequestParser::Outcome;

struct Seen {
  Outcome outcome = Outcome::NeedMore;
  int status = 0;
  std::string method, path, query, body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::size_t consumed = 0;  // input bytes up to the end of the request
  bool keep_alive = false;
  bool operator==(const Seen&) const = default;
};

Seen feed(ByteView in, std::size_t piece) {
  net::ParserLimits limits;
  limits.max_header_bytes = 2048;
  limits.max_headers = 20;
  limits.max_body_bytes = 4096;
  net::RequestParser parser(limits);
  net::Buffer buffer;
  buffer.acquire(nullptr);
  Seen seen;
  std::size_t fed = 0;
  while (fed < in.size()) {
    KH_ASSERT(!buffer.room().empty());
    const std::size_t count = std::min({piece, in.size() - fed, buffer.room().size()});
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(fed), count, buffer.room().begin());
    buffer.commit(count);
    fed += count;
    seen.outcome = parser.advance(buffer);
    if (seen.outcome != Outcome::NeedMore) break;
    static_cast<void>(parser.wants_continue(buffer));
  }
  if (seen.outcome == Outcome::Refused) {
    seen.status = parser.refusal().status;
    KH_ASSERT(seen.status >= 400 && seen.status < 600 && !parser.refusal().what.empty());
  }
  if (seen.outcome == Outcome::Complete) {
    KH_ASSERT(parser.end() <= buffer.size());
    seen.method = parser.method();
    seen.path = parser.path();
    seen.query = parser.query();
    const auto body = parser.body(buffer);
    seen.body.assign(body.begin(), body.end());
    KH_ASSERT(body.size() <= limits.max_body_bytes);
    for (const net::Header& header : parser.headers())
      seen.headers.emplace_back(header.name, header.value);
    seen.consumed = fed - (buffer.size() - parser.end());
    seen.keep_alive = parser.keep_alive();
  }
  buffer.release(nullptr);
  return seen;
}

}  // namespace

KH_FUZZ_TARGET(in) {
  const std::size_t piece = fuzz::take_byte(in) + std::size_t{1};
  const Seen whole = feed(in, in.size() + 1);
  KH_ASSERT(feed(in, 1) == whole);
  KH_ASSERT(feed(in, piece) == whole);
}
