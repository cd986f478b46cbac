#include <sqlite3.h>

#include "base/bytes.h"
#include "tables/paged_table.h"

namespace keyhaven::tables {
namespace {

constexpr int kBusyMilliseconds = 10'000;

// to_base64(blob) and from_base64(text), for tables whose column holds bytes.
void sql_to_base64(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return sqlite3_result_null(context);
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_value_blob(values[0]));
  const std::string text =
      to_base64({data, static_cast<std::size_t>(sqlite3_value_bytes(values[0]))});
  sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

void sql_from_base64(sqlite3_context* context, int, sqlite3_value** values) {
  const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
  const auto bytes = from_base64(std::string_view(data == nullptr ? "" : data, size));
  if (!bytes) return sqlite3_result_error(context, "from_base64: not base64", -1);
  sqlite3_result_blob(context, bytes->data(), static_cast<int>(bytes->size()), SQLITE_TRANSIENT);
}

// One prepared statement.
class Statement {
 public:
  Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }
  int prepare(sqlite3* database, const std::string& sql) {
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v3(database, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                        &statement_, &rest);
    has_rest_ = rest != nullptr && !trimmed(rest).empty();
    return code;
  }
  bool has_rest() const noexcept { return has_rest_; }
  sqlite3_stmt* get() const noexcept { return statement_; }
  void bind(const char* name, const std::string& text, bool as_number = false) {
    const int index = sqlite3_bind_parameter_index(statement_, name);
    if (index == 0) return;
    if (as_number) {
      sqlite3_bind_int64(statement_, index, std::strtoll(text.c_str(), nullptr, 10));
    } else {
      sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
    }
  }
  int step() { return sqlite3_step(statement_); }
  void reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  bool has_rest_ = false;
};

class SqliteTable final : public PagedTable {
 public:
  explicit SqliteTable(TableSpec spec) : PagedTable(std::move(spec)) {}
  SqliteTable(const SqliteTable&) = delete;
  SqliteTable& operator=(const SqliteTable&) = delete;
  ~SqliteTable() override {
    first_.reset();
    after_.reset();
    update_.reset();
    sqlite3_close(database_);
  }

  Result<void> open() {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(spec_.connection.c_str(), &database_, kFlags, nullptr) != SQLITE_OK)
      return away();
    sqlite3_busy_timeout(database_, kBusyMilliseconds);
    constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3_create_function(database_, "to_base64", 1, kPure, nullptr, sql_to_base64, nullptr,
                            nullptr);
    sqlite3_create_function(database_, "from_base64", 1, kPure, nullptr, sql_from_base64, nullptr,
                            nullptr);
    const std::string from = "SELECT * FROM (" + trimmed(spec_.query) + ") AS kh ";
    KH_TRY(prepare(*first_, from + "ORDER BY kh.id LIMIT :most", "query"));
    KH_TRY(prepare(*after_, from + "WHERE kh.id > :id ORDER BY kh.id LIMIT :most", "query"));
    KH_TRY(prepare(*update_, spec_.update, "update"));
    return find_columns();
  }

  void rewind() override {
    PagedTable::rewind();
    last_is_number_ = false;
  }

  Result<std::vector<Outcome>> change(const std::vector<Change>& changes) override {
    if (!run("BEGIN IMMEDIATE")) {
      if (is_busy()) return std::vector<Outcome>(changes.size());
      return away();
    }
    std::vector<Outcome> outcomes;
    for (const Change& one : changes) {
      auto outcome = change_one(one);
      if (!outcome) {
        run("ROLLBACK");
        return std::move(outcome).error();
      }
      outcomes.push_back(std::move(*outcome));
    }
    if (run("COMMIT")) return outcomes;
    const bool busy = is_busy();
    Error error = away();
    run("ROLLBACK");
    if (busy) return std::vector<Outcome>(changes.size());
    return error;
  }

