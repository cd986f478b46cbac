#include "migrate/table_rewrap.h"

#include <sqlite3.h>

#include "migrate/deks_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::content_of;
using testing::Deks;
using testing::FakeKey;

// A SQLite table of the application's, and what the application does meanwhile.
class ATable : public Deks {
 protected:
  ATable() {
    file_ = migration.directory / "app.db";
    EXPECT_EQ(sqlite3_open(file_.c_str(), &app_), SQLITE_OK);
    sqlite3_busy_timeout(app_, 5000);
    sql("CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, w TEXT, a TEXT, note TEXT)");
    to.table.name = "app";
    to.table.kind = "sqlite";
    to.table.connection = file_;
    to.table.query = "SELECT id, k AS key, w AS wdek, a AS aad FROM t";
    to.table.update = "UPDATE t SET w = :new_wdek, k = :new_key WHERE id = :id AND w = :old_wdek";
    to.table.batch = 10;
    to.record = migration.directory / "app.record";
    to.errors = migration.directory / "app.errors.csv";
    to.jobs = 2;
  }
  ~ATable() override { sqlite3_close(app_); }

  void sql(const std::string& text) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(app_, text.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  }
  std::string get(const std::string& text) {
    std::string out;
    sqlite3_exec(
        app_, text.c_str(),
        [](void* into, int, char** values, char**) {
          *static_cast<std::string*>(into) = values[0] == nullptr ? "" : values[0];
          return 0;
        },
        &out, nullptr);
    return out;
  }
  // As the application does it under the source's key.
  void write_old(int id, const std::string& dek, const std::string& key = "payroll") {
    sql("INSERT OR REPLACE INTO t VALUES (" + std::to_string(id) + ",'" + key + "','" +
        old(key, dek, {"row " + std::to_string(id)}) + "','[\"row " + std::to_string(id) +
        "\"]',NULL)");
  }
  std::string dek_in_target(int id) {
    const std::string where = " FROM t WHERE id = " + std::to_string(id);
    return migration.target.open(get("SELECT k" + where), get("SELECT w" + where),
                                 {"row " + std::to_string(id)});
  }
  Result<TableResult> run_table() {
    return rewrap_table(migration.plan, migration.source.side(), migration.target.side(), *journal,
                        to, notes);
  }
  VerifyResult verified(bool enable_suspended = false) {
    VerifyOptions with;
    with.enable_suspended = enable_suspended;
    with.table = to.table;
    with.record = to.record;
    auto result = verify(migration.plan, migration.source.side(), migration.target.side(), *journal,
                         with, notes);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? *result : VerifyResult();
  }
  unsigned wraps() {
    unsigned count = 0;
    for (const std::string& line : migration.target.log()) count += line.ends_with("/wrap");
    return count;
  }

  TableOptions to;

 private:
  std::string file_;
  sqlite3* app_ = nullptr;
};

TEST_F(ATable, IsMigratedInPlaceAndProved) {
  for (int id = 1; id <= 35; ++id) write_old(id, "dek " + std::to_string(id));
  write_old(40, "imported", migration.imported);
  sql("INSERT INTO t (id, k, note) VALUES (50, 'payroll', 'has no DEK')");
  const auto result = run_table();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rewrapped, 36U);
  EXPECT_EQ(result->rows, 36U);
  EXPECT_EQ(result->refused, 0U) << notes.text();
  EXPECT_EQ(result->passes, 2U);
  EXPECT_EQ(result->unsettled, 0U);
  for (int id = 1; id <= 35; ++id) EXPECT_EQ(dek_in_target(id), "dek " + std::to_string(id));
  EXPECT_EQ(dek_in_target(40), "imported");
  EXPECT_EQ(get("SELECT k FROM t WHERE id = 40"), target_of(migration.imported));
  const VerifyResult proof = verified();
  EXPECT_EQ(proof.deks, 36U);
  EXPECT_EQ(proof.deks_equal, 36U) << notes.text();
  EXPECT_TRUE(proof.finds_nothing_wrong());
  // Again: nothing is to be done, and nothing is.
  const unsigned before = wraps();
  const auto again = run_table();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->done_before, 36U);
  EXPECT_EQ(again->rewrapped, 0U);
  EXPECT_EQ(wraps(), before);
}

