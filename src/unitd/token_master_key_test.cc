#include "unitd/token_master_key.h"

#include <algorithm>
#include <thread>

#include "crypto/random.h"
#include "token/softhsm_for_tests.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unitd {
namespace {

using unit::BlobAlgorithm;
using unit::KeyBinding;
using unit::KeyBlob;
using unit::MasterKeyPtr;

class TokenMasterKeyTest : public token::TokenFixture {
 protected:
  void SetUp() override {
    TokenFixture::SetUp();
    token_.emplace(open());
    keys_.emplace(*token_, [this](const std::string& line) { said_.push_back(line); });
  }
  void TearDown() override {
    TokenFixture::TearDown();
    token_.reset();
  }
  MasterKeyPtr take(const SecretBytes& key) {
    Result<MasterKeyPtr> taken = keys_->take(key.clone(), owner_);
    EXPECT_TRUE(taken) << taken.error().message;
    return std::move(taken).value();
  }
  const unit::KeyOwner owner_{1, 2, 3, 4, 5, 6, 7, 8};
  const InstanceId instance_{crypto::random_uuid()};
  const SecretBytes key_ = crypto::random_secret(tke::kMasterKeySize);
  std::optional<token::Token> token_;
  std::optional<TokenMasterKeys> keys_;
  std::vector<std::string> said_;
};

TEST_F(TokenMasterKeyTest, DerivesWhatTheSoftwareKeyDerives) {
  const MasterKeyPtr in_token = take(key_);
  const MasterKeyPtr in_memory = unit::software_master_key(key_.clone());
  EXPECT_EQ(in_token->pattern(), in_memory->pattern());
  EXPECT_EQ(in_token->algorithm(), BlobAlgorithm::Cmac);
  EXPECT_EQ(in_token->bytes(), nullptr);
  EXPECT_EQ(in_token->blob_key(BlobAlgorithm::Cmac, instance_).value(),
            in_memory->blob_key(BlobAlgorithm::Cmac, instance_).value());
  const auto hkdf = in_token->blob_key(BlobAlgorithm::Hkdf, instance_);
  ASSERT_FALSE(hkdf);
  EXPECT_EQ(hkdf.error().reason, Reason::InstanceNotInitialized);
}

TEST_F(TokenMasterKeyTest, TheSameKeyIsOneObjectAndIsRestoredByItsReference) {
  const MasterKeyPtr first = take(key_);
  const MasterKeyPtr second = take(key_);
  EXPECT_TRUE(std::ranges::equal(first->reference(), second->reference()));
  const auto restored = keys_->restore(first->pattern(), first->reference());
  ASSERT_TRUE(restored);
  EXPECT_EQ((*restored)->blob_key(BlobAlgorithm::Cmac, instance_).value(),
            first->blob_key(BlobAlgorithm::Cmac, instance_).value());
  EXPECT_FALSE(keys_->restore(first->pattern(), Bytes(8, 1)));
  // Another deployment with the same key has an object of its own.
  const auto elsewhere = keys_->take(key_.clone(), {9});
  ASSERT_TRUE(elsewhere);
  EXPECT_FALSE(std::ranges::equal((*elsewhere)->reference(), first->reference()));
  keys_->forget(*elsewhere);
  EXPECT_TRUE(first->blob_key(BlobAlgorithm::Cmac, instance_));
}

TEST_F(TokenMasterKeyTest, AForgottenKeyIsDestroyedAndSaysSo) {
  const MasterKeyPtr key = take(key_);
  keys_->forget(key);
  EXPECT_EQ(said_.size(), 1U);
  const auto gone = key->blob_key(BlobAlgorithm::Cmac, instance_);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().reason, Reason::InstanceNotInitialized);
  EXPECT_TRUE(take(key_)->blob_key(BlobAlgorithm::Cmac, instance_));
  keys_->forget(unit::software_master_key(key_.clone()));  // not in the token: nothing happens
  EXPECT_EQ(said_.size(), 1U);
}

