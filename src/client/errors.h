// An API's refusal as a Reason: one table of codes, and a fall-back by HTTP status.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::client {

// What an error body says; empty parts are absent.
struct ErrorBody {
  std::string code;     // "KEY_NOT_FOUND_ERR", "BXNIM0415E"
  std::string message;  // the reason's text, else errorMsg
  std::string target;   // field, query parameter or header
};

// The code wins over the status; an unknown code falls back to the status. Source:
// key-management-api.md 17.
Reason reason_of(int status, std::string_view code) noexcept;

// Printable ASCII and UTF-8 only (control characters become spaces), at most `limit` bytes: what a
// server says is shown on terminals.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace keyhaven::client