TEST_F(ATable, BadRowsAreListedAndTheRestGoesOn) {
  write_old(1, "good");
  write_old(2, "of nobody");
  sql("UPDATE t SET k = 'nobody' WHERE id = 2");
  write_old(3, "wrong aad");
  sql("UPDATE t SET a = '[\"other\"]' WHERE id = 3");
  write_old(4, "no list");
  sql("UPDATE t SET a = 'row 4' WHERE id = 4");
  write_old(5, "cut");
  sql("UPDATE t SET w = substr(w, 1, 9) WHERE id = 5");
  sql("INSERT INTO t VALUES (6, '', 'AAAA', NULL, NULL)");
  const auto result = run_table();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rewrapped, 1U);
  EXPECT_EQ(result->refused, 5U);
  EXPECT_EQ(dek_in_target(1), "good");
  const std::string errors = content_of(to.errors);
  for (const char* part : {"nobody,2,", "payroll,3,\"source: ", "payroll,4,\"not JSON",
                           "not whole base64", "key is empty"})
    EXPECT_NE(errors.find(part), std::string::npos) << part << "\n" << errors;
  EXPECT_EQ(verified().deks_unverifiable, 5U);
}

TEST_F(ATable, RowsWrittenMeanwhileAreFoundInTheNextPass) {
  for (int id = 1; id <= 25; ++id) write_old(id, "dek " + std::to_string(id));
  // The application writes while the tool asks the target: at its 5th wrap, one row that was read
  // already and one that is not there yet, before the place where the tool is.
  struct Meanwhile final : Observer {
    std::function<void()> act;
    void progress(std::uint64_t done, std::uint64_t) override {
      if (done == 15 && act) std::exchange(act, nullptr)();
    }
    void note(const std::string&) override {}
  } meanwhile;
  meanwhile.act = [this] {
    write_old(12, "written anew");  // of the page that was just read
    write_old(3, "after it was moved");
    write_old(0, "inserted before");
  };
  const auto result = rewrap_table(migration.plan, migration.source.side(), migration.target.side(),
                                   *journal, to, meanwhile);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->passes, 3U);
  EXPECT_EQ(dek_in_target(12), "written anew");
  EXPECT_EQ(dek_in_target(3), "after it was moved");
  EXPECT_EQ(dek_in_target(0), "inserted before");
  EXPECT_EQ(dek_in_target(25), "dek 25");
  EXPECT_EQ(verified().deks_equal, 26U) << notes.text();
}

TEST_F(ATable, AnApplicationThatNeverStopsIsSaidSo) {
  write_old(1, "dek");
  struct Writer final : Observer {
    std::function<void()> act;
    void progress(std::uint64_t, std::uint64_t) override { act(); }
    void note(const std::string&) override {}
  } writer;
  int count = 0;
  writer.act = [&] { write_old(1, "dek " + std::to_string(++count)); };
  to.most_passes = 4;
  const auto result = rewrap_table(migration.plan, migration.source.side(), migration.target.side(),
                                   *journal, to, writer);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->passes, 4U);
  EXPECT_GT(result->unsettled, 0U);
}

TEST_F(ATable, WhatTheApplicationWritesUnderTheTargetStays) {
  write_old(1, "old");
  const std::string id = target_of(migration.generated);
  const std::string by_alias = migration.target.wrap("payroll", "new by alias", {});
  const std::string by_id = migration.target.wrap(id, "new by id", {});
  sql("INSERT INTO t VALUES (2, 'payroll', '" + by_alias + "', NULL, NULL)");
  sql("INSERT INTO t VALUES (3, '" + id + "', '" + by_id + "', NULL, NULL)");
  const auto result = run_table();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rewrapped, 1U);
  EXPECT_EQ(result->of_target, 2U) << notes.text();
  EXPECT_EQ(result->refused, 0U) << notes.text();
  EXPECT_EQ(get("SELECT w FROM t WHERE id = 2"), by_alias);
  EXPECT_EQ(get("SELECT w FROM t WHERE id = 3"), by_id);
  const VerifyResult proof = verified();
  EXPECT_EQ(proof.deks_equal, 1U);
  EXPECT_EQ(proof.deks_of_target, 2U) << notes.text();
  EXPECT_TRUE(proof.finds_nothing_wrong());
}

TEST_F(ATable, ARunThatDiedBetweenRecordAndUpdateIsGoneOnWith) {
  write_old(1, "dek 1");
  write_old(2, "dek 2");
  const std::string before = get("SELECT w FROM t WHERE id = 2");
  ASSERT_TRUE(run_table());
  // As if the update of row 2 had never been committed.
  const std::string written = get("SELECT w FROM t WHERE id = 2");
  sql("UPDATE t SET k = 'payroll', w = '" + before + "' WHERE id = 2");
  const unsigned wrapped = wraps();
  const auto result = run_table();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->done_before, 1U);
  EXPECT_EQ(result->rewrapped, 1U);
  EXPECT_EQ(wraps(), wrapped);  // what was recorded is written; nothing is wrapped twice
  EXPECT_EQ(get("SELECT w FROM t WHERE id = 2"), written);
}

