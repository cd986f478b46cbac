// Whether an event matches a query. A search reads hundreds of thousands of records for one that
// matches, so most are refused by looking for words in their raw text; only what passes is parsed.
#pragma once

#include <array>
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/search_query.h"

namespace keyhaven::audit {

// Looks for one text, ASCII letters of either case (Horspool, "Practical fast searching in
// strings", 1980): it looks at one of so many bytes as the text has.
class FoldedText {
 public:
  explicit FoldedText(std::string_view text);  // not empty
  bool is_in(std::string_view whole) const noexcept;

 private:
  std::string text_;  // lower case
  std::array<std::uint16_t, 256> skip_;
};

// A time as a number that orders like it: 20231114221320. 0: unreadable.
using TimeKey = std::uint64_t;
// Of "YYYY-MM-DDTHH:MM:SSZ" at the beginning of `text`.
TimeKey read_time_key(std::string_view text) noexcept;
// Of the first whole second that is not before `time`: records have whole seconds.
TimeKey time_key_from(Timestamp time);
// Of an event as append_json writes it.
TimeKey time_key_of_event(std::string_view event_json) noexcept;

class RecordFilter {
 public:
  explicit RecordFilter(const SearchQuery& query);

  // Whether the event can match; false only if it does not, given that this log has written it.
  bool may_match(std::string_view event_json, TimeKey time) const noexcept;
  bool matches(const boost::json::object& event) const;

 private:
  bool matches_action(std::string_view action) const;

  SearchQuery query_;
  std::optional<TimeKey> from_;
  std::optional<TimeKey> to_;
  std::vector<FoldedText> words_;
};

}  // namespace keyhaven::audit
