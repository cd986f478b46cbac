// What callers write into the parameters of a search of the audit log, its cursor above all.
#include <boost/json.hpp>
#include <map>

#include "audit/escape.h"
#include "audit/record_filter.h"
#include "audit/search_query.h"
#include "fuzz.h"

using namespace keyhaven;

namespace {

// Lines of name=value.
std::map<std::string, std::string, std::less<>> parameters_of(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos)
      out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

// An event that has what is searched for; false when a text is so long that it would be cut.
bool make_event(const audit::SearchQuery& query, audit::Event& event) {
  constexpr std::size_t kUncut = 120;
  for (const std::string* text :
       {&query.action, &query.initiator, &query.target, &query.instance, &query.correlation_id}) {
    if (audit::escaped(*text).size() > kUncut) return false;
  }
  event.time = Timestamp::from_seconds(1'767'323'045);
  event.action = query.action;
  event.outcome = query.outcome.value_or(audit::Outcome::Success);
  if (!query.severity.empty()) event.severity = query.severity;
  event.initiator_name = "x" + query.initiator;
  event.target_id = "x" + query.target;
  event.instance_id = query.instance;
  event.correlation_id = query.correlation_id;
  return true;
}

// Texts that are no UTF-8 are written otherwise, and then are other texts.
bool is_utf8(const std::string& text) {
  boost::json::error_code failed;
  boost::json::parse('"' + audit::escaped(text) + '"', failed);
  return !failed && audit::escaped(text).find("\\ufffd") == std::string::npos;
}

void check_that_it_is_found(audit::SearchQuery query) {
  audit::Event event;
  query.from.reset();
  query.to.reset();
  query.text.clear();
  for (const std::string* text :
       {&query.action, &query.initiator, &query.target, &query.instance, &query.correlation_id}) {
    if (!is_utf8(*text)) return;
  }
  if (query.action.ends_with('*')) query.action.back() = '.';
  if (!make_event(query, event)) return;
  std::string written;
  audit::append_json(written, event);
  const audit::RecordFilter filter(query);
  KH_ASSERT(filter.may_match(written, audit::time_key_of_event(written)));
  KH_ASSERT(filter.matches(boost::json::parse(written).as_object()));
}

}  // namespace

KH_FUZZ_TARGET(in) {
  const auto parameters = parameters_of(as_text(in));
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::nullopt : std::optional(found->second);
  };
  if (const auto cursor = audit::decode_cursor(as_text(in)))
    KH_ASSERT(audit::decode_cursor(audit::encode_cursor(*cursor)).value() == *cursor);
  const auto query = audit::parse_search(lookup);
  if (!query) {
    KH_ASSERT(query.error().reason == Reason::InvalidQueryParam && !query.error().target.empty());
    return;
  }
  KH_ASSERT(query->limit >= 1 && query->limit <= audit::kMaxSearchLimit);
  if (query->cursor)
    KH_ASSERT(audit::decode_cursor(audit::encode_cursor(*query->cursor)).value() == *query->cursor);
  check_that_it_is_found(*query);
}
