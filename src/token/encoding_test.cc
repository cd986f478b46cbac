// What tokens of different makers answer, without a token.
#include "token/ckr.h"
#include "token/signature_keys.h"

#include <gtest/gtest.h>

#include "token/token.h"

namespace keyhaven::token {
namespace {

TEST(EncodingTest, PointsComeBareOrAsOctetString) {
  const auto key = crypto::P521PrivateKey::generate();
  const Bytes point = to_bytes(key.public_key().point());
  Bytes wrapped{0x04, 0x81, 133};
  append(wrapped, point);
  EXPECT_EQ(public_key_from_ec_point(point)->point(), key.public_key().point());
  EXPECT_EQ(public_key_from_ec_point(wrapped)->point(), key.public_key().point());
  Bytes off_curve = point;
  off_curve.back() ^= 1;
  Bytes short_point(point.begin(), point.end() - 1);
  Bytes wrong_length = wrapped;
  wrong_length[2] = 132;
  for (const Bytes& bad : {off_curve, short_point, wrong_length, Bytes{}, Bytes(136, 4)}) {
    EXPECT_FALSE(public_key_from_ec_point(bad)) << to_hex(bad);
  }
}

TEST(EncodingTest, HalvesOfSignaturesArePaddedOnTheLeft) {
  Bytes value(8, 0);
  value[0] = 1;
  value[4] = 2;
  const auto signature = signature_from_token(value);
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->r[62], 1);
  EXPECT_EQ(signature->s[62], 2);
  EXPECT_EQ(signature->r[0], 0);
  EXPECT_TRUE(signature_from_token(Bytes(132, 1)));
  for (const std::size_t size : {0U, 7U, 133U, 134U}) {
    EXPECT_FALSE(signature_from_token(Bytes(size, 1))) << size;
  }
}

TEST(EncodingTest, ReturnValuesHaveNamesMeaningsAndRemedies) {
  EXPECT_EQ(ckr_name(CKR_OK), "CKR_OK");
  EXPECT_EQ(ckr_name(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
  EXPECT_EQ(ckr_name(0x80000001), "CKR 0x80000001");
  const std::string text = describe({CKR_PIN_LOCKED, "C_Login"});
  EXPECT_NE(text.find("C_Login: CKR_PIN_LOCKED: "), std::string::npos);
  EXPECT_NE(text.find("Remedy: "), std::string::npos);
  EXPECT_NE(describe({0x80000001, "C_Sign"}).find("vendor"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::token
