#include "tke/shamir.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "base/file.h"
#include "crypto/random.h"

namespace keyhaven::tke {
namespace {

std::vector<const ShamirShare*> pointers(const std::vector<ShamirShare>& shares) {
  std::vector<const ShamirShare*> out;
  for (const ShamirShare& share : shares) out.push_back(&share);
  return out;
}

SecretBytes from_json(const boost::json::value& value) {
  const auto& text = value.as_string();
  return secret_from_hex(std::string_view(text.data(), text.size())).value();
}

// tests/shamir/make_vectors.py: another language, logarithm tables instead of shifts.
TEST(ShamirTest, AgreesWithAnIndependentImplementation) {
  const Bytes text =
      read_file(std::string(KH_SOURCE_DIR) + "/tests/shamir/vectors.json", 1 << 20).value();
  const auto vectors = boost::json::parse(as_text(text)).as_object();
  for (const auto& row : vectors.at("products").as_array()) {
    const auto number = [&](std::size_t i) {
      return static_cast<std::uint8_t>(row.as_array().at(i).to_number<int>());
    };
    EXPECT_EQ(gf256::multiply(number(0), number(1)), number(2)) << int{number(0)};
  }
  std::size_t shares_compared = 0;
  for (const auto& row : vectors.at("cases").as_array()) {
    const auto& expected = row.at("shares").as_array();
    const SecretBytes secret = from_json(row.at("secret"));
    const auto threshold = row.at("threshold").to_number<unsigned>();
    const auto shares =
        split_secret_for_vectors(secret, threshold, static_cast<unsigned>(expected.size()),
                                 from_json(row.at("coefficients")));
    ASSERT_TRUE(shares) << shares.error().message;
    for (std::size_t i = 0; i < expected.size(); ++i, ++shares_compared) {
      EXPECT_TRUE((*shares)[i].y == from_json(expected[i])) << threshold << " share " << i + 1;
    }
    std::vector<const ShamirShare*> last = pointers(*shares);
    last.erase(last.begin(), last.end() - static_cast<std::ptrdiff_t>(threshold));
    EXPECT_TRUE(combine_shares(last).value() == secret);
  }
  EXPECT_EQ(shares_compared, 2U + 3 + 5 + 8 + 16 + 16 + 9);
}

TEST(Gf256Test, IsAField) {
  for (unsigned a = 0; a < 256; ++a) {
    const auto left = static_cast<std::uint8_t>(a);
    EXPECT_EQ(gf256::multiply(left, gf256::inverse(left)), a == 0 ? 0 : 1) << a;
    for (unsigned b = 0; b < 256; ++b) {
      const auto right = static_cast<std::uint8_t>(b);
      EXPECT_EQ(gf256::multiply(left, right), gf256::multiply(right, left));
      const auto sum = static_cast<std::uint8_t>(right ^ 0x5A);
      EXPECT_EQ(gf256::multiply(left, sum),
                gf256::multiply(left, right) ^ gf256::multiply(left, 0x5A));
    }
  }
}

TEST(ShamirTest, RandomSplitsRecombineFromRandomSubsets) {
  constexpr int kSplits = 100'000;
  for (int round = 0; round < kSplits; ++round) {
    std::array<std::uint8_t, 4> dice{};
    crypto::random_nonce(dice);
    const unsigned count = 2 + dice[0] % 15;
    const unsigned threshold = 2 + dice[1] % (count - 1);
    const SecretBytes secret = crypto::random_secret(8);
    const auto shares = split_secret(secret, threshold, count).value();
    std::vector<const ShamirShare*> chosen = pointers(shares);
    for (unsigned left = dice[2]; chosen.size() > threshold; left = left * 7 + dice[3]) {
      chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(left % chosen.size()));
    }
    ASSERT_TRUE(combine_shares(chosen).value() == secret)
        << threshold << " of " << count << ", round " << round;
  }
}

// Perfect secrecy, by structure: whatever k-1 shares say, every secret is still possible, and each
// by exactly one polynomial. For one byte and a threshold of 2 all cases are counted.
TEST(ShamirTest, OneShareOfTwoIsCompatibleWithEverySecretEquallyOften) {
  for (unsigned x = 1; x <= kMaxShares; ++x) {
    for (unsigned secret = 0; secret < 256; secret += 51) {
      std::array<bool, 256> seen{};
      for (unsigned slope = 0; slope < 256; ++slope) {
        const SecretBytes constant = SecretBytes::copy_of(Bytes{static_cast<std::uint8_t>(secret)});
        const SecretBytes other = SecretBytes::copy_of(Bytes{static_cast<std::uint8_t>(slope)});
        const auto shares = split_secret_for_vectors(constant, 2, kMaxShares, other).value();
        seen[shares[x - 1].y.expose()[0]] = true;
      }
      EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 256) << "share " << x;
    }
  }
}

// The same for a threshold of 3, where two shares together must be uniform: by numbers. The share
// bytes of a constant secret pass a chi-square test (255 degrees of freedom, one in a million).
TEST(ShamirTest, SharesOfAConstantSecretLookRandom) {
  constexpr int kSplits = 2'000;
  constexpr int kBytes = 64;
  std::array<int, 256> first{};
  std::array<int, 256> difference{};
  for (int round = 0; round < kSplits; ++round) {
    const auto shares = split_secret(SecretBytes(kBytes), 3, 3).value();
    for (int byte = 0; byte < kBytes; ++byte) {
      const auto at = static_cast<std::size_t>(byte);
      const std::uint8_t one = shares[0].y.expose()[at];
      const std::uint8_t two = shares[1].y.expose()[at];
      ++first[one];
      ++difference[gf256::multiply(one, 2) ^ two];  // would be 0 were the polynomial a line
    }
  }
  for (const auto& counts : {first, difference}) {
    const double expected = double{kSplits} * kBytes / 256;
    double chi_square = 0;
    for (const int count : counts) chi_square += std::pow(count - expected, 2) / expected;
    EXPECT_LT(chi_square, 377.1);
  }
}

TEST(ShamirTest, RefusesWhatIsNoSharing) {
  const SecretBytes secret = crypto::random_secret(32);
  EXPECT_FALSE(split_secret(secret, 1, 3));
  EXPECT_FALSE(split_secret(secret, 4, 3));
  EXPECT_FALSE(split_secret(secret, 2, 17));
  EXPECT_FALSE(split_secret(SecretBytes(), 2, 3));
  EXPECT_TRUE(split_secret(secret, 16, 16));
  EXPECT_TRUE(split_secret(secret, 2, 2));
  EXPECT_FALSE(split_secret_for_vectors(secret, 2, 3, SecretBytes(31)));
}

TEST(ShamirTest, RefusesSharesThatCannotBeCombined) {
  auto shares = split_secret(crypto::random_secret(4), 2, 3).value();
  EXPECT_FALSE(combine_shares({}));
  EXPECT_FALSE(combine_shares({&shares[0]}));
  EXPECT_FALSE(combine_shares({&shares[0], &shares[0]})) << "twice";
  const ShamirShare zero{0, SecretBytes(4)};
  EXPECT_FALSE(combine_shares({&shares[0], &zero}));
  const ShamirShare far{17, SecretBytes(4)};
  EXPECT_FALSE(combine_shares({&shares[0], &far}));
  const ShamirShare short_share{3, SecretBytes(3)};
  EXPECT_FALSE(combine_shares({&shares[0], &short_share}));
  const ShamirShare empty{3, SecretBytes()};
  EXPECT_FALSE(combine_shares({&empty, &shares[0]}));
}

}  // namespace
}  // namespace keyhaven::tke
