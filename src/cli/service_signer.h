// Signature keys at a signing service (tke/signing_service.h), which signs over HTTPS for whoever
// shows the key's token.
//
// Where it is: TKE_SIGNSERV_URL (https only); the CA its certificate must chain to:
// TKE_SIGNSERV_CA, a PEM file, else the system's roots; the token of each key: the choice's own
// file, else TKE_SIGNSERV_TOKEN_FILE, else asked for.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/signer_info.h"

namespace keyhaven::cli {

class Context;

struct SigningService {
  std::string url;     // without a '/' at its end
  std::string ca_pem;  // empty: the system's roots
};

// From the environment. Errors: InvalidArgument.
Result<SigningService> signing_service(const Context& context);

// Asks for the public key of `key_name`; from then on signs with it. A signature that the public
// key does not verify is an error, never a result. Errors: InvalidArgument (name, URL, answer),
// Forbidden (token refused, false signature), NotFound (no such key), Io, DeadlineExceeded.
Result<std::unique_ptr<tke::Signer>> open_service_signer(const SigningService& service,
                                                         const std::string& key_name,
                                                         SecretBytes token);

}  // namespace keyhaven::cli
