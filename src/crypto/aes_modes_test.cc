#include "crypto/aes_modes.h"

#include <gtest/gtest.h>

#include "crypto/secure_import_for_tests.h"

namespace keyhaven::crypto {
namespace {

constexpr std::size_t kKeySizes[] = {16, 24, 32};

SecretBytes key_of(std::size_t size) { return SecretBytes::copy_of(Bytes(size, 0x21)); }

TEST(AesModesTest, BothModesDecryptEverySize) {
  for (const std::size_t key_size : kKeySizes) {
    const SecretBytes key = key_of(key_size);
    for (std::size_t size = 0; size <= 49; ++size) {
      const Bytes message(size, 0x10);  // looks like padding itself
      const Bytes gcm = aes_encrypt(key.expose(), Bytes(12, 3), message);
      const auto by_gcm = aes_gcm_decrypt(key, Bytes(12, 3), gcm);
      ASSERT_TRUE(by_gcm) << size;
      EXPECT_EQ(to_bytes(by_gcm->expose()), message);
      const Bytes cbc = aes_encrypt(key.expose(), Bytes(16, 3), message);
      const auto by_cbc = aes_cbc_decrypt(key, Bytes(16, 3), cbc);
      ASSERT_TRUE(by_cbc) << size;
      EXPECT_EQ(to_bytes(by_cbc->expose()), message);
    }
  }
}

TEST(AesModesTest, GcmRefusesEveryChangedByteAndShortInput) {
  const SecretBytes key = key_of(32);
  const Bytes iv(12, 9);
  const Bytes sealed = aes_encrypt(key.expose(), iv, Bytes(12, 7));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 0x80;
    EXPECT_EQ(aes_gcm_decrypt(key, iv, changed).error().reason, Reason::DecryptFailed) << i;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(aes_gcm_decrypt(key, iv, ByteView(sealed).first(size))) << size;
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// The last block as it is before encryption, and how many bytes stay; -1: no padding.
TEST(AesModesTest, CbcTakesRightPaddingOnly) {
  const struct {
    const char* block;
    int stay;
  } rows[] = {
      {"10101010101010101010101010101010", 0},  {"00000000000000000000000000000001", 15},
      {"00000000000000000000000000000202", 14}, {"00000000000000000000000004040404", 12},
      {"000f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", 1},  {"00000000000000000000000000000000", -1},
      {"00000000000000000000000000000011", -1}, {"000000000000000000000000000000ff", -1},
      {"00000000000000000000000000000102", -1}, {"00000000000000000000000005040404", -1},
      {"00000000000000000000000004040504", -1}, {"0f101010101010101010101010101010", -1},
      {"11111111111111111111111111111111", -1}, {"00000000000000000000000003040404", -1},
  };
  const SecretBytes key = key_of(16);
  const Bytes iv(16, 1);
  for (const auto& row : rows) {
    Bytes padded = aes_encrypt(key.expose(), iv, from_hex(row.block).value());
    padded.resize(16);  // without the block that the encryption added
    const auto opened = aes_cbc_decrypt(key, iv, padded);
    EXPECT_EQ(opened ? static_cast<int>(opened->size()) : -1, row.stay) << row.block;
  }
  EXPECT_FALSE(aes_cbc_decrypt(key, iv, {}));
  EXPECT_FALSE(aes_cbc_decrypt(key, iv, Bytes(15)));
  EXPECT_FALSE(aes_cbc_decrypt(key, iv, Bytes(17)));
}

}  // namespace
}  // namespace keyhaven::crypto
