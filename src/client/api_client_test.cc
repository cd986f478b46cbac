// ApiClient and TokenSource against a scripted HTTPS server.
#include "client/api_client.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/id.h"
#include "client/connection.h"
#include "crypto/certificate.h"
#include "net/http_server.h"

namespace keyhaven::client {
namespace {

constexpr std::string_view kToken =
    R"({"access_token":"t0k","token_type":"Bearer","expires_in":3600})";
constexpr std::string_view kKey =
    R"({"metadata":{},"resources":[{"id":"K","name":"n","state":1,"extractable":false}]})";

struct Seen {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;
};

struct Answer {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& letter : out)
    letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  return out;
}

// Answers calls in the order of the script; token calls always get a token.
class ApiClientTest : public testing::Test {
 protected:
  void SetUp() override {
    const SystemClock clock;
    const crypto::IssuedCertificate ca = crypto::make_ca("test CA", clock.now());
    auto certificate = crypto::issue_server_certificate(
        ca.certificate_pem, ca.private_key_pem, {"localhost"}, {"127.0.0.1"}, clock.now(), 1);
    ASSERT_TRUE(certificate);
    ca_pem_ = ca.certificate_pem;
    net::ServerOptions options;
    options.loops = 1;
    auto server = net::Server::create(options, {certificate.value().certificate_pem,
                                                std::move(certificate.value().private_key_pem)});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(server).value();
    server_->start_loops();
    server_->serve(
        [this](net::Request& request, net::Reply reply) { answer(request, std::move(reply)); },
        [](int status, std::string_view) {
          net::Response response;
          response.status = status;
          return response;
        });
    url_ = "https://127.0.0.1:" + std::to_string(server_->port());
  }
  void TearDown() override {
    if (server_) server_->stop();
  }

  void answer(net::Request& request, net::Reply reply) {
    Seen seen;
    seen.method = request.method;
    seen.target =
        std::string(request.path) + (request.query.empty() ? "" : "?" + std::string(request.query));
    for (const net::Header& header : request.headers)
      seen.headers[lower(header.name)] = header.value;
    seen.body = as_text(request.body);
    const std::lock_guard lock(mutex_);
    net::Response response;
    if (request.path == "/identity/token" && token_script_.empty()) {
      ++token_calls_;
      response.body = kToken;
    } else {
      std::deque<Answer>& script = request.path == "/identity/token" ? token_script_ : script_;
      if (request.path == "/identity/token") ++token_calls_;
      seen_.push_back(std::move(seen));
      if (script.empty()) {
        response.status = 599;
      } else {
        response.status = script.front().status;
        response.body = script.front().body;
        response.headers = script.front().headers;
        script.pop_front();
      }
    }
    reply(std::move(response));
  }

  RetryPolicy recording_policy() {
    RetryPolicy policy;
    policy.wait = [this](std::chrono::milliseconds time) { waits_.push_back(time); };
    return policy;
  }
  std::shared_ptr<TokenSource> tokens(const Clock* clock = nullptr) {
    TokenOptions options;
    options.iam_url = url_ + "/";
    options.ca_pem = ca_pem_;
    options.api_key = SecretBytes::copy_of(std::string_view("a+key/="));
    options.retry = recording_policy();
    options.clock = clock;
    auto source = TokenSource::create(std::move(options));
    EXPECT_TRUE(source);
    return source.value();
  }
  ApiClient client(std::shared_ptr<TokenSource> source) {
    ClientSettings settings;
    settings.retry = recording_policy();
    settings.correlation_prefix = "0123456789ab";
    Endpoint endpoint;
    endpoint.url = url_ + "/";
    endpoint.ca_pem = ca_pem_;
    endpoint.instance = "5f8b4d2e-1111-4222-8333-444455556666";
    auto made = ApiClient::create(std::move(endpoint), std::move(source), std::move(settings));
    EXPECT_TRUE(made);
    return std::move(made).value();
  }
  ApiClient client() { return client(tokens()); }

