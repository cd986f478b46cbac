// Sealing by a key in a PKCS#11 token: the token wraps the data key by AES-GCM, or, where it has no
// AES-GCM, its AES-CMAC derives the key-encryption key (SP 800-108r1 in counter mode).
#include <algorithm>

#include "base/wire.h"
#include "crypto/random.h"
#include "token/token.h"
#include "unitd/refused_secret.h"
#include "unitd/sealing_methods.h"

namespace keyhaven::unitd {
namespace {

using token::AesUse;
using token::KeyName;
using token::Token;
using unit::SealingMethod;

constexpr std::size_t kSaltSize = 16;
constexpr std::string_view kLabel = "keyhaven unit sealing token v1";
constexpr std::string_view kDefaultKeyLabel = "keyhaven-unit-sealing";

enum class Mechanism : std::uint8_t { Gcm = 1, Cmac = 2 };

struct Parameters {
  Mechanism mechanism = Mechanism::Gcm;
  std::string token_label;
  std::string token_serial;
  KeyName key;
  std::string pin;  // name of the credential
  Bytes salt;
};

Bytes encode(const Parameters& parameters) {
  Bytes out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(parameters.mechanism));
  writer.text32(parameters.token_label);
  writer.text32(parameters.token_serial);
  writer.text32(parameters.key.label);
  writer.bytes32(parameters.key.id);
  writer.text32(parameters.pin);
  writer.raw(parameters.salt);
  return out;
}

Result<Parameters> parse(ByteView bytes) {
  Reader in(bytes);
  Parameters out;
  const std::uint8_t mechanism = in.u8();
  out.token_label = std::string(in.text32(64));
  out.token_serial = std::string(in.text32(64));
  out.key.label = std::string(in.text32(token::kLargestLabel));
  out.key.id = to_bytes(in.bytes32(64));
  out.pin = std::string(in.text32(kMaxCredentialName));
  out.salt = to_bytes(in.raw(kSaltSize));
  if (!in.at_end() || mechanism < 1 || mechanism > 2 || !is_credential_name(out.pin) ||
      (out.token_label.empty() && out.token_serial.empty()) ||
      (out.key.label.empty() && out.key.id.empty())) {
    return damaged_parameters();
  }
  out.mechanism = static_cast<Mechanism>(mechanism);
  return out;
}

class Pkcs11Sealing final : public Sealing {
 public:
  Pkcs11Sealing(const SealingMeans& means, Parameters parameters)
      : means_(means), parameters_(std::move(parameters)) {}

  SealingMethod method() const noexcept override { return SealingMethod::Pkcs11; }
  std::string reference() const override {
    std::string out;
    const auto add = [&out](std::string_view name, const std::string& value) {
      if (!value.empty()) out.append(out.empty() ? "" : ";").append(name).append(value);
    };
    add("token=", parameters_.token_label);
    add("serial=", parameters_.token_serial);
    add("key=", parameters_.key.label);
    add("pin=", parameters_.pin);
    return out;
  }

  Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion) override {
    parameters_.salt = Bytes(kSaltSize);
    crypto::random_bytes(parameters_.salt);
    parameters_.mechanism = Mechanism::Gcm;
    auto opened = open_token();
    if (!opened && opened.error().reason == Reason::NotSupported) {
      parameters_.mechanism = Mechanism::Cmac;
      opened = open_token();
    }
    Token device = KH_TRY(std::move(opened));
    auto found = device.find_aes_key(parameters_.key, use());
    if (!found && found.error().reason == Reason::NotFound)
      found = device.generate_aes_key(parameters_.key, use());
    parameters_.key = KH_TRY(std::move(found));
    WrappedKey out{encode(parameters_), {}};
    if (parameters_.mechanism == Mechanism::Gcm) {
      out.wrapped = KH_TRY(device.seal(parameters_.key, data_key, aad(out.parameters)));
    } else {
      const SecretBytes kek = KH_TRY(derive(device));
      out.wrapped = wrap_data_key(kek, method(), out.parameters, data_key);
    }
    return out;
  }

  Result<SecretBytes> unwrap(const WrappedKey& stored) override {
    Token device = KH_TRY(open_token());
    SecretBytes data_key;
    if (parameters_.mechanism == Mechanism::Gcm) {
      auto opened = device.unseal(parameters_.key, stored.wrapped, aad(stored.parameters));
      if (!opened && opened.error().reason != Reason::DecryptFailed) return named(opened.error());
      if (opened) data_key = std::move(opened).value();
    } else {
      const SecretBytes kek = KH_TRY(derive(device));
      data_key = unwrap_data_key(kek, method(), stored).data_key;
    }
    if (data_key.size() == kDataKeySize) return data_key;
    return Error{Reason::DecryptFailed,
                 "the key " + parameters_.key.label + " in token " + parameters_.token_label +
                     " is not the one that sealed it (made anew or replaced), or it is damaged",
                 {}};
  }

