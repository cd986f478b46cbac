// What to search the log for, and where a page of results went on: both come from the network.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/result.h"

namespace keyhaven::audit {

inline constexpr std::size_t kMaxFilterBytes = 256;
inline constexpr std::size_t kMaxSearchLimit = 500;
inline constexpr std::size_t kMaxCursorBytes = 16 * 1024;

// Where a stream goes on: before `offset` of `segment`.
struct Position {
  std::string stream;
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
  bool operator==(const Position&) const = default;
};
using Cursor = std::vector<Position>;  // streams that it does not name have nothing more

// base64url of a version byte and three numbers a stream (7 bits a byte). It holds no secret and
// grants nothing: whoever makes one up reads the same log elsewhere.
std::string encode_cursor(const Cursor& cursor);
// Errors: InvalidArgument (not in this form, a stream twice).
Result<Cursor> decode_cursor(std::string_view text);

// Empty texts and unset values do not filter; all that are given must hold.
struct SearchQuery {
  std::optional<Timestamp> from;  // inclusive
  std::optional<Timestamp> to;    // exclusive
  std::string action;  // whole, or the beginning when it ends with '.' or '*'; without "hs-crypto."
                       // too
  std::optional<Outcome> outcome;
  std::string severity;        // whole
  std::string initiator;       // part of id, name or address; case of ASCII letters does not count
  std::string target;          // part of the target's id; likewise
  std::string instance;        // the instance's id, or part of the target's id
  std::string correlation_id;  // whole
  std::string text;            // part of the event as it is written; case of ASCII does not count
  bool with_checkpoints = false;
  std::size_t limit = 100;  // 1 to kMaxSearchLimit
  std::optional<Cursor> cursor;
};

// Gives the value of a parameter, decoded.
using Parameters = std::function<std::optional<std::string>(std::string_view name)>;

// Reads from, to, action, outcome, severity, initiator, target, instance, correlation_id, text,
// checkpoints, limit, cursor. Errors: InvalidQueryParam, whose target is the parameter.
Result<SearchQuery> parse_search(const Parameters& parameters);

// Parameters that filter, with what was given: for the record of the search itself.
std::vector<std::pair<std::string, std::string>> filters_of(const Parameters& parameters);

}  // namespace keyhaven::audit