  std::string url_;
  std::string ca_pem_;
  std::unique_ptr<net::Server> server_;
  std::mutex mutex_;
  std::deque<Answer> script_;
  std::deque<Answer> token_script_;
  std::vector<Seen> seen_;
  int token_calls_ = 0;
  std::vector<std::chrono::milliseconds> waits_;
};

Answer refusal(int status, const std::string& code) {
  return {status,
          R"({"metadata":{},"resources":[{"errorMsg":"E [X]","reasons":[{"code":")" + code +
              R"(","message":"why"}]}]})",
          {}};
}

TEST_F(ApiClientTest, SendsWhatTheApiAsksFor) {
  script_ = {{200, std::string(kKey), {}}};
  ApiClient api = client();
  const auto key = api.get_metadata("an alias/ü", "ring");
  ASSERT_TRUE(key) << key.error().message;
  const Seen& seen = seen_.front();
  EXPECT_EQ(seen.target, "/api/v2/keys/an%20alias%2F%C3%BC/metadata");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer t0k");
  EXPECT_EQ(seen.headers.at("bluemix-instance"), "5f8b4d2e-1111-4222-8333-444455556666");
  EXPECT_EQ(seen.headers.at("x-kms-key-ring"), "ring");
  const std::string& correlation = seen.headers.at("correlation-id");
  EXPECT_EQ(correlation.substr(0, 13), "01234567-89ab");
  EXPECT_TRUE(Uuid::looks_like_v4(correlation)) << correlation;
  EXPECT_EQ(api.last_correlation_id(), correlation);
}

TEST_F(ApiClientTest, WrapAndUnwrapCarryTheDekInSecretMemory) {
  script_ = {
      {200, R"({"ciphertext":"Q0lQSEVS","plaintext":"AAECAw==","keyVersion":{"id":"V1"}})", {}},
      {200,
       R"({"plaintext":"AAECAw==","keyVersion":{"id":"V1"},"ciphertext":"TkVX","rewrappedKeyVersion":{"id":"V2"}})",
       {}}};
  ApiClient api = client();
  const auto wrapped = api.wrap("K", {}, {"a", "b"});
  ASSERT_TRUE(wrapped) << wrapped.error().message;
  EXPECT_EQ(seen_[0].body, R"({"aad":["a","b"]})");
  EXPECT_EQ(wrapped.value().plaintext.size(), 4U);
  EXPECT_EQ(wrapped.value().version_id, "V1");
  const auto opened = api.unwrap("K", wrapped.value().ciphertext, {"a", "b"});
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(seen_[1].body, R"({"ciphertext":"Q0lQSEVS","aad":["a","b"]})");
  EXPECT_TRUE(opened.value().plaintext == wrapped.value().plaintext);
  EXPECT_EQ(opened.value().ciphertext, "TkVX");
  EXPECT_EQ(opened.value().rewrapped_version_id, "V2");
}

TEST_F(ApiClientTest, GivesThePayloadOfAStandardKey) {
  script_ = {{200, R"({"resources":[{"id":"K","extractable":true,"payload":"aGVsbG8="}]})", {}}};
  ApiClient api = client();
  const auto key = api.get_key("K");
  ASSERT_TRUE(key);
  EXPECT_EQ(as_text(key.value().payload.expose()), "hello");
}

TEST_F(ApiClientTest, ExplainsARefusal) {
  script_ = {refusal(409, "KEY_ALIAS_NOT_UNIQUE_ERR")};
  ApiClient api = client();
  CreateKey request;
  request.name = "name";
  request.aliases = {"taken"};
  const auto made = api.create_key(request, Repeat::Safe);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, Reason::AliasNotUnique);
  EXPECT_EQ(made.error().message,
            "create key \"name\": why (KEY_ALIAS_NOT_UNIQUE_ERR, HTTP 409, correlation id " +
                api.last_correlation_id() + ")");
  EXPECT_EQ(api.last_failure().status, 409);
  EXPECT_EQ(api.last_failure().code, "KEY_ALIAS_NOT_UNIQUE_ERR");
  EXPECT_FALSE(api.last_failure().may_have_happened);
  EXPECT_EQ(seen_.front().headers.at("prefer"), "return=representation");
}

