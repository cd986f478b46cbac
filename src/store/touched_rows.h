// The sealed rows that a change has written or removed, each once with its last state.
#pragma once

#include <map>
#include <optional>

#include "store/sealed_rows.h"

namespace keyhaven::store {

// Not thread-safe: one change, or one group, on the writer thread.
class TouchedRows {
 public:
  using Rows = std::map<RowKey, std::optional<Digest>>;  // nothing: the row is gone

  void put(const SealedRow& row) { rows_[row.key] = row.digest; }
  void put(const RowKey& key, const Digest& digest) { rows_[key] = digest; }
  void remove(const RowKey& key) { rows_[key] = std::nullopt; }
  // What a later change of the same group has touched.
  void add(const TouchedRows& later) {
    for (const auto& [key, digest] : later.rows_) rows_[key] = digest;
  }
  bool empty() const noexcept { return rows_.empty(); }
  const Rows& rows() const noexcept { return rows_; }

 private:
  Rows rows_;
};

}  // namespace keyhaven::store
