#include "store/database.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "audit/log_test_directory.h"
#include "crypto/hash.h"
#include "store/sqlite.h"
#include "store/test_samples.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::store {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open(DatabaseOptions options = {}) {
    auto opened = try_open(options);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::move(opened).value() : nullptr;
  }
  Result<std::unique_ptr<Database>> try_open(DatabaseOptions options = {}) {
    options.directory = directory_.path();
    return Database::open(options, log_, *guard_, clock_);
  }
  // The refusal of an open, which has to be StoreUnavailable.
  std::string refusal() {
    const auto opened = try_open();
    if (opened) return "opened";
    EXPECT_EQ(opened.error().reason, Reason::StoreUnavailable) << opened.error().message;
    return opened.error().message;
  }
  std::string file() const { return directory_.file("keyhaven.db"); }
  // Changes the file while no store has it.
  void edit(const std::string& sql) {
    auto db = Connection::open(file(), Access::ReadWrite);
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->run(sql)) << sql;
  }
  static Result<std::vector<std::uint64_t>> put(Database& database, const keys::KeyRecord& key) {
    keys::KeyChange change;
    change.put = {key};
    return database.commit(change, sample_event("c"));
  }
  // Whether the writer finds by itself, without a call, that things work again: it tries every
  // second.
  static bool recovers(const Database& database) {
    for (int ms = 0; ms < 20'000 && !database.health(); ++ms) ::usleep(1000);
    return database.health().has_value();
  }
  static std::size_t count(Database& database) {
    std::size_t found = 0;
    EXPECT_TRUE(database.load_keys([&](const keys::KeyRecord&) { ++found; }));
    return found;
  }

  audit::TestDirectory directory_;
  RecordingLog log_;
  SystemClock clock_;
  unit::RecordTableForTests guard_;
};

TEST_F(DatabaseTest, ItsFilesArePrivate) {
  auto database = open();
  ASSERT_TRUE(database->put_setting("a", "b"));
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(DatabaseTest, ASecondProcessIsRefused) {
  auto database = open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::AlreadyExists);
  EXPECT_TRUE(try_open({.directory = {}, .lock_directory = false}));  // whoever holds the lock
}

TEST_F(DatabaseTest, SettingsStay) {
  {
    auto database = open();
    EXPECT_EQ(database->setting("region").value(), std::nullopt);
    ASSERT_TRUE(database->put_setting("region", "us-south"));
    ASSERT_TRUE(database->put_setting("region", "eu-de"));
    ASSERT_TRUE(database->put_setting("empty", ""));
  }
  auto database = open();
  EXPECT_EQ(database->setting("region").value(), "eu-de");
  EXPECT_EQ(database->setting("empty").value(), "");
  EXPECT_TRUE(log_.events().empty());
  database.reset();
  edit("UPDATE settings SET value = 'eu-gb' WHERE name = 'region'");
  database = open();
  const auto damaged = database->setting("region");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().reason, Reason::RecordNotAuthentic);
  EXPECT_EQ(database->setting("empty").value(), "");
}

TEST_F(DatabaseTest, InstancesHaveRevisions) {
  instances::InstanceRecord record;
  record.id = new_instance();
  record.name = "production";
  record.plan = "standard";
  record.created = record.updated = Timestamp::from_seconds(7);
  {
    auto database = open();
    EXPECT_EQ(database->commit_instance(record, sample_event("create")).value(), 1U);
    EXPECT_EQ(database->commit_instance(record, sample_event("again")).error().reason,
              Reason::Conflict);
    record.revision = 1;
    record.state = instances::InstanceState::Removed;
    EXPECT_EQ(database->commit_instance(record, sample_event("remove")).value(), 2U);
    EXPECT_EQ(database->commit_instance(record, sample_event("late")).error().reason,
              Reason::Conflict);
  }
  record.revision = 2;
  auto database = open();
  std::vector<instances::InstanceRecord> loaded;
  ASSERT_TRUE(database->load_instances(
      [&](instances::InstanceRecord one) { loaded.push_back(std::move(one)); }));
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded[0], record);
  EXPECT_EQ(log_.events().size(), 2U);
}

