// TLS settings shared by server and client, in terms of OpenSSL. For the .cc files of this folder.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_server.h"

namespace keyhaven::net {

struct SslContextFree {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// TLS 1.2 (ECDHE with AEAD only) and 1.3, no renegotiation, no compression, ALPN http/1.1, one
// session ticket. Errors: InvalidArgument when the certificate chain or key does not parse or they
// do not belong together.
Result<SslContext> make_server_context(const TlsFiles& files);

// The same protocol range; the peer's chain is verified against `ca_pem`, or the system's roots
// when it is empty. Errors: InvalidArgument when `ca_pem` holds no certificate.
Result<SslContext> make_client_context(const std::string& ca_pem);

// Writing to a connection that the peer has closed must give an error, not end the process. Leaves
// a handler of the program's own alone.
void ignore_sigpipe() noexcept;

}  // namespace keyhaven::net
