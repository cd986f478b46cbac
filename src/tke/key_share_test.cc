#include "tke/key_share.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/random.h"
#include "tke/paper.h"
#include "tke/share_file.h"

namespace keyhaven::tke {
namespace {

constexpr char kMade[] = "2026-11-26T10:00:00Z";

struct Set {
  SecretBytes part = crypto::random_secret(32);
  MadeShares made;
  Set(unsigned threshold, unsigned count, const std::string& label = "alice-part1")
      : made(make_key_shares(part, label, kMade, threshold, count).value()) {}
  std::vector<const KeyShare*> shares(const std::vector<unsigned>& numbers) const {
    std::vector<const KeyShare*> out;
    for (const unsigned number : numbers) out.push_back(&made.shares[number - 1]);
    return out;
  }
};

KeyShare copy_of(const KeyShare& share) {
  return {share.set, share.threshold, share.share_count,
          ShamirShare{share.share.x, share.share.y.clone()}, share.blinding.clone()};
}

std::string message_of(const Result<SecretBytes>& result) {
  return result ? "no error" : result.error().message;
}

TEST(KeyShareTest, AnyThresholdManyGiveThePart) {
  for (const auto& [threshold, count] : {std::pair{2U, 3U}, {3U, 5U}, {5U, 8U}}) {
    const Set set(threshold, count);
    for (unsigned chosen = 0; chosen < (1U << count); ++chosen) {
      std::vector<unsigned> numbers;
      for (unsigned number = 1; number <= count; ++number) {
        if ((chosen >> (number - 1) & 1U) != 0) numbers.push_back(number);
      }
      const auto part = combine_key_shares(set.made.transcript, set.shares(numbers));
      if (numbers.size() >= threshold) {
        ASSERT_TRUE(part) << part.error().message;
        EXPECT_TRUE(*part == set.part);
      } else {
        ASSERT_FALSE(part);
        EXPECT_EQ(part.error().reason, Reason::Conflict);
      }
    }
  }
}

TEST(KeyShareTest, TooFewSaysHowManyAreMissing) {
  const Set set(3, 5);
  EXPECT_NE(message_of(combine_key_shares(set.made.transcript, set.shares({2, 4})))
                .find("1 share is missing"),
            std::string::npos);
  EXPECT_NE(message_of(combine_key_shares(set.made.transcript, {})).find("3 shares are missing"),
            std::string::npos);
}

TEST(KeyShareTest, AWrongShareIsNamed) {
  const Set set(2, 3);
  for (const bool in_value : {true, false}) {
    KeyShare wrong = copy_of(set.made.shares[1]);
    (in_value ? wrong.share.y : wrong.blinding).expose_mutable()[7] ^= 1;
    const auto part =
        combine_key_shares(set.made.transcript, {&set.made.shares[0], &wrong, &set.made.shares[2]});
    EXPECT_NE(
        message_of(part).find("share 2 of set " + to_hex(set.made.transcript.set) + " is wrong"),
        std::string::npos)
        << message_of(part);
  }
}

TEST(KeyShareTest, AShareGivenTwiceIsNamed) {
  const Set set(3, 4);
  const auto part = combine_key_shares(set.made.transcript, set.shares({1, 4, 4}));
  EXPECT_NE(message_of(part).find("share 4"), std::string::npos);
  EXPECT_NE(message_of(part).find("twice"), std::string::npos) << message_of(part);
}

TEST(KeyShareTest, AShareOfAnotherSetIsNamed) {
  const Set set(2, 3);
  const Set other(2, 3);
  const auto part =
      combine_key_shares(set.made.transcript, {&set.made.shares[0], &other.made.shares[1]});
  EXPECT_NE(message_of(part).find("share 2 of set " + to_hex(other.made.transcript.set)),
            std::string::npos)
      << message_of(part);
  // Renamed to this set, or to another number, threshold or count, it fits no commitment.
  KeyShare renamed = copy_of(other.made.shares[1]);
  renamed.set = set.made.transcript.set;
  EXPECT_FALSE(check_key_share(set.made.transcript, renamed));
  KeyShare moved = copy_of(set.made.shares[1]);
  moved.share.x = 3;
  EXPECT_FALSE(check_key_share(set.made.transcript, moved));
  KeyShare lower = copy_of(set.made.shares[1]);
  lower.threshold = 1;
  EXPECT_FALSE(check_key_share(set.made.transcript, lower));
  KeyShare beyond = copy_of(set.made.shares[1]);
  beyond.share.x = 4;
  EXPECT_FALSE(check_key_share(set.made.transcript, beyond));
}

TEST(KeyShareTest, LimitsOfASet) {
  const SecretBytes part = crypto::random_secret(32);
  EXPECT_FALSE(make_key_shares(part, "p", kMade, 1, 3));
  EXPECT_FALSE(make_key_shares(part, "p", kMade, 4, 3));
  EXPECT_FALSE(make_key_shares(part, "p", kMade, 2, 17));
  EXPECT_TRUE(make_key_shares(part, "p", kMade, 16, 16));
  EXPECT_FALSE(make_key_shares(crypto::random_secret(31), "p", kMade, 2, 3));
  for (const std::string& label :
       {std::string(), std::string(31, 'x'), std::string("a\nb"), std::string(" a")})
    EXPECT_FALSE(make_key_shares(part, label, kMade, 2, 3)) << label;
  EXPECT_FALSE(make_key_shares(part, "p", "yesterday", 2, 3));
}

class SignedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sign_transcript(transcript_, "Alice", alice_));
    {
      const auto done = sign_transcript(transcript_, "Rüdiger", old_);
      ASSERT_TRUE(done) << done.error().message;
    }
  }
  Set set_{2, 3};
  LocalSigner alice_{crypto::P521PrivateKey::generate()};
  RsaSigner old_{crypto::RsaPrivateKey::generate_2048()};
  ShareTranscript& transcript_ = set_.made.transcript;
};

