#include "tke/shamir.h"

#include <algorithm>

#include "crypto/random.h"

namespace keyhaven::tke {

namespace gf256 {

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept {
  unsigned left = a;
  unsigned product = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= left & (0U - ((static_cast<unsigned>(b) >> bit) & 1U));
    left = (left << 1) ^ (0x11BU & (0U - (left >> 7)));
  }
  return static_cast<std::uint8_t>(product);
}

// a^254: the group of units has order 255.
std::uint8_t inverse(std::uint8_t a) noexcept {
  std::uint8_t power = a;
  std::uint8_t out = 1;
  for (int bit = 1; bit < 8; ++bit) {
    power = multiply(power, power);
    out = multiply(out, power);
  }
  return out;
}

}  // namespace gf256

namespace {

Error bad(const char* what) { return {Reason::InvalidArgument, what, {}}; }

Result<void> check_split(const SecretBytes& secret, unsigned threshold, unsigned share_count) {
  if (threshold >= kMinShareThreshold && threshold <= share_count && share_count <= kMaxShares &&
      !secret.empty()) {
    return {};
  }
  return bad("shares: the threshold is 2 or more, and at most the number of shares, at most 16");
}

Result<void> check_shares(const std::vector<const ShamirShare*>& shares) {
  if (shares.size() < kMinShareThreshold || shares.size() > kMaxShares)
    return bad("2 to 16 shares are combined");
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const ShamirShare& share = *shares[i];
    if (share.x == 0 || share.x > kMaxShares) return bad("the number of a share is 1 to 16");
    if (share.y.empty() || share.y.size() != shares[0]->y.size())
      return bad("shares of one secret have one size");
    for (std::size_t j = 0; j < i; ++j) {
      if (shares[j]->x == share.x) return bad("a share is given twice");
    }
  }
  return {};
}

// The factor of share `at` in the value at 0 (Lagrange): the product of x_j / (x_j - x_at).
std::uint8_t weight_at_zero(const std::vector<const ShamirShare*>& shares, std::size_t at) {
  std::uint8_t above = 1;
  std::uint8_t below = 1;
  for (std::size_t other = 0; other < shares.size(); ++other) {
    if (other == at) continue;
    above = gf256::multiply(above, shares[other]->x);
    below = gf256::multiply(below, static_cast<std::uint8_t>(shares[other]->x ^ shares[at]->x));
  }
  return gf256::multiply(above, gf256::inverse(below));
}

}  // namespace

Result<std::vector<ShamirShare>> split_secret_for_vectors(const SecretBytes& secret,
                                                          unsigned threshold, unsigned share_count,
                                                          const SecretBytes& coefficients) {
  KH_TRY(check_split(secret, threshold, share_count));
  if (coefficients.size() != (threshold - 1) * secret.size())
    return bad("shares: the number of coefficients does not fit");
  const auto constant = secret.expose();
  const auto others = coefficients.expose();
  std::vector<ShamirShare> out;
  for (unsigned number = 1; number <= share_count; ++number) {
    ShamirShare share{static_cast<std::uint8_t>(number), SecretBytes(secret.size())};
    const auto y = share.y.expose_mutable();
    for (std::size_t byte = 0; byte < y.size(); ++byte) {
      std::uint8_t value = 0;  // Horner, from the highest power down
      for (unsigned power = threshold - 1; power >= 1; --power) {
        value = static_cast<std::uint8_t>(value ^ others[(power - 1) * y.size() + byte]);
        value = gf256::multiply(value, share.x);
      }
      y[byte] = static_cast<std::uint8_t>(value ^ constant[byte]);
    }
    out.push_back(std::move(share));
  }
  return out;
}

Result<std::vector<ShamirShare>> split_secret(const SecretBytes& secret, unsigned threshold,
                                              unsigned share_count) {
  KH_TRY(check_split(secret, threshold, share_count));
  return split_secret_for_vectors(secret, threshold, share_count,
                                  crypto::random_secret((threshold - 1) * secret.size()));
}

Result<SecretBytes> combine_shares(const std::vector<const ShamirShare*>& shares) {
  KH_TRY(check_shares(shares));
  SecretBytes out(shares.front()->y.size());
  const auto bytes = out.expose_mutable();
  for (std::size_t at = 0; at < shares.size(); ++at) {
    const std::uint8_t weight = weight_at_zero(shares, at);
    const auto y = shares[at]->y.expose();
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
      bytes[byte] = static_cast<std::uint8_t>(bytes[byte] ^ gf256::multiply(y[byte], weight));
    }
  }
  return out;
}

}  // namespace keyhaven::tke
