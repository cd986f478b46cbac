// For the tests of this folder only: a migration whose keys are carried, with what the tests of
// rewrap and verify do to it.
#pragma once

#include "migrate/apply.h"
#include "migrate/rewrap.h"
#include "migrate/service_for_tests.h"
#include "migrate/verify.h"

namespace keyhaven::migrate::testing {

// A migration whose keys are carried, and an inventory of old wrapped DEKs.
class Deks : public ::testing::Test {
 protected:
  Deks() {
    journal = migration.journal();
    const auto applied = apply(migration.plan, migration.source.side(), migration.target.side(),
                               *journal, migration.owner_material(), {.jobs = 1}, notes);
    EXPECT_TRUE(applied && applied->failed == 0) << notes.text();
    notes.lines.clear();
  }
  std::string old(const std::string& key, const std::string& dek, const client::AadList& aad = {}) {
    return migration.source.wrap(key, dek, aad);
  }
  std::string target_of(const std::string& source) {
    return journal->find(source, "create").value()->detail;
  }
  void write_inventory(const std::string& rows) {
    options.inventory = migration.directory.write("deks.csv", "key,wdek,aad,ref\n" + rows);
    options.out = migration.directory / "new.csv";
  }
  Result<RewrapResult> run() {
    return rewrap(migration.plan, migration.source.side(), migration.target.side(), *journal,
                  options, notes);
  }
  Result<VerifyResult> check(VerifyOptions with = {}) {
    with.inventory = options.inventory;
    with.rewrapped = options.out;
    return verify(migration.plan, migration.source.side(), migration.target.side(), *journal, with,
                  notes);
  }
  std::vector<InventoryRow> new_rows() {
    std::vector<InventoryRow> out;
    auto reader = InventoryReader::open(options.out);
    EXPECT_TRUE(reader) << (reader ? "" : reader.error().message);
    while (reader) {
      auto item = (*reader)->next();
      if (!item || !*item) break;
      EXPECT_TRUE((**item).row);
      out.push_back(std::move(*(**item).row));
    }
    return out;
  }
  // Replaces the new inventory by its rows after a change.
  void tamper(const std::function<void(std::vector<InventoryRow>&)>& how) {
    std::vector<InventoryRow> rows = new_rows();
    how(rows);
    std::string text = header_of({});
    for (const InventoryRow& row : rows) append_row(text, {}, row);
    migration.directory.write("new.csv", text);
  }
  // One row of each way to name a key, all good.
  void write_good_inventory() {
    write_inventory(migration.imported + "," + old(migration.imported, "dek-1") + ",,one\n" +
                    "payroll," + old(migration.generated, "dek-2", {"ctx"}) +
                    ",\"[\"\"ctx\"\"]\",two\n" + migration.planned(migration.generated).crn + "," +
                    old(migration.generated, "dek-3") + ",[],three\n");
  }

  Migration migration;
  Notes notes;
  std::unique_ptr<Journal> journal;
  RewrapOptions options;
};

}  // namespace keyhaven::migrate::testing
