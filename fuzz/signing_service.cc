// Answers of a signing service: keys are points of the curve, signatures two bounded integers.
#include "tke/signing_service.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view text = as_text(in);
  if (const auto key = tke::parse_signing_key_answer(text)) {
    KH_ASSERT(crypto::P521PublicKey::from_point(key->point()).has_value());
  }
  if (const auto signature = tke::parse_signature_answer(text)) {
    KH_ASSERT(signature->size() >= 8 && signature->size() <= 141);
    static const auto key = crypto::P521PrivateKey::generate();
    KH_ASSERT(!key.public_key().verify_sha512_der(in, *signature));
  }
  KH_ASSERT(!tke::is_signing_key_name(text) || text.size() <= tke::kMaxSigningKeyNameBytes);
}