struct IamSamples {
  iam::Identity identity{"iam-ServiceId-1", iam::IdentityKind::ServiceId, "backup", "nightly",
                         Timestamp::from_seconds(3)};
  iam::ApiKey key{"ApiKey-1", "iam-ServiceId-1", "first", {}, Timestamp::from_seconds(4), true};
  iam::Grant grant{"grant-1", "iam-ServiceId-1",           0x0141, new_instance(),
                   "ring",    KeyId{crypto::random_uuid()}};
  IamSamples() { key.secret_hash.fill(9); }
  iam::IamChange all() const {
    iam::IamChange change;
    change.put_identities = {identity};
    change.put_api_keys = {key};
    change.put_grants = {grant};
    return change;
  }
};

TEST_F(DatabaseTest, IamRowsComeBack) {
  const IamSamples samples;
  iam::IamChange change = samples.all();
  change.put_identities.push_back({"IBMid-2", iam::IdentityKind::User, "Ann", "", {}});
  change.put_grants.push_back({"grant-2", "IBMid-2", 1, std::nullopt, "", std::nullopt});
  ASSERT_TRUE(open()->commit_iam(change, sample_event("c")));
  auto database = open();
  auto loaded = database->load_iam();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->identities.size(), 2U);
  ASSERT_EQ(loaded->api_keys.size(), 1U);
  ASSERT_EQ(loaded->grants.size(), 2U);
  const auto& service =
      loaded->identities[loaded->identities[0].iam_id == "iam-ServiceId-1" ? 0 : 1];
  EXPECT_EQ(service.name, "backup");
  EXPECT_EQ(service.description, "nightly");
  EXPECT_EQ(service.kind, iam::IdentityKind::ServiceId);
  EXPECT_EQ(service.created, Timestamp::from_seconds(3));
  EXPECT_EQ(loaded->api_keys[0].secret_hash, samples.key.secret_hash);
  EXPECT_TRUE(loaded->api_keys[0].locked);
  EXPECT_EQ(loaded->grants[0].instance, samples.grant.instance);
  EXPECT_EQ(loaded->grants[0].key, samples.grant.key);
  EXPECT_EQ(loaded->grants[0].roles, 0x0141);
  EXPECT_EQ(loaded->grants[0].key_ring, "ring");
  EXPECT_EQ(loaded->grants[1].instance, std::nullopt);
  EXPECT_EQ(loaded->grants[1].key, std::nullopt);
}

TEST_F(DatabaseTest, ASubjectOfAProviderBelongsToOneIdentity) {
  const iam::OidcLink link{"OidcLink-1", "https://id.example", "ann"};
  iam::Identity ann{"IBMid-1", iam::IdentityKind::User, "Ann", "", {}, "", link};
  iam::Identity bob{"IBMid-2", iam::IdentityKind::User, "Bob", "", {}, "", link};
  bob.oidc->id = "OidcLink-2";
  auto database = open();
  const auto put = [&](const iam::Identity& identity) {
    iam::IamChange change;
    change.put_identities = {identity};
    return database->commit_iam(change, sample_event("c"));
  };
  ASSERT_TRUE(put(ann));
  EXPECT_EQ(put(bob).error().reason, Reason::AlreadyExists);
  bob.oidc->issuer = "https://other.example";  // its "ann" is somebody else
  ASSERT_TRUE(put(bob));
  ann.oidc.reset();
  ASSERT_TRUE(put(ann));
  bob.oidc->issuer = link.issuer;
  ASSERT_TRUE(put(bob));
  database.reset();
  const auto loaded = open()->load_iam().value();
  for (const iam::Identity& identity : loaded.identities)
    EXPECT_EQ(identity.oidc.has_value(), identity.iam_id == "IBMid-2");
}

TEST_F(DatabaseTest, EndedTokensComeBackUntilTheyAreForgotten) {
  const iam::EndedToken first{crypto::sha256(as_bytes("a")), Timestamp::from_seconds(5)};
  const iam::EndedToken second{crypto::sha256(as_bytes("b")), Timestamp::from_seconds(6)};
  auto database = open();
  for (const iam::EndedToken& token : {first, first, second}) {  // twice is once
    iam::IamChange change;
    change.end_tokens = {token};
    ASSERT_TRUE(database->commit_iam(change, sample_event("c")));
  }
  database.reset();
  database = open();
  EXPECT_EQ(database->load_iam()->ended_tokens.size(), 2U);
  iam::IamChange change;
  change.forget_tokens = {first.digest};
  ASSERT_TRUE(database->commit_iam(change, sample_event("c")));
  database.reset();
  const auto left = open()->load_iam()->ended_tokens;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].digest, second.digest);
  EXPECT_EQ(left[0].expires, second.expires);
}

