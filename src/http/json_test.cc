#include "http/json.h"

#include <gtest/gtest.h>

#include <cstring>

#include "net/http_server.h"

namespace keyhaven::http {
namespace {

// A body as net/ hands it over: mutable, with slack behind it. The slack holds hostile bytes, which
// must not be read as part of the body.
class BodyBytes {
 public:
  explicit BodyBytes(std::string_view text) : bytes_(text.begin(), text.end()), size_(text.size()) {
    constexpr std::string_view kHostile = "\"}]}, \"name\":1 ";
    for (std::size_t i = 0; i < net::kBodySlack; ++i) {
      bytes_.push_back(static_cast<std::uint8_t>(kHostile[i % kHostile.size()]));
    }
  }
  std::span<std::uint8_t> span() { return std::span(bytes_).first(size_); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t size_;
};

Result<Body> walk(std::string_view text) {
  BodyBytes body(text);
  return read_json(body.span(), [](std::string_view, JsonValue&) -> Result<void> { return {}; });
}

TEST(JsonReaderTest, NullEmptyAndBlankBodiesAreAbsent) {
  for (const auto text : {"", "null", " null\r\n", "  \t\n"}) {
    const auto result = walk(text);
    ASSERT_TRUE(result) << text;
    EXPECT_EQ(*result, Body::Absent) << text;
  }
  EXPECT_EQ(walk("{}").value(), Body::Present);
}

TEST(JsonReaderTest, HostileDocumentsAreRefused) {
  const std::string deep_array =
      "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  std::string deep_object;
  for (int i = 0; i < 1000; ++i) deep_object += "{\"a\":";
  std::string wide = "{";
  for (int i = 0; i < 65; ++i) wide += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":1";
  wide += "}";
  std::string long_array = "{\"a\":[0";
  for (int i = 0; i < 10'000; ++i) long_array += ",0";
  long_array += "]}";
  const std::string cases[] = {
      "[]",
      "\"text\"",
      "12",
      "nul",
      "{",
      "}",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{\"a\":1 \"b\":2}",
      "{\"a\":1}{}",
      "{\"a\":1} x",
      "{\"a\":1}}",
      "{a:1}",
      "{'a':1}",
      "{\"a\":tru}",
      "{\"a\":truex}",
      "{\"a\":nulx}",
      "{\"a\":01}",
      "{\"a\":1.}",
      "{\"a\":+1}",
      "{\"a\":1e999}",
      "{\"a\":NaN}",
      "{\"a\":\"unclosed}",
      "{\"a\":\"bad \\x escape\"}",
      "{\"a\":\"\\ud800\"}",
      "{\"a\":\"line\nbreak\"}",
      std::string("{\"a\":\"\xFF\xFE\"}"),
      std::string("{\"a\":1}\0", 8),
      "{\"a\":[1,2}",
      "{\"a\":[1,]}",
      "{\"a\":{\"b\":1]}",
      "{\"a\":1,\"a\":2}",
      "{\"Tags\":1,\"tags\":2}",
      "{\"o\":{\"x\":1,\"X\":2}}",
      "{\"a\":1,\"\\u0061\":2}",
      "// comment\n{}",
      deep_array,
      deep_object,
      wide,
      long_array,
  };
  for (const std::string& text : cases) {
    const auto result = walk(text);
    ASSERT_FALSE(result) << text.substr(0, 80);
    EXPECT_EQ(result.error().reason, Reason::BadBody) << text.substr(0, 80);
  }
}

TEST(JsonReaderTest, NestingIsAllowedUpToTheLimit) {
  const auto nested = [](int arrays) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(arrays), '[') +
           std::string(static_cast<std::size_t>(arrays), ']') + "}";
  };
  EXPECT_TRUE(walk(nested(kMaxJsonDepth - 1)));
  EXPECT_FALSE(walk(nested(kMaxJsonDepth)));
}

TEST(JsonReaderTest, EveryTruncationOfABodyIsRefused) {
  const std::string text =
      R"({"metadata":{"n":1.5,"t":true},"resources":[{"name":"a\u00e4\"","x":null}]})";
  ASSERT_TRUE(walk(text));
  for (std::size_t size = 1; size < text.size(); ++size)
    EXPECT_FALSE(walk(text.substr(0, size))) << size;
}

