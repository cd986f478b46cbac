#include "crypto/p256.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>

namespace keyhaven::crypto {
namespace {

// RFC 7515 appendix A.3: an ES256 signature of others.
TEST(P256Test, TheSignatureOfTheRfcVerifies) {
  const auto key = P256PublicKey::from_coordinates(
                       from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").value(),
                       from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").value())
                       .value();
  constexpr std::string_view kSigned =
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
      "lfQ";
  const Bytes signature = from_base64url(
                              "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
                              "pmWQxfKTUJqPP3-Kg6NU1Q")
                              .value();
  EXPECT_TRUE(key.verify_sha256(as_bytes(kSigned), signature));
  EXPECT_FALSE(key.verify_sha256(as_bytes("x"), signature));
  for (std::size_t at = 0; at < signature.size(); ++at) {
    Bytes changed = signature;
    changed[at] ^= 1;
    EXPECT_FALSE(key.verify_sha256(as_bytes(kSigned), changed)) << at;
  }
}

TEST(P256Test, OnlyBothNumbersOfFullLengthAreASignature) {
  const P256PrivateKey key = P256PrivateKey::generate();
  const auto open = P256PublicKey::from_coordinates(key.x(), key.y()).value();
  Bytes signature = key.sign_sha256(as_bytes("m"));
  EXPECT_TRUE(open.verify_sha256(as_bytes("m"), signature));
  for (const Bytes& wrong : {Bytes{}, Bytes(64, 0), Bytes(64, 0xff), Bytes(65, 1),
                             Bytes(signature.begin(), signature.end() - 1)}) {
    EXPECT_FALSE(open.verify_sha256(as_bytes("m"), wrong)) << wrong.size();
  }
  // r = 0 with a good s (the signature without a nonce of CVE-2022-21449).
  std::fill_n(signature.begin(), 32, std::uint8_t{0});
  EXPECT_FALSE(open.verify_sha256(as_bytes("m"), signature));
  EXPECT_FALSE(P256PublicKey().verify_sha256(as_bytes("m"), signature));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(P256Test, WhatIsNoPointIsNoKey) {
  const P256PrivateKey key = P256PrivateKey::generate();
  Bytes off = key.y();
  off[31] ^= 1;
  EXPECT_FALSE(P256PublicKey::from_coordinates(key.x(), off));
  EXPECT_FALSE(P256PublicKey::from_coordinates(Bytes(32, 0), Bytes(32, 0)));
  EXPECT_FALSE(P256PublicKey::from_coordinates(Bytes(31, 1), key.y()));
  EXPECT_FALSE(P256PublicKey::from_coordinates({}, {}));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace keyhaven::crypto
