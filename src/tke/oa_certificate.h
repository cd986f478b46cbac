// Outbound-authentication (OA2) certificates: how a crypto module proves that its answers come from
// a unit of this deployment. Every signed answer verifies under the key of certificate 0 of a chain
// that ends at the pinned root.
//
// The signature is ECDSA P-521/SHA-512 over all bytes before the signer-info section. Gap bytes and
// unused fields are zero; the adapter id holds the module's serial number. Source:
// instances-tke-iam.md 3.8 and 3.12.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ec.h"
#include "tke/signer_info.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxOaCertificateBytes = 16 * 1024;
inline constexpr std::size_t kMaxOaChainLength = 8;

// The key that all modules of a deployment chain to; printed at installation and pinned by clients.
struct AttestationRoot {
  Ski ski{};
  crypto::P521PublicKey key;

  static AttestationRoot of(const crypto::P521PublicKey& key) { return {ski_of(key.point()), key}; }
  // Three lines "SKI: hex", "X: hex", "Y: hex".
  std::string text() const;
  // Accepts text() in any order of lines, blank lines and lines beginning with '#'. Errors:
  // InvalidArgument (a line missing or malformed, no point of the curve, SKI does not belong to the
  // point).
  static Result<AttestationRoot> parse(std::string_view text);
};

struct OaCertificate {
  Ski subject{};
  Ski signer{};
  crypto::P521PublicKey key;
  std::string serial_number;  // of the module, from the adapter id; empty when all zero
  crypto::P521Signature signature;
  Bytes signed_part;
};

// A certificate for `subject`, signed by `signer`: 584 bytes. serial_number has at most 8
// characters.
Bytes make_oa_certificate(const crypto::P521PublicKey& subject, const std::string& serial_number,
                          const crypto::P521PrivateKey& signer);
// Errors: InvalidArgument (other formats too: only OA2 is accepted).
Result<OaCertificate> parse_oa_certificate(ByteView bytes);

// Checks certificate 0, 1, ... up to `root` (never sent) and returns the key of certificate 0.
// Errors: Forbidden: empty or too long, self-signed, a link that does not match, a bad signature,
// another root.
Result<crypto::P521PublicKey> verify_chain(const std::vector<Bytes>& certificates,
                                           const AttestationRoot& root);

}  // namespace keyhaven::tke
