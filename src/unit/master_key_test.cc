#include "unit/master_key.h"

#include <gtest/gtest.h>

#include "crypto/cmac.h"
#include "crypto/random.h"
#include "unit/key_blob.h"

namespace keyhaven::unit {
namespace {

InstanceId instance(std::uint8_t last) {
  InstanceId out;
  out.uuid = crypto::random_uuid();
  out.uuid.bytes[15] = last;
  return out;
}

TEST(MasterKeyTest, ASoftwareKeyDerivesBothKindsOfBlobKeys) {
  const SecretBytes key = crypto::random_secret(tke::kMasterKeySize);
  const MasterKeyPtr held = software_master_key(key.clone());
  EXPECT_EQ(held->pattern(), tke::verification_pattern(key));
  EXPECT_EQ(held->algorithm(), BlobAlgorithm::Hkdf);
  ASSERT_NE(held->bytes(), nullptr);
  EXPECT_EQ(*held->bytes(), key);
  const InstanceId a = instance(1);
  const InstanceId b = instance(2);
  const SecretBytes hkdf = held->blob_key(BlobAlgorithm::Hkdf, a).value();
  EXPECT_EQ(hkdf, derive_blob_key(key));
  EXPECT_EQ(hkdf, held->blob_key(BlobAlgorithm::Hkdf, b).value());
  const SecretBytes cmac = held->blob_key(BlobAlgorithm::Cmac, a).value();
  EXPECT_FALSE(cmac == hkdf);
  EXPECT_FALSE(cmac == held->blob_key(BlobAlgorithm::Cmac, b).value());
  SecretBytes expected(kBlobKeySize);
  const std::vector<Bytes> inputs = blob_key_inputs(a);
  ASSERT_EQ(inputs.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const SecretBytes block = crypto::aes256_cmac(key, inputs[i]);
    std::copy(block.expose().begin(), block.expose().end(),
              expected.expose_mutable().begin() + static_cast<std::ptrdiff_t>(16 * i));
  }
  EXPECT_EQ(cmac, expected);
}

TEST(MasterKeyTest, KeysAreEqualWhenTheirPatternsAre) {
  const SecretBytes key = crypto::random_secret(tke::kMasterKeySize);
  const MasterKeyPtr a = software_master_key(key.clone());
  const MasterKeyPtr b = software_master_key(key.clone());
  const MasterKeyPtr other = software_master_key(crypto::random_secret(tke::kMasterKeySize));
  EXPECT_TRUE(same_key(a, b));
  EXPECT_FALSE(same_key(a, other));
  EXPECT_FALSE(same_key(a, nullptr));
  EXPECT_FALSE(same_key(nullptr, nullptr));
}

TEST(MasterKeyTest, TheSoftwareBackendRefusesKeysOfATokenAndSaysWhatToDo) {
  const auto restored = software_master_keys().restore({}, Bytes(8, 1));
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().reason, Reason::InvalidArgument);
  EXPECT_NE(restored.error().message.find("unit.backend"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::unit
