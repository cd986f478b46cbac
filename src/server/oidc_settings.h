// The OpenID provider of the console as the configuration names it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "oidc/provider.h"
#include "server/config.h"

namespace keyhaven::server {

struct OidcFiles {
  std::string ca_pem;         // empty: the system's roots
  SecretBytes client_secret;  // empty: none
};

// Reads the files of section [oidc] at the start, as the user who starts the server: later it can
// neither read them nor needs to. Nothing without oidc.issuer. Errors: InvalidArgument, which names
// the key and what is wrong (no such file, others may read the secret, no certificate in it).
Result<OidcFiles> read_oidc_files(const Config& config);

// What the provider's client is made of; the answer comes back to `public_url`.
oidc::ProviderOptions provider_options(const Config& config, OidcFiles files,
                                       const std::string& public_url);

}  // namespace keyhaven::server
