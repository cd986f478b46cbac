// The calls on keys as clients send them, down to the real unit.
#include <gtest/gtest.h>

#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

bool contains(const net::Response& response, std::string_view text) {
  return response.body.find(text) != std::string::npos;
}

// The text after "name":" up to the next quote; empty when the member is absent.
std::string member(const std::string& body, const std::string& name) {
  const std::string head = "\"" + name + "\":\"";
  const std::size_t begin = body.find(head);
  if (begin == std::string::npos) return "";
  return body.substr(begin + head.size(),
                     body.find('"', begin + head.size()) - begin - head.size());
}

class KeyRoutesTest : public ::testing::Test, protected TestApi {
 protected:
  static std::string envelope(const std::string& resource, int total = 1) {
    return R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":)" +
           std::to_string(total) + "},\"resources\":[" + resource + "]}";
  }
  net::Response create(const std::string& members, const TestHeaders& headers = {}) {
    return call("POST", "/api/v2/keys", envelope("{" + members + "}"), headers);
  }
  std::string id_of(const net::Response& created) {
    EXPECT_EQ(created.status, 201) << created.body;
    return member(created.body, "id");
  }
  std::string root(const std::string& more = "") {
    return id_of(create(R"("name":"root","extractable":false)" + more));
  }
  std::string imported(std::size_t bytes = 32) {
    return root(",\"payload\":\"" + to_base64(Bytes(bytes, 0x5A)) + "\"");
  }
  net::Response act(const std::string& key, const std::string& action,
                    const std::string& body = "") {
    return call("POST", "/api/v2/keys/" + key + "/actions/" + action, body);
  }
  int status(std::string_view method, const std::string& target, std::string_view body = {},
             const TestHeaders& headers = {}) {
    return call(method, target, body, headers).status;
  }
};

TEST_F(KeyRoutesTest, CreateAnswersTheKeyObject) {
  const auto response =
      create(R"("name":"payroll-root","extractable":false,"aliases":["payroll"],"Tags":["hr"])");
  const std::string id = id_of(response);
  const std::string instance = unit::test_instance(1).text();
  const std::string date = "\"2026-01-02T03:04:05Z\"";
  EXPECT_EQ(
      response.body,
      envelope(
          R"({"type":"application/vnd.ibm.kms.key+json","id":")" + id +
          R"(","name":"payroll-root","aliases":["payroll"],"tags":["hr"],"state":1,"extractable":false,"crn":")" +
          "crn:v1:bluemix:public:hs-crypto:eu-de:a/" + std::string(32, 'a') + ":" + instance +
          ":key:" + id + R"(","imported":false,"keyRingID":"default","creationDate":)" + date +
          R"(,"createdBy":"iam-ServiceId-manager","algorithmType":"AES",)"
          R"("algorithmMetadata":{"bitLength":"256","mode":"CBC_PAD"},"algorithmBitSize":256,)"
          R"("algorithmMode":"CBC_PAD","keyVersion":{"id":")" +
          id + R"(","creationDate":)" + date +
          R"(},"dualAuthDelete":{"enabled":false},"deleted":false})"));
}

TEST_F(KeyRoutesTest, LastUpdateDateIsAbsentInCreateAndPresentLater) {
  const auto created = create(R"("name":"root","extractable":false)");
  EXPECT_FALSE(contains(created, "lastUpdateDate"));
  const auto read = call("GET", "/api/v2/keys/" + id_of(created));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(member(read.body, "lastUpdateDate"), "2026-01-02T03:04:05Z");
  EXPECT_FALSE(contains(read, "lastRotateDate"));
}

TEST_F(KeyRoutesTest, PreferDecidesWhatCreateReturns) {
  const std::string payload = to_base64(Bytes(20, 7));
  const std::string members = R"("name":"std","payload":")" + payload + "\"";
  const auto minimal = create(members, {{"Prefer", "return=minimal"}});
  EXPECT_FALSE(contains(minimal, "\"name\""));
  EXPECT_NE(member(minimal.body, "id"), "");
  EXPECT_FALSE(contains(create(members), payload));
  EXPECT_EQ(member(create(members, {{"Prefer", "return=representation"}}).body, "payload"),
            payload);
  const auto root_key =
      create(R"("name":"root","extractable":false)", {{"Prefer", "return=representation"}});
  EXPECT_FALSE(contains(root_key, "payload"));
}

