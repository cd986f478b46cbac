#include "keys/key_list.h"

#include <algorithm>
#include <array>
#include <compare>
#include <limits>
#include <utility>

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

bool matches(const KeyRecord& key, const ListQuery& query, Timestamp now) {
  if ((query.states & bit(effective_state(key, now))) == 0) return false;
  if (query.kind && *query.kind != key.kind) return false;
  if (!query.ring.empty() && query.ring != key.key_ring) return false;
  return query.visible(key);
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

std::vector<KeyRecordPtr> list_keys(const Directory& directory, const InstanceId& instance,
                                    const ListQuery& query, Timestamp now) {
  auto found =
      directory.list(instance, [&](const KeyRecord& key) { return matches(key, query, now); });
  const std::size_t begin = std::min(query.offset, found.size());
  const std::size_t end = begin + std::min(query.limit, found.size() - begin);
  if (!query.sort.empty()) {
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(end), found.end(),
                      [&](const KeyRecordPtr& a, const KeyRecordPtr& b) {
                        return comes_before(*a, *b, query.sort, now);
                      });
  }
  return {found.begin() + static_cast<std::ptrdiff_t>(begin),
          found.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::size_t count_keys(const Directory& directory, const InstanceId& instance,
                       const ListQuery& query, Timestamp now) {
  return directory.list(instance, [&](const KeyRecord& key) { return matches(key, query, now); })
      .size();
}

}  // namespace keyhaven::keys
