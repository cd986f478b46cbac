#include "store/schema.h"

#include <gtest/gtest.h>

#include "audit/log_test_directory.h"
#include "store/rows.h"
#include "store/test_samples.h"

namespace keyhaven::store {
namespace {

class SchemaTest : public testing::Test {
 protected:
  void SetUp() override {
    audit::write_text(directory_.file("db"), "");
    db_ = Connection::open(directory_.file("db"), Access::ReadWrite).value();
  }
  std::string value(const std::string& sql) { return db_->value(sql).value(); }

  audit::TestDirectory directory_;
  std::unique_ptr<Connection> db_;
};

constexpr Migration kSteps[] = {{1, "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);"},
                                {2, "ALTER TABLE a ADD COLUMN y TEXT;"},
                                {3, "UPDATE a SET y = 'three';"}};

TEST_F(SchemaTest, RunsEachStepOnceInOrder) {
  ASSERT_TRUE(migrate(*db_, std::span(kSteps).first(2)));
  EXPECT_EQ(value("SELECT version FROM schema_version"), "2");
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(migrate(*db_, kSteps));
    EXPECT_EQ(value("SELECT version FROM schema_version"), "3");
    EXPECT_EQ(value("SELECT x || y FROM a"), "1three");
    EXPECT_EQ(value("SELECT count(*) FROM schema_version"), "1");
  }
  EXPECT_FALSE(migrate(*db_, std::span(kSteps).first(2)));  // an older program
}

TEST_F(SchemaTest, ReleasedMigrationsAreNumberedFromOne) {
  for (std::size_t i = 0; i < migrations().size(); ++i) EXPECT_EQ(migrations()[i].version, i + 1);
}

// Every released migration stays as it is: a changed text would give old and new deployments
// different schemas.
TEST_F(SchemaTest, ReleasedMigrationsAreNotEdited) {
  const char* const kChecksums[] = {"1c72a6392c0f5c42", "9b200d901c4b1a0d", "cb679f42e0856549",
                                    "7140fb4ee9f50850", "e000bbe43d79ea2e", "cc6af2ff48fef4f3"};
  ASSERT_EQ(migrations().size(), std::size(kChecksums));
  for (std::size_t i = 0; i < migrations().size(); ++i) {
    EXPECT_EQ(to_hex(checksum_of("migration", as_bytes(migrations()[i].sql))), kChecksums[i])
        << "migration " << i + 1;
  }
}

TEST(RowsTest, RoundTripAndRefuseEveryCut) {
  iam::Grant grant{"g", "i", 7, new_instance(), "ring", KeyId{crypto::random_uuid()}};
  const Bytes bytes = encode(grant);
  ASSERT_TRUE(decode_grant(bytes));
  EXPECT_EQ(encode(*decode_grant(bytes)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_grant(ByteView(bytes).first(size)));
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_grant(longer));

  iam::ApiKey key{"k", "i", "n", {}, Timestamp::from_seconds(1), true};
  const Bytes key_bytes = encode(key);
  EXPECT_EQ(encode(*decode_api_key(key_bytes)), key_bytes);
  for (std::size_t size = 0; size < key_bytes.size(); ++size) {
    EXPECT_FALSE(decode_api_key(ByteView(key_bytes).first(size)));
  }
  Bytes flag = key_bytes;
  flag.back() = 2;
  EXPECT_FALSE(decode_api_key(flag));

  iam::Identity identity{"i", iam::IdentityKind::User,    "n",
                         "d", Timestamp::from_seconds(1), "crn:v1:a:b:c::d:e"};
  EXPECT_EQ(encode(*decode_identity(encode(identity))), encode(identity));
  EXPECT_EQ(decode_identity(encode(identity))->service_crn, identity.service_crn);
  // Format 1 ended before the service CRN.
  Bytes first_format = encode(identity);
  first_format[0] = 1;
  EXPECT_FALSE(decode_identity(first_format));
  first_format.resize(first_format.size() - 4 - identity.service_crn.size());
  const auto old = decode_identity(first_format);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->description, "d");
  EXPECT_EQ(old->service_crn, "");
  identity.oidc = iam::OidcLink{"OidcLink-1", "https://id.example", "a subject"};
  const Bytes linked = encode(identity);
  const auto read = decode_identity(linked);
  ASSERT_TRUE(read && read->oidc);
  EXPECT_EQ(read->oidc->id, "OidcLink-1");
  EXPECT_EQ(read->oidc->issuer, "https://id.example");
  EXPECT_EQ(read->oidc->subject, "a subject");
  EXPECT_EQ(encode(*read), linked);
  for (std::size_t size = 0; size < linked.size(); ++size)
    EXPECT_FALSE(decode_identity(ByteView(linked).first(size)));
  keys::KeyRing ring{new_instance(), "r", Timestamp::from_seconds(1), "me"};
  EXPECT_EQ(encode(*decode_ring(encode(ring))), encode(ring));
  Bytes other_format = encode(ring);
  other_format[0] = 2;
  EXPECT_FALSE(decode_ring(other_format));
}

}  // namespace
}  // namespace keyhaven::store
