// Crypto units from request text to answer text: lists, frames, the rotation of a master key.
#include "http/tke_routes.h"

#include "http/management_for_tests.h"
#include "tke/admin.h"
#include "tke/frame.h"
#include "tke/signer_info.h"

namespace keyhaven::http {
namespace {

class CryptoUnitRoutesTest : public ManagementTest {};

TEST_F(CryptoUnitRoutesTest, UnitsAreListedAsTexts) {
  const std::string guid = create_instance("one");
  const std::string body = call("GET", "/v1/tke/" + guid + "/hsms", admin_).body;
  const std::regex entry(
      R"re(\{"hsm_id":"[0-9a-f-]{36}","location":"(\[[^\]]+\]\.?){4}","serial_number":"[ -~]{8}","state":"imprint","type":"operational","membership":"joined"\})re");
  EXPECT_EQ(
      std::distance(std::sregex_iterator(body.begin(), body.end(), entry), std::sregex_iterator()),
      2)
      << body;
  const std::string reader = token_with("Writer", guid);
  EXPECT_EQ(call("GET", "/v1/tke/" + guid + "/hsms", reader).status, 401);
}

TEST_F(CryptoUnitRoutesTest, UnitsOfEachTypeHaveAListOfTheirOwn) {
  const auto made = [&](const std::string& parameters) {
    return call("POST", "/v2/resource_instances", admin_,
                R"({"name":"n","parameters":)" + parameters + "}");
  };
  const auto counts = [&](const Response& response) {
    const std::string body =
        call("GET", "/v1/tke/" + member(response.body, "guid") + "/hsms", admin_).body;
    std::string out;
    for (const char* type : {"operational", "recovery", "failover"}) {
      const std::regex entry("\"type\":\"" + std::string(type) + "\"");
      out += std::to_string(std::distance(std::sregex_iterator(body.begin(), body.end(), entry),
                                          std::sregex_iterator()));
    }
    return out;
  };
  EXPECT_EQ(counts(made("{}")), "200");
  EXPECT_EQ(counts(made(R"({"requires_recovery_units":false})")), "200");
  EXPECT_EQ(counts(made(R"({"units":3,"failover_units":2,"requires_recovery_units":true})")),
            "322");
  EXPECT_EQ(counts(made(R"({"requires_recovery_units":true,"recovery_units":1})")), "210");
  for (const char* wrong : {R"({"units":0})", R"({"failover_units":3})", R"({"recovery_units":3})",
                            R"({"recovery_units":-1})", R"({"units":1,"failover_units":2})",
                            R"({"requires_recovery_units":1})"}) {
    EXPECT_EQ(made(wrong).status, 400) << wrong;
  }

  const Response one = made("{}");
  const std::string path = "/v2/resource_instances/" + member(one.body, "guid");
  const auto change = [&](const std::string& parameters) {
    return call("PATCH", path, admin_, R"({"parameters":)" + parameters + "}").status;
  };
  EXPECT_EQ(change(R"({"units":4,"failover_units":1,"requires_recovery_units":true})"), 200);
  EXPECT_EQ(counts(one), "421");
  EXPECT_EQ(change(R"({"units":0})"), 400);
  EXPECT_EQ(change(R"({"failover_units":5})"), 400);
  EXPECT_EQ(change(R"({"units":1,"failover_units":0,"recovery_units":0})"), 200);
  EXPECT_EQ(counts(one), "100");
}

TEST_F(CryptoUnitRoutesTest, AFrameThatTakesANeededMasterKeyAwayIsRefused) {
  const std::string guid = create_instance("one");
  const unit::UnitStatus status = service_->units_of(InstanceId::parse(guid).value()).value()[0];
  tke::AdminBlock block;
  block.command = tke::kFinalizePending;
  block.domain_index = status.domain_index;
  block.input = Bytes(unit::kVerificationPatternSize, 0x11);
  tke::AdminRequest request;
  request.domain_index = status.domain_index;
  request.block = tke::encode(block);
  const std::string body =
      "{\"request\":\"" +
      tke::format_request({status.module_index, status.domain_index, tke::encode(request)}) + "\"}";
  const std::string path = "/v1/tke/" + guid + "/hsms/" + status.id.text();
  EXPECT_EQ(call("POST", path, admin_, body).status, 200);  // nothing stored: the unit refuses it
  instances::StoredUnder row{.blobs = 9, .keys = 7, .live_keys = 7};
  row.master_key.fill(0x22);
  stored_.current = {{row}, 7};
  records();
  for (const char* query : {"", "?accept_key_loss=true"}) {
    const Response refused = call("POST", path + query, admin_, body);
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(member(refused.body, "code"), "MASTER_KEY_STILL_NEEDED_ERR");
    EXPECT_TRUE(contains(refused.body, "7 keys are sealed under master key 22222222"))
        << refused.body;
    const auto left = records();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].action, "hs-crypto.tke-cryptounit-master-key-register.activate");
    EXPECT_EQ(left[0].outcome, audit::Outcome::Failure);
    EXPECT_EQ(left[0].severity, "critical");
    std::string json;
    audit::append_json(json, left[0]);
    EXPECT_EQ(contains(json, "acceptKeyLoss"), *query != '\0');
  }
  EXPECT_EQ(call("POST", path + "?accept_key_loss=perhaps", admin_, body).status, 400);
}

