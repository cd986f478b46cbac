// Names of keys in tokens, as they are typed: what is taken has one canonical form, which reads
// back as the same.
#include "tke/pkcs11_uri.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto uri = tke::parse_pkcs11_uri(as_text(in));
  if (!uri) return;
  KH_ASSERT(in.size() <= tke::kMaxPkcs11UriBytes);
  KH_ASSERT(uri->token.size() <= 32 && uri->serial.size() <= 16 && uri->object.size() <= 128);
  const auto again = tke::parse_pkcs11_uri(tke::format_pkcs11_uri(*uri));
  KH_ASSERT(!again || *again == *uri);  // an escaped text may be above the limit
}