TEST_F(KeyRoutesTest, CreateRefusals) {
  const auto refused = [&](const std::string& body, int expected, std::string_view code) {
    const auto response = call("POST", "/api/v2/keys", body);
    EXPECT_EQ(response.status, expected) << body;
    EXPECT_TRUE(contains(response, code)) << response.body;
  };
  refused("", 400, "BAD_BODY_ERR");
  refused("null", 400, "BAD_BODY_ERR");
  refused(envelope(R"({"name":"aa"},{"name":"bb"})", 2), 400, "one key per request");
  refused(envelope(R"({"name":"aa"})", 2), 400, "COLLECTION_TOTAL_MISMATCH_ERR");
  refused(envelope(R"({"name":"a"})"), 400, "INVALID_FIELD_ERR");
  refused(envelope(R"({})"), 400, R"("target":{"type":"field","name":"name"})");
  refused(envelope(R"({"name":"aa","extractable":"no"})"), 400, "INVALID_FIELD_ERR");
  refused(envelope(R"({"name":"aa","extractable":false,"payload":"AAAA"})"), 400,
          "INVALID_FIELD_ERR");
  refused(envelope(R"({"name":"aa","payload":"not base64!"})"), 400, "INVALID_FIELD_ERR");
  refused(envelope(R"({"name":"aa","encryptedNonce":"AAAA"})"), 400, "encryptedNonce");
  refused(envelope(R"({"name":"aa","expirationDate":"2020-01-01T00:00:00Z"})"), 400,
          "expirationDate");
  refused(envelope(R"({"name":"aa","aliases":["a1","a2","a3","a4","a5","a6"]})"), 409,
          "KEY_ALIAS_LIMIT_ERR");
  EXPECT_EQ(create(R"("name":"aa")", {{"X-Kms-Key-Ring", "nowhere"}}).status, 404);
  EXPECT_EQ(header_of(call("HEAD", "/api/v2/keys"), "Key-Total"), "0");
  EXPECT_EQ(create(R"("name":"aa","iv":"","encryptedNonce":"","payload":"","expirationDate":null)")
                .status,
            201);
}

TEST_F(KeyRoutesTest, AnUninitialisedInstanceAnswers409WithTheWordToGrepFor) {
  add_caller("nine", {iam::Role::Manager}, unit::test_instance(9));
  const TestHeaders nine = {{"Authorization", "Bearer nine"},
                            {"Bluemix-Instance", unit::test_instance(9).text()}};
  const auto response = create(R"("name":"root","extractable":false)", nine);
  EXPECT_EQ(response.status, 409);
  EXPECT_TRUE(contains(response, "INSTANCE_NOT_INITIALIZED"));
  EXPECT_TRUE(contains(response, "CKR_IBM_WK_NOT_INITIALIZED"));
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, nine).status, 200);
}

TEST_F(KeyRoutesTest, ListPagesFiltersAndCounts) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(i % 2 == 0 ? root() : id_of(create(R"("name":"std")")));
  std::sort(ids.begin(), ids.end());
  std::vector<std::string> paged;
  for (int offset = 0; offset < 6; offset += 2) {
    const auto page = call("GET", "/api/v2/keys?limit=2&offset=" + std::to_string(offset));
    EXPECT_TRUE(contains(page, "\"collectionTotal\":" + std::to_string(offset < 4 ? 2 : 1)))
        << page.body;
    for (std::size_t at = page.body.find(R"("id":")"); at != std::string::npos;
         at = page.body.find(R"("id":")", at + 1)) {
      const std::string id = page.body.substr(at + 6, 36);
      if (std::find(paged.begin(), paged.end(), id) == paged.end())
        paged.push_back(id);  // keyVersion.id repeats it
    }
  }
  EXPECT_EQ(paged, ids);
  const auto total = [&](const std::string& query) {
    return header_of(call("HEAD", "/api/v2/keys" + query), "Key-Total");
  };
  EXPECT_EQ(total(""), "5");
  EXPECT_EQ(total("?extractable=true"), "2");
  EXPECT_EQ(total("?extractable=False"), "3");
  ASSERT_EQ(status("DELETE", "/api/v2/keys/" + ids[0]), 204);
  EXPECT_EQ(total(""), "4");
  EXPECT_EQ(total("?state=5"), "1");
  EXPECT_EQ(total("?state=1&state=5"), "5");
  EXPECT_EQ(total("?state=1%2C5"), "5");
  EXPECT_TRUE(contains(call("GET", "/api/v2/keys?offset=100"), "\"resources\":[]"));
  for (const auto bad :
       {"limit=0", "limit=5001", "limit=x", "limit=", "offset=-1", "state=4", "state=", "sort=size",
        "extractable=maybe", "search=name:", "filter=state=4", "filter=state=1&state=1",
        "filter=extractable=true&extractable=true"}) {
    const auto response = call("GET", std::string("/api/v2/keys?") + bad);
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_TRUE(contains(response, "INVALID_QUERY_PARAM_ERR")) << bad;
  }
  EXPECT_EQ(status("GET", "/api/v2/keys?limit=5000&sort=-creationDate,id"), 200);
}

