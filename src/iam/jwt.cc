#include "iam/jwt.h"

namespace keyhaven::iam {
namespace {

bool parse_part(JsonDocument& document, std::string_view base64url) {
  const auto bytes = from_base64url(base64url);
  return bytes && document.parse(as_text(*bytes));
}

}  // namespace

bool Jwt::parse(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return false;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return false;
  const std::string_view header = token.substr(0, first);
  const std::string_view claims = token.substr(first + 1, second - first - 1);
  signature_ = token.substr(second + 1);
  signed_text_ = token.substr(0, second);
  if (header.empty() || claims.empty() || signature_.empty()) return false;
  return parse_part(header_, header) && parse_part(claims_, claims);
}

}  // namespace keyhaven::iam
