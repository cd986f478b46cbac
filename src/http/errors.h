// The one place where a Reason becomes a status, a wire code and an error body
// (key-management-api.md 3.3 and 17).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "iam/action.h"
#include "net/http_server.h"

namespace keyhaven::http {

struct WireReason {
  int status;
  std::string_view code;     // "KEY_NOT_FOUND_ERR"
  std::string_view meaning;  // a sentence for docs/errors.md
};

WireReason wire_reason(Reason reason) noexcept;

// Every reason with its name, status, code, meaning and the kind of what its `target` names, as
// rows of a markdown table; docs/errors.md holds it.
std::string document_errors();

// The error body: errorMsg starts with the reason phrase, goes on with what the action could not do
// and ends with the code in parentheses; `reasons` is left out for 401 and header errors. 429 and
// 503 carry Retry-After.
net::Response error_response(const Error& error, iam::Action action);

// For errors that net/ answers itself (malformed HTTP, too large, timeout).
net::Response plain_error_response(int status, std::string_view what);

}  // namespace keyhaven::http
