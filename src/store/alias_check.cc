#include "store/alias_check.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::store {
namespace {

// More than are named anyway.
constexpr std::size_t kMaxStrays = instances::kMaxNamedSuspects;

std::string text_of(ByteView column) { return std::string(as_text(column)); }

std::optional<Uuid> uuid_of(std::string_view column) {
  Uuid out;
  if (column.size() != out.bytes.size()) return std::nullopt;
  std::copy(column.begin(), column.end(), out.bytes.begin());
  return out;
}

}  // namespace

AliasCheck::Mark AliasCheck::mark(ByteView instance, std::string_view alias, ByteView key) const {
  // The two ids have a fixed size in every key record; a row in which they have not matches none.
  const std::uint8_t sizes[] = {static_cast<std::uint8_t>(instance.size()),
                                static_cast<std::uint8_t>(key.size())};
  const Digest digest =
      crypto::sha256({ByteView(secret_), ByteView(sizes), instance, key, as_bytes(alias)});
  Mark out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

Result<void> AliasCheck::read_index(Connection& db) {
  secret_ = crypto::random_uuid().bytes;
  marks_.clear();
  strays_.clear();
  Query query = db.query("SELECT instance, alias, key FROM aliases");
  while (KH_TRY(query.step()))
    marks_.push_back(mark(query.blob_at(0), query.text_at(1), query.blob_at(2)));
  std::sort(marks_.begin(), marks_.end());
  seen_.assign(marks_.size(), false);
  return {};
}

std::size_t AliasCheck::find(const Mark& mark) const {
  const auto found = std::lower_bound(marks_.begin(), marks_.end(), mark);
  if (found == marks_.end() || *found != mark) return marks_.size();
  return static_cast<std::size_t>(found - marks_.begin());
}

void AliasCheck::see(const keys::KeyRecord& key) {
  for (const std::string& alias : key.aliases) {
    const std::size_t at = find(mark(key.instance.view(), alias, key.id.view()));
    if (at < seen_.size()) {
      seen_[at] = true;
    } else if (strays_.size() < kMaxStrays) {
      strays_.push_back({text_of(key.instance.view()), alias, text_of(key.id.view()), false});
    }
  }
}

Result<void> AliasCheck::name_strays(Connection& db) {
  if (std::find(seen_.begin(), seen_.end(), false) == seen_.end()) return {};
  Query query = db.query("SELECT instance, alias, key FROM aliases");
  while (KH_TRY(query.step())) {
    const std::size_t at = find(mark(query.blob_at(0), query.text_at(1), query.blob_at(2)));
    if (at < seen_.size() && seen_[at]) continue;
    if (strays_.size() >= kMaxStrays) return {};
    strays_.push_back({text_of(query.blob_at(0)), std::string(query.text_at(1)),
                       text_of(query.blob_at(2)), true});
  }
  return {};
}

void AliasCheck::ignore_key(const RowKey& key) { ignored_.insert(key.columns[1]); }

std::vector<StrayAlias> AliasCheck::strays() const {
  std::vector<StrayAlias> out;
  for (const StrayAlias& each : strays_) {
    if (!ignored_.contains(each.key)) out.push_back(each);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> repair_aliases(Connection& db, const std::vector<StrayAlias>& strays) {
  for (const StrayAlias& each : strays) {
    if (!each.has_row) continue;
    KH_TRY(db.query("DELETE FROM aliases WHERE instance = ? AND alias = ? AND key = ?")
               .blob(as_bytes(each.instance))
               .text(each.alias)
               .blob(as_bytes(each.key))
               .execute());
  }
  for (const StrayAlias& each : strays) {
    if (each.has_row) continue;
    KH_TRY(db.query("INSERT OR IGNORE INTO aliases (instance, alias, key) VALUES (?, ?, ?)")
               .blob(as_bytes(each.instance))
               .text(each.alias)
               .blob(as_bytes(each.key))
               .execute());
  }
  return {};
}

instances::SuspectRecord describe(const StrayAlias& stray) {
  instances::SuspectRecord out;
  out.table = "aliases";
  out.id = stray.alias;
  cut_id(out.id);
  out.fault = instances::RecordFault::StrayAlias;
  if (const auto uuid = uuid_of(stray.instance)) out.instance = {*uuid};
  if (const auto uuid = uuid_of(stray.key)) out.key = KeyId{*uuid};
  return out;
}

}  // namespace keyhaven::store
