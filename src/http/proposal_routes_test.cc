// Proposals and the transcript from request text to answer text; their rules are tested in
// instances/proposals_test.cc.
#include "http/proposal_routes.h"

#include "http/management_for_tests.h"
#include "tke/frame.h"
#include "tke/signer_info.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::http {
namespace {

class ProposalRoutesTest : public ManagementTest {
 protected:
  void SetUp() override {
    ManagementTest::SetUp();
    guid_ = create_instance("one");
    const InstanceId id = InstanceId::parse(guid_).value();
    status_ = service_->units_of(id).value()[0];
    const auto transport = [this, id](const std::string& frame) {
      return service_->administer(id, status_.id, frame);
    };
    const auto root = tke::AttestationRoot::of(
        crypto::P521PublicKey::from_spki(service_->attestation_root().value()).value());
    auto session =
        tke::UnitSession::open(transport, unit::TestDeployment::target(status_), root).value();
    unit::TestDeployment::enroll(session, administrators_).value();
  }

  // "generate importer key" for the unit as it is now.
  Bytes block() {
    instances::UnitInquiry inquiry(*service_, InstanceId::parse(guid_).value());
    instances::UnitMoment now = inquiry.moment(status_).value();
    ++now.counter.back();
    tke::AdminBlock out;
    out.command = tke::kGenerateImporter;
    out.domain_index = status_.domain_index;
    out.domain_instance = now.domain_instance;
    out.module_id = now.module_id;
    out.counter = now.counter;
    out.input = {0, 0, 0, tke::kImporterP521};
    return tke::encode(out);
  }
  std::string path(const std::string& rest = {}) const {
    return "/v1/tke/" + guid_ + "/proposals" + rest;
  }
  std::string new_body(ByteView block) const {
    return R"({"hsm_id":")" + status_.id.text() + R"(","block":")" + to_base64(block) + "\"}";
  }
  std::string signature_body(ByteView block) const {
    const Bytes infos = tke::sign_block(block, administrators_.some({0})).value();
    return R"({"signer_info":")" + to_base64(infos) + "\"}";
  }
  // The id of one that is signed as its command needs.
  std::string signed_proposal() {
    const Bytes made_of = block();
    const std::string id = member(call("POST", path(), admin_, new_body(made_of)).body, "id");
    EXPECT_EQ(call("POST", path("/" + id + "/signatures"), admin_, signature_body(made_of)).status,
              200);
    records();
    return id;
  }

  unit::Administrators administrators_{2};
  std::string guid_;
  unit::UnitStatus status_;
};

TEST_F(ProposalRoutesTest, EachStepLeavesOneRecordAndSendingThatOfTheCommand) {
  const Bytes made_of = block();
  const Response made = call("POST", path(), admin_, new_body(made_of));
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(member(made.body, "state"), "open");
  EXPECT_TRUE(contains(made.body, "\"signatures_needed\":1"));
  auto left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-proposal.create");

  const std::string id = member(made.body, "id");
  EXPECT_EQ(call("POST", path("/" + id + "/signatures"), admin_, signature_body(made_of)).status,
            200);
  left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-proposal.sign");

  const Response sent = call("POST", path("/" + id + "/send"), admin_);
  EXPECT_EQ(sent.status, 200) << sent.body;
  EXPECT_TRUE(contains(sent.body, R"("accepted":true)")) << sent.body;
  EXPECT_FALSE(contains(sent.body, "_fault"));
  left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-cryptounit-importer-key.generate");
  std::string json;
  audit::append_json(json, left[0]);
  EXPECT_TRUE(contains(json, id)) << json;

  const Response again = call("POST", path("/" + id + "/send"), admin_);
  EXPECT_EQ(again.status, 409);
  EXPECT_TRUE(contains(again.body, "PROPOSAL_STATE_ERR"));
  left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-proposal.send");
  EXPECT_EQ(call("DELETE", path("/" + id), admin_).status, 204);
  left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.tke-proposal.delete");
}

TEST_F(ProposalRoutesTest, WhatIsNoRequestIsRefused) {
  const std::string unit = status_.id.text();
  const std::string bodies[] = {"{}",
                                "[",
                                R"({"hsm_id":")" + unit + "\"}",
                                R"({"hsm_id":"x","block":"AAAA"})",
                                R"({"hsm_id":")" + unit + R"(","block":"?"})",
                                R"({"hsm_id":")" + unit + R"(","block":"AAAA","note":7})"};
  for (const std::string& body : bodies) {
    EXPECT_EQ(call("POST", path(), admin_, body).status, 400) << body;
  }
  const std::string id = signed_proposal();
  EXPECT_EQ(call("POST", path("/" + id + "/signatures"), admin_, "{}").status, 400);
  EXPECT_EQ(call("POST", path("/" + id + "/send?accept_key_loss=7"), admin_).status, 400);
  for (const char* wrong : {"/x", "/77777777-7777-4777-8777-777777777777"}) {
    const Response response = call("GET", path(wrong), admin_);
    EXPECT_EQ(response.status, 404);
    EXPECT_TRUE(contains(response.body, "PROPOSAL_NOT_FOUND_ERR"));
  }
  for (const char* wrong : {"start=0", "start=x", "limit=0", "limit=101"}) {
    EXPECT_EQ(call("GET", "/v1/tke/" + guid_ + "/transcript?" + wrong, admin_).status, 400)
        << wrong;
  }
}

TEST_F(ProposalRoutesTest, ATranscriptThatCannotBeWrittenIsSaidBesideTheUnitsAnswer) {
  const Bytes made_of = block();
  const Bytes infos = tke::sign_block(made_of, administrators_.some({0})).value();
  const tke::AdminRequest request{status_.domain_index, made_of, infos};
  const std::string frame =
      tke::format_request({status_.module_index, status_.domain_index, tke::encode(request)});
  records();
  tke_store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", {}});
  const Response answer = call("POST", "/v1/tke/" + guid_ + "/hsms/" + status_.id.text(), admin_,
                               "{\"request\":\"" + frame + "\"}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(tke::parse_response(member(answer.body, "response")));
  EXPECT_TRUE(contains(member(answer.body, "transcript_fault"), "the disk is full"));
  const auto left = records();
  ASSERT_EQ(left.size(), 1U);
  std::string json;
  audit::append_json(json, left[0]);
  EXPECT_TRUE(contains(json, "transcript")) << json;
  tke_store_.fail_with({});
  EXPECT_TRUE(contains(call("GET", "/v1/tke/" + guid_ + "/transcript", admin_).body,
                       R"("first":0,"last":0,"entries":[])"));
}

TEST_F(ProposalRoutesTest, OnlyManagersSeeSignAndSend) {
  const std::string id = signed_proposal();
  const std::string writer = token_with("Writer", guid_);
  const std::pair<std::string, std::string> calls[] = {{"POST", "/" + id + "/send"},
                                                       {"POST", "/" + id + "/signatures"},
                                                       {"GET", "/" + id},
                                                       {"GET", ""},
                                                       {"POST", ""},
                                                       {"DELETE", "/" + id}};
  for (const auto& [method, rest] : calls) {
    EXPECT_EQ(call(method, path(rest), writer).status, 401) << method << rest;
  }
  EXPECT_EQ(member(call("GET", path("/" + id), admin_).body, "state"), "open");
}

}  // namespace
}  // namespace keyhaven::http
