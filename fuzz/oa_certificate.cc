// OA2 certificates and the text of an attestation root.
#include "tke/oa_certificate.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  if (const auto certificate = tke::parse_oa_certificate(in)) {
    const Bytes& covered = certificate->signed_part;
    KH_ASSERT(covered.size() <= in.size() && fuzz::same(covered, in.first(covered.size())));
    // Nobody vouches for a certificate by itself.
    const auto root = tke::AttestationRoot::of(certificate->key);
    KH_ASSERT(!tke::verify_chain({to_bytes(in)}, root));
  }
  if (const auto root = tke::AttestationRoot::parse(as_text(in))) {
    const auto again = tke::AttestationRoot::parse(root->text());
    KH_ASSERT(again && again->text() == root->text());
  }
}
