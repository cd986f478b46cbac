// Rewrap that goes on where an interrupted run was, tells a program, or works on a directory.
#include "migrate/deks_for_tests.h"
#include "migrate/inventory_count.h"

namespace keyhaven::migrate {
namespace {

using testing::content_of;
using testing::Deks;

class Resume : public Deks {
 protected:
  // `count` rows of the generated key.
  void write_rows(int count, const std::string& changed = {}) {
    std::string rows;
    for (int i = 0; i < count; ++i) {
      const std::string dek = i == 0 ? "dek 0" + changed : "dek " + std::to_string(i);
      rows += "payroll," + old(migration.generated, dek) + ",," + std::to_string(i) + "\n";
    }
    write_inventory(rows);
    options.program_patience = std::chrono::seconds(20);
    options.jobs = 1;  // blocks of 64 rows
    options.checkpoint_rows = 128;
  }
  // A target that nobody serves.
  Side nobody() const {
    client::RetryPolicy retry;
    retry.max_attempts = 1;
    client::TokenOptions tokens;
    tokens.iam_url = migration.target.ref().url;
    tokens.ca_pem = migration.target.ca_pem();
    tokens.api_key = SecretBytes::copy_of(std::string_view("test-api-key"));
    client::Endpoint endpoint;
    endpoint.url = "https://127.0.0.1:1";
    endpoint.ca_pem = migration.target.ca_pem();
    endpoint.instance = "target-instance";
    auto source = client::TokenSource::create(std::move(tokens));
    EXPECT_TRUE(source);
    return Side(endpoint, std::move(*source), "0a1b2c3d", retry);
  }
  unsigned unwraps() {
    unsigned count = 0;
    for (const std::string& line : migration.source.log()) count += line.ends_with("/unwrap");
    return count;
  }
  void expect_whole(int count) {
    const auto rows = new_rows();
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const InventoryRow& row = rows[static_cast<std::size_t>(i)];
      EXPECT_EQ(row.ref, std::to_string(i));
      EXPECT_TRUE(
          migration.target.open(row.key, row.wdek, {}).starts_with("dek " + std::to_string(i)));
    }
    const auto verified = check();
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_TRUE(verified->finds_nothing_wrong()) << notes.text();
  }
  // A run that ends after 300 of 500 rows: the program dies then.
  void interrupt() {
    std::filesystem::remove(options.out);
    write_rows(500);
    options.program = {migration.directory.write(
        "dies",
        "#!/bin/sh\nn=0\nwhile read -r l; do n=$((n+1)); [ $n -gt 300 ] && exit 1; echo "
        "'{\"seq\":'$n',\"ok\":true}'; done\n",
        0700)};
    options.checkpoint_rows = 512;  // with a program: every 128 rows
    const auto result = run();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("ended after"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(options.out));
    options.program.clear();
    notes.lines.clear();
  }
};

TEST_F(Resume, DoesNotRepeatWhatIsDurable) {
  interrupt();
  const unsigned before = unwraps();
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->went_on_after, 256U);  // two checkpoints of 128 rows
  EXPECT_EQ(result->rows, 500U);
  EXPECT_EQ(result->rewrapped, 500U);
  EXPECT_EQ(unwraps() - before, 244U);
  EXPECT_EQ(notes.lines.at(0), "going on after row 256 of the inventory");
  expect_whole(500);
  // The next run is a new one.
  EXPECT_EQ(run()->went_on_after, 0U);
}

TEST_F(Resume, StartsAnewWhenWhatWasDoneHasChanged) {
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"a row of the inventory", [this] { write_rows(500, "!"); }},
      {"fewer rows", [this] { write_rows(100); }},
      {"the partial output",
       [this] { migration.directory.write("new.csv.partial", "key,wdek\n"); }},
      {"the partial errors are gone",
       [this] { std::filesystem::remove(errors_path(options.out) + ".partial"); }},
      {"where the DEKs go",
       [this] {
         for (PlannedKey& key : migration.plan.keys)
           if (key.source == migration.imported) key.dek_target = "elsewhere";
       }},
  };
  for (const auto& [what, change] : cases) {
    interrupt();
    change();
    const auto result = run();
    ASSERT_TRUE(result) << what << ": " << result.error().message;
    EXPECT_EQ(result->went_on_after, 0U) << what;
    EXPECT_EQ(result->rewrapped, result->rows) << what;
    EXPECT_NE(notes.text().find("starting anew"), std::string::npos) << what;
  }
}

