// instances::StoredRecords, and the check that opening begins.
#include <algorithm>

#include "store/database.h"
#include "store/group_commit.h"
#include "store/row_passes.h"
#include "store/row_walk.h"

namespace keyhaven::store {
namespace {

constexpr std::size_t kRenewedAtOnce = 256;  // rows, as one group: others come in between

// All reads of one pass see the file as it was at the first.
class ReadTransaction {
 public:
  static Result<ReadTransaction> begin(Connection& db) {
    KH_TRY(db.query("BEGIN").execute());
    ReadTransaction out(db);
    KH_TRY(db.value("SELECT version FROM schema_version"));
    return out;
  }
  explicit ReadTransaction(Connection& db) : db_(&db) {}
  ReadTransaction(ReadTransaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction() {
    if (db_ != nullptr) (void)db_->query("COMMIT").execute();
  }

 private:
  Connection* db_;
};

bool is_of_identities(SealedTable table) {
  return table == SealedTable::Identities || table == SealedTable::ApiKeys ||
         table == SealedTable::Grants;
}

Error not_authentic(const std::string& setting, instances::RecordFault fault,
                    const instances::RecordCheck& found) {
  using enum instances::RecordFault;
  const bool is_acceptable =
      fault == Old || fault == Returned || fault == Newer || fault == Missing;
  std::string remedy = "; restore the newest backup of the store";
  for (const unit::ScopeDifference& each : found.differences) {
    if (each.scope.uuid.is_nil() && is_acceptable)
      remedy += ", or start once with unit.accept_records = \"" + to_hex(each.difference) + "\"";
  }
  return {Reason::RecordNotAuthentic,
          "the stored setting \"" + setting + "\" is not as the crypto unit sealed it last (" +
              std::string(instances::name_of(fault)) + ")" + remedy +
              "; see docs/operations/records.md",
          {}};
}

}  // namespace

Result<std::uint64_t> Database::begin_check() {
  std::uint64_t number = 0;
  const auto begin = [&]() -> Result<void> {
    number = KH_TRY(guard_.begin_record_check());
    return {};
  };
  KH_TRY(writer_->run_between(begin));
  return number;
}

// A group of an earlier run that the unit was not told the end of is settled by a check, and until
// then both its states are good; and what the unit was started to accept is accepted by a check. So
// a whole one comes first then.
Result<void> Database::begin_start(bool check_first) {
  if (check_first) KH_TRY(check_records());
  start_ = std::make_unique<RowCheck>(guard_, KH_TRY(begin_check()));
  unread_.insert(kSealedTables.begin(), kSealedTables.end());
  return load_settings();
}

Result<void> Database::load_sealed(SealedTable table, const Pass& pass) {
  const std::lock_guard lock(loader_mutex_);
  if (start_ && unread_.erase(table) > 0) {
    const ReadTransaction snapshot = KH_TRY(ReadTransaction::begin(*loader_));
    return pass(*loader_, *start_);
  }
  // Loaded once more: by a check of its own, which is not carried to its end.
  const std::lock_guard checking(checking_);
  start_.reset();
  RowCheck check(guard_, KH_TRY(begin_check()));
  const ReadTransaction snapshot = KH_TRY(ReadTransaction::begin(*loader_));
  return pass(*loader_, check);
}

Result<void> Database::load_settings() {
  const auto take = [this](Setting setting) {
    settings_[std::move(setting.name)] = std::move(setting.value);
  };
  const auto pass = [&](Connection& db, RowCheck& check) { return pass_settings(db, check, take); };
  KH_TRY(load_sealed(SealedTable::Settings, pass));
  found_ = start_->found();  // setting() looks there
  if (found_.faults == 0) return {};
  // The start may be refused: this is the only time to find out what could be accepted. The start's
  // own check begins again after it.
  found_ = KH_TRY(check_records());
  start_ = std::make_unique<RowCheck>(guard_, KH_TRY(begin_check()));
  unread_.insert(SealedTable::Settings);
  return load_sealed(SealedTable::Settings, pass);
}

Result<std::optional<std::string>> Database::setting(const std::string& name) const {
  const std::lock_guard lock(settings_mutex_);
  if (const auto found = settings_.find(name); found != settings_.end())
    return std::optional(found->second);
  for (const instances::SuspectRecord& each : found_.suspects) {
    if (each.table == "settings" && each.id == name) return not_authentic(name, each.fault, found_);
  }
  return std::optional<std::string>();
}

Result<void> Database::finish_start() {
  std::vector<StrayAlias> strays;
  {
    const std::lock_guard lock(loader_mutex_);
    KH_ASSERT(start_ != nullptr);
    const ReadTransaction snapshot = KH_TRY(ReadTransaction::begin(*loader_));
    for (const SealedTable table : std::exchange(unread_, {}))
      KH_TRY(pass_table(*loader_, *start_, table));
    found_ = KH_TRY(start_->finish(clock_.now()));
    identities_known_ = std::ranges::any_of(kSealedTables, [&](SealedTable table) {
      return is_of_identities(table) && start_->rows_of(table) > 0;
    });
    if (!start_->aliases().has_ignored_keys()) strays = start_->aliases().strays();
    start_.reset();
  }
  for (const unit::ScopeDifference& each : found_.differences)
    identities_known_ = identities_known_ || (each.scope.uuid.is_nil() && each.missing > 0);
  if (strays.empty()) return {};
  return writer_->submit([&](Connection& db, TouchedRows&) { return repair_aliases(db, strays); },
                         {});
}

Result<instances::RecordCheck> Database::check_records() {
  const std::unique_lock checking(checking_, std::try_to_lock);
  if (!checking.owns_lock()) {
    return Error{Reason::Conflict,
                 "another check of the stored records is under way; ask again when it has ended",
                 {}};
  }
  const auto reader = KH_TRY(Connection::open(path_, Access::ReadOnly));
  std::optional<ReadTransaction> snapshot;
  std::uint64_t number = 0;
  const auto begin = [&]() -> Result<void> {
    snapshot.emplace(KH_TRY(ReadTransaction::begin(*reader)));
    number = KH_TRY(guard_.begin_record_check());
    return {};
  };
  KH_TRY(writer_->run_between(begin));
  RowCheck check(guard_, number);
  for (const SealedTable table : kSealedTables) KH_TRY(pass_table(*reader, check, table));
  snapshot.reset();
  return check.finish(clock_.now());
}

Result<void> Database::renew_seals(const InstanceId& instance) {
  KH_TRY(guard_.renew_record_key(instance));
  return continue_renewal(instance);
}

Result<void> Database::continue_renewal(const InstanceId& instance) {
  const std::lock_guard checking(checking_);
  const auto renewal = KH_TRY(guard_.record_renewal(instance));
  if (renewal.older == 0) return {};
  for (const SealedTable table : kSealedTables) {
    if (shape_of(table).uuid_columns == 0) continue;
    InstanceWalk walk(table, instance);
    while (KH_TRY(renew_some(walk, renewal.epoch)) > 0) {
    }
  }
  return {};
}

// Seals the next rows anew; returns how many were looked at. A record that is not authentic is left
// as it is: a new seal would make it good. The check is of this moment, since an earlier one does
// not judge what was sealed after its begin.
Result<std::size_t> Database::renew_some(InstanceWalk& walk, std::uint32_t epoch) {
  std::size_t looked_at = 0;
  const auto apply = [&](Connection& db, TouchedRows& touched) -> Result<void> {
    const std::vector<ReadRow> rows = KH_TRY(walk.next(db, kRenewedAtOnce));
    looked_at = rows.size();
    std::vector<const ReadRow*> older;
    std::vector<unit::StoredRecord> shown;
    for (const ReadRow& row : rows) {
      if (!row.seal || row.seal->epoch >= epoch || !record_name(row.key)) continue;
      older.push_back(&row);
      shown.push_back({*record_scope(row.key), *record_name(row.key), row.digest, row.seal});
    }
    if (shown.empty()) return {};
    const std::uint64_t check = KH_TRY(guard_.begin_record_check());
    const std::vector<unit::RecordVerdict> verdicts = KH_TRY(guard_.check_records(check, shown));
    if (verdicts.size() != older.size())
      return Error{Reason::UnitUnavailable, "the crypto unit judged another number of records", {}};
    for (std::size_t i = 0; i < older.size(); ++i) {
      if (verdicts[i] == unit::RecordVerdict::Authentic)
        touched.put(older[i]->key, older[i]->digest);
    }
    return {};
  };
  KH_TRY(writer_->submit(apply, {}));
  return looked_at;
}

}  // namespace keyhaven::store
