// Sealing rows as they are found: all of them when a store is put under guard, and those of an
// instance when its seals are made anew.
#pragma once

#include "store/group_sealer.h"
#include "store/row_check.h"

namespace keyhaven::store {

// The next rows of a table behind `after`, in order of the primary key; `intact` is not looked at.
Result<std::vector<ReadRow>> read_next(Connection& db, const TableShape& shape, const RowKey& after,
                                       std::size_t limit);

// Seals every row as it is, in groups of the sealer's, and from then on the unit guards the store.
// Returns how many rows there are. A run that a crash ended is repeated from its beginning. Errors:
// StoreUnavailable, UnitUnavailable.
Result<std::uint64_t> put_under_guard(Connection& db, GroupSealer& sealer,
                                      const unit::RecordGuardStatus& status);

// A position in one table, within the rows of one instance.
class InstanceWalk {
 public:
  InstanceWalk(SealedTable table, const InstanceId& instance);
  // The next rows; empty at the end. On the writer thread.
  Result<std::vector<ReadRow>> next(Connection& db, std::size_t limit);

 private:
  const TableShape& shape_;
  const std::string instance_;
  RowKey after_;
};

}  // namespace keyhaven::store
