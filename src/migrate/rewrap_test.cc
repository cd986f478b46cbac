#include "migrate/rewrap.h"

#include "migrate/deks_for_tests.h"

#include "migrate/verify_keys.h"

namespace keyhaven::migrate {
namespace {

using testing::Deks;
using testing::FakeKey;
using testing::FakeService;
using testing::Migration;
using testing::Notes;

TEST_F(Deks, AreTheSameUnderTheNewKeysAndKeepTheirOrder) {
  write_good_inventory();
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows, 3U);
  EXPECT_EQ(result->rewrapped, 3U);
  EXPECT_EQ(result->refused, 0U) << notes.text();
  const auto rows = new_rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].key, target_of(migration.imported));
  EXPECT_EQ(rows[1].key, "payroll");  // an alias stays: clients need no change
  EXPECT_EQ(rows[2].key, target_of(migration.generated));
  EXPECT_EQ(rows[0].ref, "one");
  EXPECT_EQ(rows[1].aad_text, "[\"ctx\"]");
  EXPECT_EQ(rows[2].aad_text, "[]");
  EXPECT_EQ(migration.target.open(rows[0].key, rows[0].wdek, {}), "dek-1");
  EXPECT_EQ(migration.target.open(rows[1].key, rows[1].wdek, {"ctx"}), "dek-2");
  EXPECT_EQ(migration.target.open(rows[2].key, rows[2].wdek, {}), "dek-3");
  EXPECT_EQ(testing::content_of(errors_path(options.out)), "line,key,ref,problem\n");

  const auto verified = check();
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->deks, 3U);
  EXPECT_EQ(verified->deks_equal, 3U);
  EXPECT_EQ(verified->keys_compared, 4U);
  EXPECT_EQ(verified->standard_keys, 1U);
  EXPECT_EQ(verified->standard_equal, 1U);
  EXPECT_TRUE(verified->finds_nothing_wrong()) << notes.text();
}

TEST_F(Deks, OfAnImportedKeyOpenUnchanged) {
  const std::string wdek = old(migration.imported, "dek");
  EXPECT_EQ(migration.target.open(target_of(migration.imported), wdek, {}), "dek");
}

TEST_F(Deks, RefusedRowsAreListedAndTheRestGoesOn) {
  const std::string good = old(migration.generated, "dek", {"a"});
  write_inventory("payroll," + good + ",\"[\"\"a\"\"]\",good-1\n" +                  // 2
                  "payroll," + good + ",\"[\"\"b\"\"]\",wrong aad\n" +               // 3
                  "payroll," + good.substr(0, 8) + ",\"[\"\"a\"\"]\",truncated\n" +  // 4
                  "nobody," + good + ",,unknown\n" +                                 // 5
                  migration.standard + "," + good + ",,standard\n" +                 // 6
                  migration.suspended + "," + old(migration.suspended, "d") +
                  ",,suspended\n" +                                     // 7
                  migration.destroyed + "," + good + ",,destroyed\n" +  // 8
                  "payroll,\"" + good + ",,open quote\n" +              // 9
                  "payroll," + good + ",[,bad aad\n" +                  // 10
                  "payroll," + good + ",\"[\"\"a\"\"]\",good-2\n");     // 11
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows, 10U);
  EXPECT_EQ(result->rewrapped, 2U);
  EXPECT_EQ(result->refused, 8U);
  const auto rows = new_rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].ref, "good-1");
  EXPECT_EQ(rows[1].ref, "good-2");

  std::ifstream in(errors_path(options.out));
  CsvReader reader(in);
  std::map<std::string, std::string> problems;
  for (auto record = reader.next(); record && *record; record = reader.next())
    problems[(**record).fields.at(0)] = (**record).fields.at(3);
  const std::pair<const char*, const char*> expected[] = {
      {"3", "source: "},
      {"4", "source: "},
      {"5", "the plan has no such key"},
      {"6", "standard key"},
      {"7", "source: "},
      {"8", "only reported"},
      {"9", "text after a closing quote"},
      {"10", "not JSON"},
  };
  for (const auto& [line, problem] : expected)
    EXPECT_NE(problems[line].find(problem), std::string::npos) << line << ": " << problems[line];
  EXPECT_EQ(problems.size(), 9U);  // with the header

  const auto verified = check();
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->deks, 10U);
  EXPECT_EQ(verified->deks_equal, 2U);
  EXPECT_EQ(verified->deks_unverifiable, 8U);
  EXPECT_EQ(verified->deks_different, 0U);
  EXPECT_FALSE(verified->finds_nothing_wrong());
}

