#include "store/row_walk.h"

namespace keyhaven::store {
namespace {

Result<void> begin(Connection& db) {
  KH_TRY(db.query("BEGIN IMMEDIATE").execute());
  return {};
}

Result<void> commit_or_undo(Connection& db, Result<void> result) {
  if (result) {
    const auto committed = db.query("COMMIT").execute();
    if (!committed) result = committed.error();
  }
  if (!result && db.in_transaction()) KH_TRY(db.query("ROLLBACK").execute());
  return result;
}

Result<void> seal_group(Connection& db, GroupSealer& sealer, const std::vector<ReadRow>& rows) {
  TouchedRows touched;
  for (const ReadRow& row : rows) {
    if (record_name(row.key)) touched.put(row.key, row.digest);  // else it will be found damaged
  }
  KH_TRY(begin(db));
  const Result<void> done = commit_or_undo(db, sealer.seal(db, touched));
  sealer.end(done.has_value());
  return done;
}

// The greatest id below `id`.
std::string before(std::string id) {
  for (std::size_t i = id.size(); i-- > 0;) {
    const bool borrows = id[i] == '\0';
    id[i] = static_cast<char>(static_cast<unsigned char>(id[i]) - 1U);
    if (!borrows) break;
  }
  return id;
}

}  // namespace

Result<std::vector<ReadRow>> read_next(Connection& db, const TableShape& shape, const RowKey& after,
                                       std::size_t limit) {
  std::vector<ReadRow> out;
  Query query = db.query(shape.select_next);
  bind_key(query, shape, after);
  query.number(limit);
  while (KH_TRY(query.step())) {
    ReadRow& row = out.emplace_back();
    read_key(shape, query, row.key);
    row.digest = record_digest(row.key, query.blob_at(shape.record_column));
    row.seal = decode_seal(query.blob_at(shape.record_column + 2));
  }
  return out;
}

Result<std::uint64_t> put_under_guard(Connection& db, GroupSealer& sealer,
                                      const unit::RecordGuardStatus& status) {
  std::uint64_t sealed = 0;
  // Of a run that a crash ended: all its rows are sealed again now.
  if (status.unsettled_group) KH_TRY(sealer.guard().settle_records(*status.unsettled_group, true));
  for (const SealedTable table : kSealedTables) {
    RowKey after;
    after.table = table;
    for (;;) {
      const std::vector<ReadRow> rows =
          KH_TRY(read_next(db, shape_of(table), after, unit::kMaxRecordsPerCall));
      if (rows.empty()) break;
      KH_TRY(seal_group(db, sealer, rows));
      sealed += rows.size();
      after = rows.back().key;
    }
  }
  KH_TRY(sealer.settle_waiting());
  KH_TRY(sealer.guard().begin_guarding());
  return sealed;
}

// The instance comes first in every primary key. Where it is all of it, the walk begins behind the
// id before, else behind the instance with an empty rest.
InstanceWalk::InstanceWalk(SealedTable table, const InstanceId& instance)
    : shape_(shape_of(table)), instance_(as_text(instance.view())) {
  KH_ASSERT(shape_.uuid_columns > 0);
  after_.table = table;
  after_.columns[0] = shape_.key_columns == 1 ? before(instance_) : instance_;
}

Result<std::vector<ReadRow>> InstanceWalk::next(Connection& db, std::size_t limit) {
  std::vector<ReadRow> rows = KH_TRY(read_next(db, shape_, after_, limit));
  while (!rows.empty() && rows.back().key.columns[0] != instance_) rows.pop_back();
  if (!rows.empty()) after_ = rows.back().key;
  return rows;
}

}  // namespace keyhaven::store
