// Sealing by a TPM 2.0: the data key is an object that only this TPM opens, on request only with
// certain PCR values and a person's secret, and a counter in the TPM tells an old state file.
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/wire.h"
#include "crypto/hash.h"
#include "unitd/freshness.h"
#include "unitd/refused_secret.h"
#include "unitd/sealing_methods.h"
#include "unitd/tpm.h"

namespace keyhaven::unitd {
namespace {

using unit::SealingMethod;

constexpr std::string_view kCounterLabel = "keyhaven unit state counter v1";
constexpr std::string_view kAuthLabel = "keyhaven unit sealing tpm auth v1";
constexpr std::size_t kAuthSize = 32;

struct Parameters {
  std::uint32_t pcrs = 0;
  std::string auth;        // names of credentials; empty: none
  std::string owner_auth;  //
  TpmSealedObject object;  // its private area stands as the wrapped key
  TpmCounter counter;
};

Bytes encode(const Parameters& parameters) {
  Bytes out;
  Writer writer(out);
  writer.u32(parameters.pcrs);
  writer.text32(parameters.auth);
  writer.text32(parameters.owner_auth);
  writer.bytes32(parameters.object.primary_name);
  writer.bytes32(parameters.object.public_area);
  writer.u32(parameters.counter.index);
  writer.bytes32(parameters.counter.name);
  return out;
}

bool is_name_or_empty(const std::string& name) { return name.empty() || is_credential_name(name); }

Result<Parameters> parse(ByteView bytes) {
  Reader in(bytes);
  Parameters out;
  out.pcrs = in.u32();
  out.auth = std::string(in.text32(kMaxCredentialName));
  out.owner_auth = std::string(in.text32(kMaxCredentialName));
  out.object.primary_name = to_bytes(in.bytes32(kTpmNameSize));
  out.object.public_area = to_bytes(in.bytes32(kMaxTpmArea));
  out.counter.index = in.u32();
  out.counter.name = to_bytes(in.bytes32(kTpmNameSize));
  if (!in.at_end() || out.pcrs >> kTpmPcrs != 0 || !is_name_or_empty(out.auth) ||
      !is_name_or_empty(out.owner_auth)) {
    return damaged_parameters();
  }
  return out;
}

class Tpm2Sealing final : public Sealing, private MonotonicCounter {
 public:
  Tpm2Sealing(const SealingMeans& means, Parameters parameters)
      : means_(means), parameters_(std::move(parameters)), freshness_(*this) {}

