// Shamir's secret sharing over GF(256), byte by byte (Shamir 1979; polynomial x^8+x^4+x^3+x+1 as in
// AES). Share x is the value at x, from 1 to n, of polynomials of degree k-1 whose constant terms
// are the secret; fewer than k shares say nothing about it.
//
// Constant time: products are masked shifts, without tables and without a branch or an index that
// depends on a secret byte; which shares take part (x, k, n) is public. Plain Shamir does not
// notice a wrong share: shares of ours are committed to and checked before (key_share.h).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::tke {

inline constexpr unsigned kMinShareThreshold = 2;
inline constexpr unsigned kMaxShares = 16;

namespace gf256 {
std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept;
std::uint8_t inverse(std::uint8_t a) noexcept;  // of 0: 0
}  // namespace gf256

struct ShamirShare {
  std::uint8_t x = 0;  // 1 to kMaxShares
  SecretBytes y;       // as long as the secret
};

// `share_count` shares, x = 1, 2, ...; any `threshold` of them give the secret back. Errors:
// InvalidArgument unless 2 <= threshold <= share_count <= kMaxShares and the secret is not empty.
Result<std::vector<ShamirShare>> split_secret(const SecretBytes& secret, unsigned threshold,
                                              unsigned share_count);
// The same with given coefficients, for vectors: (threshold - 1) * secret.size() bytes, those of x
// first, then those of x squared, and so on.
Result<std::vector<ShamirShare>> split_secret_for_vectors(const SecretBytes& secret,
                                                          unsigned threshold, unsigned share_count,
                                                          const SecretBytes& coefficients);

// The value at 0 of the polynomials through exactly these shares: the secret, when they are as many
// as the threshold and of one split. Errors: InvalidArgument: fewer than 2 or more than kMaxShares,
// an x of 0 or above kMaxShares, an x twice, sizes that differ.
Result<SecretBytes> combine_shares(const std::vector<const ShamirShare*>& shares);

}  // namespace keyhaven::tke