TEST_F(TokenMasterKeyTest, WhatTheTokenDidNotDestroyIsDestroyedLater) {
  const MasterKeyPtr key = take(key_);
  shim_.plan("C_DestroyObject 1 fail 0x30");
  keys_->forget(key);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_NE(said_.front().find("still in the token"), std::string::npos);
  EXPECT_NE(said_.front().find("CKR_DEVICE_ERROR"), std::string::npos);
  take(crypto::random_secret(tke::kMasterKeySize));
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_NE(said_.back().find("was destroyed"), std::string::npos);
}

TEST_F(TokenMasterKeyTest, AKeyThatIsUsedAgainIsNotDestroyedLate) {
  const MasterKeyPtr key = take(key_);
  shim_.plan("C_DestroyObject 1 fail 0x30");
  keys_->forget(key);
  const MasterKeyPtr again = take(key_);
  EXPECT_TRUE(again->blob_key(BlobAlgorithm::Cmac, instance_));
  take(crypto::random_secret(tke::kMasterKeySize));
  EXPECT_TRUE(again->blob_key(BlobAlgorithm::Cmac, instance_));
}

TEST_F(TokenMasterKeyTest, AnAbsentTokenIsUnavailableAndHeals) {
  const MasterKeyPtr key = take(key_);
  shim_.plan("* 1+ fail 0xe0");
  EXPECT_EQ(key->blob_key(BlobAlgorithm::Cmac, instance_).error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(keys_->take(crypto::random_secret(32), owner_).error().reason, Reason::UnitUnavailable);
  shim_.plan("");
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the longest pause
  EXPECT_TRUE(key->blob_key(BlobAlgorithm::Cmac, instance_));
}

// Deployments of the test use the token while this lives.
class UseToken {
 public:
  explicit UseToken(unit::MasterKeyBackend& keys) { unit::backend_for_tests() = &keys; }
  UseToken(const UseToken&) = delete;
  UseToken& operator=(const UseToken&) = delete;
  ~UseToken() { unit::backend_for_tests() = &unit::software_master_keys(); }
};

std::vector<SecretBytes> same_parts(const std::vector<SecretBytes>& parts) {
  std::vector<SecretBytes> out;
  for (const SecretBytes& part : parts) out.push_back(part.clone());
  return out;
}

TEST_F(TokenMasterKeyTest, AnInstanceMovesToSoftwareWithTheSameKeyPartsAndNotBack) {
  const std::vector<SecretBytes> parts = unit::random_parts();
  const unit::Administrators administrators(2);
  const InstanceId instance = unit::test_instance(1);
  const KeyBinding binding = unit::test_binding(instance);
  const SecretBytes material = crypto::random_secret(32);
  KeyBlob of_token;
  {
    const UseToken use(*keys_);
    unit::TestDeployment in_token;
    in_token.initialise(instance, administrators, same_parts(parts));
    unit::SoftUnit unit = in_token.make_unit();
    of_token = unit.import_root_key(binding, material).value().blob;
    EXPECT_EQ(of_token.bytes[3], static_cast<std::uint8_t>(BlobAlgorithm::Cmac));
    // Neither the key nor anything that opens the blob is in the state.
    const SecretBytes state = in_token.table().serialize();
    std::vector<const SecretBytes*> pointers;
    for (const SecretBytes& part : parts) pointers.push_back(&part);
    const SecretBytes master = tke::combine_key_parts(pointers).value();
    EXPECT_TRUE(std::ranges::search(state.expose(), master.expose()).empty());
  }
  unit::TestDeployment in_memory;
  in_memory.initialise(instance, administrators, same_parts(parts));
  unit::SoftUnit software = in_memory.make_unit();
  const auto wrapped = software.wrap(binding, of_token, SecretBytes::copy_of("dek"), {});
  ASSERT_TRUE(wrapped) << wrapped.error().message;
  // What the software back end seals, the token cannot open: that way leads over a rotation.
  const KeyBlob of_software = software.import_root_key(binding, material).value().blob;
  EXPECT_EQ(of_software.bytes[3], static_cast<std::uint8_t>(BlobAlgorithm::Hkdf));
  const UseToken use(*keys_);
  unit::TestDeployment again;
  again.initialise(instance, administrators, same_parts(parts));
  unit::SoftUnit unit = again.make_unit();
  EXPECT_EQ(unit.unwrap(binding, of_token, wrapped->wrapped_dek, {}, nullptr)->dek,
            SecretBytes::copy_of("dek"));
  const auto refused = unit.wrap(binding, of_software, SecretBytes(32), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::InstanceNotInitialized);
}

TEST_F(TokenMasterKeyTest, ACommandWhoseKeyTheTokenDoesNotTakeChangesNothing) {
  const UseToken use(*keys_);
  unit::TestDeployment deployment;
  const unit::Administrators administrators(2);
  const InstanceId instance = unit::test_instance(1);
  const auto made = deployment.table().create_units(instance, "local", 1).value();
  auto with = deployment.session(instance, made[0]);
  unit::TestDeployment::enroll(with, administrators).value();
  shim_.plan("C_CreateObject 1 fail 0x31");  // CKR_DEVICE_MEMORY
  EXPECT_FALSE(unit::TestDeployment::load(with, administrators, unit::random_parts()));
  EXPECT_EQ(deployment.table().list_units(instance).value()[0].pending, unit::RegisterState::Empty);
  shim_.plan("");
  EXPECT_TRUE(unit::TestDeployment::load(with, administrators, unit::random_parts()));
}

TEST_F(TokenMasterKeyTest, WhatNoUnitHoldsAnyMoreIsDestroyedInTheToken) {
  const UseToken use(*keys_);
  unit::TestDeployment deployment;
  const unit::Administrators administrators(2);
  const InstanceId instance = unit::test_instance(1);
  const auto units = deployment.initialise(instance, administrators, unit::random_parts());
  const unsigned long before = shim_.calls("C_DestroyObject");
  deployment.session(instance, units[0]).zeroize(administrators.all()).value();
  EXPECT_EQ(shim_.calls("C_DestroyObject"), before);  // the other unit still holds it
  deployment.session(instance, units[1]).zeroize(administrators.all()).value();
  EXPECT_EQ(shim_.calls("C_DestroyObject"), before + 1);
}

TEST_F(TokenMasterKeyTest, WithoutACacheEachUseAsksTheTokenAndALossIsUnavailable) {
  const UseToken use(*keys_);
  unit::TestDeployment deployment;
  const unit::Administrators administrators(2);
  const InstanceId instance = unit::test_instance(1);
  deployment.initialise(instance, administrators, unit::random_parts());
  const KeyBinding binding = unit::test_binding(instance);
  unit::SoftUnit off =
      deployment.make_unit({.max_opened_keys = 0, .derived_key_lifetime = std::chrono::seconds(0)});
  unit::SoftUnit cached = deployment.make_unit({.derived_key_lifetime = std::chrono::seconds(60)});
  const KeyBlob blob = off.generate_root_key(binding).value().blob;
  const auto calls_of = [&](unit::SoftUnit& unit) {
    const unsigned long before = shim_.calls("C_Sign");
    EXPECT_TRUE(unit.wrap(binding, blob, SecretBytes(32), {}));
    return shim_.calls("C_Sign") - before;
  };
  EXPECT_EQ(calls_of(off), 2U);
  EXPECT_EQ(calls_of(off), 2U);
  EXPECT_EQ(calls_of(cached), 2U);
  EXPECT_EQ(calls_of(cached), 0U);
  shim_.plan("* 1+ fail 0xe0");
  EXPECT_EQ(off.wrap(binding, blob, SecretBytes(32), {}).error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(calls_of(cached), 0U);
  deployment.clock().advance_seconds(301);
  EXPECT_EQ(cached.wrap(binding, blob, SecretBytes(32), {}).error().reason,
            Reason::UnitUnavailable);
  shim_.plan("");
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the longest pause
  EXPECT_TRUE(cached.wrap(binding, blob, SecretBytes(32), {}));
}

}  // namespace
}  // namespace keyhaven::unitd
