// How the key that seals the unit's state is itself protected: one class per method.
//
// The state is sealed under a data key, random and new for each change of method or secret. A
// Sealing wraps that key; what it needs to unwrap it stands in the header of the state file
// (sealing_header.h). So a save needs no passphrase, token or TPM object, only the data key in
// locked memory, and works in the sandbox. See docs/adr/0023-sealing-methods.md.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "unit/crypto_unit.h"

namespace keyhaven::unitd {

inline constexpr std::size_t kDataKeySize = 32;
inline constexpr std::size_t kMaxReferenceBytes = 256;
inline constexpr std::size_t kMaxSealingParameters = 4096;
inline constexpr std::size_t kMaxWrappedKey = 4096;

// What a state file's header keeps of a method: nothing of it is secret.
struct WrappedKey {
  Bytes parameters;  // at most kMaxSealingParameters
  Bytes wrapped;     // at most kMaxWrappedKey
};

// Why a data key is wrapped. At a first start a method may take a secret that lies ready, or make
// it; a change prepares a new one beside the old, which stays in force until `committed`; a new
// format keeps the secret, which must exist.
enum class Occasion : std::uint8_t { FirstStart, Change, NewFormat };

// Used by one thread at a time. Life of an object at a start: unwrap, check_age; at a change: wrap,
// and either committed or abandoned; the object that was in force before is told to retire.
class Sealing {
 public:
  virtual ~Sealing() = default;
  virtual unit::SealingMethod method() const noexcept = 0;
  // As SealingStatus::reference has it.
  virtual std::string reference() const = 0;

  // Wraps `data_key` (kDataKeySize bytes). What it makes besides (a key file, a TPM counter) is
  // durable when it returns. Errors: InvalidArgument (the secret is absent, refused or unreadable),
  // UnitUnavailable (token or TPM does not answer), Io.
  virtual Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion occasion) = 0;
  // Errors: DecryptFailed (another secret, or damaged), InvalidArgument (secret absent, unreadable,
  // refused), UnitUnavailable, Io.
  virtual Result<SecretBytes> unwrap(const WrappedKey& stored) = 0;

  // A state file with the result of `wrap` is durable; none was written; or another one is durable
  // and nobody needs this secret any more.
  virtual void committed() {}
  virtual void abandoned() {}
  virtual void retire(unit::SealingMethod /*successor*/) {}

  // --- Methods that remember how new the newest file is ---
  virtual bool detects_old_state() const noexcept { return false; }
  // At a start: whether a file with this age is the newest. Errors: Conflict (it is an older one,
  // or not of this device), UnitUnavailable.
  virtual Result<void> check_age(std::uint64_t) { return {}; }
  // The age for the header of the next file; and: that file is durable.
  virtual Result<std::uint64_t> age_of_next() { return std::uint64_t{0}; }
  virtual void saved() {}

  // False: master keys are left out of the file.
  virtual bool keeps_master_keys() const noexcept { return true; }
};

// "file", "passphrase", "systemd-creds", "pkcs11", "tpm2", "none": in configuration, API and CLI.
std::string_view name_of(unit::SealingMethod method) noexcept;
// Errors: InvalidArgument, naming the choices.
Result<unit::SealingMethod> sealing_method_from(std::string_view name);

// --- For the methods whose secret is a key of ours ---

// Wraps the data key under a key-encryption key of 32 bytes: key id of 16 bytes, so that another
// key is told from damage, then XAES-256-GCM with method and parameters as AAD.
Bytes wrap_data_key(const SecretBytes& kek, unit::SealingMethod method, ByteView parameters,
                    const SecretBytes& data_key);
struct UnwrappedKey {
  SecretBytes data_key;       // empty: it cannot be had,
  bool is_other_key = false;  // because another key wrapped it; else it is damaged
};
UnwrappedKey unwrap_data_key(const SecretBytes& kek, unit::SealingMethod method,
                             const WrappedKey& stored);
// The first 16 bytes of `stored.wrapped`: whether `kek` is the one that made it.
bool is_key_of(const SecretBytes& kek, const WrappedKey& stored);

}  // namespace keyhaven::unitd