TEST_F(KeyRoutesTest, SearchAndFilterAsTheGoClientSendsThem) {
  const std::string id = id_of(create(R"("name":"needle","extractable":false)"));
  root();
  const auto found = call("GET", "/api/v2/keys?search=name%3Aneedle%2C");
  EXPECT_TRUE(contains(
      found, R"("collectionTotal":1,"searchQuery":{"query":"needle","scopes":["name"],"not":false,)"
             R"("exact":false}})"))
      << found.body;
  EXPECT_TRUE(contains(found, id));
  EXPECT_FALSE(contains(found, "incompleteSearch"));
  EXPECT_FALSE(contains(call("GET", "/api/v2/keys?search=,"), "searchQuery"));
  const std::string filter =
      "%20creationDate%3Dgte%3A%222026-01-01T00%3A00%3A00.000000001Z%22%20state%3D1%2C2%20"
      "extractable%3Dfalse";
  EXPECT_TRUE(contains(call("GET", "/api/v2/keys?filter=" + filter), R"("collectionTotal":2})"));
  EXPECT_EQ(header_of(call("HEAD", "/api/v2/keys?filter=" + filter), "Key-Total"), "2");
}

TEST_F(KeyRoutesTest, ListsShowOnlyWhatTheCallerMaySee) {
  ASSERT_EQ(status("POST", "/api/v2/key_rings/finance"), 201);
  const std::string in_ring = id_of(create(R"("name":"ringed")", {{"X-Kms-Key-Ring", "finance"}}));
  const std::string in_default = root();
  iam::Grant ring_only = grant({iam::Role::Reader}, unit::test_instance(1));
  ring_only.key_ring = "finance";
  add_caller("ring", ring_only);
  iam::Grant key_only = grant({iam::Role::Reader}, unit::test_instance(1));
  key_only.key = KeyId::parse(in_default).value();
  add_caller("key", key_only);
  add_caller("nobody", {}, std::nullopt);
  const auto as = [](const std::string& who) {
    return TestHeaders{{"Authorization", "Bearer " + who}};
  };
  const auto list = call("GET", "/api/v2/keys", {}, as("ring"));
  EXPECT_TRUE(contains(list, in_ring));
  EXPECT_FALSE(contains(list, in_default));
  EXPECT_EQ(header_of(call("HEAD", "/api/v2/keys", {}, as("key")), "Key-Total"), "0");
  EXPECT_EQ(status("GET", "/api/v2/keys", {}, as("nobody")), 200);
  EXPECT_EQ(status("GET", "/api/v2/keys/" + in_default + "/metadata", {}, as("key")), 200);
  EXPECT_EQ(status("GET", "/api/v2/keys/" + in_ring + "/metadata", {}, as("key")), 401);
  EXPECT_EQ(status("GET", "/api/v2/keys/" + in_default + "/metadata", {}, as("ring")), 401);
}

