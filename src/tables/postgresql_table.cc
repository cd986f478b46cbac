#include <libpq-fe.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/file.h"
#include "tables/paged_table.h"

namespace keyhaven::tables {
namespace {

constexpr std::size_t kMaxPasswordBytes = 4096;
constexpr int kConnectTries = 20;  // a server that restarts is waited for
constexpr std::chrono::milliseconds kConnectPause{500};

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, ResultDeleter>;

struct OptionsDeleter {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ConnectionOptions = std::unique_ptr<PQconninfoOption, OptionsDeleter>;

std::string_view value_of(const ConnectionOptions& options, const char* keyword) {
  for (const PQconninfoOption* one = options.get(); one != nullptr && one->keyword != nullptr;
       ++one)
    if (std::strcmp(one->keyword, keyword) == 0) return one->val == nullptr ? "" : one->val;
  return {};
}

bool is_here(std::string_view host) {
  return host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost" ||
         host == "::1" || host.starts_with("127.");
}

std::string one_line(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

// The server's message without details: those may quote a row.
std::string message_of(const PGresult* answer, PGconn* connection) {
  const char* primary =
      answer == nullptr ? nullptr : PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
  return primary != nullptr ? one_line(primary) : one_line(PQerrorMessage(connection));
}

// Whether the same change may succeed later: serialisation, deadlock, lock timeout, the server
// going down.
bool may_pass(const PGresult* answer) {
  const char* state = answer == nullptr ? nullptr : PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  const std::string_view code = state == nullptr ? "" : state;
  return code.empty() || code.starts_with("40") || code.starts_with("08") ||
         code.starts_with("57") || code == "55P03";
}

class PostgresqlTable final : public PagedTable {
 public:
  explicit PostgresqlTable(TableSpec spec) : PagedTable(std::move(spec)) {}
  PostgresqlTable(const PostgresqlTable&) = delete;
  PostgresqlTable& operator=(const PostgresqlTable&) = delete;
  ~PostgresqlTable() override { PQfinish(connection_); }

  Result<void> open() {
    char* failed = nullptr;
    const ConnectionOptions options(PQconninfoParse(spec_.connection.c_str(), &failed));
    PQfreemem(failed);  // not shown: it may quote what was written
    if (!options) return bad("its connection is neither a URI nor keyword=value text");
    if (!value_of(options, "password").empty() || !value_of(options, "sslpassword").empty())
      return bad("its connection holds a password; put it into password_file or PGPASSFILE");
    // Over a network the server proves who it is, unless the owner says otherwise.
    verify_server_ = value_of(options, "sslmode").empty() && value_of(options, "service").empty() &&
                     std::getenv("PGSSLMODE") == nullptr && std::getenv("PGSERVICE") == nullptr &&
                     !is_here(value_of(options, "host"));
    if (!spec_.password_file.empty()) KH_TRY(read_password());
    update_ = KH_TRY(with_numbers(trimmed(spec_.update)));
    return connect();
  }

  Result<std::vector<Outcome>> change(const std::vector<Change>& changes) override {
    auto outcomes = change_together(changes);
    if (outcomes || outcomes.error().reason != Reason::Conflict) return outcomes;
    // One of them is refused and takes the transaction with it: each on its own, then.
    std::vector<Outcome> out;
    for (const Change& one : changes) {
      auto alone = change_together({one});
      if (alone) {
        out.push_back(std::move(alone->front()));
      } else if (alone.error().reason == Reason::Conflict) {
        out.push_back({Outcome::Kind::Refused, "the database refuses: " + alone.error().message});
      } else {
        return std::move(alone).error();
      }
    }
    return out;
  }

 private:
  bool is_connected() const {
    return connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK;
  }

  // Its first line, with the zero byte that libpq wants; libpq keeps a copy of its own.
  Result<void> read_password() {
    struct stat status {};
    if (::stat(spec_.password_file.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
      return bad("its password_file may be read by others; chmod 0600 " + spec_.password_file);
    const SecretBytes file = KH_TRY(read_secret_file(spec_.password_file, kMaxPasswordBytes));
    std::size_t size = 0;
    while (size < file.size() && file.expose()[size] != '\n' && file.expose()[size] != '\r') ++size;
    password_ = SecretBytes(size + 1);
    std::copy_n(file.expose().begin(), size, password_.expose_mutable().begin());
    return {};
  }

  Result<void> connect() {
    std::string why;
    for (int attempt = 1; attempt <= kConnectTries; ++attempt) {
      PQfinish(connection_);
      connection_ = dial();
      if (is_connected()) return prepare();
      why = one_line(PQerrorMessage(connection_));
      // Only a server that was there before is waited for.
      if (!was_connected_) break;
      std::this_thread::sleep_for(kConnectPause);
    }
    return away(why);
  }

  PGconn* dial() const {
    std::vector<const char*> keywords = {"dbname", "fallback_application_name", "connect_timeout",
                                         "client_encoding"};
    std::vector<const char*> values = {spec_.connection.c_str(), "keyhaven migrate", "10", "UTF8"};
    if (!password_.empty()) {
      keywords.push_back("password");
      values.push_back(reinterpret_cast<const char*>(password_.expose().data()));
    }
    if (verify_server_) {
      keywords.push_back("sslmode");
      values.push_back("verify-full");
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectdbParams(keywords.data(), values.data(), 1);
  }

  Result<void> prepare() {
    was_connected_ = true;
    // Notices would go to standard error, past what the tool says.
    PQsetNoticeProcessor(
        connection_, [](void*, const char*) {}, nullptr);
    const Answer settings(PQexec(connection_, "SET lock_timeout = '5s'"));
    if (PQresultStatus(settings.get()) != PGRES_COMMAND_OK)
      return away(message_of(settings.get(), connection_));
    const std::string from = "SELECT * FROM (" + trimmed(spec_.query) + ") AS kh ";
    KH_TRY(prepare_one("kh_first", from + "ORDER BY kh.id LIMIT $1::bigint", "query"));
    KH_TRY(prepare_one("kh_after", from + "WHERE kh.id > $2 ORDER BY kh.id LIMIT $1::bigint",
                       "query"));
    return prepare_one("kh_update", update_.sql, "update");
  }

  Result<void> prepare_one(const char* name, const std::string& sql, const char* what) {
    const Answer answer(PQprepare(connection_, name, sql.c_str(), 0, nullptr));
    if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) return {};
    if (!is_connected()) return away(message_of(answer.get(), connection_));
    return bad(std::string("its ") + what + ": " + message_of(answer.get(), connection_));
  }

  Result<void> read_page(std::size_t most, std::vector<Row>& rows) override {
    const std::string limit = std::to_string(most);
    for (int attempt = 1;; ++attempt) {
      if (!is_connected()) KH_TRY(connect());
      const char* values[] = {limit.c_str(), last_id_.c_str()};
      const bool is_first = last_id_.empty();
      const Answer answer(PQexecPrepared(connection_, is_first ? "kh_first" : "kh_after",
                                         is_first ? 1 : 2, values, nullptr, nullptr, 0));
      if (PQresultStatus(answer.get()) == PGRES_TUPLES_OK) return read_rows(answer.get(), rows);
      const bool again = !is_connected() || may_pass(answer.get());
      const std::string why = message_of(answer.get(), connection_);
      if (!again) return bad("its query: " + why);
      if (attempt == 3) return away(why);
    }
  }

  Result<void> read_rows(const PGresult* answer, std::vector<Row>& rows) {
    const int id = PQfnumber(answer, "id");
    const int key = PQfnumber(answer, "key");
    const int wdek = PQfnumber(answer, "wdek");
    const int aad = PQfnumber(answer, "aad");
    if (id < 0 || key < 0 || wdek < 0)
      return bad("its query must name the columns id, key and wdek");
    for (int i = 0; i < PQntuples(answer); ++i) {
      Row row;
      row.id = text(answer, i, id);
      if (row.id.empty() || row.id == last_id_)
        return bad("its query gives an id that is null, empty, or there twice: \"" + row.id + "\"");
      last_id_ = row.id;
      if (PQgetisnull(answer, i, wdek) != 0) continue;
      for (const int column : {id, key, wdek, aad}) {
        if (column >= 0 && static_cast<std::size_t>(PQgetlength(answer, i, column)) > kMaxCellBytes)
          row.problem = "a cell has more than 65536 bytes";
      }
      if (row.problem.empty()) {
        row.key = text(answer, i, key);
        row.wdek = text(answer, i, wdek);
        if (aad >= 0) row.aad = text(answer, i, aad);
      }
      rows.push_back(std::move(row));
    }
    return {};
  }

  static std::string text(const PGresult* answer, int row, int column) {
    return {PQgetvalue(answer, row, column),
            static_cast<std::size_t>(PQgetlength(answer, row, column))};
  }

  bool run(const char* sql) {
    const Answer answer(PQexec(connection_, sql));
    return PQresultStatus(answer.get()) == PGRES_COMMAND_OK;
  }

  // All in one transaction. Errors: Conflict when the database refuses one of them for good.
  Result<std::vector<Outcome>> change_together(const std::vector<Change>& changes) {
    if (!is_connected()) KH_TRY(connect());
    // What is lost on the way is read again and decided anew: the row tells what has become of it.
    std::vector<Outcome> unknown(changes.size());
    if (!run("BEGIN")) return unknown;
    std::vector<Outcome> outcomes;
    for (const Change& one : changes) {
      const char* const all[] = {one.new_wdek.c_str(), one.id.c_str(), one.old_wdek.c_str(),
                                 one.new_key.c_str(), one.old_key.c_str()};
      std::vector<const char*> values;
      for (const std::size_t parameter : update_.parameters) values.push_back(all[parameter]);
      const Answer answer(PQexecPrepared(connection_, "kh_update", static_cast<int>(values.size()),
                                         values.data(), nullptr, nullptr, 0));
      const ExecStatusType status = PQresultStatus(answer.get());
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        const bool again = !is_connected() || may_pass(answer.get());
        const std::string why = message_of(answer.get(), connection_);
        run("ROLLBACK");
        if (again) return unknown;
        return Error{Reason::Conflict, why, {}};
      }
      const std::string_view changed = PQcmdTuples(answer.get());
      if (changed != "0" && changed != "1") {
        run("ROLLBACK");
        return bad("its update changes " + std::string(changed) + " rows for the id " + one.id +
                   "; it must change one");
      }
      Outcome outcome;
      outcome.kind = changed == "1" ? Outcome::Kind::Changed : Outcome::Kind::NotAsRead;
      outcomes.push_back(std::move(outcome));
    }
    const Answer committed(PQexec(connection_, "COMMIT"));
    // A transaction that had failed answers COMMIT with ROLLBACK.
    if (PQresultStatus(committed.get()) == PGRES_COMMAND_OK &&
        std::string_view(PQcmdStatus(committed.get())) == "COMMIT")
      return outcomes;
    const bool again = !is_connected() || may_pass(committed.get());
    const std::string why = message_of(committed.get(), connection_);
    if (again) return unknown;
    return Error{Reason::Conflict, why, {}};
  }

  NumberedSql update_;
  SecretBytes password_;  // ends with a zero byte; empty: none
  bool verify_server_ = false;
  bool was_connected_ = false;
  PGconn* connection_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Table>> open_postgresql(const TableSpec& spec) {
  auto table = std::make_unique<PostgresqlTable>(spec);
  KH_TRY(table->open());
  return std::unique_ptr<Table>(std::move(table));
}

}  // namespace keyhaven::tables
