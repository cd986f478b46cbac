// What both kinds of tables share: reading on behind the last id, and how they name themselves.
#pragma once

#include <string>
#include <vector>

#include "tables/table.h"

namespace keyhaven::tables {

class PagedTable : public Table {
 public:
  explicit PagedTable(TableSpec spec) : spec_(std::move(spec)) {}

  Result<std::vector<Row>> next(std::size_t most) final {
    std::vector<Row> rows;
    bool is_end = false;
    while (rows.empty() && !is_end) {  // a page may hold rows without a DEK only
      const std::string before = last_id_;
      KH_TRY(read_page(most, rows));
      is_end = last_id_ == before;
    }
    return rows;
  }

  void rewind() override { last_id_.clear(); }

 protected:
  Error bad(const std::string& message) const {
    return Error{Reason::InvalidArgument, "table " + spec_.name + ": " + message, {}};
  }
  Error away(const std::string& message) const {
    return Error{Reason::StoreUnavailable,
                 "table " + spec_.name + ": " + message + "; run the same command again to go on",
                 {}};
  }

  TableSpec spec_;
  std::string last_id_;  // of the rows that were read; empty before the first

 private:
  // Reads at most `most` rows behind last_id_, moves it, and appends those that hold a DEK.
  virtual Result<void> read_page(std::size_t most, std::vector<Row>& rows) = 0;
};

}  // namespace keyhaven::tables
