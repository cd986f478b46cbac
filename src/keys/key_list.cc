#include "keys/key_list.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "keys/key_filter.h"
#include "keys/key_search.h"
#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

constexpr std::size_t kMaxSortKeys = 9;

constexpr std::array<std::pair<std::string_view, SortProperty>, 9> kSortNames = {{
    {"id", SortProperty::Id},
    {"state", SortProperty::State},
    {"extractable", SortProperty::Extractable},
    {"imported", SortProperty::Imported},
    {"creationDate", SortProperty::CreationDate},
    {"lastUpdateDate", SortProperty::LastUpdateDate},
    {"lastRotateDate", SortProperty::LastRotateDate},
    {"deletionDate", SortProperty::DeletionDate},
    {"expirationDate", SortProperty::ExpirationDate},
}};

Error bad_query(std::string_view parameter, std::string message) {
  return {Reason::InvalidQueryParam, std::move(message), std::string(parameter)};
}

// Calls `visit` with each part of a comma list; stops at its first error.
template <class Visit>
Result<void> each_part(std::string_view text, Visit visit) {
  while (true) {
    const std::size_t comma = text.find(',');
    KH_TRY(visit(text.substr(0, comma)));
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

std::int64_t date_or_last(Timestamp time) {
  return time.is_set() ? time.us : std::numeric_limits<std::int64_t>::max();
}

// The sort value of a record as an integer; ids are compared apart.
std::int64_t sort_value(const KeyRecord& key, SortProperty property, Timestamp now) {
  switch (property) {
    case SortProperty::Id:
      return 0;
    case SortProperty::State:
      return static_cast<std::int64_t>(effective_state(key, now));
    case SortProperty::Extractable:
      return key.kind == KeyKind::StandardKey ? 1 : 0;
    case SortProperty::Imported:
      return key.imported ? 1 : 0;
    case SortProperty::CreationDate:
      return date_or_last(key.created);
    case SortProperty::LastUpdateDate:
      return date_or_last(key.updated.is_set() ? key.updated : key.created);
    case SortProperty::LastRotateDate:
      return date_or_last(key.rotated);
    case SortProperty::DeletionDate:
      return date_or_last(key.deleted);
    case SortProperty::ExpirationDate:
      return date_or_last(key.expires);
  }
  fatal(__FILE__, __LINE__, "unknown SortProperty");
}

KeySelection selection_of(const ListQuery& query, Timestamp now) {
  KeySelection selection;
  selection.states = query.states;
  selection.kind = query.kind;
  selection.now = now;
  selection.ring = [&query](std::string_view ring) {
    return (query.ring.empty() || query.ring == ring) && query.visible(ring);
  };
  return selection;
}

bool passes_filter(const KeyRecord& key, const ListQuery& query, Timestamp now) {
  return query.filter == nullptr || query.filter->matches(key, now);
}

// What a sort compares first, beside the place by id, which breaks ties: most comparisons then
// read nothing else.
struct Candidate {
  std::int64_t value = 0;
  std::size_t place = 0;
};

// Places `begin` to `end` of what `found`, which comes by id, is in the order that the query asks
// for. Only these are sorted.
std::vector<KeyRecordPtr> part_in_order(std::vector<KeyRecordPtr>& found, std::size_t begin,
                                        std::size_t end, const ListQuery& query, Timestamp now) {
  const auto value_of = [&](std::size_t place, const SortKey& key) {
    const std::int64_t value = key.property == SortProperty::Id
                                   ? static_cast<std::int64_t>(place)
                                   : sort_value(*found[place], key.property, now);
    return key.descending ? ~value : value;  // turns the order round, for every value
  };
  std::vector<Candidate> order(found.size());
  for (std::size_t place = 0; place < found.size(); ++place) {
    order[place] = {value_of(place, query.sort.front()), place};
  }
  const auto before = [&](const Candidate& a, const Candidate& b) {
    if (a.value != b.value) return a.value < b.value;
    for (std::size_t i = 1; i < query.sort.size(); ++i) {
      const std::int64_t a_value = value_of(a.place, query.sort[i]);
      const std::int64_t b_value = value_of(b.place, query.sort[i]);
      if (a_value != b_value) return a_value < b_value;
    }
    return a.place < b.place;
  };
  const auto at = [&](std::size_t place) {
    return order.begin() + static_cast<std::ptrdiff_t>(place);
  };
  if (begin > 0) std::nth_element(order.begin(), at(begin), order.end(), before);
  if (end < order.size()) std::nth_element(at(begin), at(end), order.end(), before);
  std::sort(at(begin), at(end), before);
  std::vector<KeyRecordPtr> part;
  part.reserve(end - begin);
  for (auto one = at(begin); one != at(end); ++one) part.push_back(std::move(found[one->place]));
  return part;
}

// The one key that the text of a search names by id or alias.
KeyRecordPtr direct_hit(const Directory& directory, const InstanceId& instance,
                        const ListQuery& query, Timestamp now) {
  if (!query.search->has_direct_lookup()) return nullptr;
  KeyRecordPtr key = directory.resolve(instance, query.search->text(), query.ring);
  if (!key || (query.states & bit(effective_state(*key, now))) == 0) return nullptr;
  if (query.kind && *query.kind != key->kind) return nullptr;
  const bool wanted = query.visible(key->key_ring) && passes_filter(*key, query, now) &&
                      query.search->matches(*key);
  return wanted ? key : nullptr;
}

// All keys that a search finds, in order; nothing when there are too many to look through.
std::optional<std::vector<KeyRecordPtr>> search_keys(const Directory& directory,
                                                     const InstanceId& instance,
                                                     const ListQuery& query, Timestamp now) {
  std::size_t searchable = 0;
  std::vector<KeyRecordPtr> found;
  // Matching is slow, so it waits until the directory is free again.
  directory.walk(instance, selection_of(query, now), 0, [&](const KeyRecordPtr& key) {
    if (++searchable > kMaxSearchableKeys) return false;
    found.push_back(key);
    return true;
  });
  if (searchable > kMaxSearchableKeys) return std::nullopt;
  std::erase_if(found, [&](const KeyRecordPtr& key) {
    return !passes_filter(*key, query, now) || !query.search->matches(*key);
  });
  if (query.sort.empty()) return found;
  return part_in_order(found, 0, found.size(), query, now);
}

Error too_broad() {
  return {Reason::KeySearchTooBroad,
          "more than " + std::to_string(kMaxSearchableKeys) +
              " keys would have to be searched; narrow them by state, extractable or key ring, or "
              "search for a full key id or with alias:",
          "search"};
}

Result<KeyPage> run_search(const Directory& directory, const InstanceId& instance,
                           const ListQuery& query, Timestamp now) {
  const KeyRecordPtr hit = direct_hit(directory, instance, query, now);
  auto found = search_keys(directory, instance, query, now);
  if (!found && !hit) return too_broad();
  if (!found) return KeyPage{{hit}, true};
  if (hit) {
    const auto place = std::find_if(found->begin(), found->end(),
                                    [&](const KeyRecordPtr& key) { return key->id == hit->id; });
    if (place != found->end()) std::rotate(found->begin(), place, place + 1);
  }
  return KeyPage{*std::move(found), false};
}

struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
};
Part page_of(const ListQuery& query, std::size_t total) {
  const std::size_t begin = std::min(query.offset, total);
  return {begin, begin + std::min(query.limit, total - begin)};
}

// By id: ends with the page.
std::vector<KeyRecordPtr> page_by_id(const Directory& directory, const InstanceId& instance,
                                     const ListQuery& query, Timestamp now) {
  std::vector<KeyRecordPtr> page;
  if (query.limit == 0) return page;
  // Without a filter the directory skips the offset, by whole chunks.
  std::size_t to_skip = query.filter == nullptr ? 0 : query.offset;
  const std::size_t skip = query.filter == nullptr ? query.offset : 0;
  directory.walk(instance, selection_of(query, now), skip, [&](const KeyRecordPtr& key) {
    if (!passes_filter(*key, query, now)) return true;
    if (to_skip > 0) {
      --to_skip;
      return true;
    }
    page.push_back(key);
    return page.size() < query.limit;
  });
  return page;
}

std::vector<KeyRecordPtr> page_sorted(const Directory& directory, const InstanceId& instance,
                                      const ListQuery& query, Timestamp now) {
  std::vector<KeyRecordPtr> found;
  directory.walk(instance, selection_of(query, now), 0, [&](const KeyRecordPtr& key) {
    if (passes_filter(*key, query, now)) found.push_back(key);
    return true;
  });
  const Part part = page_of(query, found.size());
  return part_in_order(found, part.begin, part.end, query, now);
}

}  // namespace

