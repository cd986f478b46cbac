// Listing keys: which, in what order, which page (key-management-api.md 5.2). Pure functions over
// snapshots.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "keys/directory.h"

namespace keyhaven::keys {

enum class SortProperty : std::uint8_t {
  Id,
  State,
  Extractable,
  Imported,
  CreationDate,
  LastUpdateDate,
  LastRotateDate,
  DeletionDate,
  ExpirationDate,
};
struct SortKey {
  SortProperty property = SortProperty::Id;
  bool descending = false;
};

inline constexpr StateSet kListedByDefault = 0b1111;  // all but destroyed

class KeyFilter;
class KeySearch;

struct ListQuery {
  StateSet states = kListedByDefault;
  std::optional<KeyKind> kind;
  std::string_view ring;                          // empty: every ring
  std::function<bool(std::string_view)> visible;  // the rings the caller may see; must be set
  const KeySearch* search = nullptr;              // null: none
  const KeyFilter* filter = nullptr;              // null: none
  std::vector<SortKey> sort;                      // empty: by id
  std::size_t offset = 0;
  std::size_t limit = 200;
};

struct KeyPage {
  std::vector<KeyRecordPtr> keys;
  bool incomplete_search = false;  // too many keys to search: only the direct look-up was made
};

// Comma list of property names, '-' before a name sorts descending. Errors: InvalidQueryParam,
// target "sort".
Result<std::vector<SortKey>> parse_sort(std::string_view text);
// Comma list of 0,1,2,3,5. Errors: InvalidQueryParam, target "state".
Result<StateSet> parse_states(std::string_view text);

// The page. Absent dates come last ascending and first descending; ties are broken by id, so that
// pages are stable. States are judged at `now`. With a search, what its direct look-up finds comes
// first. Errors: KeySearchTooBroad when more than kMaxSearchableKeys keys are left after states,
// kind and ring, and the direct look-up finds none.
Result<KeyPage> list_keys(const Directory& directory, const InstanceId& instance,
                          const ListQuery& query, Timestamp now);
// All matches, whatever the page. Errors as list_keys.
Result<std::size_t> count_keys(const Directory& directory, const InstanceId& instance,
                               const ListQuery& query, Timestamp now);

}  // namespace keyhaven::keys