TEST_F(Deks, ManyRowsAndWorkersKeepTheOrder) {
  std::string rows;
  for (int i = 0; i < 700; ++i)
    rows += "wages," + old(migration.generated, "dek " + std::to_string(i)) + ",," +
            std::to_string(i) + "\n";
  write_inventory(rows);
  options.jobs = 5;
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rewrapped, 700U);
  const auto out = new_rows();
  ASSERT_EQ(out.size(), 700U);
  for (int i = 0; i < 700; ++i) {
    const InventoryRow& row = out[static_cast<std::size_t>(i)];
    EXPECT_EQ(row.ref, std::to_string(i));
    EXPECT_EQ(migration.target.open(row.key, row.wdek, {}), "dek " + std::to_string(i));
  }
  VerifyOptions sample;
  sample.every = 10;
  sample.jobs = 3;
  const auto verified = check(sample);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->deks, 70U);
  EXPECT_EQ(verified->deks_equal, 70U);
  EXPECT_EQ(verified->deks_not_sampled, 630U);
}

TEST_F(Deks, NoPlaintextIsWrittenAnywhere) {
  const std::string secret = "plaintext-of-a-dek";
  write_inventory("payroll," + old(migration.generated, secret) + ",,r\n" + "payroll," +
                  old(migration.generated, secret, {"x"}) + ",,wrong\n");
  ASSERT_TRUE(run());
  ASSERT_TRUE(check());
  const std::string encoded = to_base64(as_bytes(secret));
  for (const char* name : {"new.csv.errors.csv", "journal"}) {
    const std::string content = testing::content_of(migration.directory / name);
    EXPECT_EQ(content.find(secret), std::string::npos) << name;
    EXPECT_EQ(content.find(encoded), std::string::npos) << name;
  }
  EXPECT_EQ(notes.text().find(secret), std::string::npos);
  EXPECT_EQ(notes.text().find(encoded), std::string::npos);
}

TEST_F(Deks, TheInventoryIsNeverReplaced) {
  write_good_inventory();
  const std::string before = testing::content_of(options.inventory);
  options.out = options.inventory;
  EXPECT_EQ(run().error().reason, Reason::InvalidArgument);
  std::filesystem::create_symlink(options.inventory, migration.directory / "link.csv");
  options.out = migration.directory / "link.csv";
  EXPECT_FALSE(run());
  EXPECT_EQ(testing::content_of(options.inventory), before);
}

TEST_F(Deks, AFailedRunLeavesNothing) {
  write_good_inventory();
  options.inventory = migration.directory.write("bad.csv", "key,owner\n");
  EXPECT_FALSE(run());
  EXPECT_FALSE(std::filesystem::exists(options.out));
  EXPECT_FALSE(std::filesystem::exists(options.out + ".partial"));
  EXPECT_FALSE(std::filesystem::exists(errors_path(options.out)));
}

TEST_F(Deks, LostAnswersDoNoHarm) {
  write_good_inventory();
  for (const auto trouble : {FakeService::Trouble::Cut, FakeService::Trouble::Status503}) {
    for (unsigned at = 1; at <= 3; ++at) {
      migration.source.trouble_at(at, trouble);
      migration.target.trouble_at(at, trouble);
      options.jobs = 1;
      const auto result = run();
      ASSERT_TRUE(result);
      EXPECT_EQ(result->rewrapped, 3U) << notes.text();
      const auto verified = check();
      ASSERT_TRUE(verified);
      EXPECT_TRUE(verified->finds_nothing_wrong()) << notes.text();
    }
  }
}

TEST_F(Deks, AKeyThatIsNotCompletelyCarriedTakesNone) {
  write_good_inventory();
  ASSERT_TRUE(journal->intend(migration.generated, "alias:wages"));  // as if it had been killed
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rewrapped, 1U);
  EXPECT_NE(notes.text().find("not completely"), std::string::npos) << notes.text();
}