TEST_F(Resume, RowsAfterTheDonePartMayHaveBeenAdded) {
  interrupt();
  std::string more = content_of(options.inventory);
  more += "payroll," + old(migration.generated, "dek 500") + ",,500\n";
  migration.directory.write("deks.csv", more);
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->went_on_after, 256U);
  expect_whole(501);
}

TEST_F(Resume, AServiceThatIsDownEndsTheRunAndNoRowIsBlamed) {
  write_rows(300);
  const auto stopped =
      rewrap(migration.plan, migration.source.side(), nobody(), *journal, options, notes);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().reason, Reason::UnitUnavailable);
  EXPECT_NE(stopped.error().message.find("run the same command again"), std::string::npos);
  EXPECT_TRUE(notes.lines.empty()) << notes.text();
  ASSERT_TRUE(run());
  expect_whole(300);
}

TEST_F(Resume, ARefusedRowOfAProgramIsListed) {
  write_rows(3);
  options.program = {migration.directory.write(
      "refuses",
      "#!/bin/sh\nn=0\nwhile read -r l; do n=$((n+1)); case \"$l\" in *'\"ref\":\"1\"'*) echo "
      "'{\"seq\":'$n',\"ok\":false,\"error\":\"row 1 is locked\"}';; *) echo "
      "'{\"seq\":'$n',\"ok\":true}';; esac; done\n",
      0700)};
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rewrapped, 2U);
  EXPECT_EQ(result->refused, 1U);
  EXPECT_NE(content_of(errors_path(options.out)).find("program: row 1 is locked"),
            std::string::npos);
}

TEST_F(Resume, AProgramSeesOldAndNewAndNoPlaintext) {
  write_inventory("payroll," + old(migration.generated, "plain-dek", {"a,b", "\"q\""}) +
                  ",\"[\"\"a,b\"\",\"\"\\\"\"q\\\"\"\"\"]\",row 1\n");
  const std::string store = migration.directory / "stored";
  options.program = {migration.directory.write("stores",
                                               "#!/bin/sh\nread -r l; printf '%s\\n' \"$l\" > " +
                                                   store + "; echo '{\"seq\":1,\"ok\":true}'\n",
                                               0700)};
  ASSERT_TRUE(run()) << notes.text();
  const auto told = boost::json::parse(content_of(store));
  const auto text = [&told](const char* name) { return std::string(told.at(name).as_string()); };
  EXPECT_EQ(text("ref"), "row 1");
  EXPECT_EQ(told.at("line").to_number<int>(), 2);
  EXPECT_EQ(boost::json::serialize(told.at("aad")), "[\"a,b\",\"\\\"q\\\"\"]");
  EXPECT_EQ(text("key"), "payroll");
  const auto rows = new_rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(text("new_wdek"), rows[0].wdek);
  EXPECT_EQ(text("new_key"), rows[0].key);
  EXPECT_NE(text("wdek"), text("new_wdek"));
  EXPECT_EQ(content_of(store).find("plain-dek"), std::string::npos);
  EXPECT_EQ(content_of(store).find(to_base64(as_bytes("plain-dek"))), std::string::npos);
}

// --- directories ---

