#include "tke/signing_service.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tke/der.h"

namespace keyhaven::tke {
namespace {

Bytes integer(ByteView magnitude) {
  while (magnitude.size() > 1 && magnitude.front() == 0) magnitude = magnitude.subspan(1);
  Bytes content;
  if ((magnitude.front() & 0x80) != 0) content.push_back(0);
  append(content, magnitude);
  return der::element(der::kInteger, content);
}

std::string key_answer(const crypto::P521Point& point) {
  const ByteView bytes(point);
  return R"({"publickey":")" +
         to_base64(der::sequence({integer(bytes.subspan(1, 66)), integer(bytes.last(66))})) + "\"}";
}

std::string signature_answer(ByteView der) { return R"({"signature":")" + to_base64(der) + "\"}"; }

TEST(SigningServiceTest, NamesAreUnreservedCharactersOnly) {
  for (const char* good : {"a", "Alice-1.key_~", "..."})
    EXPECT_TRUE(is_signing_key_name(good)) << good;
  for (const char* bad : {"", ".", "..", "a/b", "a?b", "a%2Fb", "a b", "\xC3\xA9", "a#", "a:b"})
    EXPECT_FALSE(is_signing_key_name(bad)) << bad;
  EXPECT_TRUE(is_signing_key_name(std::string(128, 'a')));
  EXPECT_FALSE(is_signing_key_name(std::string(129, 'a')));
}

TEST(SigningServiceTest, ReadsPublicKeysOfEveryLength) {
  // Coordinates with leading zeros come about once in 256 keys; 600 keys meet some.
  for (int i = 0; i < 600; ++i) {
    const auto key = crypto::P521PrivateKey::generate();
    const auto read = parse_signing_key_answer(key_answer(key.public_key().point()));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->point(), key.public_key().point());
  }
}

TEST(SigningServiceTest, ReadsSignaturesThatVerify) {
  const auto key = crypto::P521PrivateKey::generate();
  const Bytes message = {1, 2, 3};
  for (int i = 0; i < 50; ++i) {
    const auto read = parse_signature_answer(signature_answer(key.sign_sha512_der(message)));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(key.public_key().verify_sha512_der(message, *read));
  }
}

TEST(SigningServiceTest, RefusesEverythingElse) {
  const Bytes one = integer(Bytes{1});
  const Bytes long_one = integer(Bytes(67, 1));
  const std::string kCases[] = {
      "",
      "[]",
      "{}",
      "{\"signature\":5}",
      "{\"signature\":\"!\"}",
      "{\"signature\":[[[[[1]]]]]}",
      signature_answer({}),
      signature_answer(one),
      signature_answer(der::sequence({one})),
      signature_answer(der::sequence({one, one, one})),
      signature_answer(der::sequence({long_one, one})),
      signature_answer(der::sequence({der::element(der::kInteger, Bytes{0}), one})),
      signature_answer(der::sequence({der::element(der::kInteger, Bytes{0, 1}), one})),
      signature_answer(der::sequence({der::element(der::kInteger, Bytes{0x80}), one})),
      signature_answer(der::sequence({der::element(der::kInteger, Bytes{}), one})),
      std::string(kMaxSigningAnswerBytes + 1, ' '),
  };
  for (const std::string& text : kCases) EXPECT_FALSE(parse_signature_answer(text)) << text;
  EXPECT_FALSE(
      parse_signing_key_answer(R"({"publickey":")" + to_base64(der::sequence({one, one})) + "\"}"))
      << "off the curve";
}

TEST(SigningServiceTest, AsksForSha512OfTheInput) {
  EXPECT_EQ(signing_request(Bytes{1, 2, 3}), R"({"hash_algorithm":"sha2-512","input":"AQID"})");
}

RC_GTEST_PROP(SigningServiceTest, ReadersAreTotal, (const std::string& text)) {
  RC_ASSERT(!parse_signature_answer(text));
  RC_ASSERT(!parse_signing_key_answer(text));
}

}  // namespace
}  // namespace keyhaven::tke
