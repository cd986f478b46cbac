// Whoever relays the frames of a ceremony learns no key part and can substitute nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "tke/frame.h"
#include "tke/signer_info.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::UnitSession;

// A relay that keeps everything and may replace answers.
class Proxy {
 public:
  Proxy(TestDeployment& deployment, InstanceId instance, UnitId unit)
      : deployment_(deployment), instance_(instance), unit_(unit) {}

  tke::Transport transport() {
    return [this](const std::string& request) -> Result<std::string> {
      recorded.push_back(request);
      if (on_request) recorded.back() = on_request(request);
      std::string answer =
          KH_TRY(deployment_.table().administer(instance_, unit_, recorded.back()));
      recorded.push_back(answer);
      return on_answer ? on_answer(request, answer) : answer;
    };
  }

  std::vector<std::string> recorded;
  std::function<std::string(const std::string&)> on_request;
  std::function<std::string(const std::string&, const std::string&)> on_answer;

 private:
  TestDeployment& deployment_;
  InstanceId instance_;
  UnitId unit_;
};

std::uint32_t command_of(const std::string& frame) {
  const auto payload = tke::parse_request_payload(tke::parse_request(frame)->payload).value();
  const auto* request = std::get_if<tke::AdminRequest>(&payload);
  return request == nullptr ? 0 : tke::parse_admin_block(request->block)->command;
}

tke::AdminResponse response_of(const std::string& frame) {
  return tke::parse_admin_response(tke::parse_response(frame)->payload).value();
}

std::string frame_of(const tke::AdminResponse& response) {
  return tke::format_response({response.domain_index, 0, 0, tke::encode(response)});
}

class ProxyTest : public testing::Test {
 protected:
  ProxyTest()
      : units_(deployment_.table().create_units(instance_, "local", 1).value()),
        proxy_(deployment_, instance_, units_[0].id) {}
  Result<UnitSession> open() {
    return UnitSession::open(proxy_.transport(), TestDeployment::target(units_[0]),
                             deployment_.root());
  }
  static void expect_distrust(const Error& error) {
    EXPECT_EQ(error.reason, Reason::Forbidden) << error.message;
    EXPECT_NE(error.message.find("trustworthy"), std::string::npos) << error.message;
  }

  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  Administrators administrators_{2};
  std::vector<UnitStatus> units_;
  Proxy proxy_;
};

TEST_F(ProxyTest, ARecordingOfAWholeCeremonyHoldsNoKeyPart) {
  const auto parts = random_parts();
  auto with = open().value();
  TestDeployment::enroll(with, administrators_).value();
  TestDeployment::load(with, administrators_, parts).value();
  ASSERT_GT(proxy_.recorded.size(), 20u);
  const SecretBytes key = tke::combine_key_parts({&parts[0], &parts[1]}).value();
  for (const SecretBytes* secret : {&parts[0], &parts[1], &key}) {
    const std::string hex = to_hex_upper(secret->expose());
    for (const std::string& frame : proxy_.recorded) {
      EXPECT_EQ(frame.find(hex), std::string::npos);
      EXPECT_EQ(frame.find(hex.substr(0, 16)), std::string::npos);
    }
  }
}

TEST_F(ProxyTest, ASubstitutedImporterKeyIsDetected) {
  auto with = open().value();
  TestDeployment::enroll(with, administrators_).value();
  const auto own = crypto::P521PrivateKey::generate();  // the proxy's
  proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
    if (command_of(request) != tke::kGenerateImporter) return answer;
    auto response = response_of(answer);
    auto block = tke::parse_admin_response_block(response.block).value();
    block.output = own.public_key().spki();
    response.block = tke::encode(block);
    return frame_of(response);  // with the signature of the real answer
  };
  const auto importer = with.generate_importer(administrators_.some({0}));
  ASSERT_FALSE(importer.has_value());
  expect_distrust(importer.error());
}

TEST_F(ProxyTest, AnAnswerSignedByTheProxyIsDetected) {
  auto with = open().value();
  TestDeployment::enroll(with, administrators_).value();
  const tke::LocalSigner own(crypto::P521PrivateKey::generate());
  bool claim_module_identifier = false;
  proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
    if (command_of(request) != tke::kGenerateImporter) return answer;
    auto response = response_of(answer);
    auto block = tke::parse_admin_response_block(response.block).value();
    block.output = own.public_key().spki();
    response.block = tke::encode(block);
    tke::SignerInfo info{own.ski(), own.sign(response.block).value()};
    if (claim_module_identifier) info.ski = tke::ski_of(with.module_key().point());
    response.signer_infos = tke::encode(info);
    return frame_of(response);
  };
  for (const bool claim : {false, true}) {
    claim_module_identifier = claim;
    const auto importer = with.generate_importer(administrators_.some({0}));
    ASSERT_FALSE(importer.has_value());
    expect_distrust(importer.error());
  }
}

TEST_F(ProxyTest, AReplayedImporterAnswerIsDetected) {
  auto with = open().value();
  TestDeployment::enroll(with, administrators_).value();
  std::string old_answer;
  proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
    if (command_of(request) != tke::kGenerateImporter) return answer;
    if (old_answer.empty()) return old_answer = answer;
    return old_answer;
  };
  ASSERT_TRUE(with.generate_importer(administrators_.some({0})).has_value());
  const auto importer = with.generate_importer(administrators_.some({0}));
  ASSERT_FALSE(importer.has_value());
  expect_distrust(importer.error());

  // A session opened later has no memory, but the counter it sent does not match either.
  auto later = open().value();
  const auto again = later.generate_importer(administrators_.some({0}));
  ASSERT_FALSE(again.has_value());
  expect_distrust(again.error());
}