TEST_F(KeyRoutesTest, PayloadNeedsReaderPlusAndIsNeverThatOfARootKey) {
  const std::string payload = to_base64(Bytes(32, 0x5A));
  const std::string standard = id_of(create(R"("name":"std","payload":")" + payload + "\""));
  const std::string root_key = imported();
  EXPECT_EQ(member(call("GET", "/api/v2/keys/" + standard).body, "payload"), payload);
  EXPECT_FALSE(contains(call("GET", "/api/v2/keys/" + standard + "/metadata"), "payload"));
  EXPECT_FALSE(contains(call("GET", "/api/v2/keys/" + root_key), payload));
  add_caller("reader", {iam::Role::Reader}, unit::test_instance(1));
  const TestHeaders reader = {{"Authorization", "Bearer reader"}};
  EXPECT_EQ(status("GET", "/api/v2/keys/" + standard, {}, reader), 401);
  EXPECT_EQ(status("GET", "/api/v2/keys/" + standard + "/metadata", {}, reader), 200);
  ASSERT_EQ(status("DELETE", "/api/v2/keys/" + standard), 204);
  const auto destroyed = call("GET", "/api/v2/keys/" + standard);
  EXPECT_EQ(destroyed.status, 200);
  EXPECT_FALSE(contains(destroyed, "payload"));
}

TEST_F(KeyRoutesTest, WrapAndUnwrapInBothSpellings) {
  const std::string key = root(R"(,"aliases":["payroll"])");
  const std::string text = to_base64(as_bytes("a sentence of thirty-five characters"));
  const auto wrapped =
      act("payroll", "wrap", R"({"plaintext":")" + text + R"(","aad":["t1","t2"]})");
  ASSERT_EQ(wrapped.status, 200) << wrapped.body;
  EXPECT_FALSE(contains(wrapped, "plaintext"));
  EXPECT_EQ(member(wrapped.body, "id"), key);
  const std::string ciphertext = member(wrapped.body, "ciphertext");
  const std::string body = R"({"ciphertext":")" + ciphertext + R"(","aad":["t1","t2"]})";
  const auto unwrapped = act(key, "unwrap", body);
  EXPECT_EQ(unwrapped.body,
            R"({"plaintext":")" + text + R"(","keyVersion":{"id":")" + key + R"("}})");
  EXPECT_EQ(call("POST", "/api/v2/keys/" + key + "?action=unwrap", body).body, unwrapped.body);
  EXPECT_EQ(status("POST", "/api/v2/keys/payroll?action=wrap", "{}"), 200);
  for (const auto aad : {R"(["t2","t1"])", R"(["t1"])", R"([])", R"(["t1t2"])"}) {
    const auto wrong =
        act(key, "unwrap", R"({"ciphertext":")" + ciphertext + R"(","aad":)" + aad + "}");
    EXPECT_EQ(wrong.status, 422) << aad;
    EXPECT_TRUE(contains(wrong, "UNPROCESSABLE_CIPHERTEXT_ERR"));
  }
}

TEST_F(KeyRoutesTest, WrapWithoutPlaintextMakesADek) {
  const std::string key = root();
  for (const auto body : {"", "null", "{}", R"({"plaintext":""})",
                          R"({"plaintext":null,"aad":null})", R"({"aad":[]})"}) {
    const auto wrapped = act(key, "wrap", body);
    ASSERT_EQ(wrapped.status, 200) << body << wrapped.body;
    const std::string dek = member(wrapped.body, "plaintext");
    EXPECT_EQ(from_base64(dek).value().size(), 32U);
    const auto unwrapped =
        act(key, "unwrap", R"({"ciphertext":")" + member(wrapped.body, "ciphertext") + "\"}");
    EXPECT_EQ(member(unwrapped.body, "plaintext"), dek);
  }
}

TEST_F(KeyRoutesTest, UnwrapOfAnOldVersionRewraps) {
  const std::string key = root();
  const std::string old = member(act(key, "wrap", R"({"plaintext":"AAEC"})").body, "ciphertext");
  ASSERT_EQ(act(key, "rotate", "null").status, 204);
  const auto unwrapped = act(key, "unwrap", R"({"ciphertext":")" + old + "\"}");
  EXPECT_EQ(member(unwrapped.body, "plaintext"), "AAEC");
  EXPECT_TRUE(contains(unwrapped, R"("keyVersion":{"id":")" + key));
  EXPECT_TRUE(contains(unwrapped, "rewrappedKeyVersion"));
  const std::string fresh = member(unwrapped.body, "ciphertext");
  const auto again = act(key, "unwrap", R"({"ciphertext":")" + fresh + "\"}");
  EXPECT_EQ(member(again.body, "plaintext"), "AAEC");
  EXPECT_FALSE(contains(again, "ciphertext"));
  EXPECT_FALSE(contains(again, "rewrappedKeyVersion"));
  const auto rewrapped = act(key, "rewrap", R"({"ciphertext":")" + old + "\"}");
  EXPECT_EQ(rewrapped.status, 200);
  EXPECT_FALSE(contains(rewrapped, "plaintext"));
  EXPECT_TRUE(contains(rewrapped, "rewrappedKeyVersion"));
  const auto versions = call("GET", "/api/v2/keys/" + key + "/versions?totalCount=true");
  EXPECT_TRUE(contains(versions, "\"totalCount\":2"));
  EXPECT_NE(member(versions.body, "id"), key);  // newest first
  EXPECT_TRUE(contains(versions, key));
  const auto read = call("GET", "/api/v2/keys/" + key + "/metadata");
  EXPECT_TRUE(contains(read, "lastRotateDate"));
}

