// Administrator certificates.
#include "fuzz.h"
#include "tke/certificate.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto certificate = tke::parse_administrator_certificate(in);
  if (!certificate) return;
  KH_ASSERT(fuzz::same(certificate->der, in) && in.size() <= tke::kMaxCertificateBytes);
  KH_ASSERT(certificate->name.size() <= tke::kMaxAdministratorNameBytes);
  KH_ASSERT(certificate->ski == certificate->key.ski());
}
