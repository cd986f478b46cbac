// The server's own long-lived keys: TLS, token signing, audit checkpoints. Made at first start,
// 0600 in the server's directory, never anything that opens a customer's key
// (docs/adr/0009-where-server-keys-rest.md).
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"
#include "net/http_server.h"
#include "server/config.h"

namespace keyhaven::server {

// The certificate and key to serve with: the configured files, or one issued by the deployment's
// own CA, whose certificate is at <server directory>/tls/ca.pem. Renewed when less than 30 days are
// left or the configured names changed. Errors: Io, InvalidArgument.
Result<net::TlsFiles> tls_files(const Config& config, Timestamp now);

// Generates 2048 bits at first start (hundreds of milliseconds). Errors: Io, InvalidArgument
// (damaged file).
Result<crypto::RsaPrivateKey> token_signing_key(const Config& config);

// The public half is at <server directory>/audit-public-key (hex). Errors as above.
Result<crypto::Ed25519PrivateKey> audit_checkpoint_key(const Config& config);

}  // namespace keyhaven::server
