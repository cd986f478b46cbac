// What an administrator's own machine finds when the service lies about a proposal.
#include "cli/proposal_review.h"

#include <gtest/gtest.h>

#include <functional>

#include "crypto/hash.h"
#include "tke/certificate.h"

namespace keyhaven::cli {
namespace {

tke::AdminBlock block_of(std::uint32_t command, Bytes input) {
  tke::AdminBlock block;
  block.command = command;
  block.domain_index = 1;
  block.domain_instance = 2;
  block.module_id = Bytes(tke::kModuleIdSize, 'K');
  block.counter = Bytes(tke::kCounterSize, 3);
  block.input = std::move(input);
  return block;
}

// As an honest service describes it.
client::Proposal honest(const tke::AdminBlock& block,
                        std::vector<std::pair<std::string, std::string>> details) {
  client::Proposal out;
  out.id = "a proposal";
  out.state = "open";
  out.block = tke::encode(block);
  out.block_sha512 = to_hex(crypto::sha512(out.block));
  out.command = std::string(tke::name_of_command(block.command));
  out.details = std::move(details);
  out.domain_index = block.domain_index;
  out.domain_instance = block.domain_instance;
  out.module_id = to_hex(block.module_id);
  out.counter = to_hex(block.counter);
  return out;
}

client::Proposal replacement() {
  const tke::LocalSigner signer(crypto::P521PrivateKey::generate());
  Bytes input(sizeof(tke::Ski), 0x11);
  append(input, tke::make_administrator_certificate("Zo\xC3\xAB", signer).value());
  return honest(block_of(tke::kReplaceAdministrator, input),
                {{"replacedAdminId", std::string(64, '1')},
                 {"adminId", to_hex(signer.ski())},
                 {"adminName", "Zo\xC3\xAB"}});
}

client::Proposal thresholds() {
  tke::DomainAttributes wanted;
  wanted.signature_threshold = 2;
  wanted.revocation_threshold = 1;
  return honest(block_of(tke::kSetAttributes, tke::encode_for_set(wanted)),
                {{"signatureThreshold", "2"}, {"revocationSignatureThreshold", "1"}});
}

TEST(ProposalReviewTest, AnHonestServiceIsNotContradicted) {
  const client::Proposal all[] = {
      replacement(),
      thresholds(),
      honest(block_of(tke::kCommitPending, Bytes(32, 0x22)),
             {{"verificationPattern", std::string(64, '2')}}),
      honest(block_of(tke::kRemoveAdministrator, Bytes(32, 0x33)),
             {{"adminId", std::string(64, '3')}}),
      honest(block_of(tke::kEnableControlPoints, Bytes(16, 0)),
             {{"controlPoints", std::string(32, '0')}}),
      honest(block_of(tke::kAcceptRecords, Bytes(32, 0x44)),
             {{"a fact of a later version", std::string(64, '4')}}),
      honest(block_of(tke::kZeroize, {}), {}),
  };
  for (const client::Proposal& proposal : all) {
    const auto review = review_block(proposal);
    ASSERT_TRUE(review.has_value()) << review.error().message;
    EXPECT_EQ(join(review->contradictions, "; "), "") << proposal.command;
    EXPECT_TRUE(review->text.understood);
  }
}

TEST(ProposalReviewTest, EveryLieIsNamed) {
  const std::function<void(client::Proposal&)> lies[] = {
      [](auto& p) { p.block_sha512[0] = p.block_sha512[0] == '0' ? '1' : '0'; },
      [](auto& p) { p.command = "clear new master key"; },
      [](auto& p) { ++p.domain_index; },
      [](auto& p) { ++p.domain_instance; },
      [](auto& p) { p.module_id.back() = 'f'; },
      [](auto& p) { p.counter.back() = 'f'; },
      // The values are in the block, elsewhere.
      [](auto& p) { std::swap(p.details[0].second, p.details[1].second); },
      [](auto& p) { p.details[0].second += "0"; },
      [](auto& p) { p.details.emplace_back("verificationPattern", std::string(64, '5')); },
      [](auto& p) { p.details.emplace_back("a fact of a later version", "more"); },
  };
  for (const client::Proposal& truth : {replacement(), thresholds()}) {
    std::size_t number = 0;
    for (const auto& lie : lies) {
      client::Proposal proposal = truth;
      lie(proposal);
      const auto review = review_block(proposal);
      ASSERT_TRUE(review.has_value());
      EXPECT_EQ(review->contradictions.size(), number == 6 ? 2U : 1U)
          << truth.command << ", lie " << number << ": " << join(review->contradictions, "; ");
      ProposalReview whole;
      whole.proposal = proposal;
      whole.block = *review;
      EXPECT_EQ(require_sound(whole).error().reason, Reason::Forbidden);
      ++number;
    }
  }
  client::Proposal none = thresholds();
  none.block.pop_back();
  EXPECT_FALSE(review_block(none).has_value());
}

TEST(ProposalReviewTest, OnlyAnOpenOneOfAUnitThatIsThere) {
  ProposalReview review;
  review.proposal = thresholds();
  review.block = review_block(review.proposal).value();
  EXPECT_EQ(require_sound(review).error().reason, Reason::UnitNotFound);
  for (const char* state : {"sending", "sent", "lapsed"}) {
    review.proposal.state = state;
    EXPECT_EQ(require_sound(review).error().reason, Reason::ProposalState) << state;
  }
}

TEST(ProposalReviewTest, AnAnswerThatTheUnitDidNotSignIsNone) {
  ProposalReview review;
  review.proposal = thresholds();
  review.block = review_block(review.proposal).value();
  EXPECT_EQ(check_answer(review, "").error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(check_answer(review, "no frame").error().reason, Reason::Forbidden);
}

}  // namespace
}  // namespace keyhaven::cli
