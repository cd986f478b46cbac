// The files of Project Wycheproof.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>

#include "case_counter.h"
#include "crypto/aead.h"
#include "crypto/aes_modes.h"
#include "crypto/ec.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "crypto/rsa_oaep.h"

namespace keyhaven::vectors {
namespace {

namespace json = boost::json;

std::string_view text(const json::object& from, std::string_view name) {
  const json::string& value = from.at(name).as_string();
  return {value.data(), value.size()};
}
Bytes bytes(const json::object& from, std::string_view name) { return hex(text(from, name)); }
SecretBytes secret(const json::object& from, std::string_view name) {
  return SecretBytes::copy_of(bytes(from, name));
}
std::int64_t number(const json::object& from, std::string_view name) {
  return from.at(name).as_int64();
}

struct Case {
  const json::object& group;
  const json::object& test;
  bool valid() const { return text(test, "result") == "valid"; }
};

// Returns why a case is skipped, or nothing when it was run.
using RunCase = std::function<std::string(const Case&)>;

void for_each_case(const std::string& file, std::size_t run, const RunCase& run_case) {
  const json::value document = json::parse(read_data(file));
  CaseCounter counter(file);
  for (const json::value& group : document.at("testGroups").as_array()) {
    for (const json::value& test : group.at("tests").as_array()) {
      const json::object& fields = test.as_object();
      SCOPED_TRACE(file + " tcId " + std::to_string(number(fields, "tcId")) + ": " +
                   std::string(text(fields, "comment")));
      if (text(fields, "result") == "acceptable") {
        counter.skipped("either outcome is acceptable");
        continue;
      }
      const std::string reason = run_case({group.as_object(), fields});
      reason.empty() ? counter.ran() : counter.skipped(reason);
    }
  }
  counter.expect(run, static_cast<std::size_t>(document.at("numberOfTests").as_int64()));
}

std::string run_aes_gcm(const Case& c) {
  if (number(c.group, "keySize") != 256) return "key is not 256 bits";
  if (number(c.group, "ivSize") != 96) return "IV is not 96 bits";
  if (number(c.group, "tagSize") != 128) return "tag is not 128 bits";
  Bytes sealed = bytes(c.test, "iv");
  append(sealed, bytes(c.test, "ct"));
  append(sealed, bytes(c.test, "tag"));
  const auto opened = crypto::aes256_gcm_open(secret(c.test, "key"), sealed, bytes(c.test, "aad"));
  EXPECT_EQ(opened.has_value(), c.valid());
  if (opened) {
    EXPECT_EQ(to_bytes(opened->expose()), bytes(c.test, "msg"));
  }
  return {};
}

std::string run_short_aes_gcm(const Case& c) {
  if (number(c.group, "ivSize") != 96) return "IV is not 96 bits";
  if (number(c.group, "tagSize") != 128) return "tag is not 128 bits";
  if (!bytes(c.test, "aad").empty()) return "has AAD";
  Bytes sealed = bytes(c.test, "ct");
  append(sealed, bytes(c.test, "tag"));
  const auto opened = crypto::aes_gcm_decrypt(secret(c.test, "key"), bytes(c.test, "iv"), sealed);
  EXPECT_EQ(opened.has_value(), c.valid());
  if (opened) {
    EXPECT_EQ(to_bytes(opened->expose()), bytes(c.test, "msg"));
  }
  return {};
}

std::string run_aes_cbc(const Case& c) {
  const auto opened =
      crypto::aes_cbc_decrypt(secret(c.test, "key"), bytes(c.test, "iv"), bytes(c.test, "ct"));
  EXPECT_EQ(opened.has_value(), c.valid());
  if (opened) {
    EXPECT_EQ(to_bytes(opened->expose()), bytes(c.test, "msg"));
  }
  return {};
}

std::string run_oaep(const Case& c) {
  EXPECT_EQ(text(c.group, "sha"), text(c.group, "mgfSha"));
  if (!bytes(c.test, "label").empty()) return "has a label";
  const auto hash =
      text(c.group, "sha") == "SHA-1" ? crypto::OaepHash::Sha1 : crypto::OaepHash::Sha256;
  const auto key = crypto::OaepPrivateKey::from_pkcs8(secret(c.group, "privateKeyPkcs8"));
  EXPECT_TRUE(key);
  const auto opened = key->decrypt(bytes(c.test, "ct"), hash);
  EXPECT_EQ(opened.has_value(), c.valid());
  if (opened) {
    EXPECT_EQ(to_bytes(opened->expose()), bytes(c.test, "msg"));
  }
  return {};
}

std::string run_hkdf(const Case& c) {
  const auto size = static_cast<std::size_t>(number(c.test, "size"));
  if (!c.valid()) {
    EXPECT_GT(size, 255u * 32);
    return "size beyond RFC 5869, an asserted invariant";
  }
  const Bytes info = bytes(c.test, "info");
  const SecretBytes okm =
      crypto::hkdf_sha256(secret(c.test, "ikm"), bytes(c.test, "salt"), as_text(info), size);
  EXPECT_EQ(to_bytes(okm.expose()), bytes(c.test, "okm"));
  return {};
}

std::string run_hmac(const Case& c) {
  const Digest mac = crypto::hmac_sha256(bytes(c.test, "key"), bytes(c.test, "msg"));
  const auto size = static_cast<std::size_t>(number(c.group, "tagSize")) / 8;
  EXPECT_EQ(crypto::equal_constant_time(ByteView(mac).first(size), bytes(c.test, "tag")),
            c.valid());
  return {};
}

std::string run_ed25519(const Case& c) {
  const Bytes key = bytes(c.group.at("publicKey").as_object(), "pk");
  EXPECT_EQ(crypto::ed25519_verify(key, bytes(c.test, "msg"), bytes(c.test, "sig")), c.valid());
  return {};
}

std::string run_p521(const Case& c) {
  constexpr std::size_t kSize = crypto::kP521CoordinateSize;
  const auto key = crypto::P521PublicKey::from_spki(bytes(c.group, "publicKeyDer"));
  const auto same =
      crypto::P521PublicKey::from_point(bytes(c.group.at("publicKey").as_object(), "uncompressed"));
  EXPECT_TRUE(key && same && key->point() == same->point());
  const Bytes signature = bytes(c.test, "sig");
  if (signature.size() != 2 * kSize) {
    EXPECT_FALSE(c.valid());
    return "not r and s of 66 bytes, which our type cannot hold";
  }
  crypto::P521Signature raw;
  std::copy_n(signature.begin(), kSize, raw.r.begin());
  std::copy_n(signature.begin() + kSize, kSize, raw.s.begin());
  const Bytes message = bytes(c.test, "msg");
  EXPECT_EQ(key->verify_sha512(message, raw), c.valid());
  EXPECT_EQ(key->verify_sha512_der(message, der_signature(raw.r, raw.s)), c.valid());
  return {};
}

std::string run_rsa(const Case& c) {
  const json::object& fields = c.group.at("publicKey").as_object();
  const auto key = crypto::RsaPublicKey::from_components(bytes(fields, "modulus"),
                                                         bytes(fields, "publicExponent"));
  EXPECT_TRUE(key);
  EXPECT_EQ(key->verify_sha256(bytes(c.test, "msg"), bytes(c.test, "sig")), c.valid());
  return {};
}

TEST(WycheproofTest, AesGcm) { for_each_case("aes_gcm_test.json", 66, run_aes_gcm); }
TEST(WycheproofTest, AesGcmOfEveryKeySize) {
  for_each_case("aes_gcm_test.json", 145, run_short_aes_gcm);
}
TEST(WycheproofTest, AesCbcPkcs7) { for_each_case("aes_cbc_pkcs5_test.json", 216, run_aes_cbc); }
TEST(WycheproofTest, RsaOaepSha1) {
  for_each_case("rsa_oaep_2048_sha1_mgf1sha1_test.json", 29, run_oaep);
}
TEST(WycheproofTest, RsaOaepSha256) {
  for_each_case("rsa_oaep_2048_sha256_mgf1sha256_test.json", 29, run_oaep);
  for_each_case("rsa_oaep_4096_sha256_mgf1sha256_test.json", 29, run_oaep);
}
TEST(WycheproofTest, HkdfSha256) { for_each_case("hkdf_sha256_test.json", 83, run_hkdf); }
TEST(WycheproofTest, HmacSha256) { for_each_case("hmac_sha256_test.json", 174, run_hmac); }
TEST(WycheproofTest, Ed25519) { for_each_case("ed25519_test.json", 151, run_ed25519); }
TEST(WycheproofTest, EcdsaP521Sha512) {
  for_each_case("ecdsa_secp521r1_sha512_p1363_test.json", 304, run_p521);
}
TEST(WycheproofTest, RsaPkcs1Sha256) {
  for_each_case("rsa_signature_2048_sha256_test.json", 258, run_rsa);
}

}  // namespace
}  // namespace keyhaven::vectors
