// Import tokens in the embedded store.
#include <gtest/gtest.h>

#include <algorithm>

#include "audit/log_test_directory.h"
#include "store/database.h"
#include "store/sqlite.h"
#include "store/test_samples.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::store {
namespace {

class ImportTokenRowsTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    return Database::open({.directory = directory_.path()}, log_, *guard_, clock_).value();
  }
  // Changes the file while no store has it.
  void edit(const std::string& sql) {
    auto db = Connection::open(directory_.file("keyhaven.db"), Access::ReadWrite);
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->run(sql)) << sql;
  }
  static keys::ImportToken sample() {
    keys::ImportToken token;
    token.instance = new_instance();
    token.id = crypto::random_uuid();
    token.created = Timestamp::from_seconds(5);
    token.expires = Timestamp::from_seconds(605);
    token.max_retrievals = token.remaining_retrievals = 2;
    token.public_key = Bytes(550, 1);
    token.nonce.fill(2);
    token.private_key.bytes = Bytes(2500, 3);
    return token;
  }
  static std::vector<keys::ImportToken> load(Database& database) {
    std::vector<keys::ImportToken> out;
    EXPECT_TRUE(database.load_import_tokens(
        [&out](keys::ImportToken token) { out.push_back(std::move(token)); }));
    return out;
  }

  audit::TestDirectory directory_;
  RecordingLog log_;
  SystemClock clock_;
  unit::RecordTableForTests guard_;
};

TEST_F(ImportTokenRowsTest, AnInstanceHasOneTokenAndTheLastOneStays) {
  const keys::ImportToken first = sample();
  keys::ImportToken second = sample();
  {
    auto database = open();
    ASSERT_TRUE(database->put_import_token(first, sample_event("a")));
    ASSERT_TRUE(database->put_import_token(second, sample_event("b")));
    second.id = crypto::random_uuid();
    second.private_key.bytes = Bytes(2400, 9);
    ASSERT_TRUE(database->put_import_token(second, sample_event("c")));
    second.remaining_retrievals = 1;
    ASSERT_TRUE(database->put_import_token(second, sample_event("d")));
  }
  EXPECT_EQ(log_.events().size(), 4U);
  auto database = open();
  const auto tokens = load(*database);
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_TRUE(std::ranges::find(tokens, first) != tokens.end());
  EXPECT_TRUE(std::ranges::find(tokens, second) != tokens.end());
}

TEST_F(ImportTokenRowsTest, DamageAndMovesAreFoundWhenTheStoreIsRead) {
  const keys::ImportToken token = sample();
  ASSERT_TRUE(open()->put_import_token(token, sample_event("a")));
  const char* const edits[] = {
      "UPDATE import_tokens SET instance = x'00112233445566778899aabbccddeeff'",
      "UPDATE import_tokens SET record = zeroblob(2600)",
      "UPDATE import_tokens SET checksum = x'0011223344556677'",
  };
  for (const char* sql : edits) {
    edit(sql);
    auto database = open();
    EXPECT_TRUE(load(*database).empty()) << sql;
    ASSERT_TRUE(database->finish_start());
    const auto& suspects = database->found_at_start().suspects;
    ASSERT_FALSE(suspects.empty()) << sql;
    EXPECT_EQ(suspects[0].table, "import_tokens");
    EXPECT_EQ(suspects[0].fault, instances::RecordFault::Damaged);
    edit("DELETE FROM import_tokens");
    ASSERT_TRUE(database->put_import_token(token, sample_event("again")));
    EXPECT_EQ(database->check_records()->faults, 0U) << sql;
    database.reset();
  }
}

}  // namespace
}  // namespace keyhaven::store