TEST_F(KeyRoutesTest, HostileCiphertexts) {
  const std::string key = root();
  const std::string other = root();
  const std::string good = member(act(key, "wrap", R"({"plaintext":"AAEC"})").body, "ciphertext");
  const auto unwrap = [&](const std::string& ciphertext) {
    return act(key, "unwrap", R"({"ciphertext":")" + ciphertext + "\"}").status;
  };
  EXPECT_EQ(unwrap("not base64!"), 400);
  EXPECT_EQ(unwrap(""), 400);
  EXPECT_EQ(unwrap("AAAA"), 400);
  EXPECT_EQ(unwrap(to_base64(Bytes(8000))), 400);
  const Bytes bytes = from_base64(good).value();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= 0x01;
    const int answer = unwrap(to_base64(flipped));
    EXPECT_EQ(answer, i < 4 ? 400 : 422) << "byte " << i;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(unwrap(to_base64(ByteView(bytes).first(size))) == (size <= 76 ? 400 : 422)) << size;
  }
  EXPECT_EQ(act(other, "unwrap", R"({"ciphertext":")" + good + "\"}").status, 422);
  const auto no_body = act(key, "unwrap");
  EXPECT_EQ(no_body.status, 400);
  EXPECT_TRUE(contains(no_body, "NO_BODY_ERR"));
  EXPECT_TRUE(contains(act(key, "unwrap", "{}"), R"("name":"ciphertext")"));
  EXPECT_EQ(act(key, "wrap", R"({"plaintext":")" + to_base64(Bytes(7500)) + "\"}").status, 200);
  EXPECT_EQ(act(key, "wrap", R"({"plaintext":")" + to_base64(Bytes(7501)) + "\"}").status, 400);
}

TEST_F(KeyRoutesTest, AadLimits) {
  const std::string key = root();
  const auto wrap_with = [&](std::size_t entries, const std::string& entry) {
    std::string body = R"({"aad":[)";
    for (std::size_t i = 0; i < entries; ++i) body += (i == 0 ? "\"" : ",\"") + entry + "\"";
    return act(key, "wrap", body + "]}").status;
  };
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(wrap_with(255, std::string(255, 'x')), 200);
  EXPECT_EQ(wrap_with(1, umlauts), 200);
  EXPECT_EQ(wrap_with(256, "x"), 400);
  EXPECT_EQ(wrap_with(1, std::string(256, 'x')), 400);
}

TEST_F(KeyRoutesTest, RotationCodesAndTargets) {
  const std::string generated = root();
  const auto with_payload =
      act(generated, "rotate", R"({"payload":")" + to_base64(Bytes(32)) + "\"}");
  EXPECT_EQ(with_payload.status, 400);
  EXPECT_TRUE(contains(with_payload, "INVALID_QUERY_PARAM_ERR"));
  EXPECT_TRUE(contains(with_payload, R"("target":{"type":"query_param","name":"payload"})"));
  const std::string key = imported();
  for (const auto body : {"", "null", "{}", R"({"payload":""})"}) {
    const auto without = act(key, "rotate", body);
    EXPECT_EQ(without.status, 400);
    EXPECT_TRUE(contains(without, R"("target":{"type":"field","name":"payload"})")) << without.body;
    EXPECT_TRUE(contains(without, "KEY_PAYLOAD_REQ_ERR"));
  }
  // The vendor's own sample carries members of a key beside the payload.
  const std::string body =
      R"({"payload":")" + to_base64(Bytes(16, 1)) + R"(","name":"x","extractable":false})";
  EXPECT_EQ(act(key, "rotate", body).status, 204);
  const auto soon = act(key, "rotate", body);
  EXPECT_EQ(soon.status, 409);
  EXPECT_TRUE(contains(soon, "KEY_ROTATION_NOT_PERMITTED"));
}

