#include "audit/record_filter.h"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "audit/escape.h"

namespace keyhaven::audit {
namespace {

namespace json = boost::json;

constexpr std::string_view kServicePrefix = "hs-crypto.";
constexpr std::string_view kTimeMember = "{\"eventTime\":\"";
constexpr std::size_t kTimeBytes = 20;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t index_of(char c) noexcept { return static_cast<unsigned char>(c); }

// The text of a member below objects; empty if there is none.
std::string_view text_at(const json::object& object, std::initializer_list<std::string_view> path) {
  const json::object* at = &object;
  const json::value* value = nullptr;
  for (const std::string_view name : path) {
    value = at == nullptr ? nullptr : at->if_contains(name);
    at = value == nullptr ? nullptr : value->if_object();
  }
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view{} : std::string_view(text->data(), text->size());
}

bool contains(std::string_view whole, const std::string& part) {
  return part.empty() || FoldedText(part).is_in(whole);
}

bool is_prefix(std::string_view action) noexcept {
  return action.ends_with('.') || action.ends_with('*');
}

std::string_view without_star(std::string_view action) noexcept {
  return action.ends_with('*') ? action.substr(0, action.size() - 1) : action;
}

}  // namespace

FoldedText::FoldedText(std::string_view text) : text_(text) {
  KH_ASSERT(!text.empty() && text.size() < UINT16_MAX);
  std::transform(text_.begin(), text_.end(), text_.begin(), lower);
  skip_.fill(static_cast<std::uint16_t>(text_.size()));
  for (std::size_t i = 0; i + 1 < text_.size(); ++i) {
    const auto skip = static_cast<std::uint16_t>(text_.size() - 1 - i);
    skip_[index_of(text_[i])] = skip;
    if (text_[i] >= 'a' && text_[i] <= 'z') skip_[index_of(text_[i]) - 32] = skip;  // upper case
  }
}

bool FoldedText::is_in(std::string_view whole) const noexcept {
  const std::size_t size = text_.size();
  const char last = text_.back();
  for (std::size_t end = size; end <= whole.size(); end += skip_[index_of(whole[end - 1])]) {
    if (lower(whole[end - 1]) != last) continue;
    const std::string_view here = whole.substr(end - size, size - 1);
    if (std::equal(here.begin(), here.end(), text_.begin(),
                   [](char a, char b) { return lower(a) == b; })) {
      return true;
    }
  }
  return false;
}

TimeKey read_time_key(std::string_view text) noexcept {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() < kForm.size()) return 0;
  TimeKey key = 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != 'd') {
      if (text[i] != kForm[i]) return 0;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return 0;
    key = key * 10 + static_cast<TimeKey>(text[i] - '0');
  }
  return key;
}

TimeKey time_key_from(Timestamp time) {
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  std::int64_t seconds = time.seconds();
  if (Timestamp::from_seconds(seconds) < time) ++seconds;
  if (seconds < 0) return 1;  // before, or behind, every time that a record can have
  if (seconds >= kYear10000) return std::numeric_limits<TimeKey>::max();
  return read_time_key(format_rfc3339(Timestamp::from_seconds(seconds)));
}

TimeKey time_key_of_event(std::string_view event_json) noexcept {
  if (!event_json.starts_with(kTimeMember)) return 0;
  return read_time_key(event_json.substr(kTimeMember.size(), kTimeBytes));
}

RecordFilter::RecordFilter(const SearchQuery& query) : query_(query) {
  if (query.from) from_ = time_key_from(*query.from);
  if (query.to) to_ = time_key_from(*query.to);
  const auto word = [this](const std::string& text) {
    if (!text.empty()) words_.emplace_back(text);
  };
  const std::string_view action = without_star(query.action);
  if (!action.empty()) word(escaped(action) + (is_prefix(query.action) ? "" : "\""));
  if (query.outcome)
    word(*query.outcome == Outcome::Success ? "\"outcome\":\"success\""
                                            : "\"outcome\":\"failure\"");
  if (!query.severity.empty()) word("\"severity\":\"" + query.severity + "\"");
  for (const std::string* text :
       {&query.initiator, &query.target, &query.instance, &query.correlation_id, &query.text}) {
    word(escaped(*text));
  }
}

bool RecordFilter::may_match(std::string_view event_json, TimeKey time) const noexcept {
  if (from_ && (time == 0 || time < *from_)) return false;
  if (to_ && (time == 0 || time >= *to_)) return false;
  return std::all_of(words_.begin(), words_.end(),
                     [&](const FoldedText& word) { return word.is_in(event_json); });
}

bool RecordFilter::matches_action(std::string_view action) const {
  const std::string_view wanted = without_star(query_.action);
  const auto fits = [&](std::string_view name) {
    return is_prefix(query_.action) ? name.starts_with(wanted) : name == wanted;
  };
  return fits(action) ||
         (action.starts_with(kServicePrefix) && fits(action.substr(kServicePrefix.size())));
}

// `text` has been decided by may_match.
bool RecordFilter::matches(const json::object& event) const {
  if (!query_.action.empty() && !matches_action(text_at(event, {"action"}))) return false;
  if (query_.outcome && text_at(event, {"outcome"}) !=
                            (*query_.outcome == Outcome::Success ? "success" : "failure")) {
    return false;
  }
  if (!query_.severity.empty() && text_at(event, {"severity"}) != query_.severity) return false;
  if (!query_.correlation_id.empty() &&
      text_at(event, {"correlationId"}) != query_.correlation_id) {
    return false;
  }
  const std::string_view target = text_at(event, {"target", "id"});
  return contains(target, query_.target) &&
         (query_.instance.empty() ||
          text_at(event, {"requestData", "instanceID"}) == query_.instance ||
          contains(target, query_.instance)) &&
         (contains(text_at(event, {"initiator", "id"}), query_.initiator) ||
          contains(text_at(event, {"initiator", "name"}), query_.initiator) ||
          contains(text_at(event, {"initiator", "host", "address"}), query_.initiator));
}

}  // namespace keyhaven::audit
