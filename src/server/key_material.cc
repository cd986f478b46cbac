#include "server/key_material.h"

#include "base/file.h"
#include "crypto/certificate.h"

namespace keyhaven::server {
namespace {

constexpr std::size_t kMaxPemBytes = 256 * 1024;
constexpr int kServerCertificateDays = 397;
constexpr std::int64_t kRenewBeforeSeconds = 30LL * 86400;

Result<void> make_ca_if_absent(const std::string& directory, Timestamp now) {
  if (read_file(directory + "/ca.pem", kMaxPemBytes)) return {};
  const crypto::IssuedCertificate ca = crypto::make_ca("Keyhaven deployment CA", now);
  KH_TRY(write_file_atomic(directory + "/ca.key", ca.private_key_pem.expose(), 0600));
  return write_file_atomic(directory + "/ca.pem", as_bytes(ca.certificate_pem), 0644);
}

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += value + "\n";
  return out;
}

// Whether the certificate on disk still serves: same names, enough life left.
bool is_current(const std::string& directory, const std::string& names, Timestamp now) {
  const auto certificate = read_file(directory + "/server.pem", kMaxPemBytes);
  const auto made_for = read_file(directory + "/server.names", kMaxPemBytes);
  if (!certificate || !made_for || as_text(*made_for) != names) return false;
  const auto end = crypto::not_after(std::string(as_text(*certificate)));
  return end && end->us > now.plus_seconds(kRenewBeforeSeconds).us;
}

Result<void> issue(const Config& config, const std::string& directory, const std::string& names,
                   Timestamp now) {
  const Bytes ca = KH_TRY(read_file(directory + "/ca.pem", kMaxPemBytes));
  const SecretBytes ca_key = KH_TRY(read_secret_file(directory + "/ca.key", kMaxPemBytes));
  const crypto::IssuedCertificate server =
      KH_TRY(crypto::issue_server_certificate(std::string(as_text(ca)), ca_key, config.tls_names,
                                              config.tls_addresses, now, kServerCertificateDays));
  KH_TRY(write_file_atomic(directory + "/server.key", server.private_key_pem.expose(), 0600));
  KH_TRY(write_file_atomic(directory + "/server.pem", as_bytes(server.certificate_pem), 0644));
  return write_file_atomic(directory + "/server.names", as_bytes(names), 0644);
}

}  // namespace

Result<net::TlsFiles> tls_files(const Config& config, Timestamp now) {
  std::string certificate_path = config.tls_certificate;
  std::string key_path = config.tls_key;
  if (certificate_path.empty()) {
    const std::string directory = config.server_directory() + "/tls";
    KH_TRY(make_directory(directory, 0700));
    KH_TRY(make_ca_if_absent(directory, now));
    const std::string names = joined(config.tls_names) + joined(config.tls_addresses);
    if (!is_current(directory, names, now)) KH_TRY(issue(config, directory, names, now));
    certificate_path = directory + "/server.pem";
    key_path = directory + "/server.key";
  }
  const Bytes chain = KH_TRY(read_file(certificate_path, kMaxPemBytes));
  SecretBytes key = KH_TRY(read_secret_file(key_path, kMaxPemBytes));
  return net::TlsFiles{std::string(as_text(chain)), std::move(key)};
}

Result<crypto::RsaPrivateKey> token_signing_key(const Config& config) {
  const std::string path = config.server_directory() + "/token-signing.pem";
  if (auto existing = read_secret_file(path, kMaxPemBytes))
    return crypto::RsaPrivateKey::from_pem(*existing);
  crypto::RsaPrivateKey key = crypto::RsaPrivateKey::generate_2048();
  KH_TRY(create_file(path, key.pem().expose(), 0600));
  return key;
}

Result<crypto::Ed25519PrivateKey> audit_checkpoint_key(const Config& config) {
  const std::string path = config.server_directory() + "/audit-checkpoint.seed";
  if (auto existing = read_secret_file(path, 4096))
    return crypto::Ed25519PrivateKey::from_seed(*existing);
  crypto::Ed25519PrivateKey key = crypto::Ed25519PrivateKey::generate();
  KH_TRY(create_file(path, key.seed().expose(), 0600));
  KH_TRY(write_file_atomic(config.server_directory() + "/audit-public-key",
                           as_bytes(to_hex(key.public_key()) + "\n"), 0644));
  return key;
}

}  // namespace keyhaven::server
