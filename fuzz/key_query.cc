// What callers write into the search, filter, sort and state parameters of a listing.
#include "fuzz.h"
#include "keys/key_filter.h"
#include "keys/key_list.h"
#include "keys/key_search.h"

using namespace keyhaven;

namespace {

keys::KeyRecord some_key() {
  keys::KeyRecord key;
  key.name = "Payroll \xc3\x9c";
  key.aliases = {"pay", "roll"};
  key.created = Timestamp::from_seconds(1'767'323'045);
  key.versions.emplace_back();
  return key;
}

}  // namespace

KH_FUZZ_TARGET(in) {
  static const keys::KeyRecord key = some_key();
  const std::string_view text = as_text(in);
  if (const auto search = keys::KeySearch::parse(text)) {
    KH_ASSERT(!search->text().empty() && (search->by_name() || search->by_alias()));
    // The same text, escaped and inverted, selects exactly what was not selected.
    std::string inverted = "not:";
    if (search->exact()) inverted += "exact:";
    if (search->by_name()) inverted += "name:";
    if (search->by_alias()) inverted += "alias:";
    // Search texts may be as long as the limit; the prefixes then do not fit any more.
    const auto other = keys::KeySearch::parse(inverted + "escape:" + search->text() + ",");
    if (other && !search->negated()) KH_ASSERT(search->matches(key) != other->matches(key));
  }
  if (const auto filter = keys::KeyFilter::parse(text)) {
    // Blanks around conditions mean nothing.
    const auto again = keys::KeyFilter::parse(" " + std::string(text) + " ");
    if (again) {
      KH_ASSERT(filter->matches(key, key.created) == again->matches(key, key.created));
      KH_ASSERT(filter->names_state() == again->names_state());
    }
  }
  (void)keys::parse_sort(text);
  if (const auto states = keys::parse_states(text)) KH_ASSERT(states.value() != 0);
}
