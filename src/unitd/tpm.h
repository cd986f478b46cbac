// A TPM 2.0 as the sealing of the state needs one: a sealed object and a counter that only goes up.
//
// One object is one connection for a few commands. Nothing stays loaded in the TPM between them.
// Every command that carries or answers a secret is in an HMAC session salted to the primary key,
// with parameter encryption, so that a listener on the bus learns nothing. Source: TCG TPM 2.0
// Library Part 3, revision 1.59; TCG TSS 2.0 ESAPI.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::unitd {

// What must hold for the object to open.
struct TpmPolicy {
  std::uint32_t pcrs = 0;  // bit i: PCR i of the SHA-256 bank has the value it had when sealed
  SecretBytes auth;        // given by a person; empty: none. Wrong ones count as attacks in the TPM
};

struct TpmSealedObject {
  Bytes primary_name;  // of the primary key, so that another TPM is told from damage
  Bytes public_area;   // TPM2B_PUBLIC
  Bytes private_area;  // TPM2B_PRIVATE, encrypted by the TPM
};

struct TpmCounter {
  std::uint32_t index = 0;  // NV index of the owner's range
  Bytes name;               // of the index, after its first increment
};

inline constexpr std::size_t kMaxTpmArea = 1024;
inline constexpr std::size_t kTpmNameSize = 34;  // algorithm and SHA-256
inline constexpr std::uint32_t kTpmPcrs = 24;

// Used by one thread. Errors of every operation: UnitUnavailable (the TPM or its resource manager
// does not answer or failed; the message decodes the return code), InvalidArgument (the owner's
// hierarchy refuses the authorization).
class Tpm {
 public:
  // `tcti` as for the TSS: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321". `owner_auth` of
  // the owner's hierarchy; usually empty. Makes the primary key (ECC P-256, the TCG's default
  // template; the same at each start as long as the owner's seed is).
  static Result<Tpm> connect(const std::string& tcti, const SecretBytes& owner_auth);
  Tpm(Tpm&&) noexcept;
  Tpm& operator=(Tpm&&) noexcept;
  ~Tpm();

  // `data` of 1 to 128 bytes.
  Result<TpmSealedObject> seal(const SecretBytes& data, const TpmPolicy& policy);
  // Errors also: DecryptFailed (another TPM, or its owner was changed or cleared; PCR values
  // differ; damaged), Unauthenticated (auth refused or the TPM is locked: do not try again by
  // itself).
  Result<SecretBytes> unseal(const TpmSealedObject& object, const TpmPolicy& policy);

  // A counter whose reading and increments need `auth` (at most 32 bytes), incremented once. A TPM
  // starts it above every value that any counter of it ever had.
  Result<TpmCounter> make_counter(const SecretBytes& auth);
  // Errors also: NotFound (no such index), Conflict (it is another one than `counter` describes).
  Result<std::uint64_t> read_counter(const TpmCounter& counter, const SecretBytes& auth);
  Result<void> increment_counter(const TpmCounter& counter, const SecretBytes& auth);
  Result<void> remove_counter(const TpmCounter& counter);

  struct State;  // tpm_state.h

 private:
  explicit Tpm(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace keyhaven::unitd