 private:
  Error away() const { return PagedTable::away(sqlite3_errmsg(database_)); }
  bool is_busy() const {
    const int code = sqlite3_errcode(database_) & 0xFF;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
  }
  bool run(const char* sql) {
    return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  Result<void> prepare(Statement& out, const std::string& sql, const char* what) {
    if (out.prepare(database_, sql) != SQLITE_OK)
      return bad(std::string("its ") + what + ": " + sqlite3_errmsg(database_));
    if (out.has_rest() || out.get() == nullptr)
      return bad(std::string("its ") + what + " must be one statement");
    return {};
  }
  Result<void> read_page(std::size_t most, std::vector<Row>& rows) override {
    Statement& select = last_id_.empty() ? *first_ : *after_;
    select.bind(":id", last_id_, last_is_number_);
    select.bind(":most", std::to_string(most), true);
    int code = select.step();
    for (; code == SQLITE_ROW; code = select.step()) {
      Row row = read(select.get());
      if (row.id.empty() || (row.id == last_id_ && row.id_is_number == last_is_number_)) {
        select.reset();
        return bad("its query gives an id that is null, empty, bytes, or there twice: \"" + row.id +
                   "\"");
      }
      last_id_ = row.id;
      last_is_number_ = row.id_is_number;
      if (sqlite3_column_type(select.get(), columns_[2]) != SQLITE_NULL)
        rows.push_back(std::move(row));
    }
    if (code == SQLITE_DONE) {
      select.reset();
      return {};
    }
    Error error = away();
    select.reset();
    return error;
  }
  Result<void> find_columns() {
    const char* names[] = {"id", "key", "wdek", "aad"};
    for (int i = 0; i < 4; ++i) {
      columns_[i] = -1;
      for (int c = 0; c < sqlite3_column_count(first_->get()); ++c)
        if (std::string_view(sqlite3_column_name(first_->get(), c)) == names[i]) columns_[i] = c;
      if (columns_[i] < 0 && i < 3)
        return bad(std::string("its query must name a column ") + names[i]);
    }
    return {};
  }
  std::string text(sqlite3_stmt* row, int column) const {
    if (column < 0) return {};
    const auto* data = static_cast<const char*>(sqlite3_column_blob(row, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
    return data == nullptr ? std::string() : std::string(data, size);
  }
  Row read(sqlite3_stmt* from) const {
    Row row;
    const int type = sqlite3_column_type(from, columns_[0]);
    row.id_is_number = type == SQLITE_INTEGER;
    if (type == SQLITE_INTEGER) row.id = std::to_string(sqlite3_column_int64(from, columns_[0]));
    if (type == SQLITE_TEXT) row.id = text(from, columns_[0]);
    for (const int column : columns_) {
      if (column >= 0 &&
          static_cast<std::size_t>(sqlite3_column_bytes(from, column)) > kMaxCellBytes)
        row.problem = "a cell has more than 65536 bytes";
    }
    if (!row.problem.empty()) return row;
    if (sqlite3_column_type(from, columns_[2]) == SQLITE_BLOB)
      row.problem = "wdek is bytes; select to_base64(wdek) and update with from_base64(:new_wdek)";
    row.key = text(from, columns_[1]);
    row.wdek = text(from, columns_[2]);
    row.aad = text(from, columns_[3]);
    return row;
  }
  Result<Outcome> change_one(const Change& one) {
    update_->bind(":id", one.id, one.id_is_number);
    update_->bind(":old_wdek", one.old_wdek);
    update_->bind(":new_wdek", one.new_wdek);
    update_->bind(":old_key", one.old_key);
    update_->bind(":new_key", one.new_key);
    int code = update_->step();
    while (code == SQLITE_ROW) code = update_->step();  // RETURNING
    Outcome out;
    if (code == SQLITE_DONE) {
      const int changed = sqlite3_changes(database_);
      update_->reset();
      if (changed > 1)
        return bad("its update changes " + std::to_string(changed) + " rows for the id " + one.id +
                   "; it must change one");
      out.kind = changed == 1 ? Outcome::Kind::Changed : Outcome::Kind::NotAsRead;
      return out;
    }
    const bool is_row = (code & 0xFF) == SQLITE_CONSTRAINT || (code & 0xFF) == SQLITE_TOOBIG ||
                        (code & 0xFF) == SQLITE_MISMATCH || code == SQLITE_ERROR;
    out.kind = Outcome::Kind::Refused;
    out.problem = std::string("the database refuses: ") + sqlite3_errmsg(database_);
    Error error = away();
    update_->reset();
    if (!is_row) return error;
    return out;
  }

  sqlite3* database_ = nullptr;
  std::unique_ptr<Statement> first_ = std::make_unique<Statement>();
  std::unique_ptr<Statement> after_ = std::make_unique<Statement>();
  std::unique_ptr<Statement> update_ = std::make_unique<Statement>();
  int columns_[4] = {-1, -1, -1, -1};  // id, key, wdek, aad
  bool last_is_number_ = false;
};

}  // namespace

Result<std::unique_ptr<Table>> open_sqlite(const TableSpec& spec) {
  auto table = std::make_unique<SqliteTable>(spec);
  KH_TRY(table->open());
  return std::unique_ptr<Table>(std::move(table));
}

}  // namespace keyhaven::tables
