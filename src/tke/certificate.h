// Administrator certificates: X.509 v3 with one P-521 key (or RSA-2048, from older installations),
// issuer = subject = "TKE Administration"
// and the name.
//
// The self-signature is made but never verified strictly: known clients sign it wrongly, and the
// command that carries the certificate is signed by the quorum anyway. What is checked: strict DER,
// one key of these kinds, the subject key identifier equals the computed one, the name's length.
// Source: instances-tke-iam.md 3.7; RFC 5280.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tke/administrator_key.h"
#include "tke/signer_info.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxAdministratorNameBytes = 30;
inline constexpr std::size_t kMaxCertificateBytes = 2048;

struct AdministratorCertificate {
  std::string name;  // without the padding
  Ski ski{};
  AdministratorKey key;
  Bytes der;  // as received: returned unchanged by queries
};

// A certificate of 566 to 568 bytes, its TBS exactly 409 (P-521). Errors: InvalidField for a name
// that is empty, longer than 30 bytes or has control characters; what the signer gives.
Result<Bytes> make_administrator_certificate(const std::string& name, const Signer& signer);

// Errors: InvalidArgument (not DER, too large, another kind of key, identifier differs, name too
// long).
Result<AdministratorCertificate> parse_administrator_certificate(ByteView der);

}  // namespace keyhaven::tke
