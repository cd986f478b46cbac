#include "audit/search_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "audit/checkpoint.h"
#include "audit/record.h"
#include "base/bytes.h"

namespace keyhaven::audit {
namespace {

constexpr std::uint8_t kCursorVersion = 1;
constexpr std::string_view kLoopPrefix = "loop-";
constexpr std::uint64_t kMaxLoops = 4096;
constexpr std::size_t kMaxLimitDigits = 4;

constexpr std::array<std::string_view, 10> kFilters = {
    "from",      "to",     "action",   "outcome",        "severity",
    "initiator", "target", "instance", "correlation_id", "text"};

// 0: checkpoint, 1: management, n + 2: loop-n.
std::uint64_t number_of(std::string_view stream) {
  if (stream == kCheckpointStream) return 0;
  if (stream == kManagementStream) return 1;
  std::uint64_t loop = 0;
  KH_ASSERT(take(stream, kLoopPrefix) && take_number(stream, loop));
  return loop + 2;
}

std::string stream_of(std::uint64_t number) {
  if (number == 0) return std::string(kCheckpointStream);
  if (number == 1) return std::string(kManagementStream);
  return std::string(kLoopPrefix) + std::to_string(number - 2);
}

void append_varint(Bytes& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<std::uint8_t>(number | 0x80));
  out.push_back(static_cast<std::uint8_t>(number));
}

bool take_varint(ByteView& in, std::uint64_t& number) {
  number = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    if (in.empty()) return false;
    const std::uint8_t byte = in.front();
    in = in.subspan(1);
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;  // one spelling for each number
  }
  return false;
}

Error bad_parameter(std::string_view name, std::string message) {
  return {Reason::InvalidQueryParam, std::move(message), std::string(name)};
}

Result<std::string> read_text(const Parameters& parameters, std::string_view name) {
  std::string value = parameters(name).value_or("");
  if (value.size() <= kMaxFilterBytes) return value;
  return bad_parameter(
      name, std::string(name) + " has more than " + std::to_string(kMaxFilterBytes) + " bytes");
}

Result<std::optional<Timestamp>> read_time(const Parameters& parameters, std::string_view name) {
  const std::string text = KH_TRY(read_text(parameters, name));
  if (text.empty()) return std::optional<Timestamp>();
  const auto time = parse_rfc3339(text);
  if (time) return std::optional(*time);
  return bad_parameter(name, std::string(name) + " must be a time like 2026-11-26T10:00:00Z");
}

Result<std::string> read_word(const Parameters& parameters, std::string_view name,
                              std::initializer_list<std::string_view> words) {
  std::string value = KH_TRY(read_text(parameters, name));
  if (value.empty() || std::find(words.begin(), words.end(), value) != words.end()) return value;
  std::string message = std::string(name) + " must be one of";
  for (const std::string_view word : words) message += " " + std::string(word);
  return bad_parameter(name, std::move(message));
}

Result<std::size_t> read_limit(const Parameters& parameters, std::size_t fallback) {
  const std::string text = parameters("limit").value_or("");
  if (text.empty()) return fallback;
  std::string_view rest = text;
  std::uint64_t number = 0;
  if (text.size() <= kMaxLimitDigits && take_number(rest, number) && rest.empty() && number >= 1 &&
      number <= kMaxSearchLimit) {
    return static_cast<std::size_t>(number);
  }
  return bad_parameter("limit", "limit must be 1 to " + std::to_string(kMaxSearchLimit));
}

Result<std::optional<Cursor>> read_cursor(const Parameters& parameters) {
  const std::string text = parameters("cursor").value_or("");
  if (text.empty()) return std::optional<Cursor>();
  auto cursor = decode_cursor(text);
  if (cursor) return std::optional(std::move(cursor).value());
  return bad_parameter("cursor", "cursor must be one that an earlier answer had");
}

}  // namespace

std::string encode_cursor(const Cursor& cursor) {
  Bytes bytes{kCursorVersion};
  for (const Position& position : cursor) {
    append_varint(bytes, number_of(position.stream));
    append_varint(bytes, position.segment);
    append_varint(bytes, position.offset);
  }
  return to_base64url(bytes);
}

Result<Cursor> decode_cursor(std::string_view text) {
  const Error malformed{Reason::InvalidArgument, "not a cursor of an audit search", {}};
  if (text.size() > kMaxCursorBytes) return malformed;
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->empty() || bytes->front() != kCursorVersion) return malformed;
  ByteView rest = ByteView(*bytes).subspan(1);
  Cursor cursor;
  std::set<std::uint64_t> seen;
  while (!rest.empty()) {
    std::uint64_t stream = 0;
    std::uint64_t segment = 0;
    Position position;
    if (!take_varint(rest, stream) || !take_varint(rest, segment) ||
        !take_varint(rest, position.offset) || stream >= kMaxLoops + 2 || segment == 0 ||
        segment > 99'999'999 || !seen.insert(stream).second) {
      return malformed;
    }
    position.stream = stream_of(stream);
    position.segment = static_cast<std::uint32_t>(segment);
    cursor.push_back(std::move(position));
  }
  return cursor;
}

Result<SearchQuery> parse_search(const Parameters& parameters) {
  SearchQuery query;
  query.from = KH_TRY(read_time(parameters, "from"));
  query.to = KH_TRY(read_time(parameters, "to"));
  if (query.from && query.to && *query.from >= *query.to)
    return bad_parameter("to", "to must be later than from");
  query.action = KH_TRY(read_text(parameters, "action"));
  const std::string outcome = KH_TRY(read_word(parameters, "outcome", {"success", "failure"}));
  if (!outcome.empty()) query.outcome = outcome == "success" ? Outcome::Success : Outcome::Failure;
  query.severity = KH_TRY(read_word(parameters, "severity", {"normal", "warning", "critical"}));
  query.initiator = KH_TRY(read_text(parameters, "initiator"));
  query.target = KH_TRY(read_text(parameters, "target"));
  query.instance = KH_TRY(read_text(parameters, "instance"));
  query.correlation_id = KH_TRY(read_text(parameters, "correlation_id"));
  query.text = KH_TRY(read_text(parameters, "text"));
  query.with_checkpoints =
      KH_TRY(read_word(parameters, "checkpoints", {"true", "false"})) == "true";
  query.limit = KH_TRY(read_limit(parameters, query.limit));
  query.cursor = KH_TRY(read_cursor(parameters));
  return query;
}

std::vector<std::pair<std::string, std::string>> filters_of(const Parameters& parameters) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string_view name : kFilters) {
    std::string value = parameters(name).value_or("");
    if (!value.empty()) out.emplace_back(name, std::move(value));
  }
  return out;
}

}  // namespace keyhaven::audit