TEST_F(Deks, GoWhereThePlanSendsThem) {
  for (PlannedKey& key : migration.plan.keys) {
    if (key.source != migration.generated) continue;
    key.action = KeyAction::Report;
    key.dek_target = target_of(migration.imported);
  }
  write_inventory("payroll," + old(migration.generated, "dek") + ",,r\n");
  ASSERT_TRUE(run());
  const auto rows = new_rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, target_of(migration.imported));
  EXPECT_EQ(migration.target.open(rows[0].key, rows[0].wdek, {}), "dek");
}

TEST_F(Deks, OfADisabledKeyMoveWhenItIsEnabledForTheRun) {
  write_inventory(migration.suspended + "," + [this] {
    migration.source.change(migration.suspended, [](FakeKey& key) { key.state = 1; });
    const std::string wdek = old(migration.suspended, "dek");
    migration.source.change(migration.suspended, [](FakeKey& key) { key.state = 2; });
    return wdek;
  }() + ",,r\n");
  EXPECT_EQ(run()->refused, 1U);
  options.enable_suspended = true;
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rewrapped, 1U) << notes.text();
  EXPECT_EQ(result->still_enabled, 0U);
  EXPECT_EQ(migration.source.key(migration.suspended).state, client::kSuspended);
  EXPECT_EQ(migration.target.key(target_of(migration.suspended)).state, client::kSuspended);
  EXPECT_NE(notes.text().find("enabled for this run in the source"), std::string::npos);
  EXPECT_NE(notes.text().find("disabled again in the target"), std::string::npos);

  EXPECT_EQ(check()->deks_unverifiable, 1U);
  VerifyOptions enabling;
  enabling.enable_suspended = true;
  const auto verified = check(enabling);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->deks_equal, 1U) << notes.text();
  EXPECT_EQ(migration.source.key(migration.suspended).state, client::kSuspended);
}

TEST_F(Deks, AKeyLeftEnabledByADeadRunIsDisabledByTheNext) {
  write_good_inventory();
  ASSERT_TRUE(journal->intend(migration.suspended, "enabled:source", migration.suspended));
  migration.source.change(migration.suspended, [](FakeKey& key) { key.state = 1; });
  ASSERT_TRUE(run());
  EXPECT_EQ(migration.source.key(migration.suspended).state, client::kSuspended);
  EXPECT_TRUE(journal->find(migration.suspended, "enabled:source").value()->done);
}

TEST_F(Deks, AKeyThatItsOwnerEnabledStaysSo) {
  write_inventory(migration.suspended + "," + old(migration.suspended, "dek") + ",,r\n");
  migration.source.change(migration.suspended, [](FakeKey& key) { key.state = 1; });
  options.enable_suspended = true;
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rewrapped, 1U) << notes.text();
  EXPECT_EQ(migration.source.key(migration.suspended).state, client::kActive);
  EXPECT_EQ(migration.target.key(target_of(migration.suspended)).state, client::kSuspended);
}

// --- verify finds what is wrong ---

TEST_F(Deks, APlantedOtherDekIsFound) {
  write_good_inventory();
  ASSERT_TRUE(run());
  tamper([this](std::vector<InventoryRow>& rows) {
    rows[1].wdek = migration.target.wrap("payroll", "dek-X", {"ctx"});
  });
  const auto verified = check();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->deks_equal, 2U);
  EXPECT_EQ(verified->deks_different, 1U);
  EXPECT_FALSE(verified->finds_nothing_wrong());
  EXPECT_EQ(notes.text(), "line 3: the DEKs differ\n");
}

TEST_F(Deks, AnotherKeyAadOrADamagedWdekCannotBeVerified) {
  const std::pair<const char*, std::function<void(InventoryRow&)>> cases[] = {
      {"target: ", [this](InventoryRow& row) { row.key = target_of(migration.imported); }},
      {"target: ", [](InventoryRow& row) { row.key = "nobody"; }},
      {"another AAD", [](InventoryRow& row) { row.aad_text = "[\"other\"]"; }},
      {"target: ", [](InventoryRow& row) { row.wdek.resize(12); }},
  };
  for (const auto& [why, how] : cases) {
    write_good_inventory();
    ASSERT_TRUE(run());
    notes.lines.clear();
    tamper([&how](std::vector<InventoryRow>& rows) { how(rows[1]); });
    const auto verified = check();
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->deks_equal, 2U);
    EXPECT_EQ(verified->deks_unverifiable, 1U);
    ASSERT_EQ(notes.lines.size(), 1U);
    EXPECT_NE(notes.lines[0].find(why), std::string::npos) << notes.lines[0];
  }
}

