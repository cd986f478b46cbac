#include "keys/key_list.h"

#include <algorithm>
#include <array>
#include <compare>
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

bool comes_before(const KeyRecord& a, const KeyRecord& b, const std::vector<SortKey>& sort,
                  Timestamp now) {
  for (const SortKey& key : sort) {
    const std::strong_ordering order =
        key.property == SortProperty::Id
            ? a.id <=> b.id
            : sort_value(a, key.property, now) <=> sort_value(b, key.property, now);
    if (order != 0) return key.descending ? order > 0 : order < 0;
  }
  return a.id < b.id;
}

// What a search looks through.
bool is_searchable(const KeyRecord& key, const ListQuery& query, Timestamp now) {
  if ((query.states & bit(effective_state(key, now))) == 0) return false;
  if (query.kind && *query.kind != key.kind) return false;
  if (!query.ring.empty() && query.ring != key.key_ring) return false;
  return query.visible(key);
}

bool matches(const KeyRecord& key, const ListQuery& query, Timestamp now) {
  return is_searchable(key, query, now) &&
         (query.filter == nullptr || query.filter->matches(key, now));
}

// The one key that the text of a search names by id or alias.
KeyRecordPtr direct_hit(const Directory& directory, const InstanceId& instance,
                        const ListQuery& query, Timestamp now) {
  if (!query.search->has_direct_lookup()) return nullptr;
  KeyRecordPtr key = directory.resolve(instance, query.search->text(), query.ring);
  const bool wanted = key && matches(*key, query, now) && query.search->matches(*key);
  return wanted ? key : nullptr;
}

void sort_first(std::vector<KeyRecordPtr>& found, std::size_t count, const ListQuery& query,
                Timestamp now) {
  if (query.sort.empty()) return;  // they come by id
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                    [&](const KeyRecordPtr& a, const KeyRecordPtr& b) {
                      return comes_before(*a, *b, query.sort, now);
                    });
}

// All keys that a search finds, in order; nothing when there are too many to look through.
std::optional<std::vector<KeyRecordPtr>> search_keys(const Directory& directory,
                                                     const InstanceId& instance,
                                                     const ListQuery& query, Timestamp now) {
  std::size_t searchable = 0;
  auto found = directory.list(instance, [&](const KeyRecord& key) {
    if (searchable > kMaxSearchableKeys || !is_searchable(key, query, now)) return false;
    ++searchable;
    return (query.filter == nullptr || query.filter->matches(key, now)) &&
           query.search->matches(key);
  });
  if (searchable > kMaxSearchableKeys) return std::nullopt;
  sort_first(found, found.size(), query, now);
  return found;
}

Error too_broad() {
  return {Reason::KeySearchTooBroad,
          "more than " + std::to_string(kMaxSearchableKeys) +
              " keys would have to be searched; narrow them by state, extractable or key ring, or "
              "search for a full key id or with alias:",
          "search"};
}

struct Found {
  std::vector<KeyRecordPtr> keys;
  bool incomplete = false;
};

Result<Found> run_search(const Directory& directory, const InstanceId& instance,
                         const ListQuery& query, Timestamp now) {
  const KeyRecordPtr hit = direct_hit(directory, instance, query, now);
  auto found = search_keys(directory, instance, query, now);
  if (!found && !hit) return too_broad();
  if (!found) return Found{{hit}, true};
  if (hit) {
    const auto place = std::find_if(found->begin(), found->end(),
                                    [&](const KeyRecordPtr& key) { return key->id == hit->id; });
    if (place != found->end()) std::rotate(found->begin(), place, place + 1);
  }
  return Found{*std::move(found), false};
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
  Found found;
  if (query.search != nullptr) {
    found = KH_TRY(run_search(directory, instance, query, now));
  } else {
    found.keys =
        directory.list(instance, [&](const KeyRecord& key) { return matches(key, query, now); });
  }
  const std::size_t begin = std::min(query.offset, found.keys.size());
  const std::size_t end = begin + std::min(query.limit, found.keys.size() - begin);
  if (query.search == nullptr) sort_first(found.keys, end, query, now);
  return KeyPage{{found.keys.begin() + static_cast<std::ptrdiff_t>(begin),
                  found.keys.begin() + static_cast<std::ptrdiff_t>(end)},
                 found.incomplete};
}

Result<std::size_t> count_keys(const Directory& directory, const InstanceId& instance,
                               const ListQuery& query, Timestamp now) {
  if (query.search != nullptr)
    return KH_TRY(run_search(directory, instance, query, now)).keys.size();
  return directory.list(instance, [&](const KeyRecord& key) { return matches(key, query, now); })
      .size();
}

}  // namespace keyhaven::keys