TEST_F(ApiClientTest, RepeatsASafeCallAndHonoursRetryAfter) {
  script_ = {{429, "", {{"Retry-After", "2"}}}, {503, "", {}}, {200, std::string(kKey), {}}};
  ApiClient api = client();
  ASSERT_TRUE(api.get_metadata("K"));
  ASSERT_EQ(waits_.size(), 2U);
  EXPECT_EQ(waits_[0], std::chrono::seconds(2));
  EXPECT_GE(waits_[1], std::chrono::milliseconds(500));
  EXPECT_EQ(api.last_failure().status, 0) << "a success forgets earlier attempts";
  EXPECT_EQ(seen_[0].headers.at("correlation-id"), seen_[2].headers.at("correlation-id"));
}

TEST_F(ApiClientTest, NeverRepeatsACreateAfterA5xx) {
  script_ = {{500, "", {}}};
  ApiClient api = client();
  CreateKey request;
  request.name = "name";
  EXPECT_FALSE(api.create_key(request, Repeat::Never));
  EXPECT_EQ(seen_.size(), 1U);
  EXPECT_TRUE(waits_.empty());
  EXPECT_TRUE(api.last_failure().may_have_happened);
}

TEST_F(ApiClientTest, GivesUpAfterTheLastAttempt) {
  for (int count = 0; count < 10; ++count) script_.push_back({503, "", {}});
  ApiClient api = client();
  EXPECT_FALSE(api.get_metadata("K"));
  EXPECT_EQ(seen_.size(), 5U);
}

TEST_F(ApiClientTest, ARepeatedDeleteThatFindsTheKeyGoneIsDone) {
  script_ = {{500, "", {}}, refusal(410, "KEY_DELETED_ERR"), refusal(410, "KEY_DELETED_ERR")};
  ApiClient api = client();
  EXPECT_TRUE(api.delete_key("K"));
  const auto again = api.delete_key("K");
  ASSERT_FALSE(again) << "without a repeat 410 is the caller's error";
  EXPECT_EQ(again.error().reason, Reason::KeyDeleted);
}

TEST_F(ApiClientTest, ARepeatedDisableAsksForTheState) {
  script_ = {{500, "", {}},
             refusal(409, "KEY_ACTION_INVALID_STATE_ERR"),
             {200, R"({"resources":[{"id":"K","state":2}]})", {}}};
  ApiClient api = client();
  EXPECT_TRUE(api.disable_key("K"));
}

TEST_F(ApiClientTest, ListsAllPages) {
  const auto page = [](int first, int count) {
    std::string body = R"({"resources":[)";
    for (int index = 0; index < count; ++index) {
      body += std::string(index == 0 ? "" : ",") + R"({"id":"K)" + std::to_string(first + index) +
              "\"}";
    }
    return Answer{200, body + "]}", {}};
  };
  script_ = {page(0, 2), page(2, 1), page(3, 2), page(5, 0)};  // a short page is not the last one
  ApiClient api = client();
  KeyQuery query;
  query.limit = 2;
  const auto keys = api.list_all_keys(query);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys.value().size(), 5U);
  EXPECT_EQ(seen_[2].target, "/api/v2/keys?limit=2&offset=3");
}

TEST_F(ApiClientTest, CountsWithHead) {
  script_ = {{200, "", {{"Key-Total", "1234"}}}};
  ApiClient api = client();
  const auto count = api.count_keys({});
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(count.value(), 1234U);
  EXPECT_EQ(seen_.front().method, "HEAD");
}

