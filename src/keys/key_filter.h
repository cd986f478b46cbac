// The filter parameter of a listing: conditions on dates, kind and state (key-management-api.md
// 5.2). Pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "keys/key_list.h"
#include "keys/key_record.h"

namespace keyhaven::keys {

inline constexpr std::size_t kMaxFilterBytes = 4096;
inline constexpr std::size_t kMaxFilterRepeats = 3;  // conditions on one property

// Conditions of which all must hold. Dates are compared as they are shown, in whole seconds.
class KeyFilter {
 public:
  // Conditions `property=value` or `property=op:value`, separated by blanks. Dates in double quotes
  // as RFC 3339, or the word none (the property is absent); operators lt, lte, gt, gte. A date
  // without operator means that day when its time is midnight, else that second. Errors:
  // InvalidQueryParam, target "filter".
  static Result<KeyFilter> parse(std::string_view parameter);

  bool matches(const KeyRecord& key, Timestamp now) const;
  // These may not stand in the filter and in a query parameter of their own.
  bool names_state() const noexcept { return states_.has_value(); }
  bool names_extractable() const noexcept { return kind_.has_value(); }

 private:
  enum class Operator : std::uint8_t { Within, Less, LessOrEqual, Greater, GreaterOrEqual, Absent };
  struct Condition {
    SortProperty property = SortProperty::CreationDate;
    Operator op = Operator::Within;
    Timestamp from;
    Timestamp until;  // for Within: the first moment after
  };
  Result<void> add(std::string_view condition);
  Result<void> add_date(SortProperty property, std::string_view value);
  static bool holds(const Condition& condition, const KeyRecord& key);

  std::vector<Condition> conditions_;
  std::optional<StateSet> states_;
  std::optional<KeyKind> kind_;
};

}  // namespace keyhaven::keys