TEST_F(ProxyTest, StaleStateIsDetectedWithinASession) {
  auto with = open().value();
  std::string first_state;
  proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
    if (command_of(request) != tke::kQueryAttributes) return answer;
    if (first_state.empty()) first_state = answer;
    return answer;
  };
  TestDeployment::enroll(with, administrators_).value();
  proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
    return command_of(request) == tke::kQueryAttributes ? first_state : answer;
  };
  const auto attributes = with.attributes();  // would show imprint mode
  ASSERT_FALSE(attributes.has_value());
  expect_distrust(attributes.error());
}

TEST_F(ProxyTest, AnAnswerToAnotherCommandIsDetected) {
  auto with = open().value();
  proxy_.on_request = [&](const std::string& request) {
    tke::AdminBlock query;
    query.command = tke::kQueryControlPoints;
    query.domain_index = units_[0].domain_index;
    const tke::AdminRequest other{units_[0].domain_index, tke::encode(query), {}};
    return command_of(request) == tke::kQueryAdministrators
               ? tke::format_request(
                     {units_[0].module_index, units_[0].domain_index, tke::encode(other)})
               : request;
  };
  const auto skis = with.administrator_skis();
  ASSERT_FALSE(skis.has_value());
  expect_distrust(skis.error());
}

TEST_F(ProxyTest, AChangedCommandIsRefusedByTheUnit) {
  auto with = open().value();
  TestDeployment::enroll(with, administrators_).value();
  const Administrators attackers(1);
  proxy_.on_request = [&](const std::string& text) {
    if (command_of(text) != tke::kClearPending) return text;
    auto frame = tke::parse_request(text).value();
    auto request = std::get<tke::AdminRequest>(tke::parse_request_payload(frame.payload).value());
    auto block = tke::parse_admin_block(request.block).value();
    block.command = tke::kAddAdministrator;  // under the signatures of the real command
    block.input = attackers.certificates[0];
    request.block = tke::encode(block);
    frame.payload = tke::encode(request);
    return tke::format_request(frame);
  };
  EXPECT_FALSE(with.clear_pending(administrators_.all()).has_value());
  proxy_.on_request = nullptr;
  EXPECT_EQ(with.administrator_skis()->size(), 2u);
}

TEST_F(ProxyTest, AUnitOfAnotherDeploymentIsRefused) {
  TestDeployment other;
  const auto opened =
      UnitSession::open(proxy_.transport(), TestDeployment::target(units_[0]), other.root());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().reason, Reason::Forbidden);
}

TEST_F(ProxyTest, ATamperedChainIsRefused) {
  for (const std::size_t at : {60u, 130u, 240u, 300u, 460u, 540u}) {
    proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
      if (command_of(request) != tke::kQueryOaCertificate) return answer;
      auto response = response_of(answer);
      auto block = tke::parse_admin_response_block(response.block).value();
      if (block.output.size() <= at) return answer;
      block.output[at] ^= 1;
      response.block = tke::encode(block);
      return frame_of(response);
    };
    EXPECT_FALSE(open().has_value()) << at;
  }
}

TEST_F(ProxyTest, AnEndlessChainEndsTheSession) {
  proxy_.on_answer = [&](const std::string& request, const std::string& answer) {
    return command_of(request) == tke::kQueryOaCertificate ? proxy_.recorded[1] : answer;
  };
  EXPECT_FALSE(open().has_value());
  EXPECT_LT(proxy_.recorded.size(), 50u);
}

TEST_F(ProxyTest, TheSerialNumberMustBeTheListedOne) {
  auto target = TestDeployment::target(units_[0]);
  target.serial_number = "KH000000";
  const auto opened = UnitSession::open(proxy_.transport(), target, deployment_.root());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().reason, Reason::Forbidden);
}

TEST_F(ProxyTest, GarbageAndTransportErrorsComeBackAsErrors) {
  auto with = open().value();
  for (const std::string& garbage : {std::string(), std::string("garbage"), std::string("5;00;00"),
                                     tke::format_response({0, 0, 0, {0x30, 0x00}}),
                                     tke::format_error_response({11, 3, 0, "invalid message"})}) {
    proxy_.on_answer = [&](const std::string&, const std::string&) { return garbage; };
    EXPECT_FALSE(with.attributes().has_value());
    EXPECT_FALSE(with.domain_info().has_value());
  }
}

TEST(UnitTargetTest, LocationsAreStrict) {
  const auto target =
      tke::target_from_location("[us-south].[AZ3-CS3].[02].[03]", "12345678").value();
  EXPECT_EQ(target.module_index, 2u);
  EXPECT_EQ(target.domain_index, 3u);
  for (const char* text :
       {"", "[a].[b].[1]", "[a].[b].[1].[x]", "[a].[b].[1].[2].[3]", "[a].[b].[1].[]", "a.b.1.2",
        "[a].[b].[1].[99999999999]", "[a].[b].[-1].[2]", "[a][b][1][2]"}) {
    EXPECT_FALSE(tke::target_from_location(text, "12345678").has_value()) << text;
  }
  EXPECT_FALSE(tke::target_from_location("[a].[b].[1].[2]", "1234567").has_value());
}

}  // namespace
}  // namespace keyhaven::unit
