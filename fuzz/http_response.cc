// Answers as our client frames them: the same whether the bytes come at once or in pieces.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "net/response_parser.h"

using namespace keyhaven;

namespace {

using net::ResponseParser;

struct Seen {
  ResponseParser::Outcome outcome = ResponseParser::Outcome::NeedMore;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t consumed = 0;
  bool keep_alive = false;
  bool operator==(const Seen&) const = default;
};

Seen feed(ByteView in, std::size_t piece, ResponseParser::Body body, bool ends) {
  ResponseParser parser(body, 4096);
  Seen seen;
  std::size_t have = 0;  // bytes that have "arrived"
  while (seen.outcome == ResponseParser::Outcome::NeedMore && have < in.size()) {
    have = std::min(in.size(), have + piece);
    for (bool more = true; more;) {
      const auto step = parser.advance(in.subspan(seen.consumed, have - seen.consumed));
      KH_ASSERT(step.consumed <= have - seen.consumed);
      seen.consumed += step.consumed;
      seen.outcome = step.outcome;
      more = step.outcome == ResponseParser::Outcome::NeedMore && step.consumed > 0 &&
             seen.consumed < have;
    }
  }
  if (seen.outcome == ResponseParser::Outcome::NeedMore && ends)
    seen.outcome = parser.end_of_stream();
  if (seen.outcome == ResponseParser::Outcome::Complete) {
    seen.status = parser.status();
    seen.headers = parser.headers();
    seen.keep_alive = parser.keep_alive();
    const SecretBytes content = parser.take_body();
    KH_ASSERT(content.size() <= 4096);
    seen.body = as_text(content.expose());
  } else {
    seen.consumed = 0;  // what a broken answer consumed means nothing
  }
  return seen;
}

}  // namespace

KH_FUZZ_TARGET(in) {
  const std::uint8_t choice = fuzz::take_byte(in);
  const auto body = (choice & 1) != 0 ? ResponseParser::Body::None : ResponseParser::Body::Expected;
  const bool ends = (choice & 2) != 0;
  const Seen whole = feed(in, in.size() + 1, body, ends);
  KH_ASSERT(feed(in, 1, body, ends) == whole);
  KH_ASSERT(feed(in, (choice >> 2) + std::size_t{1}, body, ends) == whole);
}
