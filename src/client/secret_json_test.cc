#include "client/secret_json.h"

#include <gtest/gtest.h>

#include <array>

namespace keyhaven::client {
namespace {

constexpr std::array<std::string_view, 2> kNames{"plaintext", "payload"};

SecretBytes bytes_of(std::string_view text) { return SecretBytes::copy_of(text); }
std::string text_of(const SecretBytes& bytes) { return std::string(as_text(bytes.expose())); }

TEST(TakeSecretsTest, MovesTheValueOutAndBlanksIt) {
  SecretBytes json = bytes_of(R"({"plaintext":"c2VjcmV0","ciphertext":"AAAA"})");
  auto taken = take_secrets(json, kNames);
  ASSERT_TRUE(taken);
  EXPECT_EQ(text_of(take(taken.value(), "plaintext")), "c2VjcmV0");
  EXPECT_EQ(text_of(json), R"({"plaintext":"        ","ciphertext":"AAAA"})");
}

TEST(TakeSecretsTest, FindsNestedMembersAndResolvesEscapes) {
  SecretBytes json = bytes_of("{\"resources\":[{\"payload\" :\n\"a\\/b\\u002bc\"}]}");
  auto taken = take_secrets(json, kNames);
  ASSERT_TRUE(taken);
  EXPECT_EQ(text_of(take(taken.value(), "payload")), "a/b+c");
  EXPECT_EQ(text_of(json).find("a\\/b"), std::string::npos);
}

TEST(TakeSecretsTest, AStringValueThatLooksLikeAMemberNameIsNoMember) {
  SecretBytes json = bytes_of(R"({"name":"payload","note":"\"payload\":\"x\"","payload":"yes"})");
  auto taken = take_secrets(json, kNames);
  ASSERT_TRUE(taken);
  ASSERT_EQ(taken.value().size(), 1U);
  EXPECT_EQ(text_of(taken.value().front().value), "yes");
}

TEST(TakeSecretsTest, TakesAnUnterminatedSecretToTheEnd) {
  SecretBytes json = bytes_of(R"({"payload":"c2Vjc)");
  auto taken = take_secrets(json, kNames);
  ASSERT_TRUE(taken);
  EXPECT_EQ(text_of(take(taken.value(), "payload")), "c2Vjc");
  EXPECT_EQ(text_of(json).find("c2V"), std::string::npos);
}

TEST(TakeSecretsTest, RefusesAnEscapeOutsideAscii) {
  SecretBytes json = bytes_of(R"({"payload":"\u00e9"})");
  const auto taken = take_secrets(json, kNames);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, Reason::BadBody);
  EXPECT_EQ(text_of(json), R"({"payload":"      "})") << "blanked although refused";
}

TEST(TakeSecretsTest, SurvivesEveryPrefixOfADocument) {
  const std::string whole = R"({"a":{"plaintext":"x\"y\u0041"},"payload":"z","b":[1,"c"]})";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    SecretBytes json = bytes_of(whole.substr(0, size));
    static_cast<void>(take_secrets(json, kNames));
  }
}

TEST(TakeSecretsTest, RefusesTooManySecrets) {
  std::string many = "[";
  for (int count = 0; count < 17; ++count) many += R"({"payload":"x"},)";
  SecretBytes json = bytes_of(many);
  const auto taken = take_secrets(json, kNames);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, Reason::TooLarge);
}

TEST(JsonWriterTest, PlacesCommasAndEscapes) {
  JsonWriter out;
  out.begin_object().key("a").string("q\"b\\c\n\x01");
  out.key("list").begin_array().integer(-5).boolean(true).begin_object().end_object().end_array();
  out.key("s").base64(as_bytes("hello")).end_object();
  EXPECT_EQ(text_of(out.finish()),
            R"({"a":"q\"b\\c\u000a\u0001","list":[-5,true,{}],"s":"aGVsbG8="})");
}

TEST(JsonWriterTest, GrowsBeyondItsFirstBuffer) {
  JsonWriter out;
  const std::string large(5000, 'x');
  out.string(large);
  EXPECT_EQ(text_of(out.finish()), '"' + large + '"');
  EXPECT_EQ(out.finish().size(), 0U) << "finish leaves the writer empty";
}

}  // namespace
}  // namespace keyhaven::client
