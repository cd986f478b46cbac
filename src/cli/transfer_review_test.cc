#include "cli/transfer_review.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "cli/run_for_tests.h"
#include "cli/transfer_for_tests.h"
#include "cli/transfer_session.h"

namespace keyhaven::cli {
namespace {

TEST(TransferReviewTest, AnHonestTransferPasses) {
  const TransferForTests honest;
  const auto offer = review_offer(honest.encoded_offer, honest.target.root);
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_TRUE(check_for_source(*offer, honest.source.instance, honest.source.root, honest.now));
  const auto bundle = review_bundle(honest.bundle, honest.source.root);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_TRUE(check_for_target(*offer, *bundle, honest.target.instance));
  EXPECT_EQ(bundle->digest, crypto::sha256(honest.bundle.manifest));
}

TEST(TransferReviewTest, AnOfferOfAnotherDeploymentOrAnAlteredOneIsRefused) {
  const TransferForTests honest;
  const DeploymentForTests mallory;
  const auto faked = review_offer(honest.encoded_offer, mallory.root);
  ASSERT_FALSE(faked);
  EXPECT_EQ(faked.error().reason, Reason::Forbidden);
  EXPECT_EQ(review_offer(tke::encode_signed(honest.offer, mallory.certificate, mallory.module_key),
                         honest.target.root)
                .error()
                .reason,
            Reason::Forbidden);
  for (std::size_t at = 0; at < honest.encoded_offer.size(); ++at) {
    Bytes altered = honest.encoded_offer;
    altered[at] ^= 1;
    EXPECT_FALSE(review_offer(altered, honest.target.root)) << "byte " << at;
  }
}

TEST(TransferReviewTest, AnOfferForOthersOrOfThePastIsRefused) {
  const TransferForTests honest;
  const DeploymentForTests other;
  const auto offer = review_offer(honest.encoded_offer, honest.target.root);
  ASSERT_TRUE(offer);
  const struct {
    const char* what;
    InstanceId source;
    tke::AttestationRoot root;
    Timestamp now;
    Reason reason;
  } rows[] = {
      {"another instance", other.instance, honest.source.root, honest.now, Reason::Forbidden},
      {"another root", honest.source.instance, other.root, honest.now, Reason::Forbidden},
      {"too late", honest.source.instance, honest.source.root, honest.offer.expires,
       Reason::Conflict},
  };
  for (const auto& row : rows) {
    const auto checked = check_for_source(*offer, row.source, row.root, row.now);
    ASSERT_FALSE(checked) << row.what;
    EXPECT_EQ(checked.error().reason, row.reason) << row.what;
  }
}

TEST(TransferReviewTest, AnAlteredBundleIsRefused) {
  const struct {
    const char* what;
    void (*alter)(TransferForTests&);
  } rows[] = {
      {"a chunk is exchanged", [](TransferForTests& t) { t.bundle.chunks[1].digest[0] ^= 1; }},
      {"chunks are swapped",
       [](TransferForTests& t) { std::swap(t.bundle.chunks[0], t.bundle.chunks[1]); }},
      {"a chunk is added",
       [](TransferForTests& t) { t.bundle.chunks.push_back(t.bundle.chunks[0]); }},
      {"a chunk is missing", [](TransferForTests& t) { t.bundle.chunks.pop_back(); }},
      {"a key is added", [](TransferForTests& t) { t.bundle.keys.push_back(t.bundle.keys[0]); }},
      {"another offer", [](TransferForTests& t) { t.bundle.head.offer[50] ^= 1; }},
      {"another transfer", [](TransferForTests& t) { t.bundle.head.transfer.bytes[0] ^= 1; }},
      {"another source", [](TransferForTests& t) { t.bundle.head.source.uuid.bytes[0] ^= 1; }},
      {"another target", [](TransferForTests& t) { t.bundle.head.target.uuid.bytes[0] ^= 1; }},
      {"signed by the target", [](TransferForTests& t) { t.sign(t.target); }},
      {"signed by a third deployment", [](TransferForTests& t) { t.sign(DeploymentForTests()); }},
      {"the offer instead", [](TransferForTests& t) { t.bundle.manifest = t.encoded_offer; }},
  };
  for (const auto& row : rows) {
    TransferForTests transfer;
    row.alter(transfer);
    EXPECT_FALSE(review_bundle(transfer.bundle, transfer.source.root)) << row.what;
  }
  TransferForTests transfer;
  for (std::size_t at = 0; at < transfer.bundle.manifest.size(); ++at) {
    transfer.bundle.manifest[at] ^= 1;
    EXPECT_FALSE(review_bundle(transfer.bundle, transfer.source.root)) << "byte " << at;
    transfer.bundle.manifest[at] ^= 1;
  }
}

TEST(TransferReviewTest, ABundleThatIsNotForThisTargetOrOfItsSourceIsRefused) {
  TransferForTests transfer;
  const auto offer = review_offer(transfer.encoded_offer, transfer.target.root);
  const auto bundle = review_bundle(transfer.bundle, transfer.source.root);
  ASSERT_TRUE(offer && bundle);
  EXPECT_FALSE(check_for_target(*offer, *bundle, transfer.source.instance)) << "another instance";
  // A third deployment that makes a whole bundle of its own for the offer.
  const DeploymentForTests mallory;
  transfer.sign(mallory);
  const auto forged = review_bundle(transfer.bundle, mallory.root);
  ASSERT_TRUE(forged) << "in itself it is one";
  const auto checked = check_for_target(*offer, *forged, transfer.target.instance);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, Reason::Forbidden);
  // A bundle of the right source for another offer.
  TransferForTests other;
  const auto foreign = review_bundle(other.bundle, other.source.root);
  ASSERT_TRUE(foreign);
  BundleReview moved = *foreign;
  moved.root = transfer.source.root.ski;
  EXPECT_FALSE(check_for_target(*offer, moved, transfer.target.instance));
}

TEST(TransferReviewTest, HowLongSomethingStands) {
  const struct {
    const char* text;
    std::int64_t seconds;  // 0: refused
  } rows[] = {{"90m", 5400},
              {"24h", 86400},
              {"7d", 604800},
              {"1s", 1},
              {"0s", 0},
              {"8d", 0},
              {"169h", 0},
              {"", 0},
              {"h", 0},
              {"1", 0},
              {"1w", 0},
              {"-1h", 0},
              {"1h ", 0},
              {"1hh", 0},
              {"99999999999999999999d", 0},
              {"9223372036854775807d", 0}};
  for (const auto& row : rows) {
    const auto parsed = parse_validity(row.text);
    EXPECT_EQ(parsed ? *parsed : 0, row.seconds) << row.text;
  }
}

// --- transfer show ---

class TransferShowTest : public testing::Test {
 protected:
  TransferShowTest() {
    source_root_ = files_.write("source.root", transfer_.source.root.text());
    target_root_ = files_.write("target.root", transfer_.target.root.text());
    offer_ = files_.write("offer", "Dear Ada,\n\n" + offer_text(transfer_.encoded_offer));
    bundle_ = files_.path() + "/bundle";
    transfer_.write(bundle_);
  }
  static boost::json::object parsed(const Ran& ran) {
    return boost::json::parse(ran.out).as_object();
  }
  TemporaryDirectory files_;
  TransferForTests transfer_;
  std::string source_root_, target_root_, offer_, bundle_;
};

TEST_F(TransferShowTest, SaysWhatAnOfferIs) {
  const Ran ran =
      run_program({"transfer", "show", offer_, "--target-root", target_root_, "--output", "json"});
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  const auto shown = parsed(ran);
  EXPECT_EQ(shown.at("target").as_string(), transfer_.target.instance.text());
  EXPECT_EQ(shown.at("source_root").as_string(), to_hex(transfer_.source.root.ski));
}

TEST_F(TransferShowTest, SaysWhatABundleHolds) {
  const Ran ran = run_program({"transfer", "show", bundle_, "--source-root", source_root_,
                               "--target-root", target_root_, "--output", "json"});
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  const auto shown = parsed(ran);
  EXPECT_EQ(shown.at("key_count").as_int64(), 2);
  EXPECT_EQ(shown.at("keys").as_array().size(), 2U);
  EXPECT_EQ(shown.at("left_out").as_array().size(), 1U);
  EXPECT_TRUE(shown.at("offer_verified").as_bool());
  const Ran text = run_program({"transfer", "show", bundle_, "--source-root", source_root_});
  ASSERT_EQ(text.status, kExitOk) << text.err;
  EXPECT_NE(text.out.find("key 1"), std::string::npos);
  EXPECT_NE(text.out.find("not verified: give --target-root"), std::string::npos);
}

TEST_F(TransferShowTest, NothingIsShownUnverified) {
  const struct {
    const char* what;
    std::vector<std::string> arguments;
    int status;
  } rows[] = {
      {"an offer without a root", {"transfer", "show", offer_}, kExitUsage},
      {"a bundle without a root", {"transfer", "show", bundle_}, kExitUsage},
      {"an offer and the wrong root",
       {"transfer", "show", offer_, "--target-root", source_root_},
       kExitFailed},
      {"a bundle and the wrong root",
       {"transfer", "show", bundle_, "--source-root", target_root_},
       kExitFailed},
      {"a bundle and the wrong second root",
       {"transfer", "show", bundle_, "--source-root", source_root_, "--target-root", source_root_},
       kExitFailed},
      {"no such file",
       {"transfer", "show", bundle_ + "x", "--source-root", source_root_},
       kExitFailed},
      {"no root", {"transfer", "show", bundle_, "--source-root", offer_}, kExitUsage},
  };
  for (const auto& row : rows) {
    const Ran ran = run_program(row.arguments);
    EXPECT_EQ(ran.status, row.status) << row.what << ran.err;
    EXPECT_EQ(ran.out, "") << row.what;
  }
}

}  // namespace
}  // namespace keyhaven::cli
