#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <csignal>

#include "base/bytes.h"

namespace keyhaven::net {
namespace {

struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct X509Free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, X509Free>;
using PrivateKey = std::unique_ptr<EVP_PKEY, KeyFree>;

Error bad_tls(std::string message) {
  ERR_clear_error();
  return Error{Reason::InvalidArgument, std::move(message), {}};
}

Bio bio_over(ByteView bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// An encrypted key must not make the daemon ask on a terminal.
int no_password(char*, int, int, void*) { return -1; }

// Options common to both ends. OpenSSL's own buffers are ordinary memory: they are cleansed after
// each read and given back while a connection is idle.
SslContext make_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  KH_ASSERT(context != nullptr);
  SSL_CTX* const ssl = context.get();
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ssl, 1);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  const bool suites =
      SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
      SSL_CTX_set_ciphersuites(ssl,
                               "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
                               "TLS_AES_128_GCM_SHA256") == 1 &&
      SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384:P-521") == 1;
  KH_ASSERT(suites);
  return context;
}

constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// RFC 7301: a client that names protocols, but not ours, is told so by no_application_protocol.
int select_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                  unsigned in_size, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp11, sizeof kHttp11, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> use_chain(SSL_CTX* context, const std::string& pem) {
  const Bio bio = bio_over(as_bytes(pem));
  bool leaf = true;
  for (;;) {
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (certificate == nullptr) break;
    const bool used = leaf ? SSL_CTX_use_certificate(context, certificate.get()) == 1
                           : SSL_CTX_add1_chain_cert(context, certificate.get()) == 1;
    if (!used) return bad_tls("the TLS certificate cannot be used");
    leaf = false;
  }
  ERR_clear_error();  // the end of the text is no error
  if (leaf) return bad_tls("the TLS certificate file holds no PEM certificate");
  return {};
}

}  // namespace

Result<SslContext> make_server_context(const TlsFiles& files) {
  SslContext context = make_context(TLS_server_method());
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_alpn_select_cb(context.get(), select_http11, nullptr);
  KH_TRY(use_chain(context.get(), files.certificate_chain_pem));
  const Bio bio = bio_over(files.private_key_pem.expose());
  const PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    return bad_tls("the TLS key file holds no PEM private key, or an encrypted one");
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return bad_tls("the TLS private key does not belong to the certificate");
  }
  return context;
}

Result<SslContext> make_client_context(const std::string& ca_pem) {
  SslContext context = make_context(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // A client has few connections and uses them again at once: its record buffers stay. They are too
  // large for the blocks of locked memory, so to give them back after each record cost more than
  // the request. What was read is wiped all the same (SSL_OP_CLEANSE_PLAINTEXT).
  SSL_CTX_clear_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_alpn_protos(context.get(), kHttp11, sizeof kHttp11) != 0) {
    return bad_tls("ALPN cannot be set");
  }
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return bad_tls("the system's root certificates cannot be read");
    }
    return context;
  }
  const Bio bio = bio_over(as_bytes(ca_pem));
  X509_STORE* const store = SSL_CTX_get_cert_store(context.get());
  bool any = false;
  for (;;) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (certificate == nullptr) break;
    any = X509_STORE_add_cert(store, certificate.get()) == 1 || any;
  }
  ERR_clear_error();
  if (!any) return bad_tls("the CA text holds no PEM certificate");
  return context;
}

void ignore_sigpipe() noexcept {
  struct sigaction current {};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
    std::signal(SIGPIPE, SIG_IGN);
  }
}

}  // namespace keyhaven::net
