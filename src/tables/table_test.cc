#include "tables/table.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "base/file.h"

namespace keyhaven::tables {
namespace {

TableSpec spec_of(std::string connection) {
  TableSpec spec;
  spec.name = "orders";
  spec.kind = "sqlite";
  spec.connection = std::move(connection);
  spec.query = "SELECT id, key_id AS key, wdek, aad FROM orders;\n";
  spec.update =
      "UPDATE orders SET wdek = :new_wdek, key_id = :new_key WHERE id = :id AND wdek = :old_wdek";
  return spec;
}

TEST(TableSpec, IsChecked) {
  EXPECT_TRUE(check(spec_of("x")));
  EXPECT_TRUE(spec_of("x").changes_key());
  const std::pair<const char*, std::function<void(TableSpec&)>> cases[] = {
      {"needs a name", [](TableSpec& s) { s.name = "a b"; }},
      {"kind must be", [](TableSpec& s) { s.kind = "oracle"; }},
      {"connection is missing", [](TableSpec& s) { s.connection.clear(); }},
      {"query is missing", [](TableSpec& s) { s.query = " ; "; }},
      {"must use :old_wdek",
       [](TableSpec& s) { s.update = "UPDATE t SET wdek = :new_wdek WHERE id = :id"; }},
      {"must use :old_wdek",
       [](TableSpec& s) {
         s.update = "UPDATE t SET wdek = :new_wdek WHERE id = :id -- AND wdek = :old_wdek";
       }},
      {"not :old", [](TableSpec& s) { s.update += " AND x = :old"; }},
      {"batch must be", [](TableSpec& s) { s.batch = 0; }},
      {"batch must be", [](TableSpec& s) { s.batch = 10'001; }},
      {"has no password", [](TableSpec& s) { s.password_file = "f"; }},
  };
  for (const auto& [why, change] : cases) {
    TableSpec spec = spec_of("x");
    change(spec);
    const auto checked = check(spec);
    ASSERT_FALSE(checked) << why;
    EXPECT_NE(checked.error().message.find(why), std::string::npos) << checked.error().message;
  }
}

TEST(NumberedSql, LeavesQuotesCastsAndCommentsAlone) {
  const auto numbered = with_numbers(
      "UPDATE \":id\" SET a = ':id', b = decode(:new_wdek, 'base64')::bytea /* :x */ "
      "WHERE id = :id::int AND w = :old_wdek OR v = :new_wdek -- :y\n");
  ASSERT_TRUE(numbered) << numbered.error().message;
  EXPECT_EQ(numbered->sql,
            "UPDATE \":id\" SET a = ':id', b = decode($1, 'base64')::bytea /* :x */ "
            "WHERE id = $2::int AND w = $3 OR v = $1 -- :y\n");
  EXPECT_EQ(numbered->parameters, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_FALSE(with_numbers("WHERE id = :ident"));
}

class Sqlite : public ::testing::Test {
 protected:
  Sqlite() {
    path_ = (std::filesystem::temp_directory_path() / "tables-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
    file = path_ + "/orders.db";
    EXPECT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    run("CREATE TABLE orders (id INTEGER PRIMARY KEY, key_id TEXT, wdek, aad TEXT, "
        "CHECK (wdek <> 'forbidden'))");
  }
  ~Sqlite() override {
    sqlite3_close(other);
    std::filesystem::remove_all(path_);
  }
  void run(const std::string& sql) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(other, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  }
  std::string one(const std::string& sql) {
    std::string out;
    sqlite3_exec(
        other, sql.c_str(),
        [](void* to, int, char** values, char**) {
          *static_cast<std::string*>(to) = values[0] == nullptr ? "NULL" : values[0];
          return 0;
        },
        &out, nullptr);
    return out;
  }
  std::unique_ptr<Table> open(const TableSpec& spec) {
    auto table = open_table(spec);
    EXPECT_TRUE(table) << (table ? "" : table.error().message);
    return table ? std::move(*table) : nullptr;
  }
  std::string file;
  sqlite3* other = nullptr;

 private:
  std::string path_;
};

TEST_F(Sqlite, IsReadPageByPageInTheOrderOfIds) {
  run("INSERT INTO orders VALUES (9,'k','W9',NULL),(10,'k','W10','[\"a\"]'),(2,'k','W2','')");
  for (int i = 20; i < 30; ++i) run("INSERT INTO orders (id) VALUES (" + std::to_string(i) + ")");
  run("INSERT INTO orders VALUES (31,'k','W31',NULL)");
  auto table = open(spec_of(file));
  std::vector<std::string> seen;
  for (int pass = 0; pass < 2; ++pass) {
    while (true) {
      const auto rows = table->next(2);
      ASSERT_TRUE(rows) << rows.error().message;
      if (rows->empty()) break;
      for (const Row& row : *rows) seen.push_back(row.id + row.key + row.wdek + row.aad);
    }
    table->rewind();
  }
  const std::vector<std::string> once = {"2kW2", "9kW9", "10kW10[\"a\"]", "31kW31"};
  std::vector<std::string> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(seen, twice);
}

TEST_F(Sqlite, ChangesARowOnlyAsItWasRead) {
  run("INSERT INTO orders VALUES (1,'k','W1',NULL),(2,'k','W2',NULL),(3,'k','W3',NULL)");
  auto table = open(spec_of(file));
  ASSERT_EQ(table->next(10)->size(), 3U);
  run("UPDATE orders SET wdek = 'other' WHERE id = 2");
  const auto outcomes = table->change({{"1", true, "k", "n", "W1", "N1"},
                                       {"2", true, "k", "n", "W2", "N2"},
                                       {"3", true, "k", "n", "W3", "forbidden"},
                                       {"9", true, "k", "n", "W9", "N9"}});
  ASSERT_TRUE(outcomes) << outcomes.error().message;
  using Kind = Outcome::Kind;
  EXPECT_EQ((*outcomes)[0].kind, Kind::Changed);
  EXPECT_EQ((*outcomes)[1].kind, Kind::NotAsRead);
  EXPECT_EQ((*outcomes)[2].kind, Kind::Refused);
  EXPECT_NE((*outcomes)[2].problem.find("CHECK"), std::string::npos);
  EXPECT_EQ((*outcomes)[3].kind, Kind::NotAsRead);
  EXPECT_EQ(one("SELECT wdek || key_id FROM orders WHERE id = 1"), "N1n");
  EXPECT_EQ(one("SELECT wdek FROM orders WHERE id = 2"), "other");
  EXPECT_EQ(one("SELECT wdek FROM orders WHERE id = 3"), "W3");
}

TEST_F(Sqlite, BytesGoThroughFunctions) {
  run("INSERT INTO orders VALUES (1,'k',x'0102ff',NULL)");
  EXPECT_NE(open(spec_of(file))->next(1)->front().problem.find("to_base64"), std::string::npos);
  TableSpec spec = spec_of(file);
  spec.query = "SELECT id, key_id AS key, to_base64(wdek) AS wdek FROM orders";
  spec.update =
      "UPDATE orders SET wdek = from_base64(:new_wdek) WHERE id = :id AND wdek = "
      "from_base64(:old_wdek)";
  auto table = open(spec);
  EXPECT_EQ(table->next(1)->front().wdek, "AQL/");
  const auto outcomes = table->change({{"1", true, "", "", "AQL/", "BAUG"}});
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->front().kind, Outcome::Kind::Changed);
  EXPECT_EQ(one("SELECT hex(wdek) FROM orders"), "040506");
}

TEST_F(Sqlite, StatementsThatCannotWorkAreNamed) {
  run("INSERT INTO orders VALUES (1,'k','W',NULL),(2,'k','W',NULL)");
  const auto refusal = [this](const std::function<void(TableSpec&)>& change) {
    TableSpec spec = spec_of(file);
    change(spec);
    auto table = open_table(spec);
    if (!table) return table.error().message;
    auto rows = (*table)->next(10);
    if (!rows) return rows.error().message;
    auto changed = (*table)->change({{"1", true, "k", "n", "W", "N"}});
    return changed ? std::string("none") : changed.error().message;
  };
  const std::pair<const char*, std::function<void(TableSpec&)>> cases[] = {
      {"unable to open", [](TableSpec& s) { s.connection += ".none"; }},
      {"syntax error", [](TableSpec& s) { s.query = "SELECT FROM orders"; }},
      {"a column wdek", [](TableSpec& s) { s.query = "SELECT id, key_id AS key FROM orders"; }},
      {"no such table",
       [](TableSpec& s) {
         s.update = "UPDATE x SET w = :new_wdek WHERE i = :id AND w = :old_wdek";
       }},
      {"must be one statement", [](TableSpec& s) { s.update += "; DELETE FROM orders"; }},
      {"there twice",
       [](TableSpec& s) { s.query = "SELECT 7 AS id, key_id AS key, wdek FROM orders"; }},
      {"changes 2 rows",
       [](TableSpec& s) {
         s.update = "UPDATE orders SET wdek = :new_wdek WHERE :id > 0 AND wdek = :old_wdek";
       }},
  };
  for (const auto& [why, change] : cases)
    EXPECT_NE(refusal(change).find(why), std::string::npos) << why << ": " << refusal(change);
  EXPECT_EQ(one("SELECT count(*) FROM orders WHERE wdek = 'W'"), "2");  // nothing half
}

}  // namespace
}  // namespace keyhaven::tables
