#include "unitd/token_master_key.h"

#include "crypto/random.h"
#include "token/softhsm_for_tests.h"

namespace keyhaven::unitd {
namespace {

using unit::BlobAlgorithm;
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

}  // namespace
}  // namespace keyhaven::unitd
