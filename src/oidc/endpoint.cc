#include "oidc/endpoint.h"

#include <algorithm>

#include "net/url.h"

namespace keyhaven::oidc {
namespace {

constexpr std::string_view kScheme = "https://";

Error not_an_address() {
  return {Reason::InvalidArgument, "it must be an https address without fragment", {}};
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const bool is_printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.size() > kMaxUrlBytes || !is_printable || !text.starts_with(kScheme) ||
      text.find_first_of("#\\\"<>") != std::string_view::npos) {
    return not_an_address();
  }
  const std::size_t end = text.find_first_of("/?", kScheme.size());
  Endpoint out{std::string(text.substr(0, end)), "/"};
  if (end != std::string_view::npos)
    out.target = (text[end] == '?' ? "/" : "") + std::string(text.substr(end));
  if (!net::parse_https_url(out.origin)) return not_an_address();
  return out;
}

Result<void> check_issuer(std::string_view text) {
  KH_TRY(parse_endpoint(text));
  if (text.find('?') != std::string_view::npos)
    return Error{Reason::InvalidArgument, "an issuer has no query", {}};
  return {};
}

Result<Endpoint> discovery_endpoint(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return parse_endpoint(std::string(issuer) + "/.well-known/openid-configuration");
}

}  // namespace keyhaven::oidc