TEST(JsonReaderTest, NamesMatchCaseInsensitively) {
  BodyBytes body(R"({"KeyRingID":"finance"})");
  std::string ring;
  const auto result =
      read_json(body.span(), [&](std::string_view name, JsonValue& value) -> Result<void> {
        EXPECT_EQ(name, "keyringid");
        ring = KH_TRY(value.text("keyRingID", 100));
        return {};
      });
  ASSERT_TRUE(result);
  EXPECT_EQ(ring, "finance");
}

// Reads the one member "v" with `read`.
template <class T, class Read>
Result<T> read_member(std::string_view json_value, Read read) {
  BodyBytes body("{\"v\":" + std::string(json_value) + "}");
  std::optional<T> out;
  const auto result =
      read_json(body.span(), [&](std::string_view, JsonValue& value) -> Result<void> {
        auto got = read(value);
        if (!got) return std::move(got).error();
        out = std::move(got).value();
        return {};
      });
  if (!result) return result.error();
  return *std::move(out);
}

TEST(JsonReaderTest, IntegersMayArriveAsFloats) {
  const auto integer = [](std::string_view text) {
    return read_member<std::int64_t>(text, [](JsonValue& value) { return value.integer("v"); });
  };
  EXPECT_EQ(integer("1200").value(), 1200);
  EXPECT_EQ(integer("1200.0").value(), 1200);
  EXPECT_EQ(integer("1.2e3").value(), 1200);
  EXPECT_EQ(integer("-9223372036854775808").value(), INT64_MIN);
  for (const auto bad : {"1.5", "1e300", "\"1\"", "true", "null", "[1]", "99999999999999999999"}) {
    const auto result = integer(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_NE(result.error().reason, Reason::Internal) << bad;
  }
  EXPECT_EQ(integer("1.5").error().target, "v");
}

TEST(JsonReaderTest, SecretsAreDecodedFromTheRawText) {
  const auto secret = [](std::string_view text) {
    return read_member<SecretBytes>(text,
                                    [](JsonValue& value) { return value.base64_secret("v", 6); });
  };
  const auto bytes = [](const SecretBytes& value) { return to_hex(value.expose()); };
  EXPECT_EQ(bytes(secret("\"\"").value()), "");
  EXPECT_EQ(bytes(secret("\"AP//AQ==\"").value()), "00ffff01");
  EXPECT_EQ(bytes(secret("\"AP\\/\\/AQ==\"").value()), "00ffff01");  // PHP escapes the slash
  EXPECT_EQ(bytes(secret("\"AP//AQ\\u003d\\u003d\"").value()),
            "00ffff01");  // Go escapes = in HTML mode
  EXPECT_EQ(bytes(secret("\"AAECAwQF\"").value()), "000102030405");
  for (const auto bad :
       {"\"AAECAwQFBg==\"", "\"A\"", "\"AP//AQ\"", "\"AP__AQ==\"", "\"AP//\\nAQ==\"",
        "\"AP//\\\"\"", "\"\\u0130AAA\"", "12", "[\"AAAA\"]", "true"}) {
    const auto result = secret(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().reason, Reason::InvalidField) << bad;
    EXPECT_EQ(result.error().target, "v") << bad;
  }
  EXPECT_EQ(secret("\"" + std::string(100'000, 'A') + "\"").error().reason, Reason::InvalidField);
}

TEST(JsonReaderTest, PublicBase64HasItsOwnReason) {
  const auto result = read_member<Bytes>("\"?\"", [](JsonValue& value) {
    return value.base64("ciphertext", 100, Reason::NotACiphertext);
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::NotACiphertext);
}

TEST(JsonReaderTest, StringListsAreBounded) {
  const auto strings = [](std::string_view text) {
    return read_member<std::vector<std::string>>(
        text, [](JsonValue& value) { return value.strings("v", 2, 3); });
  };
  EXPECT_EQ(strings("[]").value().size(), 0U);
  EXPECT_EQ(strings("null").value().size(), 0U);
  EXPECT_EQ(strings("[\"abc\",\"\"]").value(), (std::vector<std::string>{"abc", ""}));
  EXPECT_EQ(strings("[null,\"a\"]").value(), (std::vector<std::string>{"", "a"}));
  for (const auto bad :
       {"[\"a\",\"b\",\"c\"]", "[null,null,null]", "[\"abcd\"]", "[1]", "\"a\"", "[[\"a\"]]"}) {
    EXPECT_EQ(strings(bad).error().reason, Reason::InvalidField) << bad;
  }
}

TEST(JsonReaderTest, DatesWithFractionsAndOffsetsAreTaken) {
  const auto date = [](std::string_view text) {
    return read_member<std::optional<Timestamp>>(text,
                                                 [](JsonValue& value) { return value.date("v"); });
  };
  EXPECT_EQ(date("\"2026-01-02T03:04:05Z\"").value()->seconds(), 1'767'323'045);
  EXPECT_EQ(date("\"2026-01-02T05:04:05.123456789+02:00\"").value()->seconds(), 1'767'323'045);
  EXPECT_FALSE(date("\"yesterday\""));
  EXPECT_FALSE(date("5"));
  EXPECT_EQ(date("null").value(), std::nullopt);
  EXPECT_EQ(date("\"\"").value(), std::nullopt);
}

Result<std::size_t> envelope(std::string_view text) {
  BodyBytes body(text);
  return read_envelope(body.span(), [](JsonValue&) -> Result<void> { return {}; });
}

TEST(JsonReaderTest, EnvelopesAreChecked) {
  EXPECT_EQ(envelope(R"({"metadata":{"collectionTotal":2},"resources":[{},{"a":[1]}]})").value(),
            2U);
  EXPECT_EQ(envelope(R"({"resources":[{}],"metadata":{"collectionTotal":1.0}})").value(), 1U);
  for (const auto total : {"2", "0", "-1", "-9223372036854775808"}) {
    EXPECT_EQ(envelope(R"({"metadata":{"collectionTotal":)" + std::string(total) +
                       R"(},"resources":[{}]})")
                  .error()
                  .reason,
              Reason::CollectionTotalMismatch)
        << total;
  }
  EXPECT_EQ(envelope(R"({"metadata":{"collectionTotal":null},"resources":[{}]})").value(), 1U);
  for (const auto bad :
       {"", "null", "{}", R"({"metadata":{},"resources":[{}]})", R"({"resources":[{}]})",
        R"({"metadata":{"collectionTotal":0},"resources":[]})",
        R"({"metadata":{"collectionTotal":1}})",
        R"({"metadata":{"collectionTotal":1},"resources":null})",
        R"({"metadata":[],"resources":[{}]})",
        R"({"metadata":{"collectionTotal":1},"resources":[1]})",
        R"({"metadata":{"collectionTotal":1},"resources":{}})"}) {
    EXPECT_EQ(envelope(bad).error().reason, Reason::BadBody) << bad;
  }
}

TEST(JsonWriterTest, WritesNestedValuesWithCommas) {
  std::string out;
  JsonWriter json(out);
  begin_envelope(json, "t", 2);
  json.begin_object().field("a", "x\"\\\n\x01").field("n", -5).field("b", true).end_object();
  json.begin_object().key("l").begin_array().value(1).value("z").end_array().end_object();
  end_envelope(json);
  EXPECT_EQ(out,
            "{\"metadata\":{\"collectionType\":\"t\",\"collectionTotal\":2},\"resources\":["
            "{\"a\":\"x\\\"\\\\\\n\\u0001\",\"n\":-5,\"b\":true},{\"l\":[1,\"z\"]}]}");
}

TEST(JsonWriterTest, InvalidUtf8NeverLeaves) {
  std::string out;
  append_json_string(out, "a\xFFz");
  EXPECT_EQ(out, "\"a\xEF\xBF\xBDz\"");
  out.clear();
  append_json_string(out, "\xC3\xA4");
  EXPECT_EQ(out, "\"\xC3\xA4\"");
}

}  // namespace
}  // namespace keyhaven::http