TEST_F(CryptoUnitRoutesTest, TheRotationIsReadStartedAndAbandonedByManagersOnly) {
  const std::string guid = create_instance("one");
  const std::string path = "/v1/tke/" + guid + "/rotation";
  const Response none = call("GET", path, admin_);
  EXPECT_EQ(none.status, 200);
  EXPECT_TRUE(none.body.starts_with(
      R"({"phase":"none","message":"No master key rotation is under way","keys_total":0,)"))
      << none.body;
  EXPECT_TRUE(
      contains(none.body, R"("joined":true,"current":{"state":"Empty"},"new":{"state":"Empty"}})"));
  records();
  const Response early = call("POST", path, admin_);
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(member(early.body, "code"), "MASTER_KEY_ROTATION_STATE_ERR");
  EXPECT_EQ(call("DELETE", path, admin_).status, 202);  // nothing to abandon
  const auto left = records();
  ASSERT_EQ(left.size(), 2U);
  for (const audit::Event& event : left)
    EXPECT_EQ(event.action, "hs-crypto.tke-master-key-rotation.start");
  const std::string writer = token_with("Writer", guid);
  for (const char* method : {"GET", "POST", "DELETE"})
    EXPECT_EQ(call(method, path, writer).status, 401);
  EXPECT_EQ(call("GET", "/v1/tke/77777777-7777-4777-8777-777777777777/rotation", admin_).status,
            404);
}

TEST_F(CryptoUnitRoutesTest, AFrameReachesItsUnitUnalteredAndIsNamedInTheRecord) {
  const std::string guid = create_instance("one");
  const unit::UnitStatus status = service_->units_of(InstanceId::parse(guid).value()).value()[1];
  const std::string path = "/v1/tke/" + guid + "/hsms/" + status.id.text();
  const auto frame_of = [&](std::uint32_t command) {
    tke::AdminBlock block;
    block.command = command;
    block.domain_index = status.domain_index;
    tke::AdminRequest request;
    request.domain_index = status.domain_index;
    request.block = tke::encode(block);
    return tke::format_request({status.module_index, status.domain_index, tke::encode(request)});
  };
  const auto send = [&](const std::string& frame, const std::string& token) {
    return call("POST", path, token, "{\"request\":\"" + frame + "\"}");
  };
  const std::string query = frame_of(tke::kQueryAttributes);
  const Response answer = send(query, admin_);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(tke::parse_response(member(answer.body, "response")));
  EXPECT_TRUE(std::regex_match(answer.body, std::regex(R"re(\{"response":"[^"]*"\})re")));
  auto left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-cryptounit.query");

  EXPECT_EQ(send(frame_of(tke::kCommitPending), admin_).status,
            200);  // the unit's refusal travels inside the answer
  left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-cryptounit-master-key-register.commit");
  EXPECT_EQ(left[0].severity, "critical");
  std::string json;
  audit::append_json(json, left[0]);
  EXPECT_TRUE(contains(json, status.location)) << json;
  EXPECT_TRUE(contains(json, "reasonForFailure")) << json;

  const std::string writer = token_with("Writer", guid);
  EXPECT_EQ(send(query, writer).status, 401);
  EXPECT_EQ(send("nonsense", admin_).status, 200);  // the unit says what is wrong
  EXPECT_EQ(call("POST", path, admin_, "{}").status, 400);
  EXPECT_EQ(call("POST", path, admin_, R"({"request":7})").status, 400);
  EXPECT_EQ(send(std::string(65 * 1024, 'a'), admin_).status, 400);
  EXPECT_EQ(call("POST", "/v1/tke/" + guid + "/hsms/x", admin_, "{}").status, 404);
  EXPECT_EQ(call("POST", "/v1/tke/" + guid + "/hsms/77777777-7777-4777-8777-777777777777", admin_,
                 "{\"request\":\"" + query + "\"}")
                .status,
            404);
}

TEST_F(CryptoUnitRoutesTest, AUnitOfAnotherInstanceIsNoUnitOfThisOne) {
  const std::string mine = create_instance("mine");
  const std::string foreign = create_instance("foreign");
  const std::string unit =
      service_->units_of(InstanceId::parse(foreign).value()).value()[0].id.text();
  const std::string token = token_with("Manager", mine);
  const std::string body = R"({"request":"x"})";
  EXPECT_EQ(call("POST", "/v1/tke/" + mine + "/hsms/" + unit, token, body).status, 404);
  EXPECT_EQ(call("POST", "/v1/tke/" + foreign + "/hsms/" + unit, token, body).status, 401);
}

TEST_F(CryptoUnitRoutesTest, TheAttestationRootIsThatOfTheUnit) {
  const Response response = call("GET", "/v1/tke/attestation_root");
  EXPECT_EQ(response.status, 200);
  const auto key = crypto::P521PublicKey::from_spki(unit_.attestation_root().value()).value();
  EXPECT_EQ(member(response.body, "ski"), to_hex(tke::ski_of(key.point())));
  EXPECT_EQ("04" + member(response.body, "x") + member(response.body, "y"), to_hex(key.point()));
}

}  // namespace
}  // namespace keyhaven::http