  SealingMethod method() const noexcept override { return SealingMethod::Tpm2; }
  std::string reference() const override {
    std::string pcrs;
    for (std::uint32_t i = 0; i < kTpmPcrs; ++i) {
      if ((parameters_.pcrs >> i & 1) != 0) pcrs += (pcrs.empty() ? "" : ",") + std::to_string(i);
    }
    std::string out;
    for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"pcrs", pcrs},
                                      {"auth", parameters_.auth},
                                      {"owner-auth", parameters_.owner_auth}}) {
      if (!value.empty()) out += (out.empty() ? "" : ";") + std::string(name) + "=" + value;
    }
    return out;
  }

  Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion) override {
    TpmPolicy policy{parameters_.pcrs, {}};
    if (!parameters_.auth.empty()) {
      const SecretBytes person = KH_TRY(means_.credentials.read_text(parameters_.auth));
      policy.auth = hashed(person);
    }
    Tpm tpm = KH_TRY(connect());
    parameters_.object = KH_TRY(tpm.seal(data_key, policy));
    counter_auth_ = counter_auth_of(data_key);
    parameters_.counter = KH_TRY(tpm.make_counter(counter_auth_));
    KH_TRY(start_counting(tpm));
    return WrappedKey{encode(parameters_), parameters_.object.private_area};
  }

  Result<SecretBytes> unwrap(const WrappedKey& stored) override {
    SecretBytes person;
    if (!parameters_.auth.empty()) {
      person = KH_TRY(means_.credentials.read_text(parameters_.auth));
      KH_TRY(check_not_refused(means_.state_directory, person, auth_name()));
    }
    TpmPolicy policy{parameters_.pcrs, {}};
    if (!person.empty()) policy.auth = hashed(person);
    parameters_.object.private_area = stored.wrapped;
    Tpm tpm = KH_TRY(connect());
    auto data_key = tpm.unseal(parameters_.object, policy);
    if (!data_key && data_key.error().reason == Reason::Unauthenticated) {
      if (!person.empty()) (void)remember_refused(means_.state_directory, person);
      return Error{Reason::InvalidArgument, auth_name() + ": " + data_key.error().message, {}};
    }
    if (data_key && !person.empty()) forget_refused(means_.state_directory);
    if (data_key) counter_auth_ = counter_auth_of(*data_key);
    return data_key;
  }

  void abandoned() override { remove_counter(); }
  void retire(SealingMethod) override { remove_counter(); }

  bool detects_old_state() const noexcept override { return true; }
  Result<void> check_age(std::uint64_t age) override { return described(freshness_.check(age)); }
  Result<std::uint64_t> age_of_next() override { return freshness_.age_of_next(); }
  void saved() override {
    const auto counted = freshness_.saved();
    if (!counted) {
      std::fprintf(
          stderr, "keyhaven-unit: the state is saved, but its counter is not incremented yet: %s\n",
          counted.error().message.c_str());
    }
  }

 private:
  // --- MonotonicCounter ---
  Result<std::uint64_t> read() override {
    Tpm tpm = KH_TRY(connect());
    return tpm.read_counter(parameters_.counter, counter_auth_);
  }
  Result<void> increment() override {
    Tpm tpm = KH_TRY(connect());
    return tpm.increment_counter(parameters_.counter, counter_auth_);
  }

  // The TPM takes one connection of some kinds only, so the first reading uses the one that is
  // open.
  Result<void> start_counting(Tpm& tpm) {
    const std::uint64_t value = KH_TRY(tpm.read_counter(parameters_.counter, counter_auth_));
    freshness_.begin_at(value);
    return {};
  }

  Result<Tpm> connect() const {
    if (means_.tpm2_tcti.empty()) {
      return Error{Reason::NotSupported,
                   "sealing by tpm2 needs a TPM; set unit.tpm2_tcti (such as "
                   "\"device:/dev/tpmrm0\") and start the server again",
                   {}};
    }
    SecretBytes owner_auth;
    if (!parameters_.owner_auth.empty())
      owner_auth = KH_TRY(means_.credentials.read_text(parameters_.owner_auth));
    return Tpm::connect(means_.tpm2_tcti, owner_auth);
  }

  std::string auth_name() const {
    return "the TPM's authorization value (credential " + parameters_.auth + ")";
  }
  static SecretBytes hashed(const SecretBytes& person) {
    return crypto::hkdf_sha256(person, {}, kAuthLabel, kAuthSize);
  }
  static SecretBytes counter_auth_of(const SecretBytes& data_key) {
    return crypto::hkdf_sha256(data_key, {}, kCounterLabel, kAuthSize);
  }

  // What a missing or foreign counter means for the file.
  static Result<void> described(Result<void> checked) {
    if (checked || checked.error().reason == Reason::UnitUnavailable) return checked;
    if (checked.error().reason != Reason::NotFound) return checked;
    return Error{
        Reason::Conflict,
        "its counter is not in the TPM any more: it is an old copy from before a change of "
        "the sealing, or the TPM was reset",
        {}};
  }

  void remove_counter() {
    if (parameters_.counter.name.empty()) return;
    auto tpm = connect();
    const Result<void> removed =
        tpm ? tpm->remove_counter(parameters_.counter) : Result<void>(tpm.error());
    if (removed || removed.error().reason == Reason::NotFound) return;
    std::fprintf(stderr, "keyhaven-unit: a counter that is not needed stays in the TPM: %s\n",
                 removed.error().message.c_str());
  }

  const SealingMeans& means_;
  Parameters parameters_;
  SecretBytes counter_auth_;
  Freshness freshness_;
};

Result<std::uint32_t> parse_pcrs(const std::string& text) {
  std::uint32_t out = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const char* const last = text.data() + end;
    unsigned number = kTpmPcrs;
    const auto [stopped, failed] = std::from_chars(text.data() + begin, last, number);
    if (failed != std::errc() || stopped != last || number >= kTpmPcrs) {
      return Error{Reason::InvalidArgument,
                   "pcrs=" + text + ": expected numbers of PCRs from 0 to 23, such as pcrs=0,7",
                   {}};
    }
    out |= 1U << number;
    begin = end + 1;
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Sealing>> tpm2_sealing(const SealingMeans& means,
                                              const std::string& reference) {
  auto parts = KH_TRY(parse_reference(reference, {"pcrs", "auth", "owner-auth"}));
  Parameters parameters;
  parameters.pcrs = KH_TRY(parse_pcrs(parts["pcrs"]));
  parameters.auth = parts["auth"];
  parameters.owner_auth = parts["owner-auth"];
  if (!is_name_or_empty(parameters.auth) || !is_name_or_empty(parameters.owner_auth)) {
    return Error{Reason::InvalidArgument,
                 "auth and owner-auth in the reference of tpm2 are names of credentials",
                 {}};
  }
  return std::unique_ptr<Sealing>(std::make_unique<Tpm2Sealing>(means, std::move(parameters)));
}

Result<std::unique_ptr<Sealing>> stored_tpm2_sealing(const SealingMeans& means,
                                                     ByteView parameters) {
  Parameters stored = KH_TRY(parse(parameters));
  return std::unique_ptr<Sealing>(std::make_unique<Tpm2Sealing>(means, std::move(stored)));
}

}  // namespace keyhaven::unitd