TEST_F(KeyRoutesTest, ImportedMaterialOpensOldCiphertextsInAnotherInstance) {
  add_caller("second", {iam::Role::Manager}, unit::test_instance(2));
  const std::string here = imported();
  const std::string wrapped =
      member(act(here, "wrap", R"({"plaintext":"AAEC"})").body, "ciphertext");
  const TestHeaders there = {{"Authorization", "Bearer second"},
                             {"Bluemix-Instance", unit::test_instance(2).text()}};
  const std::string twin = id_of(
      create(R"("name":"root","extractable":false,"payload":")" + to_base64(Bytes(32, 0x5A)) + "\"",
             there));
  const auto opened = call("POST", "/api/v2/keys/" + twin + "/actions/unwrap",
                           R"({"ciphertext":")" + wrapped + "\"}", there);
  EXPECT_EQ(member(opened.body, "plaintext"), "AAEC");
  EXPECT_EQ(call("POST", "/api/v2/keys/" + here + "/actions/unwrap",
                 R"({"ciphertext":")" + wrapped + "\"}", there)
                .status,
            404);  // an id of the other instance
}

TEST_F(KeyRoutesTest, StatesAnswerAsTheTableSays) {
  const std::string key = root();
  const std::string wrapped =
      R"({"ciphertext":")" + member(act(key, "wrap").body, "ciphertext") + "\"}";
  EXPECT_EQ(act(key, "enable", "null").status, 409);
  ASSERT_EQ(act(key, "disable", "null").status, 204);
  EXPECT_EQ(act(key, "disable").status, 409);
  EXPECT_EQ(act(key, "wrap").status, 409);
  EXPECT_EQ(act(key, "unwrap", wrapped).status, 409);
  EXPECT_EQ(act(key, "rotate").status, 409);
  EXPECT_TRUE(contains(act(key, "enable"), "REQ_TOO_EARLY_ERR"));
  EXPECT_EQ(status("GET", "/api/v2/keys/" + key + "/versions"), 409);
  EXPECT_EQ(status("GET", "/api/v2/keys/" + key + "/versions?allKeyStates=true"), 200);
  clock.advance_seconds(30);
  ASSERT_EQ(call("POST", "/api/v2/keys/" + key + "?action=enable", "null").status, 204);
  ASSERT_EQ(status("DELETE", "/api/v2/keys/" + key + "?force=true"), 204);
  for (const auto action : {"wrap", "rotate", "disable", "enable"})
    EXPECT_EQ(act(key, action).status, 410) << action;
  EXPECT_EQ(act(key, "unwrap", wrapped).status, 410);
  EXPECT_EQ(act(key, "rewrap", wrapped).status, 410);
  EXPECT_TRUE(contains(call("DELETE", "/api/v2/keys/" + key), "KEY_DELETED_ERR"));
  const std::string standard = id_of(create(R"("name":"std")"));
  for (const auto action : {"wrap", "rotate", "disable", "enable"}) {
    EXPECT_TRUE(contains(act(standard, action), "KEY_ROOT_REQ_ERR")) << action;
  }
  EXPECT_TRUE(contains(act(standard, "unwrap", wrapped), "KEY_ROOT_REQ_ERR"));
  EXPECT_TRUE(contains(call("GET", "/api/v2/keys/" + standard + "/versions"), "KEY_ROOT_REQ_ERR"));
}

