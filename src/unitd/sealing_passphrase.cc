// Sealing by a passphrase: Argon2id makes the key-encryption key.
#include "base/wire.h"
#include "crypto/random.h"
#include "unitd/sealing_methods.h"

namespace keyhaven::unitd {
namespace {

using unit::SealingMethod;

constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kKekSize = 32;

struct Parameters {
  std::string reference;
  Bytes salt;
  crypto::Argon2Cost cost;
};

Bytes encode(const Parameters& parameters) {
  Bytes out;
  Writer writer(out);
  writer.text32(parameters.reference);
  writer.bytes32(parameters.salt);
  writer.u32(parameters.cost.memory_kib);
  writer.u32(parameters.cost.passes);
  writer.u32(parameters.cost.lanes);
  return out;
}

Result<Parameters> parse(ByteView bytes) {
  Reader in(bytes);
  Parameters out;
  out.reference = std::string(in.text32(kMaxCredentialName));
  out.salt = to_bytes(in.bytes32(crypto::kArgon2MostSalt));
  out.cost = {in.u32(), in.u32(), in.u32()};
  const bool names_one = out.reference.empty() || is_credential_name(out.reference);
  if (!in.at_end() || !names_one || out.salt.size() < crypto::kArgon2LeastSalt ||
      !is_within_limits(out.cost)) {
    return damaged_parameters();
  }
  return out;
}

class PassphraseSealing final : public Sealing {
 public:
  PassphraseSealing(const SealingMeans& means, std::string reference)
      : means_(means), reference_(std::move(reference)) {}

  SealingMethod method() const noexcept override { return SealingMethod::Passphrase; }
  std::string reference() const override { return reference_; }

  Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion) override {
    const SecretBytes passphrase =
        KH_TRY(reference_.empty() ? given() : means_.credentials.read_text(reference_));
    if (passphrase.size() < kLeastPassphraseBytes) {
      return Error{
          Reason::InvalidArgument,
          "the passphrase is shorter than " + std::to_string(kLeastPassphraseBytes) + " characters",
          {}};
    }
    Parameters parameters{reference_, Bytes(kSaltSize), means_.argon2};
    crypto::random_bytes(parameters.salt);
    const SecretBytes kek =
        KH_TRY(crypto::argon2id(passphrase, parameters.salt, parameters.cost, kKekSize));
    WrappedKey out{encode(parameters), {}};
    out.wrapped = wrap_data_key(kek, method(), out.parameters, data_key);
    return out;
  }

  Result<SecretBytes> unwrap(const WrappedKey& stored) override {
    const Parameters parameters = KH_TRY(parse(stored.parameters));
    const SecretBytes passphrase = KH_TRY(passphrase_of_stored());
    const SecretBytes kek =
        KH_TRY(crypto::argon2id(passphrase, parameters.salt, parameters.cost, kKekSize));
    UnwrappedKey opened = unwrap_data_key(kek, method(), stored);
    if (!opened.data_key.empty()) return std::move(opened.data_key);
    return Error{Reason::DecryptFailed,
                 opened.is_other_key ? "the passphrase is wrong; nothing was changed, start again "
                                       "with the right one"
                                     : "it is damaged; restore the last good copy of it",
                 {}};
  }

 private:
  Result<SecretBytes> given() const {
    if (!means_.passphrase.empty()) return means_.passphrase.clone();
    return Error{Reason::InvalidArgument,
                 "a passphrase is needed and none was given; set unit.passphrase_from to "
                 "\"terminal\" or \"fd:N\", or name a credential that holds it",
                 {}};
  }
  // A state whose passphrase was typed may be opened by a credential, and the other way round.
  Result<SecretBytes> passphrase_of_stored() const {
    if (reference_.empty() && means_.passphrase.empty() && means_.configured == method() &&
        !means_.configured_reference.empty()) {
      return means_.credentials.read_text(means_.configured_reference);
    }
    if (reference_.empty()) return given();
    auto named = read_named(means_, method(), reference_, true);
    return named || means_.passphrase.empty() ? std::move(named) : given();
  }

  const SealingMeans& means_;
  std::string reference_;
};

}  // namespace

std::unique_ptr<Sealing> passphrase_sealing(const SealingMeans& means, std::string reference) {
  return std::make_unique<PassphraseSealing>(means, std::move(reference));
}

Result<std::unique_ptr<Sealing>> stored_passphrase_sealing(const SealingMeans& means,
                                                           ByteView parameters) {
  Parameters stored = KH_TRY(parse(parameters));
  return passphrase_sealing(means, std::move(stored.reference));
}

}  // namespace keyhaven::unitd
