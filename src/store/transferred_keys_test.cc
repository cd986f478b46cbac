// Keys from another deployment in the real store: what a transfer brought is sealed like any
// change, and authentic after a start.
#include "keys/transfer_for_tests.h"
#include "store/guarded_store_for_tests.h"

namespace keyhaven::store {
namespace {

class TransferredKeysTest : public GuardedStore, protected keys::TransferWorld {
 protected:
  // The target's server over the real store, as it starts.
  void start() {
    target.server.reset();
    ASSERT_NO_FATAL_FAILURE(open());
    target.server = std::make_unique<keys::TransferSide::Server>(target, *database_);
    ASSERT_TRUE(database_->load_iam());
    ASSERT_TRUE(database_->load_instances([](const auto&) {}));
    ASSERT_TRUE(database_->load_import_tokens([](const auto&) {}));
    ASSERT_TRUE(database_->finish_start());
    EXPECT_EQ(found_in(database_->found_at_start()), std::vector<Found>());
  }
  void TearDown() override { target.server.reset(); }  // before the store
};

TEST_F(TransferredKeysTest, AreAuthenticAfterAStart) {
  ASSERT_NO_FATAL_FAILURE(start());
  keys::Change change = keys::TransferSide::a_change();
  source.server->service.create_ring(source.instance, "payments", change).value();
  std::vector<keys::KeyRecordPtr> made;
  for (int i = 0; i < 70; ++i) {
    keys::CreateRequest request;
    request.kind = i % 2 == 0 ? keys::KeyKind::RootKey : keys::KeyKind::StandardKey;
    request.aliases = {"alias-" + std::to_string(i)};
    request.key_ring = "payments";
    made.push_back(source.make(std::move(request)).value());
  }
  const std::string service = "crn:v1:bluemix:public:databases:eu-de:a/acc:one";
  source.server->registrations.create(*made[0], {service, service + "::", {}}, {}, change).value();
  const SecretBytes dek = crypto::random_secret(32);
  const Bytes wrapped = source.wrap(made[0], dek);
  const keys::TransferBundle bundle = bring();
  ASSERT_EQ(bundle.chunks.size(), 2U);
  EXPECT_EQ(import_all(bundle), keys::Outcomes(70, "imported"));
  EXPECT_EQ(table_->record_status()->records, 72U) << "keys, ring, registration";
  EXPECT_EQ(check_now(), std::vector<Found>());

  ASSERT_NO_FATAL_FAILURE(start());
  for (std::size_t i = 0; i < made.size(); ++i) {
    ASSERT_TRUE(target.find(made[i]->id)) << i;
    EXPECT_EQ(target.directory().find_alias(target.instance, "alias-" + std::to_string(i))->id,
              made[i]->id);
  }
  EXPECT_TRUE(target.unwrap(made[0], wrapped) == dek);
  EXPECT_EQ(target.server->registrations.blockers(*made[0]).registrations, 0U) << "of the source";
  EXPECT_EQ(target.server->registrations.blockers(*target.find(made[0]->id)).registrations, 1U);
  EXPECT_EQ(import_all(bundle), keys::Outcomes(70, "present"));
}

// The alias index of the store knows a name that nobody is served under.
TEST_F(TransferredKeysTest, AnAliasOfARecordOutOfUseKeepsOneKeyBehind) {
  ASSERT_NO_FATAL_FAILURE(start());
  make_key(target.instance, {"taken"});
  editor()->run("UPDATE keys SET seal = zeroblob(length(seal))").value();
  target.server.reset();
  ASSERT_NO_FATAL_FAILURE(open());
  target.server = std::make_unique<keys::TransferSide::Server>(target, *database_);
  ASSERT_TRUE(database_->load_iam());
  ASSERT_TRUE(database_->load_instances([](const auto&) {}));
  ASSERT_TRUE(database_->load_import_tokens([](const auto&) {}));
  ASSERT_TRUE(database_->finish_start());
  ASSERT_EQ(database_->found_at_start().suspects.size(), 1U);
  source.root_key({"taken"});
  for (int i = 0; i < 3; ++i) source.root_key();
  keys::Outcomes outcomes = import_all(bring());
  EXPECT_EQ(std::ranges::count(outcomes, "imported"), 3);
  EXPECT_EQ(std::ranges::count(outcomes, "AliasNotUnique"), 1);
}

}  // namespace
}  // namespace keyhaven::store