TEST_F(DatabaseTest, ARemovedIdentityTakesItsKeysAndGrantsAlong) {
  const IamSamples samples;
  auto database = open();
  ASSERT_TRUE(database->commit_iam(samples.all(), sample_event("c")));
  iam::IamChange remove;
  remove.remove_identities = {"iam-ServiceId-1"};
  ASSERT_TRUE(database->commit_iam(remove, sample_event("c")));
  const auto loaded = database->load_iam();
  EXPECT_TRUE(loaded->identities.empty() && loaded->api_keys.empty() && loaded->grants.empty());
  EXPECT_EQ(database->commit_iam(remove, sample_event("c")).error().reason,
            Reason::IdentityNotFound);
}

TEST_F(DatabaseTest, IamRefusals) {
  const IamSamples samples;
  auto database = open();
  const auto reason = [&](const iam::IamChange& change) {
    return database->commit_iam(change, sample_event("refused")).error().reason;
  };
  iam::IamChange orphan;
  orphan.put_api_keys = {samples.key};
  EXPECT_EQ(reason(orphan), Reason::IdentityNotFound);
  orphan = {};
  orphan.put_grants = {samples.grant};
  EXPECT_EQ(reason(orphan), Reason::IdentityNotFound);

  ASSERT_TRUE(database->commit_iam(samples.all(), sample_event("c")));
  iam::IamChange same_secret;
  same_secret.put_api_keys = {samples.key};
  same_secret.put_api_keys[0].id = "ApiKey-2";
  EXPECT_EQ(reason(same_secret), Reason::AlreadyExists);
  iam::IamChange absent;
  absent.remove_api_keys = {"ApiKey-3"};
  EXPECT_EQ(reason(absent), Reason::NotFound);
  absent = {};
  absent.remove_grants = {"grant-3"};
  EXPECT_EQ(reason(absent), Reason::NotFound);
  EXPECT_EQ(log_.count("refused"), 0U);

  iam::IamChange update = samples.all();  // the same ids: replaced
  update.put_api_keys[0].locked = false;
  ASSERT_TRUE(database->commit_iam(update, sample_event("c")));
  EXPECT_FALSE(database->load_iam()->api_keys.at(0).locked);
  EXPECT_EQ(database->load_iam()->grants.size(), 1U);
}

// A byte of a stored record flipped behind the store's back: the others are served.
TEST_F(DatabaseTest, ADamagedRowIsNamedAndNotServed) {
  const keys::KeyRecord key = sample_key(new_instance());
  const keys::KeyRecord other = sample_key(new_instance());
  ASSERT_TRUE(put(*open(), key));
  ASSERT_TRUE(put(*open(), other));
  edit(
      "UPDATE keys SET record = CAST(substr(record, 1, 99) || x'00' || substr(record, 101) AS "
      "BLOB) WHERE id = x'" +
      to_hex(key.id.view()) + "'");
  auto database = open();
  std::vector<KeyId> served;
  ASSERT_TRUE(database->load_keys([&](const keys::KeyRecord& each) { served.push_back(each.id); }));
  EXPECT_EQ(served, std::vector{other.id});
  ASSERT_TRUE(database->finish_start());
  const instances::RecordCheck& found = database->found_at_start();
  ASSERT_EQ(found.faults, 1U);
  EXPECT_EQ(found.suspects[0].fault, instances::RecordFault::Damaged);
  EXPECT_EQ(found.suspects[0].id, key.id.text());
  EXPECT_EQ(found.suspects[0].instance, key.instance);
}

TEST_F(DatabaseTest, TriggersAndViewsAreRefused) {
  open();
  edit("CREATE TRIGGER mine AFTER INSERT ON keys BEGIN DELETE FROM grants; END");
  EXPECT_NE(refusal().find("triggers"), std::string::npos);
  edit("DROP TRIGGER mine; CREATE VIEW other AS SELECT * FROM keys");
  EXPECT_NE(refusal().find("triggers or views"), std::string::npos);
  edit("DROP VIEW other");
  EXPECT_TRUE(try_open());
}