TEST_F(KeyRoutesTest, DeleteRestorePurgeWithTheirDates) {
  const std::string key = root();
  const auto deleted =
      call("DELETE", "/api/v2/keys/" + key, {}, {{"Prefer", "return=representation"}});
  EXPECT_EQ(deleted.status, 200);
  EXPECT_TRUE(contains(deleted, R"("state":5)"));
  EXPECT_TRUE(contains(deleted, R"("deleted":true,"deletionDate":"2026-01-02T03:04:05Z")"));
  EXPECT_EQ(member(deleted.body, "restoreExpirationDate"), "2026-02-01T03:04:05Z");
  EXPECT_EQ(member(deleted.body, "purgeAllowedFrom"), "2026-01-02T07:04:05Z");
  EXPECT_EQ(member(deleted.body, "purgeScheduledOn"), "2026-04-02T03:04:05Z");
  EXPECT_TRUE(contains(deleted, R"("restoreAllowed":true,"purgeAllowed":false)"));
  EXPECT_EQ(status("POST", "/api/v2/keys/" + key + "/restore"), 409);
  clock.advance_seconds(30);
  const auto restored = call("POST", "/api/v2/keys/" + key + "?action=restore", "{}");
  EXPECT_EQ(restored.status, 201);
  EXPECT_TRUE(contains(restored, R"("resources":[{"type")"));
  EXPECT_TRUE(contains(restored, R"("state":1)"));
  ASSERT_EQ(status("DELETE", "/api/v2/keys/" + key), 204);
  EXPECT_TRUE(contains(call("DELETE", "/api/v2/keys/" + key + "/purge"), "4h0m0s"));
  clock.advance_seconds(4 * 3600);
  add_caller("only-manager", {iam::Role::Manager}, unit::test_instance(1));
  EXPECT_EQ(status("DELETE", "/api/v2/keys/" + key + "/purge", {},
                   {{"Authorization", "Bearer only-manager"}}),
            401);
  EXPECT_EQ(status("DELETE", "/api/v2/keys/" + key + "/purge"), 204);
  EXPECT_EQ(status("GET", "/api/v2/keys/" + key), 404);
}

TEST_F(KeyRoutesTest, AliasesWorkEverywhere) {
  const std::string key = root();
  const auto added = call("POST", "/api/v2/keys/" + key + "/aliases/pay");
  EXPECT_EQ(added.status, 201);
  EXPECT_EQ(member(added.body, "keyId"), key);
  EXPECT_EQ(member(added.body, "alias"), "pay");
  EXPECT_EQ(status("GET", "/api/v2/keys/pay/metadata"), 200);
  EXPECT_TRUE(contains(call("POST", "/api/v2/keys/" + root() + "/aliases/pay"),
                       "KEY_ALIAS_NOT_UNIQUE_ERR"));
  EXPECT_EQ(status("POST", "/api/v2/keys/pay/aliases/bad%20alias"), 400);
  EXPECT_EQ(status("DELETE", "/api/v2/keys/pay/aliases/other"), 404);
  EXPECT_EQ(status("DELETE", "/api/v2/keys/pay/aliases/pay"), 204);
  EXPECT_EQ(status("GET", "/api/v2/keys/pay/metadata"), 404);
}

TEST_F(KeyRoutesTest, RingsMoveKeysAndHideThemFromTheWrongHeader) {
  const auto made = call("POST", "/api/v2/key_rings/finance");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body, "");
  EXPECT_EQ(status("POST", "/api/v2/key_rings/finance"), 409);
  EXPECT_EQ(status("POST", "/api/v2/key_rings/default"), 409);
  const auto rings = call("GET", "/api/v2/key_rings?totalCount=True");
  EXPECT_TRUE(contains(rings, R"("resources":[{"id":"default"},{"id":"finance","creationDate":)"))
      << rings.body;
  EXPECT_TRUE(contains(rings, R"("totalCount":2)"));
  const std::string key = root();
  const std::string path = "/api/v2/keys/" + key;
  EXPECT_EQ(status("PATCH", path, R"({"KeyRingID":"nowhere"})"), 404);
  EXPECT_EQ(status("PATCH", path, "{}"), 400);
  EXPECT_EQ(status("PATCH", path), 400);
  const auto moved = call("PATCH", path, R"({"KeyRingID":"finance"})");
  EXPECT_EQ(moved.status, 200);
  EXPECT_EQ(member(moved.body, "keyRingID"), "finance");
  EXPECT_EQ(status("PATCH", path, R"({"keyRingID":"finance"})"), 200);
  EXPECT_EQ(status("GET", path + "/metadata", {}, {{"X-Kms-Key-Ring", "finance"}}), 200);
  EXPECT_EQ(status("GET", path + "/metadata", {}, {{"X-Kms-Key-Ring", "default"}}), 404);
  EXPECT_EQ(
      header_of(call("HEAD", "/api/v2/keys", {}, {{"X-Kms-Key-Ring", "finance"}}), "Key-Total"),
      "1");
  EXPECT_TRUE(
      contains(call("DELETE", "/api/v2/key_rings/finance?force=true"), "KEY_RING_NOT_EMPTY_ERR"));
  ASSERT_EQ(status("DELETE", path), 204);
  EXPECT_EQ(status("DELETE", "/api/v2/key_rings/finance"), 409);
  EXPECT_EQ(status("DELETE", "/api/v2/key_rings/finance?force=true"), 204);
  EXPECT_EQ(member(call("GET", path).body, "keyRingID"), "default");
}