 private:
  AesUse use() const {
    return parameters_.mechanism == Mechanism::Gcm ? AesUse::Seal : AesUse::Mac;
  }

  static Bytes aad(ByteView parameters) {
    Bytes out = to_bytes(as_bytes(kLabel));
    append(out, parameters);
    return out;
  }

  Error named(const Error& error) const {
    if (error.reason != Reason::NotFound) return error;
    return {Reason::InvalidArgument,
            "the sealing key " + parameters_.key.label + " is not in token " +
                parameters_.token_label + ": " + error.message,
            {}};
  }

  Result<Token> open_token() const {
    if (means_.pkcs11_module.empty()) {
      return Error{Reason::NotSupported,
                   "sealing by pkcs11 needs the library of the token; set "
                   "unit.sealing_pkcs11_module and start the server again",
                   {}};
    }
    SecretBytes pin = KH_TRY(means_.credentials.read_text(parameters_.pin));
    const std::string what =
        "the PIN of token " + parameters_.token_label + " (credential " + parameters_.pin + ")";
    KH_TRY(check_not_refused(means_.state_directory, pin, what));
    const SecretBytes kept = pin.clone();
    token::TokenOptions options;
    options.needs.aes_gcm = parameters_.mechanism == Mechanism::Gcm;
    options.needs.aes_cmac = parameters_.mechanism == Mechanism::Cmac;
    options.call_deadline = std::chrono::milliseconds(10'000);
    auto opened =
        Token::open({means_.pkcs11_module, parameters_.token_label, parameters_.token_serial},
                    std::move(pin), options);
    if (opened) {
      forget_refused(means_.state_directory);
      return opened;
    }
    const Errc code = opened.error().code();
    if (code == Errc::Unauthenticated) {
      (void)remember_refused(means_.state_directory, kept);
      return Error{Reason::InvalidArgument, what + ": " + opened.error().message, {}};
    }
    if (code == Errc::NotFound || code == Errc::Conflict)
      return Error{Reason::InvalidArgument, opened.error().message, {}};
    return opened;
  }

  Result<SecretBytes> derive(Token& device) const {
    SecretBytes kek(32);
    for (std::uint8_t block = 1; block <= 2; ++block) {
      Bytes input = {block};
      append(input, as_bytes(kLabel));
      input.push_back(0);
      append(input, parameters_.salt);
      input.push_back(1);  // 256 bits
      input.push_back(0);
      const SecretBytes mac = KH_TRY(device.aes_cmac(parameters_.key, input));
      const auto bytes = mac.expose();
      std::copy(bytes.begin(), bytes.end(), kek.expose_mutable().begin() + 16 * (block - 1));
    }
    return kek;
  }

  const SealingMeans& means_;
  Parameters parameters_;
};

}  // namespace

Result<std::unique_ptr<Sealing>> pkcs11_sealing(const SealingMeans& means,
                                                const std::string& reference) {
  auto parts = KH_TRY(parse_reference(reference, {"token", "serial", "key", "pin"}));
  Parameters parameters;
  parameters.token_label = parts["token"];
  parameters.token_serial = parts["serial"];
  parameters.key.label = parts["key"].empty() ? std::string(kDefaultKeyLabel) : parts["key"];
  parameters.pin = parts["pin"];
  if ((parameters.token_label.empty() && parameters.token_serial.empty()) ||
      parameters.token_label.size() > 32 || parameters.token_serial.size() > 16 ||
      parameters.key.label.size() > token::kLargestLabel || !is_credential_name(parameters.pin)) {
    return Error{Reason::InvalidArgument,
                 "the reference of pkcs11 is token=LABEL;key=LABEL;pin=NAME (or serial=SERIAL for "
                 "the token), NAME being a credential that holds the PIN",
                 {}};
  }
  return std::unique_ptr<Sealing>(std::make_unique<Pkcs11Sealing>(means, std::move(parameters)));
}

Result<std::unique_ptr<Sealing>> stored_pkcs11_sealing(const SealingMeans& means,
                                                       ByteView parameters) {
  Parameters stored = KH_TRY(parse(parameters));
  return std::unique_ptr<Sealing>(std::make_unique<Pkcs11Sealing>(means, std::move(stored)));
}

}  // namespace keyhaven::unitd