TEST_F(Deks, WhatTheSourceNoLongerOpensCannotBeVerified) {
  write_good_inventory();
  ASSERT_TRUE(run());
  migration.source.change(migration.imported, [](FakeKey& key) { key.state = client::kSuspended; });
  const auto verified = check();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->deks_unverifiable, 1U);
  EXPECT_EQ(verified->deks_equal, 2U);
}

TEST_F(Deks, InventoriesThatDoNotBelongTogetherAreRefused) {
  const std::function<void(std::vector<InventoryRow>&)> cases[] = {
      [](std::vector<InventoryRow>& rows) { rows.pop_back(); },
      [](std::vector<InventoryRow>& rows) { rows.push_back(rows.back()); },
      [](std::vector<InventoryRow>& rows) { std::swap(rows[0], rows[1]); },
      [](std::vector<InventoryRow>& rows) { rows[2].ref = "other"; },
  };
  for (const auto& how : cases) {
    write_good_inventory();
    ASSERT_TRUE(run());
    tamper(how);
    const auto verified = check();
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().reason, Reason::Conflict);
  }
  write_good_inventory();
  ASSERT_TRUE(run());
  migration.directory.write("new.csv.errors.csv", "line,key,ref,problem\nx,k,r,p\n");
  EXPECT_EQ(check().error().reason, Reason::Conflict);
}

TEST_F(Deks, DifferencesOfKeysAreFound) {
  write_good_inventory();
  ASSERT_TRUE(run());
  migration.target.change("payroll", [](FakeKey& key) {
    key.description = "changed";
    key.aliases.pop_back();
  });
  migration.target.change(target_of(migration.standard),
                          [](FakeKey& key) { key.material = {"b3RoZXI="}; });
  migration.target.change(target_of(migration.imported),
                          [](FakeKey& key) { key.material.pop_back(); });
  const auto verified = check();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->metadata_differences, 3U) << notes.text();
  EXPECT_EQ(verified->standard_equal, 0U);
  EXPECT_NE(notes.text().find("description differs"), std::string::npos);
  EXPECT_NE(notes.text().find("aliases differs"), std::string::npos);
  EXPECT_NE(notes.text().find("versions are missing"), std::string::npos);
  EXPECT_NE(notes.text().find("payloads differ"), std::string::npos);
}

TEST(Verify, KeysThatAreNotCarriedAreMissing) {
  Migration migration;
  Notes notes;
  const auto journal = migration.journal();
  const auto verified = verify(migration.plan, migration.source.side(), migration.target.side(),
                               *journal, VerifyOptions(), notes);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->keys_missing, 4U);
  EXPECT_FALSE(verified->finds_nothing_wrong());
}

// --- Pure parts ---

TEST(DekRoutes, EachNameLeadsToItsKeyOrToAReason) {
  testing::TemporaryDirectory directory;
  const auto journal = Journal::open(directory / "j", {"p", "s", "t"});
  ASSERT_TRUE(journal);
  Plan plan;
  const auto add = [&plan](const std::string& source, KeyAction action) -> PlannedKey& {
    PlannedKey key;
    key.source = source;
    key.crn = "crn:" + source;
    key.action = action;
    plan.keys.push_back(key);
    return plan.keys.back();
  };
  add("carried", KeyAction::Generate).aliases = {"alias", "waiting"};
  add("waiting", KeyAction::Generate);
  add("blocked", KeyAction::Blocked).blocked = "why";
  add("reported", KeyAction::Report);
  add("sent", KeyAction::Report).dek_target = "elsewhere";
  add("standard", KeyAction::Copy).root = false;
  for (const char* step : {"create", "release", "alias:alias", "alias:waiting"})
    ASSERT_TRUE((*journal)->finish("carried", step, "target-id"));
  const auto routes = DekRoutes::make(plan, **journal);
  ASSERT_TRUE(routes);
  for (const char* name : {"carried", "crn:carried", "alias"}) {
    EXPECT_EQ(routes->find(name).target, "target-id") << name;
    EXPECT_EQ(routes->find(name).refusal, "") << name;
  }
  // An alias of one key that is the id of another: the id wins.
  EXPECT_EQ(routes->find("waiting").key->source, "waiting");
  const std::pair<const char*, const char*> refused[] = {
      {"waiting", "not carried"},    {"blocked", "blocked in the plan: why"},
      {"reported", "only reported"}, {"standard", "standard key"},
      {"nobody", "no such key"},     {"", "no such key"},
  };
  for (const auto& [name, why] : refused)
    EXPECT_NE(routes->find(name).refusal.find(why), std::string::npos) << name;
  EXPECT_EQ(routes->find("sent").target, "elsewhere");
  EXPECT_EQ(DekRoutes::target_name(routes->find("alias"), "alias"), "alias");
  EXPECT_EQ(DekRoutes::target_name(routes->find("carried"), "carried"), "target-id");
  EXPECT_EQ(DekRoutes::target_name(routes->find("crn:carried"), "crn:carried"), "target-id");
  EXPECT_EQ(DekRoutes::target_name(routes->find("sent"), "sent"), "elsewhere");
}

