#include "audit/event.h"

#include <gtest/gtest.h>

namespace keyhaven::audit {
namespace {

std::string json_of(const Event& event) {
  std::string out;
  append_json(out, event);
  return out;
}

Event full_event() {
  Event event;
  event.time = Timestamp::from_seconds(1'700'000'000);
  event.action = "hs-crypto.secrets.wrap";
  event.outcome = Outcome::Success;
  event.status = 200;
  event.initiator_id = "iam-ServiceId-1";
  event.initiator_name = "backup";
  event.initiator_address = "192.0.2.7";
  event.initiator_agent = "curl/8";
  event.instance_id = "instance-1";
  event.target_id = "crn:v1:k";
  event.correlation_id = "c-1";
  event.request_uri = "/api/v2/keys/k/actions/wrap";
  event.details = {
      {"responseData.keyVersionId", "v-1"}, {"requestData.keyType", "root"}, {"note", "n"}};
  return event;
}

TEST(EventTest, HasAFixedMemberOrder) {
  EXPECT_EQ(
      json_of(full_event()),
      R"({"eventTime":"2023-11-14T22:13:20Z","action":"hs-crypto.secrets.wrap","outcome":"success",)"
      R"("reason":{"reasonCode":200},"severity":"normal",)"
      R"("initiator":{"id":"iam-ServiceId-1","name":"backup","host":{"address":"192.0.2.7","agent":"curl/8"}},)"
      R"("target":{"id":"crn:v1:k","typeURI":"hs-crypto/secrets"},"correlationId":"c-1",)"
      R"("requestData":{"requestURI":"/api/v2/keys/k/actions/wrap","instanceID":"instance-1","keyType":"root"},)"
      R"("responseData":{"keyVersionId":"v-1"},"details":{"note":"n"}})");
}

TEST(EventTest, LeavesOutWhatIsEmpty) {
  Event event;
  event.time = Timestamp::from_seconds(0);
  event.action = "hs-crypto.secrets.default";
  event.details = {{"responseData.empty", ""}};
  EXPECT_EQ(json_of(event),
            R"({"eventTime":"1970-01-01T00:00:00Z","action":"hs-crypto.secrets.default",)"
            R"("outcome":"failure","severity":"normal","target":{"typeURI":"hs-crypto/secrets"}})");
}

TEST(EventTest, WritesKnownNumbersAsNumbersAndNothingElse) {
  Event event = full_event();
  event.details = {{"responseData.keyState", "5"},
                   {"responseData.totalResources", "007"},
                   {"responseData.other", "5"},
                   {"responseData.signatureThreshold", "1e9"}};
  EXPECT_NE(
      json_of(event).find(
          R"("responseData":{"keyState":5,"totalResources":"007","other":"5","signatureThreshold":"1e9"})"),
      std::string::npos);
}

TEST(EventTest, NamesTheTypeOfACryptoUnitEventWithASlash) {
  Event event = full_event();
  event.action = "hs-crypto.tke-cryptounit-master-key-register.add";
  EXPECT_NE(json_of(event).find(R"("typeURI":"hs-crypto/tke-cryptounit/master-key-register")"),
            std::string::npos);
}

struct Escape {
  std::string input;
  std::string expected;  // between the quotes
};

TEST(EventTest, MakesHostileTextSafe) {
  const Escape cases[] = {
      {"a\"b\\c", R"(a\"b\\c)"},
      {"a\nb\rc\td", R"(a\nb\rc\td)"},
      {std::string("a\0b", 3), R"(a\u0000b)"},
      {"\x1b[2J\x7f", R"(\u001b[2J\u007f)"},
      {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
      {"\xe2\x82\xac \xf0\x9f\x94\x91", "\xe2\x82\xac \xf0\x9f\x94\x91"},
      {"\xff\xfe", R"(\ufffd\ufffd)"},
      {"\xc3", R"(\ufffd)"},                                // cut in the middle
      {"\xc0\xaf", R"(\ufffd\ufffd)"},                      // overlong slash
      {"\xe0\x80\xaf", R"(\ufffd\ufffd\ufffd)"},            // overlong
      {"\xed\xa0\x80", R"(\ufffd\ufffd\ufffd)"},            // surrogate
      {"\xf4\x90\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd)"},  // above U+10FFFF
      {"\xc2\x9b", R"(\u009b)"},                            // C1 control
      {"a\xe2\x80\xae"
       "b",
       R"(a\u202eb)"},  // right-to-left override
      {"\xe2\x80\xa8", R"(\u2028)"},
      {R"(","prev":"00)", R"(\",\"prev\":\"00)"},
  };
  for (const Escape& test : cases) {
    Event event = full_event();
    event.initiator_name = test.input;
    const std::string json = json_of(event);
    EXPECT_NE(json.find("\"name\":\"" + test.expected + "\""), std::string::npos) << json;
    EXPECT_EQ(json.find('\n'), std::string::npos);
  }
}

TEST(EventTest, EscapesACharacterWhereverItStands) {
  for (int value = 1; value < 256; ++value) {
    const bool is_plain = value >= 0x20 && value < 0x7f && value != '"' && value != '\\';
    for (std::size_t at = 0; at <= 24; ++at) {
      Event event;
      event.target_id = std::string(24, 'a').insert(at, 1, static_cast<char>(value));
      std::string json;
      append_json(json, event);
      EXPECT_EQ(json.find('"' + event.target_id + '"') != std::string::npos, is_plain)
          << value << " at " << at;
      EXPECT_NE(json.find(std::string(at, 'a') + (is_plain ? "" : "\\")), std::string::npos);
      EXPECT_NE(json.find(std::string(24 - at, 'a') + "\""), std::string::npos);
    }
  }
}

TEST(EventTest, CutsLongTextAndSaysSo) {
  Event event = full_event();
  event.request_uri = std::string(2048, 'a');
  EXPECT_EQ(json_of(event).find("[cut]"), std::string::npos);
  event.request_uri += 'a';
  EXPECT_NE(json_of(event).find(std::string(2048, 'a') + "...[cut]\""), std::string::npos);
}

TEST(EventTest, DoesNotCutInsideACharacterOrAnEscape) {
  Event event = full_event();
  event.request_uri = std::string(2047, 'a') + "\xc3\xbc";
  EXPECT_NE(json_of(event).find(std::string(2047, 'a') + "...[cut]\""), std::string::npos);
  event.request_uri = std::string(2047, 'a') + "\"";
  EXPECT_NE(json_of(event).find(std::string(2047, 'a') + "...[cut]\""), std::string::npos);
}

TEST(EventTest, StaysBelowSixteenKibWhateverComes) {
  const std::string hostile(100'000, '\x01');
  Event event = full_event();
  event.action = event.reason = event.initiator_id = event.initiator_name = hostile;
  event.initiator_address = event.initiator_agent = event.instance_id = hostile;
  event.target_id = event.correlation_id = event.request_uri = hostile;
  for (int i = 0; i < 1000; ++i)
    event.details.emplace_back("requestData.d" + std::to_string(i), hostile);
  const std::string json = json_of(event);
  EXPECT_LE(json.size(), 16U * 1024);
  EXPECT_TRUE(json.ends_with(",\"detailsCut\":true}"));
}

TEST(EventTest, WritesEachDetailNameOnce) {
  Event event = full_event();
  event.details = {
      {"requestData.requestURI", "forged"}, {"requestData.a", "1"}, {"requestData.a", "2"}};
  const std::string json = json_of(event);
  EXPECT_EQ(json.find("forged"), std::string::npos);
  EXPECT_NE(json.find("\"a\":\"1\""), std::string::npos);
  EXPECT_EQ(json.find("\"a\":\"2\""), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::audit