TEST_F(ApiClientTest, FollowsTheNextLinkOfInstances) {
  script_ = {
      {200,
       R"({"resources":[{"guid":"A"}],"next_url":"/v2/resource_instances?limit=100&start=1"})",
       {}},
      {200,
       R"({"resources":[{"guid":"B","parameters":{"units":2,"rotation_interval_seconds":0}}]})",
       {}}};
  ApiClient api = client();
  const auto all = api.list_instances();
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all.value().size(), 2U);
  EXPECT_EQ(all.value()[1].units, 2U);
  EXPECT_EQ(all.value()[1].rotation_interval_seconds, 0);
  EXPECT_EQ(seen_[1].target, "/v2/resource_instances?limit=100&start=1");
}

TEST_F(ApiClientTest, AMissingRouteIsNoPolicies) {
  script_ = {{404, "", {}}, refusal(404, "KEY_NOT_FOUND_ERR")};
  ApiClient api = client();
  const auto none = api.key_policies("K");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none.value());
  const auto missing = api.key_policies("K");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, Reason::KeyNotFound);
}

TEST_F(ApiClientTest, ExactPoliciesHaveACreateCallOfTheirOwn) {
  script_ = {{201, std::string(kKey), {}}};
  CreateKey request;
  request.name = "n";
  request.exact_policies = KeyPolicies();
  ASSERT_TRUE(client().create_key(request, Repeat::Never));
  EXPECT_EQ(seen_.back().target, "/api/v2/keys_with_policy_overrides");
}

TEST_F(ApiClientTest, TakesAnImportTokenOnce) {
  script_ = {{200,
              R"({"expirationDate":"2026-01-01T00:10:00Z","remainingRetrievals":0,)"
              R"("payload":"UEVN","nonce":"AAEC"})",
              {}},
             refusal(503, "X")};
  ApiClient api = client();
  const auto token = api.take_import_token();
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->public_key_pem, "PEM");
  EXPECT_EQ(token->nonce, (Bytes{0, 1, 2}));
  EXPECT_FALSE(api.take_import_token());  // a retrieval may be used up: never asked again
  EXPECT_EQ(seen_.size(), 2U);
}

TEST_F(ApiClientTest, AKeyWithoutMigrationIntentHasNone) {
  script_ = {refusal(404, "MIGRATION_INTENT_NOT_FOUND_ERR"),
             {200, R"({"resources":[{"id":"I","sourceCRK":"crn:s","targetCRK":"crn:t"}]})", {}},
             refusal(404, "KEY_NOT_FOUND_ERR")};
  ApiClient api = client();
  const auto none = api.migration_intent("K");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const auto one = api.migration_intent("K");
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->target_crn, "crn:t");
  EXPECT_FALSE(api.migration_intent("K"));
}

TEST_F(ApiClientTest, RegistrationsOfTheInstanceMayBeUnknownToAService) {
  script_ = {refusal(404, "KEY_NOT_FOUND_ERR"),
             {200,
              R"({"metadata":{"totalCount":1},"resources":[{"keyId":"K","resourceCrn":"crn:r"}]})",
              {}}};
  ApiClient api = client();
  EXPECT_FALSE(*api.all_registrations());
  const auto all = api.all_registrations();
  ASSERT_TRUE(all && *all);
  EXPECT_EQ((**all).front().resource_crn, "crn:r");
}

TEST_F(ApiClientTest, AnInstanceIsNeededForKeys) {
  ApiClient api = client();
  api.set_instance("");
  const auto keys = api.list_keys({});
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().reason, Reason::InvalidArgument);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ApiClientTest, ARingNameCannotSmuggleAHeader) {
  ApiClient api = client();
  const auto key = api.get_metadata("K", "x\r\nX-Evil: 1");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, Reason::InvalidHeader);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ApiClientTest, AnUnhealthyServiceIsAnAnswer) {
  script_ = {{503, R"({"status":"not_ready"})", {}}};
  ApiClient api = client(nullptr);
  const auto ready = api.ready();
  ASSERT_TRUE(ready);
  EXPECT_FALSE(ready.value().ok);
  EXPECT_EQ(seen_.front().headers.count("authorization"), 0U);
  EXPECT_TRUE(waits_.empty());
}