Result<std::vector<SortKey>> parse_sort(std::string_view text) {
  std::vector<SortKey> out;
  KH_TRY(each_part(text, [&](std::string_view part) -> Result<void> {
    SortKey key;
    if (part.starts_with('-')) {
      key.descending = true;
      part.remove_prefix(1);
    }
    const auto found = std::find_if(kSortNames.begin(), kSortNames.end(),
                                    [&](const auto& row) { return row.first == part; });
    if (found == kSortNames.end() || out.size() >= kMaxSortKeys) {
      return bad_query(
          "sort",
          "sort is a comma list of key properties, each with '-' in front for descending order");
    }
    key.property = found->second;
    out.push_back(key);
    return {};
  }));
  return out;
}

Result<StateSet> parse_states(std::string_view text) {
  StateSet out = 0;
  KH_TRY(each_part(text, [&](std::string_view part) -> Result<void> {
    constexpr std::string_view kNumbers = "01235";
    if (part.size() != 1 || kNumbers.find(part[0]) == std::string_view::npos) {
      return bad_query("state", "state is a comma list of 0, 1, 2, 3 and 5");
    }
    out = static_cast<StateSet>(out | 1U << static_cast<unsigned>(part[0] - '0'));
    return {};
  }));
  return out;
}

Result<KeyPage> list_keys(const Directory& directory, const InstanceId& instance,
                          const ListQuery& query, Timestamp now) {
  if (query.search != nullptr) {
    KeyPage found = KH_TRY(run_search(directory, instance, query, now));
    const Part part = page_of(query, found.keys.size());
    const auto begin = found.keys.begin();
    return KeyPage{{begin + static_cast<std::ptrdiff_t>(part.begin),
                    begin + static_cast<std::ptrdiff_t>(part.end)},
                   found.incomplete_search};
  }
  return KeyPage{query.sort.empty() ? page_by_id(directory, instance, query, now)
                                    : page_sorted(directory, instance, query, now),
                 false};
}

Result<std::size_t> count_keys(const Directory& directory, const InstanceId& instance,
                               const ListQuery& query, Timestamp now) {
  if (query.search != nullptr)
    return KH_TRY(run_search(directory, instance, query, now)).keys.size();
  const KeySelection selection = selection_of(query, now);
  if (query.filter == nullptr) return directory.count(instance, selection);
  std::size_t found = 0;
  directory.walk(instance, selection, 0, [&](const KeyRecordPtr& key) {
    found += query.filter->matches(*key, now) ? 1 : 0;
    return true;
  });
  return found;
}

}  // namespace keyhaven::keys
