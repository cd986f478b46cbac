// How rows come out of the database: streamed, each checked against its checksum and its index
// columns.
#pragma once

#include <algorithm>
#include <string>

#include "store/database.h"
#include "store/rows.h"
#include "store/sqlite.h"

namespace keyhaven::store {

// Calls `row` with every row of `sql`; stops at its first error. Holds the loading connection
// meanwhile.
template <class Row>
Result<void> Database::load(const char* sql, Row row) {
  const std::lock_guard lock(loader_mutex_);
  Query query = loader_->query(sql);
  while (KH_TRY(query.step())) KH_TRY(row(query));
  return {};
}

// Checks the checksum in `checksum_column` and decodes the record in `record_column`.
template <class Decode>
auto checked_record(const Query& query, int record_column, int checksum_column,
                    std::string_view table, std::string_view kind, const std::string& id,
                    Decode decode) -> decltype(decode(ByteView{})) {
  const ByteView record = query.blob_at(record_column);
  if (!std::ranges::equal(query.blob_at(checksum_column), checksum_of(table, record))) {
    return damaged_row(kind, id, "checksum differs");
  }
  auto decoded = decode(record);
  if (!decoded) return damaged_row(kind, id, decoded.error().message);
  return decoded;
}

// The text of the UUID in a column; for a damaged column what it holds, in hexadecimal.
inline std::string uuid_text(ByteView column) {
  Uuid uuid;
  if (column.size() != uuid.bytes.size()) return to_hex(column);
  std::copy(column.begin(), column.end(), uuid.bytes.begin());
  return uuid.text();
}

}  // namespace keyhaven::store
