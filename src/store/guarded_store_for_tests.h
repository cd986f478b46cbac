// A store with rows in every sealed table, and a second connection that edits its file as somebody
// with all rights on it could.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "audit/log_test_directory.h"
#include "store/database.h"
#include "store/hooked_guard_for_tests.h"
#include "store/row_walk.h"
#include "store/test_samples.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::store {

struct Found {
  std::string table;
  std::string id;
  instances::RecordFault fault;
  InstanceId instance = {};
  auto operator<=>(const Found&) const = default;
  friend void PrintTo(const Found& found, std::ostream* out) {
    *out << found.table << " " << found.id << " " << instances::name_of(found.fault);
  }
};
inline std::vector<Found> found_in(const instances::RecordCheck& check) {
  std::vector<Found> out;
  for (const auto& each : check.suspects)
    out.push_back({each.table, each.id, each.fault, each.instance});
  std::sort(out.begin(), out.end());
  return out;
}
inline Found expect_row(const RowKey& key, instances::RecordFault fault) {
  const instances::SuspectRecord described = describe(key, fault);
  return {described.table, described.id, fault, described.instance};
}
inline Found expect_missing(const RowKey& key) {
  const instances::SuspectRecord described = describe({*record_scope(key), *record_name(key)});
  return {described.table, described.id, described.fault, described.instance};
}

class GuardedStore : public testing::Test {
 protected:
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = std::move(opened).value();
  }
  Result<std::unique_ptr<Database>> try_open() {
    database_.reset();
    return Database::open({.directory = directory_.file("store")}, log_, guard_, clock_);
  }
  // Loads everything, as a server does, and ends the check.
  void load_all() {
    loaded_.clear();
    const auto note = [this](const RowKey& key) { loaded_.push_back(key); };
    auto iam = database_->load_iam();
    ASSERT_TRUE(iam);
    for (const auto& each : iam->identities) note(identity_row(each.iam_id));
    for (const auto& each : iam->api_keys) note(api_key_row(each.id));
    for (const auto& each : iam->grants) note(grant_row(each.id));
    ASSERT_TRUE(database_->load_instances(
        [&](const instances::InstanceRecord& each) { note(instance_row(each.id)); }));
    ASSERT_TRUE(database_->load_import_tokens(
        [&](const keys::ImportToken& each) { note(import_token_row(each.instance)); }));
    ASSERT_TRUE(database_->load_registrations([&](const keys::Registration& each) {
      note(registration_row(each.instance, each.key, each.resource_crn));
    }));
    ASSERT_TRUE(database_->load_rings(
        [&](const keys::KeyRing& each) { note(ring_row(each.instance, each.id)); }));
    ASSERT_TRUE(database_->load_keys(
        [&](const keys::KeyRecord& each) { note(key_row(each.instance, each.id)); }));
    const auto finished = database_->finish_start();
    ASSERT_TRUE(finished) << finished.error().message;
  }
  std::vector<Found> check_now() {
    const auto checked = database_->check_records();
    if (!checked) {
      ADD_FAILURE() << checked.error().message;
      return {};
    }
    EXPECT_EQ(checked->faults, checked->suspects.size());
    return found_in(*checked);
  }

  keys::KeyRecord make_key(const InstanceId& instance, std::vector<std::string> aliases = {}) {
    keys::KeyRecord key = sample_key(instance, std::move(aliases));
    keys::KeyChange change;
    change.put = {key};
    EXPECT_TRUE(commit(change));
    key.revision = 1;
    return key;
  }
  bool commit(const keys::KeyChange& change) {
    const auto done = database_->commit(change, sample_event("c"));
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done.has_value();
  }
  static keys::Registration sample_registration(const keys::KeyRecord& key, int number) {
    keys::Registration out;
    out.instance = key.instance;
    out.key = key.id;
    out.version = key.versions[0].id;
    out.resource_crn =
        "crn:v1:bluemix:public:cloud-object-storage:global:a/1:2:bucket:" + std::to_string(number);
    return out;
  }

  std::string path() const { return directory_.file("store/keyhaven.db"); }
  std::unique_ptr<Connection> editor() {
    auto db = Connection::open(path(), Access::ReadWrite);
    EXPECT_TRUE(db);
    EXPECT_TRUE((*db)->run("PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY"));
    return std::move(db).value();
  }

  audit::TestDirectory directory_;
  RecordingLog log_;
  SystemClock clock_;
  unit::RecordTableForTests table_;
  HookedGuard guard_{[this]() -> unit::RecordGuard& { return *table_; }};
  std::unique_ptr<Database> database_;
  std::vector<RowKey> loaded_;
};

}  // namespace keyhaven::store
