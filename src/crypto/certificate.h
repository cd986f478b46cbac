// X.509 for the server's TLS: a deployment CA made at first start and the certificate it issues
// (ECDSA P-256).
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

struct IssuedCertificate {
  std::string certificate_pem;
  SecretBytes private_key_pem;  // PKCS#8
};

// A self-signed CA (basicConstraints CA:TRUE pathlen 0, keyCertSign), P-256, valid ten years from
// `now`.
IssuedCertificate make_ca(const std::string& common_name, Timestamp now);

// A server certificate signed by the CA: P-256, SAN with DNS names and IP addresses (text),
// serverAuth, valid `days`. Errors: InvalidArgument for a CA that does not parse or an IP that is
// none.
Result<IssuedCertificate> issue_server_certificate(const std::string& ca_pem,
                                                   const SecretBytes& ca_key_pem,
                                                   const std::vector<std::string>& dns_names,
                                                   const std::vector<std::string>& ip_addresses,
                                                   Timestamp now, int days);

// notAfter of a PEM certificate. Errors: InvalidArgument.
Result<Timestamp> not_after(const std::string& certificate_pem);

}  // namespace keyhaven::crypto