TEST_F(ATable, ALostRecordLosesNoDek) {
  write_old(1, "dek 1");
  write_old(2, "imported", migration.imported);
  ASSERT_TRUE(run_table());
  write_old(3, "dek 3");
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(to.record + end);
  const auto result = run_table();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->refused, 0U) << notes.text();
  EXPECT_EQ(dek_in_target(1), "dek 1");
  EXPECT_EQ(dek_in_target(2), "imported");
  EXPECT_EQ(dek_in_target(3), "dek 3");
}

TEST_F(ATable, UndoPutsBackWhatTheApplicationHasNotWrittenSince) {
  for (int id = 1; id <= 15; ++id) write_old(id, "dek " + std::to_string(id));
  const std::string first = get("SELECT k || w FROM t WHERE id = 1");
  ASSERT_TRUE(run_table());
  const std::string own = migration.target.wrap("payroll", "own", {"row 2"});
  sql("UPDATE t SET w = '" + own + "' WHERE id = 2");
  const auto undone = undo_table(migration.plan, to, notes);
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(undone->rewrapped, 14U);
  EXPECT_EQ(get("SELECT k || w FROM t WHERE id = 1"), first);
  EXPECT_EQ(get("SELECT w FROM t WHERE id = 2"), own);
  EXPECT_EQ(run_table()->rewrapped, 14U);  // and there again
  EXPECT_EQ(dek_in_target(15), "dek 15");
}

TEST_F(ATable, APlantedOtherDekIsFound) {
  write_old(1, "dek 1");
  write_old(2, "dek 2");
  ASSERT_TRUE(run_table());
  // In the record and in the table, so that nothing else shows it.
  auto record = TableRecord::open(to.record, migration.plan.id, "app");
  ASSERT_TRUE(record);
  auto row = (*record)->find("#2");
  ASSERT_TRUE(row && *row);
  (**row).new_wdek = migration.target.wrap("payroll", "dek X", {"row 2"});
  sql("UPDATE t SET w = '" + (**row).new_wdek + "' WHERE id = 2");
  ASSERT_TRUE((*record)->put({**row}));
  const VerifyResult proof = verified();
  EXPECT_EQ(proof.deks_equal, 1U);
  EXPECT_EQ(proof.deks_different, 1U);
}

TEST_F(ATable, TheDeksOfADisabledKeyAreVerifiedAfterTheyHaveMoved) {
  // A disabled key neither wraps nor unwraps, on either side.
  const auto wake = [this](int state) {
    migration.source.change(migration.suspended, [state](FakeKey& key) { key.state = state; });
  };
  wake(client::kActive);
  write_old(1, "asleep", migration.suspended);
  wake(client::kSuspended);
  to.enable_suspended = true;
  const auto moved = run_table();
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->rewrapped, 1U) << notes.text();
  EXPECT_EQ(get("SELECT k FROM t WHERE id = 1"), target_of(migration.suspended));
  EXPECT_EQ(verified().deks_unverifiable, 1U);  // not asked to enable it
  const VerifyResult proof = verified(/*enable_suspended=*/true);
  EXPECT_EQ(proof.deks_equal, 1U) << notes.text();
  EXPECT_EQ(migration.source.key(migration.suspended).state, client::kSuspended);
  EXPECT_EQ(migration.target.key(target_of(migration.suspended)).state, client::kSuspended);
}

TEST_F(ATable, ARecordOfAnotherTableOrPlanIsRefused) {
  write_old(1, "dek");
  ASSERT_TRUE(run_table());
  EXPECT_EQ(TableRecord::open(to.record, migration.plan.id, "other").error().reason,
            Reason::Conflict);
  EXPECT_EQ(TableRecord::open(to.record, "another", "app").error().reason, Reason::Conflict);
}

TEST_F(ATable, IsPartOfThePlan) {
  migration.plan.tables = {to.table};
  const auto read = plan_from_yaml(to_yaml(migration.plan));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->tables, migration.plan.tables);
  migration.plan.tables = {to.table, to.table};
  EXPECT_FALSE(plan_from_yaml(to_yaml(migration.plan)));
  migration.plan.tables = {to.table};
  migration.plan.tables[0].update = "DELETE FROM t";
  const auto bad = plan_from_yaml(to_yaml(migration.plan));
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("must use :new_wdek"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::migrate