class InADirectory : public Deks {
 protected:
  InADirectory() {
    options.inventory = migration.directory / "in";
    options.out = migration.directory / "out";
    std::filesystem::create_directories(migration.directory / "in/sub");
  }
  void add(const std::string& path, const std::string& key, const std::string& dek,
           const client::AadList& aad = {}) {
    migration.directory.write("in/" + path, old(key, dek, aad) + "\n");
    boost::json::object sidecar{{"key", key}, {"owner", "me"}};
    if (!aad.empty()) sidecar["aad"] = boost::json::array(aad.begin(), aad.end());
    migration.directory.write("in/" + path + ".json", boost::json::serialize(sidecar));
  }
  std::string opened(const std::string& path, const client::AadList& aad = {}) {
    const auto sidecar = boost::json::parse(content_of(options.out + "/" + path + ".json"));
    std::string wdek = content_of(options.out + "/" + path);
    EXPECT_TRUE(wdek.ends_with('\n'));
    wdek.pop_back();
    EXPECT_EQ(std::string(sidecar.at("owner").as_string()), "me");
    return migration.target.open(std::string(sidecar.at("key").as_string()), wdek, aad);
  }
};

TEST_F(InADirectory, EachFileIsMirroredAndVerified) {
  add("a", migration.imported, "dek a", {"x"});
  add("sub/b", "payroll", "dek b");
  add("sub/c", "payroll", "dek c");
  migration.directory.write("in/sub/c.json", "{\"key\":\"nobody\"}");
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows, 3U);
  EXPECT_EQ(result->rewrapped, 2U);
  EXPECT_EQ(result->refused, 1U);
  EXPECT_EQ(opened("a", {"x"}), "dek a");
  EXPECT_EQ(opened("sub/b"), "dek b");
  EXPECT_FALSE(std::filesystem::exists(options.out + "/sub/c"));
  EXPECT_NE(content_of(errors_path(options.out)).find("sub/c"), std::string::npos);
  const auto verified = check();
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->deks_equal, 2U);
  EXPECT_EQ(verified->deks_unverifiable, 1U);
  const auto names = names_in(options.inventory, "");
  ASSERT_TRUE(names);
  EXPECT_TRUE(names->contains("payroll"));
}

TEST_F(InADirectory, ASecondRunDoesOnlyWhatIsNewOrChanged) {
  add("a", migration.imported, "dek a");
  add("b", "payroll", "dek b");
  ASSERT_TRUE(run());
  const std::string a = content_of(options.out + "/a");
  add("b", "payroll", "another b");
  add("c", "payroll", "dek c");
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->went_on_after, 1U);
  EXPECT_EQ(result->rewrapped, 3U);
  EXPECT_EQ(content_of(options.out + "/a"), a);
  EXPECT_EQ(opened("b"), "another b");
  EXPECT_EQ(opened("c"), "dek c");
}

TEST_F(InADirectory, ARuleNamesTheKeyInThePath) {
  const auto in = [this](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(
        std::filesystem::path(migration.directory / ("in/" + path)).parent_path());
    migration.directory.write("in/" + path, text);
  };
  in(migration.imported + "/1.wdek", old(migration.imported, "one"));
  in("payroll/2.wdek", old(migration.generated, "two"));
  in("stray", "AAAA");
  options.name_rule = "{key}/{ref}.wdek";
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rewrapped, 2U);
  EXPECT_EQ(result->refused, 1U);
  const std::string id = target_of(migration.imported);
  EXPECT_EQ(migration.target.open(id, content_of(options.out + "/" + id + "/1.wdek"), {}), "one");
  EXPECT_EQ(migration.target.open("payroll", content_of(options.out + "/payroll/2.wdek"), {}),
            "two");
  VerifyOptions with;
  with.name_rule = options.name_rule;
  EXPECT_EQ(check(with)->deks_equal, 2U);
  EXPECT_EQ(run()->went_on_after, 2U);
}

TEST_F(InADirectory, ForeignAndNestedOutputsAreRefused) {
  add("a", "payroll", "dek");
  std::filesystem::create_directories(options.out);
  migration.directory.write("out/precious", "mine");
  EXPECT_EQ(run().error().reason, Reason::Conflict);
  EXPECT_EQ(content_of(options.out + "/precious"), "mine");
  options.out = options.inventory + "/new";
  EXPECT_EQ(run().error().reason, Reason::InvalidArgument);
  options.out = migration.directory / ".";
  EXPECT_EQ(run().error().reason, Reason::InvalidArgument);
}

}  // namespace
}  // namespace keyhaven::migrate