struct Described {
  PlannedKey plan;
  client::Key source;
  client::Key target;
};

Described same() {
  Described out;
  out.plan.name = out.source.name = out.target.name = "n";
  out.plan.tags = out.source.tags = {"a", "b"};
  out.target.tags = {"b", "a"};
  out.plan.key_ring = out.source.key_ring = out.target.key_ring = "default";
  return out;
}

TEST(MetadataDifferences, Table) {
  const std::tuple<const char*, std::function<void(Described&)>, std::vector<std::string>> cases[] =
      {
          {"equal", [](Described&) {}, {}},
          {"name", [](Described& d) { d.target.name = "x"; }, {"name differs"}},
          {"renamed in the plan", [](Described& d) { d.plan.name = d.target.name = "x"; }, {}},
          {"description",
           [](Described& d) { d.target.description = "x"; },
           {"description differs"}},
          {"tags", [](Described& d) { d.target.tags = {"a"}; }, {"tags differs"}},
          {"kind", [](Described& d) { d.target.extractable = true; }, {"kind differs"}},
          {"alias",
           [](Described& d) { d.plan.aliases = d.source.aliases = {"a"}; },
           {"aliases differs"}},
          {"alias taken out by the reviewer", [](Described& d) { d.source.aliases = {"a"}; }, {}},
          {"ring", [](Described& d) { d.target.key_ring = "x"; }, {"key ring differs"}},
          {"origin", [](Described& d) { d.plan.action = KeyAction::Import; }, {"origin differs"}},
          {"imported",
           [](Described& d) {
             d.plan.action = KeyAction::Import;
             d.target.imported = true;
           },
           {}},
          {"expiry",
           [](Described& d) { d.plan.expires = d.source.expires = Timestamp{1}; },
           {"expiration date differs"}},
          {"expiry dropped",
           [](Described& d) {
             d.plan.expires = d.source.expires = Timestamp{1};
             d.plan.when_expired = "without-expiration";
             d.source.state = d.plan.state = client::kDeactivated;
           },
           {}},
          {"expiry not dropped",
           [](Described& d) {
             d.plan.expires = d.source.expires = d.target.expires = Timestamp{1};
             d.plan.when_expired = "without-expiration";
           },
           {"expiration date differs"}},
          {"suspended",
           [](Described& d) { d.plan.state = d.source.state = client::kSuspended; },
           {"state differs"}},
          {"source disabled afterwards",
           [](Described& d) { d.source.state = client::kSuspended; },
           {}},
          {"both expired since",
           [](Described& d) { d.source.state = d.target.state = client::kDeactivated; },
           {}},
          {"destroyed",
           [](Described& d) { d.target.state = client::kDestroyed; },
           {"state differs"}},
          {"not active yet", [](Described& d) { d.plan.state = d.source.state = 0; }, {}},
      };
  for (const auto& [name, change, expected] : cases) {
    Described described = same();
    change(described);
    EXPECT_EQ(metadata_differences(described.plan, described.source, described.target), expected)
        << name;
  }
}

TEST(PlanDecisions, AreToldApart) {
  Described described = same();
  EXPECT_TRUE(plan_decisions(described.plan, described.source).empty());
  described.source.name = "renamed since";
  described.plan.aliases = {"x"};
  EXPECT_EQ(plan_decisions(described.plan, described.source),
            (std::vector<std::string>{"the plan has another name than the source",
                                      "the plan has another list of aliases than the source"}));
}

}  // namespace
}  // namespace keyhaven::migrate
