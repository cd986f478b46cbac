#include "keys/key_filter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDaySeconds = 86'400;

constexpr std::array<std::pair<std::string_view, SortProperty>, 5> kDates = {{
    {"creationDate", SortProperty::CreationDate},
    {"lastUpdateDate", SortProperty::LastUpdateDate},
    {"lastRotateDate", SortProperty::LastRotateDate},
    {"deletionDate", SortProperty::DeletionDate},
    {"expirationDate", SortProperty::ExpirationDate},
}};

Error bad_filter(std::string message) {
  return {Reason::InvalidQueryParam, std::move(message), "filter"};
}

bool is_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

// The next condition, cut off `rest`; blanks within double quotes belong to it.
std::string_view next_condition(std::string_view& rest) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (!quoted && is_blank(rest[end])) break;
  }
  const std::string_view out = rest.substr(0, end);
  rest.remove_prefix(end);
  return out;
}

Result<Timestamp> quoted_date(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  const auto date = parse_rfc3339(quoted ? value.substr(1, value.size() - 2) : std::string_view());
  if (date) return date.value();
  return bad_filter("a date in filter is RFC 3339 in double quotes, or the word none");
}

// The date as the API shows it; 0 when it shows none.
Timestamp shown_date(const KeyRecord& key, SortProperty property) {
  Timestamp date;
  switch (property) {
    case SortProperty::CreationDate:
      date = key.created;
      break;
    case SortProperty::LastUpdateDate:
      date = key.updated.is_set() ? key.updated : key.created;
      break;
    case SortProperty::LastRotateDate:
      date = key.rotated;
      break;
    case SortProperty::DeletionDate:
      date = key.deleted;
      break;
    case SortProperty::ExpirationDate:
      date = key.expires;
      break;
    case SortProperty::Id:
    case SortProperty::State:
    case SortProperty::Extractable:
    case SortProperty::Imported:
      fatal(__FILE__, __LINE__, "no date");
  }
  return {date.us - date.us % kSecondUs};
}

}  // namespace

Result<KeyFilter> KeyFilter::parse(std::string_view parameter) {
  if (parameter.size() > kMaxFilterBytes) {
    return bad_filter("filter has more than " + std::to_string(kMaxFilterBytes) + " bytes");
  }
  KeyFilter filter;
  while (true) {
    const std::string_view condition = next_condition(parameter);
    if (condition.empty()) return filter;
    KH_TRY(filter.add(condition));
  }
}

Result<void> KeyFilter::add(std::string_view condition) {
  const std::size_t equals = condition.find('=');
  const std::string_view property = condition.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : condition.substr(equals + 1);
  if (property == "extractable") {
    const bool yes = is_word(value, "true");
    if (kind_ || (!yes && !is_word(value, "false"))) {
      return bad_filter("extractable stands in filter once, with true or false");
    }
    kind_ = yes ? KeyKind::StandardKey : KeyKind::RootKey;
    return {};
  }
  if (property == "state") {
    const auto states = parse_states(value);
    if (states_ || !states) {
      return bad_filter("state stands in filter once, with a comma list of 0, 1, 2, 3 and 5");
    }
    states_ = states.value();
    return {};
  }
  const auto* const found = std::find_if(kDates.begin(), kDates.end(),
                                         [&](const auto& row) { return row.first == property; });
  if (found == kDates.end()) {
    return bad_filter(
        "filter knows creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate, "
        "extractable and state, each as property=value");
  }
  return add_date(found->second, value);
}

Result<void> KeyFilter::add_date(SortProperty property, std::string_view value) {
  const auto repeats = std::count_if(conditions_.begin(), conditions_.end(),
                                     [&](const auto& other) { return other.property == property; });
  if (static_cast<std::size_t>(repeats) >= kMaxFilterRepeats) {
    return bad_filter("a property stands in filter at most " + std::to_string(kMaxFilterRepeats) +
                      " times");
  }
  Condition condition;
  condition.property = property;
  if (is_word(value, "none")) {
    condition.op = Operator::Absent;
    conditions_.push_back(condition);
    return {};
  }
  constexpr std::array<std::pair<std::string_view, Operator>, 4> kOperators = {
      {{"lt:", Operator::Less},
       {"lte:", Operator::LessOrEqual},
       {"gt:", Operator::Greater},
       {"gte:", Operator::GreaterOrEqual}}};
  for (const auto& [prefix, op] : kOperators) {
    if (!value.starts_with(prefix)) continue;
    condition.op = op;
    value.remove_prefix(prefix.size());
    break;
  }
  condition.from = KH_TRY(quoted_date(value));
  if (condition.op == Operator::Within) {
    condition.from = Timestamp::from_seconds(condition.from.seconds());
    const bool midnight = condition.from.seconds() % kDaySeconds == 0;
    condition.until = condition.from.plus_seconds(midnight ? kDaySeconds : 1);
  }
  conditions_.push_back(condition);
  return {};
}

bool KeyFilter::holds(const Condition& condition, const KeyRecord& key) {
  const Timestamp date = shown_date(key, condition.property);
  if (condition.op == Operator::Absent) return !date.is_set();
  if (!date.is_set()) return false;
  switch (condition.op) {
    case Operator::Within:
      return date >= condition.from && date < condition.until;
    case Operator::Less:
      return date < condition.from;
    case Operator::LessOrEqual:
      return date <= condition.from;
    case Operator::Greater:
      return date > condition.from;
    case Operator::GreaterOrEqual:
      return date >= condition.from;
    case Operator::Absent:
      break;
  }
  fatal(__FILE__, __LINE__, "unknown Operator");
}

bool KeyFilter::matches(const KeyRecord& key, Timestamp now) const {
  if (states_ && (*states_ & bit(effective_state(key, now))) == 0) return false;
  if (kind_ && *kind_ != key.kind) return false;
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& condition) { return holds(condition, key); });
}

}  // namespace keyhaven::keys
