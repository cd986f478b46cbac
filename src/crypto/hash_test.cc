#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace keyhaven::crypto {
namespace {

SecretBytes secret(std::string_view hex) { return secret_from_hex(hex).value(); }
Bytes hex(std::string_view text) { return from_hex(text).value(); }

// FIPS 180-4 examples: "abc" and the empty message.
TEST(HashTest, Sha) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(ByteView{})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha512(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(HashTest, PartsAreConcatenated) {
  EXPECT_EQ(sha256({as_bytes("a"), ByteView{}, as_bytes("bc")}), sha256(as_bytes("abc")));
  EXPECT_EQ(sha256(std::initializer_list<ByteView>{}), sha256(ByteView{}));
}

TEST(HashTest, ThreadsDoNotShareAState) {
  const Digest expected = sha256(as_bytes("abc"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) EXPECT_EQ(sha256(as_bytes("abc")), expected);
    });
  }
  for (auto& thread : threads) thread.join();
}

// RFC 4231 sections 4.2 to 4.8 (4.6 truncates, which we do not).
struct HmacVector {
  Bytes key;
  Bytes data;
  const char* mac;
};

TEST(HashTest, HmacSha256VectorsOfRfc4231) {
  Bytes counting(25);
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<std::uint8_t>(i + 1);
  const HmacVector vectors[] = {
      {Bytes(20, 0x0b), to_bytes(as_bytes("Hi There")),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_bytes(as_bytes("Jefe")), to_bytes(as_bytes("what do ya want for nothing?")),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {counting, Bytes(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {Bytes(131, 0xaa),
       to_bytes(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const HmacVector& v : vectors) {
    EXPECT_EQ(to_hex(hmac_sha256(v.key, v.data)), v.mac);
    EXPECT_EQ(to_hex(hmac_sha256(v.key, v.data)), v.mac);  // on a context that was used before
  }
}

TEST(HashTest, HmacAcceptsAnEmptyKeyAndMessage) {
  // HMAC_SHA256("", ""), computed with another implementation (Python's hmac).
  const char* const expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  hmac_sha256(hex("aabb"), as_bytes("the context has seen another key"));
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), expected);
}

// RFC 5869 appendix A.1 to A.3.
TEST(HashTest, HkdfSha256VectorsOfRfc5869) {
  const auto from_hex_text = [](std::string_view text) { return std::string(as_text(hex(text))); };
  EXPECT_TRUE(hkdf_sha256(secret("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                          hex("000102030405060708090a0b0c"), from_hex_text("f0f1f2f3f4f5f6f7f8f9"),
                          42) ==
              secret("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                     "34007208d5b887185865"));
  Bytes ikm(80);
  Bytes salt(80);
  std::string info(80, '\0');
  for (std::size_t i = 0; i < 80; ++i) {
    ikm[i] = static_cast<std::uint8_t>(i);
    salt[i] = static_cast<std::uint8_t>(0x60 + i);
    info[i] = static_cast<char>(0xb0 + i);
  }
  EXPECT_TRUE(hkdf_sha256(SecretBytes::copy_of(ikm), salt, info, 82) ==
              secret("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                     "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                     "cc30c58179ec3e87c14c01d5c1f3434f1d87"));
  EXPECT_TRUE(hkdf_sha256(secret("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), {}, "", 42) ==
              secret("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                     "9d201395faa4b61a96c8"));
}

TEST(HashTest, HkdfLimits) {
  const SecretBytes key(32);
  EXPECT_EQ(hkdf_sha256(key, {}, "x", 8160).size(), 8160u);
  EXPECT_DEATH(hkdf_sha256(key, {}, "x", 8161), "fatal");
  EXPECT_DEATH(hkdf_sha256(key, {}, "x", 0), "fatal");
}

// RFC 7914 section 11.
TEST(HashTest, Pbkdf2Sha256VectorsOfRfc7914) {
  EXPECT_TRUE(pbkdf2_sha256(SecretBytes::copy_of("passwd"), as_bytes("salt"), 1, 64) ==
              secret("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"));
  EXPECT_TRUE(pbkdf2_sha256(SecretBytes::copy_of("Password"), as_bytes("NaCl"), 80'000, 64) ==
              secret("4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
                     "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"));
}

// NIST CAVS 12.0, ANSI X9.63-2001, SHA-256: the first vectors of [shared secret length 192,
// SharedInfo length 0, key data length 128] and [192, 128, 1024].
TEST(HashTest, X963KdfVectorsOfNist) {
  EXPECT_TRUE(x963_kdf_sha256(secret("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08"), {}, 16) ==
              secret("443024c3dae66b95e6f5670601558f71"));
  EXPECT_TRUE(x963_kdf_sha256(secret("22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d"),
                              hex("75eef81aa3041e33b80971203d2c0c52"), 128) ==
              secret("c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e"
                     "52a13d9c7c6fc878c50c5ea0bc7b00e0da2447cfd874f6cf92f30d0097111485"
                     "500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269"
                     "142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21"));
}

TEST(HashTest, EqualConstantTime) {
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace keyhaven::crypto