TEST_F(KeyRoutesTest, PatchNeedsTheRightOnBothRings) {
  ASSERT_EQ(status("POST", "/api/v2/key_rings/finance"), 201);
  const std::string key = root();
  iam::Grant one_ring = grant({iam::Role::Manager}, unit::test_instance(1));
  one_ring.key_ring = "default";
  add_caller("ringed", one_ring);
  EXPECT_EQ(status("PATCH", "/api/v2/keys/" + key, R"({"keyRingID":"finance"})",
                   {{"Authorization", "Bearer ringed"}}),
            401);
  EXPECT_EQ(status("PATCH", "/api/v2/keys/" + key, R"({"keyRingID":"default"})",
                   {{"Authorization", "Bearer ringed"}}),
            200);
}

TEST_F(KeyRoutesTest, ExpirationIsJudgedAtTheCall) {
  const std::string key = root(R"(,"expirationDate":"2026-01-02T04:04:05.5Z")");
  const std::string wrapped = member(act(key, "wrap").body, "ciphertext");
  clock.advance_seconds(3600);
  EXPECT_EQ(act(key, "wrap").status, 200);
  clock.advance_seconds(1);
  EXPECT_EQ(act(key, "wrap").status, 409);
  EXPECT_EQ(act(key, "unwrap", R"({"ciphertext":")" + wrapped + "\"}").status, 200);
  EXPECT_TRUE(contains(call("GET", "/api/v2/keys/" + key), R"("state":3)"));
  EXPECT_EQ(header_of(call("HEAD", "/api/v2/keys?state=3"), "Key-Total"), "1");
}

TEST_F(KeyRoutesTest, PoliciesAndRegistrationsAreEmpty) {
  const std::string key = root();
  for (const auto& path :
       {"/api/v2/keys/" + key + "/policies", "/api/v2/keys/" + key + "/registrations",
        std::string("/api/v2/keys/registrations")}) {
    const auto response = call("GET", path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_TRUE(contains(response, R"("collectionTotal":0},"resources":[]})")) << response.body;
  }
  EXPECT_EQ(status("GET", "/api/v2/keys/nothing/policies"), 404);
}

TEST_F(KeyRoutesTest, UnknownActions) {
  const std::string key = root();
  for (const auto query : {"", "?action=", "?action=Wrap", "?action=sync", "?other=wrap"}) {
    const auto response = call("POST", "/api/v2/keys/" + key + query, "{}");
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_TRUE(contains(response, "INVALID_QUERY_PARAM_ERR")) << query;
  }
  EXPECT_EQ(act(key, "explode").status, 404);
  EXPECT_EQ(act(key, "disable", "[1").status, 400);
}

TEST_F(KeyRoutesTest, SecretsNeverReachTheAudit) {
  const std::string payload = to_base64(Bytes(32, 0x5A));
  const std::string key = imported();
  const auto wrapped = act(key, "wrap");
  const std::string dek = member(wrapped.body, "plaintext");
  act(key, "unwrap", R"({"ciphertext":")" + member(wrapped.body, "ciphertext") + "\"}");
  std::string all;
  for (const auto& event : store.events()) audit::append_json(all, event);
  for (const auto& event : audit.take()) audit::append_json(all, event);
  EXPECT_EQ(all.find(payload), std::string::npos);
  EXPECT_EQ(all.find(dek), std::string::npos);
  EXPECT_NE(all.find("secrets.unwrap"), std::string::npos);
  EXPECT_NE(all.find("\"keyVersionId\""), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::http::key_tests