TEST_F(ApiClientTest, AForeignCaIsRefused) {
  const SystemClock clock;
  Endpoint endpoint;
  endpoint.url = url_;
  endpoint.ca_pem = crypto::make_ca("another", clock.now()).certificate_pem;
  ClientSettings settings;
  settings.retry.max_attempts = 1;
  auto api = ApiClient::create(endpoint, nullptr, settings);
  ASSERT_TRUE(api);
  EXPECT_FALSE(api.value().live());
  EXPECT_FALSE(ApiClient::create({.url = "http://127.0.0.1",
                                  .iam_url = {},
                                  .tke_url = {},
                                  .resource_url = {},
                                  .ca_pem = {},
                                  .instance = {}},
                                 nullptr));
  EXPECT_FALSE(ApiClient::create({}, nullptr));
}

TEST_F(ApiClientTest, OneTokenServesAllThreadsUntilItsEndIsNear) {
  script_.clear();
  ManualClock clock(Timestamp::from_seconds(1'000'000));
  const auto source = tokens(&clock);
  std::vector<std::thread> threads;
  for (int count = 0; count < 4; ++count) {
    threads.emplace_back([&] {
      for (int call = 0; call < 20; ++call) EXPECT_TRUE(source->authorization());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(token_calls_, 1);
  clock.advance_seconds(3600 - 61);
  EXPECT_TRUE(source->authorization());
  EXPECT_EQ(token_calls_, 1);
  clock.advance_seconds(1);
  EXPECT_TRUE(source->authorization());
  EXPECT_EQ(token_calls_, 2) << "renewed 60 s before its expiry";
}

TEST_F(ApiClientTest, TheApiKeyTravelsEncodedInTheForm) {
  token_script_ = {{200, std::string(kToken), {}}};
  ASSERT_TRUE(tokens()->authorization());
  EXPECT_EQ(seen_.front().body,
            "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=a%2Bkey%2F%3D");
}

TEST_F(ApiClientTest, AFailedRenewalKeepsTheLivingToken) {
  ManualClock clock(Timestamp::from_seconds(1'000'000));
  const auto source = tokens(&clock);
  ASSERT_TRUE(source->authorization());
  clock.advance_seconds(3590);
  token_script_ = {{400, "", {}}, {400, "", {}}};
  EXPECT_TRUE(source->authorization());
  clock.advance_seconds(10);
  EXPECT_FALSE(source->authorization()) << "an expired token is not used";
}

TEST_F(ApiClientTest, AnUnknownApiKeyIsNotRetried) {
  token_script_ = {
      {400,
       R"({"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found."})",
       {}}};
  const auto refused = tokens()->authorization();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::UnknownApiKey);
  EXPECT_EQ(refused.error().message.find("a+key"), std::string::npos);
  EXPECT_TRUE(waits_.empty());
}

TEST_F(ApiClientTest, AnOldTokenThatIsRefusedIsReplacedOnce) {
  ManualClock clock(Timestamp::from_seconds(1'000'000));
  const auto source = tokens(&clock);
  ApiClient api = client(source);
  script_ = {{401, "", {}}};
  EXPECT_FALSE(api.get_metadata("K")) << "a fresh token's refusal is final";
  EXPECT_EQ(token_calls_, 1);
  clock.advance_seconds(61);
  script_ = {{401, "", {}}, {200, std::string(kKey), {}}};
  EXPECT_TRUE(api.get_metadata("K"));
  EXPECT_EQ(token_calls_, 2);
}

TEST(CorrelationIdTest, StaysAUuidWithAnyPrefix) {
  for (const std::string_view prefix : {"", "a", "01234567", "0123456789ab"}) {
    const std::string id = make_correlation_id(prefix);
    EXPECT_TRUE(Uuid::looks_like_v4(id)) << id;
  }
}

}  // namespace
}  // namespace keyhaven::client