TEST_F(SignedTest, ReadsBackAndVerifiesForWhoTrustsASigner) {
  const std::string text = encode_transcript(transcript_);
  const auto read = parse_transcript(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(encode_transcript(*read), text);
  EXPECT_TRUE(verify_transcript(*read, {alice_.ski()}));
  EXPECT_TRUE(verify_transcript(*read, {old_.ski()}));
  const auto nobody = verify_transcript(*read, {});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().reason, Reason::Forbidden);
  EXPECT_NE(nobody.error().message.find(to_hex(alice_.ski())), std::string::npos);
}

TEST_F(SignedTest, EveryChangedCharacterIsNoticed) {
  const std::string text = encode_transcript(transcript_);
  const std::size_t signatures = text.find("signature ");
  for (std::size_t at = 0; at < signatures; ++at) {
    std::string changed = text;
    changed[at] = changed[at] == '1' ? '2' : '1';
    const auto read = parse_transcript(changed);
    EXPECT_FALSE(read && verify_transcript(*read, {alice_.ski()})) << "at " << at;
  }
}

TEST_F(SignedTest, OneFalseSignatureSpoilsAll) {
  transcript_.signatures[1].signature[5] ^= 1;
  const auto verified = verify_transcript(transcript_, {alice_.ski()});
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.error().message.find("Rüdiger"), std::string::npos);
  transcript_.signatures.clear();
  EXPECT_FALSE(verify_transcript(transcript_, {alice_.ski()})) << "not signed";
}

TEST_F(SignedTest, SignersAreDifferentAndNotTooMany) {
  EXPECT_FALSE(sign_transcript(transcript_, "Alice again", alice_));
  EXPECT_FALSE(sign_transcript(transcript_, "", LocalSigner(crypto::P521PrivateKey::generate())));
  while (transcript_.signatures.size() < kMaxTranscriptSignatures)
    ASSERT_TRUE(sign_transcript(transcript_, "x", LocalSigner(crypto::P521PrivateKey::generate())));
  EXPECT_FALSE(sign_transcript(transcript_, "x", LocalSigner(crypto::P521PrivateKey::generate())));
  EXPECT_TRUE(parse_transcript(encode_transcript(transcript_)));
}

TEST(TranscriptTest, TheLargestFitsItsFile) {
  Set set(16, 16, std::string(30, 'l'));
  const RsaSigner one(crypto::RsaPrivateKey::generate_2048());
  ASSERT_TRUE(sign_transcript(set.made.transcript, std::string(30, 'n'), one));
  while (set.made.transcript.signatures.size() < kMaxTranscriptSignatures)
    set.made.transcript.signatures.push_back(set.made.transcript.signatures.front());
  EXPECT_TRUE(parse_transcript(encode_transcript(set.made.transcript)));
  const SecretBytes password = SecretBytes::copy_of(std::string_view("password"));
  EXPECT_TRUE(encode_key_share(set.made.shares[15], set.made.transcript, password));
}

RC_GTEST_PROP(TranscriptTest, ReaderIsTotal, (const std::string& text)) {
  RC_ASSERT(!parse_transcript(text));
  RC_ASSERT(!inspect_key_share(text));
}

TEST(ShareFileTest, RoundTripAndWhatChangesOfItDo) {
  const Set set(2, 3);
  const SecretBytes password = SecretBytes::copy_of(std::string_view("correct horse"));
  const std::string text =
      encode_key_share(set.made.shares[1], set.made.transcript, password).value();
  const auto info = inspect_key_share(text);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->number, 2U);
  EXPECT_EQ(info->transcript.label, "alice-part1");
  const auto share = decode_key_share(text, password);
  ASSERT_TRUE(share) << share.error().message;
  EXPECT_TRUE(check_key_share(set.made.transcript, *share));
  EXPECT_EQ(
      decode_key_share(text, SecretBytes::copy_of(std::string_view("wrong horse"))).error().reason,
      Reason::DecryptFailed);
  std::string renumbered = text;
  renumbered.replace(text.find("\"share\":\"2\""), 11, "\"share\":\"3\"");
  EXPECT_EQ(decode_key_share(renumbered, password).error().reason, Reason::DecryptFailed);
  renumbered.replace(text.find("\"share\":\"2\""), 11, "\"share\":\"4\"");
  EXPECT_FALSE(inspect_key_share(renumbered));
  EXPECT_FALSE(encode_key_share(set.made.shares[1], set.made.transcript,
                                SecretBytes::copy_of(std::string_view("short"))));
  EXPECT_EQ(text.find(to_hex(set.made.shares[1].share.y.expose())), std::string::npos);
}

TEST(ShareFileTest, OnPaperItIsTheSameShare) {
  const Set set(2, 3);
  const auto share = share_of_paper(paper_content(set.made.shares[2]));
  ASSERT_TRUE(share) << share.error().message;
  EXPECT_TRUE(check_key_share(set.made.transcript, *share));
  EXPECT_EQ(share->share.x, 3);
  for (const std::size_t at : {0U, 1U, 2U, 3U}) {
    SecretBytes content = paper_content(set.made.shares[2]);
    content.expose_mutable()[at] = 17;
    EXPECT_FALSE(share_of_paper(content)) << at;
  }
  EXPECT_FALSE(share_of_paper(SecretBytes(32)));
}

}  // namespace
}  // namespace keyhaven::tke
