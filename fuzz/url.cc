// Percent-encoding, queries and configured addresses.
#include "net/url.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view text = as_text(in);
  if (const auto decoded = net::percent_decode(text)) {
    const std::string encoded = net::percent_encode(*decoded);
    const bool has_nul = decoded->find('\0') != std::string::npos;
    KH_ASSERT(has_nul || net::percent_decode(encoded).value() == *decoded);
    KH_ASSERT(encoded.find_first_of("/?#&=+ \r\n") == std::string::npos);
    KH_ASSERT(decoded->find('\0') == std::string::npos || text.find('\0') != std::string::npos);
  }
  if (const auto query = net::parse_query(text)) {
    KH_ASSERT(query->size() <= net::kMaxQueryParameters);
    std::string again;
    bool has_nul = false;  // raw; no request gets that far with one, and %00 is refused
    for (const net::QueryParameter& one : *query) {
      KH_ASSERT(!one.name.empty());
      has_nul = has_nul || one.name.find('\0') != std::string::npos ||
                one.value.find('\0') != std::string::npos;
      again += net::percent_encode(one.name) + "=" + net::percent_encode(one.value) + "&";
    }
    KH_ASSERT(has_nul || net::parse_query(again).value() == *query);
  }
  if (const auto url = net::parse_https_url(text)) {
    const auto again = net::parse_https_url("https://" + url->authority + url->prefix);
    KH_ASSERT(again && again->host == url->host && again->port == url->port);
    KH_ASSERT(again->prefix == url->prefix && again->authority == url->authority);
    KH_ASSERT(url->authority.find_first_of("\r\n @/") == std::string::npos);
  }
}
