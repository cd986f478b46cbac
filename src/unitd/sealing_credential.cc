// Sealing by a systemd credential: random bytes that systemd decrypts for the service (by the TPM
// or by the host's key), or that lie in any directory closed to others.
#include "base/wire.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "unitd/sealing_methods.h"

namespace keyhaven::unitd {
namespace {

using unit::SealingMethod;

constexpr std::size_t kSaltSize = 32;
constexpr std::string_view kLabel = "keyhaven unit sealing credential v1";

struct Parameters {
  std::string reference;
  Bytes salt;
};

Bytes encode(const Parameters& parameters) {
  Bytes out;
  Writer writer(out);
  writer.text32(parameters.reference);
  writer.raw(parameters.salt);
  return out;
}

Result<Parameters> parse(ByteView bytes) {
  Reader in(bytes);
  Parameters out;
  out.reference = std::string(in.text32(kMaxCredentialName));
  out.salt = to_bytes(in.raw(kSaltSize));
  if (!in.at_end() || !is_credential_name(out.reference)) return damaged_parameters();
  return out;
}

class CredentialSealing final : public Sealing {
 public:
  CredentialSealing(const SealingMeans& means, std::string reference)
      : means_(means), reference_(std::move(reference)) {}

  SealingMethod method() const noexcept override { return SealingMethod::SystemdCredential; }
  std::string reference() const override { return reference_; }

  Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion) override {
    const SecretBytes secret = KH_TRY(means_.credentials.read(reference_));
    if (secret.size() < kLeastCredentialBytes) {
      return Error{Reason::InvalidArgument,
                   "credential " + reference_ + " has " + std::to_string(secret.size()) +
                       " bytes; a key has " + std::to_string(kLeastCredentialBytes) +
                       " random bytes or more (a passphrase is the method passphrase)",
                   {}};
    }
    Parameters parameters{reference_, Bytes(kSaltSize)};
    crypto::random_bytes(parameters.salt);
    WrappedKey out{encode(parameters), {}};
    out.wrapped = wrap_data_key(kek(secret, parameters.salt), method(), out.parameters, data_key);
    return out;
  }

  Result<SecretBytes> unwrap(const WrappedKey& stored) override {
    const Parameters parameters = KH_TRY(parse(stored.parameters));
    const SecretBytes secret = KH_TRY(read_named(means_, method(), parameters.reference, false));
    UnwrappedKey opened = unwrap_data_key(kek(secret, parameters.salt), method(), stored);
    if (!opened.data_key.empty()) return std::move(opened.data_key);
    return Error{Reason::DecryptFailed,
                 opened.is_other_key ? "it was sealed with another credential than " + reference_ +
                                           "; put the right one in its place"
                                     : "it is damaged; restore the last good copy of it",
                 {}};
  }

 private:
  static SecretBytes kek(const SecretBytes& secret, ByteView salt) {
    return crypto::hkdf_sha256(secret, salt, kLabel, 32);
  }

  const SealingMeans& means_;
  std::string reference_;
};

}  // namespace

std::unique_ptr<Sealing> credential_sealing(const SealingMeans& means, std::string reference) {
  return std::make_unique<CredentialSealing>(means, std::move(reference));
}

Result<std::unique_ptr<Sealing>> stored_credential_sealing(const SealingMeans& means,
                                                           ByteView parameters) {
  Parameters stored = KH_TRY(parse(parameters));
  return credential_sealing(means, std::move(stored.reference));
}

}  // namespace keyhaven::unitd
