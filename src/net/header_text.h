// Small rules for the values of HTTP headers, in one place. All thread-safe.
#pragma once

#include <string_view>

namespace keyhaven::net {

// Without blanks and tabs at its ends (RFC 9110 section 5.6.3).
std::string_view trim(std::string_view text) noexcept;

// ASCII letters only: bytes above stay what they are.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// Whether If-Match or If-None-Match names the tag, which holds no comma: a list, "*" is any,
// compared weakly (RFC 9110 sections 8.8.3.2 and 13.1).
bool names_tag(std::string_view header, std::string_view tag) noexcept;

}  // namespace keyhaven::net
