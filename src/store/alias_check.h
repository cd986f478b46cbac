// Whether the rows of `aliases` are those that the key records name. The table is an index and not
// sealed: a row that disagrees gives nobody a key, but keeps a name from being used or lets two
// keys have it.
#pragma once

#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "keys/key_record.h"
#include "store/sealed_rows.h"

namespace keyhaven::store {

struct StrayAlias {
  std::string instance;  // as the columns are: 16 bytes, if nobody edited them
  std::string alias;
  std::string key;
  bool has_row = false;  // else a key has the alias and the row is absent
  auto operator<=>(const StrayAlias&) const = default;
};
// Takes the rows away that no key has and adds those that are absent. On the writer thread.
Result<void> repair_aliases(Connection& db, const std::vector<StrayAlias>& strays);
instances::SuspectRecord describe(const StrayAlias& stray);

// Sixteen bytes of memory for each alias. Not thread-safe.
class AliasCheck {
 public:
  // Reads the index; before the keys, in the same transaction.
  Result<void> read_index(Connection& db);
  // An authentic key.
  void see(const keys::KeyRecord& key);
  // After the last key: names the rows that no key has. Errors: StoreUnavailable.
  Result<void> name_strays(Connection& db);
  // Nobody can say what the aliases of this key are.
  void ignore_key(const RowKey& key);

  // Without those of ignored keys; ascending, one for each alias and key.
  std::vector<StrayAlias> strays() const;
  // Whether all keys are known, so that the index can be written anew from them.
  bool has_ignored_keys() const noexcept { return !ignored_.empty(); }

 private:
  using Mark = std::array<std::uint8_t, 16>;
  Mark mark(ByteView instance, std::string_view alias, ByteView key) const;
  std::size_t find(const Mark& mark) const;

  std::array<std::uint8_t, 16> secret_{};  // nobody can prepare two aliases with one mark
  std::vector<Mark> marks_;                // of the rows, ascending
  std::vector<bool> seen_;
  std::vector<StrayAlias> strays_;
  std::unordered_set<std::string> ignored_;  // the ids of the keys, 16 bytes
};

}  // namespace keyhaven::store