TEST_F(DatabaseTest, ADamagedFileIsRefused) {
  {
    auto database = open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(put(*database, sample_key(new_instance(), {"a"})));
  }
  std::string content = audit::read_text(file());
  for (std::size_t page = 4096; page + 4096 < content.size(); page += 3 * 4096) {
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(page), 64, '\xff');
  }
  audit::write_text(file(), content);
  EXPECT_NE(refusal().find("damaged"), std::string::npos);
  audit::write_text(file(), std::string(10'000, 'x'));
  EXPECT_NE(refusal().find("damaged or no database"), std::string::npos);
}

TEST_F(DatabaseTest, NewerAndForeignFilesAreRefused) {
  open();
  edit("UPDATE schema_version SET version = 999");
  EXPECT_NE(refusal().find("newer Keyhaven (schema 999"), std::string::npos);
  edit("DROP TABLE schema_version");
  EXPECT_NE(refusal().find("another program"), std::string::npos);
}

// A database put back from a backup must not give out outbox ids that the audit log has seen: their
// events would be taken for repeats and dropped.
TEST_F(DatabaseTest, ARestoredDatabaseDoesNotReuseOutboxIds) {
  ASSERT_TRUE(put(*open(), sample_key(new_instance())));
  const std::string backup = audit::read_text(file());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put(*open(), sample_key(new_instance())));
  audit::write_text(file(), backup);
  {
    auto database = open();
    EXPECT_EQ(count(*database), 1U);
    ASSERT_TRUE(put(*database, sample_key(new_instance())));
  }
  EXPECT_EQ(log_.events().size(), 7U);
  // The same for a new file beside an old log.
  std::filesystem::remove(file());
  ASSERT_TRUE(put(*open(), sample_key(new_instance())));
  EXPECT_EQ(log_.events().size(), 8U);
}

TEST_F(DatabaseTest, HealthNamesTheAuditLogAndRecoversByItself) {
  auto database = open();
  EXPECT_TRUE(database->health());
  log_.refuse(true);
  ASSERT_TRUE(put(*database, sample_key(new_instance())));
  ASSERT_FALSE(database->health());
  EXPECT_EQ(database->health().error().reason, Reason::AuditUnavailable);
  log_.refuse(false);
  EXPECT_TRUE(recovers(*database));
  EXPECT_EQ(log_.events().size(), 1U);
}

// The disk is full: by a limit on the file, and on a small file system where we may mount one.
class FullStoreTest : public DatabaseTest {
 protected:
  // Fills until refused; then nothing of the refused change is there and reads go on.
  void fill_and_check(Database& database) {
    std::size_t stored = 0;
    Result<std::vector<std::uint64_t>> last = put(database, large_key());
    for (; last && stored < 10'000; last = put(database, large_key())) ++stored;
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().reason, Reason::StoreUnavailable);
    EXPECT_NE(last.error().message.find("disk"), std::string::npos) << last.error().message;
    EXPECT_EQ(database.health().error().reason, Reason::StoreUnavailable);
    EXPECT_GT(stored, 5U);
    EXPECT_EQ(count(database), stored);
    EXPECT_EQ(log_.events().size(), stored);
    stored_ = stored;
  }
  static keys::KeyRecord large_key() {
    keys::KeyRecord key = sample_key(new_instance());
    key.versions[0].blob.bytes.assign(20'000, 1);
    return key;
  }
  std::size_t stored_ = 0;
};

TEST_F(FullStoreTest, ALimitOnTheFile) {
  const DatabaseOptions limited{.directory = {}, .max_bytes = 1 << 20};
  {
    auto database = open(limited);
    fill_and_check(*database);
  }
  auto database = open();  // more space
  ASSERT_TRUE(put(*database, large_key()));
  EXPECT_EQ(count(*database), stored_ + 1);
  EXPECT_TRUE(database->health());
}

TEST_F(FullStoreTest, AFullFileSystem) {
  if (::geteuid() != 0 ||
      ::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=2m,mode=0700") != 0) {
    GTEST_SKIP() << "mounting a tmpfs is not allowed here: " << std::strerror(errno);
  }
  {
    auto database = open();
    ASSERT_NO_FATAL_FAILURE(fill_and_check(*database));
    ASSERT_EQ(::mount("tmpfs", directory_.path().c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
    EXPECT_TRUE(recovers(*database));
    ASSERT_TRUE(put(*database, large_key()));
    EXPECT_EQ(count(*database), stored_ + 1);
  }
  EXPECT_EQ(count(*open()), stored_ + 1);
  ::umount2(directory_.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace keyhaven::store
