// Serialises an answer into one piece of memory: status line, headers, body.
#pragma once

#include <string>
#include <string_view>

#include "net/http_server.h"

namespace keyhaven::net {

struct ResponseFraming {
  bool head_request = false;  // headers as if the body followed, but no body
  bool http10 = false;
  bool close = false;
};

// Standard reason phrase (RFC 9110 section 15), "Unknown" for other numbers.
std::string_view reason_phrase(int status) noexcept;

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::int64_t unix_seconds);

// Replaces the content of `out`, allocating at most once. Statuses 204 and 304 have no body.
// Control characters in header values become spaces, so that no value can end its line.
// `Cache-Control: no-store` unless the response has its own Cache-Control.
void write_response(std::string& out, const Response& response, ResponseFraming framing,
                    std::string_view date);

}  // namespace keyhaven::net
