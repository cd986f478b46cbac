// What a crypto unit can do for a service instance: the interface between the server and whatever
// holds its keys.
//
// Values in, values out; no handles, no pointers into its state. unit/soft_unit.h implements it in
// process (tests, and inside keyhaven-unit); channel/ implements it as a client of that process.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "unit/encrypted_material.h"

namespace keyhaven::unit {

inline constexpr std::size_t kMaxStandardPayloadBytes = 7500;
inline constexpr std::size_t kMaxDekBytes = 7500;
inline constexpr std::size_t kMaxAadEntries = 255;
inline constexpr std::size_t kMaxAadEntryBytes = 1020;  // 255 characters of at most four bytes
inline constexpr std::size_t kCommitmentSize = 32;
inline constexpr std::size_t kVerificationPatternSize = 32;

// A key sealed by the master key (docs/protocols/key-blob.md): safe to store, opens only for its
// instance, object, version and purpose.
struct KeyBlob {
  Bytes bytes;
  bool operator==(const KeyBlob&) const = default;
};

// The master key that sealed a blob: the first half of its verification pattern.
using BlobPattern = std::array<std::uint8_t, 16>;
// Read from the blob's header; nothing for bytes that are no blob.
std::optional<BlobPattern> master_key_of(const KeyBlob& blob) noexcept;

enum class BlobPurpose : std::uint8_t { RootKey = 1, StandardKey = 2, ImportToken = 3 };

// HKDF of a root key's material with its own label: commitment of every wrapped DEK under it, and
// the index by which the version of a wrapped DEK is found. Equal material has an equal commitment
// in every instance. Not secret.
using Commitment = std::array<std::uint8_t, kCommitmentSize>;

// Additional authenticated data as the API has it: ordered strings. Absent and empty are equal.
using AadList = std::vector<std::string>;

// Which key a blob belongs to; bound into the blob.
struct KeyBinding {
  InstanceId instance;
  KeyId key;
  VersionId version;  // standard keys: the key's own id
};

struct SealedRootKey {
  KeyBlob blob;
  Commitment commitment{};
  std::uint16_t bits = 256;  // of the material
};

// The key pair of an import token.
using ImportNonce = std::array<std::uint8_t, kImportNonceSize>;
struct ImportTokenKey {
  KeyBlob private_key;  // with the nonce
  Bytes public_key;     // RSA of kImportKeyBits, SubjectPublicKeyInfo, DER
  ImportNonce nonce{};  // for whoever may retrieve the token
};

struct WrapResult {
  Bytes wrapped_dek;          // docs/protocols/wrapped-dek.md
  SecretBytes generated_dek;  // 32 bytes when the caller gave none; else empty
};

struct UnwrapResult {
  SecretBytes dek;
  Bytes rewrapped;  // same DEK under the newest version; empty when the input already was of that
                    // version
};

// State of one crypto unit as shown to operators; never secret.
enum class RegisterState : std::uint8_t { Empty, FullUncommitted, FullCommitted, Valid };
enum class UnitType : std::uint8_t {
  Operational = 1,  // serves the instance's keys
  Recovery,         // keeps a copy of the master key and may export it; serves nothing
  Failover,         // stands by
};
struct UnitStatus {
  UnitId id;
  UnitType type = UnitType::Operational;
  // Whether the instance's keys depend on it. Units made with the instance are joined; one that is
  // added later, or was zeroized while another served, joins when it holds the same master key.
  bool joined = true;
  std::string location;       // "[region].[AZn-CSm].[module].[domain]"
  std::string serial_number;  // 8 ASCII characters
  std::uint32_t module_index = 0;
  std::uint32_t domain_index = 0;
  bool imprint = true;
  std::uint32_t signature_threshold = 0;
  std::uint32_t revocation_threshold = 0;
  std::uint32_t administrators = 0;
  RegisterState current = RegisterState::Empty;
  RegisterState pending = RegisterState::Empty;
  std::array<std::uint8_t, kVerificationPatternSize> current_pattern{};
  std::array<std::uint8_t, kVerificationPatternSize> pending_pattern{};
};

// How many units of each type an instance has.
struct UnitCounts {
  // NOLINTNEXTLINE(google-explicit-constructor): a number alone is one of operational units
  constexpr UnitCounts(std::uint32_t operational_units = 0, std::uint32_t recovery_units = 0,
                       std::uint32_t failover_units = 0)
      : operational(operational_units), recovery(recovery_units), failover(failover_units) {}
  std::uint32_t operational;  // 1 to 6
  std::uint32_t recovery;     // 0 to 2
  std::uint32_t failover;     // 0 to `operational`
  bool operator==(const UnitCounts&) const = default;
};

// What protects the unit's state at rest (docs/protocols/unit-state-file.md).
enum class SealingMethod : std::uint8_t {
  KeyFile = 1,
  Passphrase,
  SystemdCredential,
  Pkcs11,
  Tpm2,
  None,
};
struct SealingStatus {
  SealingMethod method = SealingMethod::KeyFile;
  std::string reference;           // what the configuration calls it; never secret
  std::uint64_t saves = 0;         // counter of the state file
  bool detects_old_state = false;  // an older copy put back would be noticed
};
struct SealingChange {
  SealingMethod method = SealingMethod::KeyFile;
  std::string reference;  // names a secret that the unit reads by itself; at most 256 bytes
};

// The blocking form. Thread-safe. Every call that needs the master key may fail with
//   InstanceNotInitialized  a unit of the instance has no valid current master key,
//   UnitsDiffer             verification patterns of the instance's units differ,
//   UnitUnavailable         the unit process is not there or missed the deadline,
//   DecryptFailed           a blob does not open for its binding and purpose (damaged, moved,
//   foreign).
class CryptoUnit {
 public:
  virtual ~CryptoUnit() = default;

  // --- Life of an instance ---
  // Makes units in imprint mode for a new instance. Idempotent for equal arguments. Errors:
  // LimitExceeded reasons, InvalidArgument, AlreadyExists (other counts or region).
  virtual Result<std::vector<UnitStatus>> create_units(const InstanceId& instance,
                                                       const std::string& region,
                                                       UnitCounts counts) = 0;
  // Adds units in imprint mode, which serve once they join; removes units in imprint mode, the
  // youngest first and joined ones last. All or nothing, idempotent. Errors: InvalidArgument,
  // InstanceNotFound, UnitsNotZeroized (too few units of a type are in imprint mode, or the last
  // joined unit would go).
  virtual Result<std::vector<UnitStatus>> resize_units(const InstanceId& instance,
                                                       UnitCounts counts) = 0;
  // Errors: UnitsNotZeroized unless all are in imprint mode. Unknown instance: success.
  virtual Result<void> remove_units(const InstanceId& instance) = 0;
  // Empty list for an unknown instance.
  virtual Result<std::vector<UnitStatus>> list_units(const InstanceId& instance) = 0;
  // One administration frame (HTPRequest text) for one unit; the answer is an HTPResponse text.
  // Errors of the protocol travel inside the answer; Result errors: UnitNotFound, UnitUnavailable,
  // InvalidArgument (size above 64 KiB).
  virtual Result<std::string> administer(const InstanceId& instance, const UnitId& unit,
                                         const std::string& request) = 0;
  // Attestation root of the deployment: P-521 SPKI of the key that signs the units' certificates.
  virtual Result<Bytes> attestation_root() = 0;

  // --- The unit's own state ---
  virtual Result<SealingStatus> sealing() = 0;
  // Seals the state by another method or secret from now on; returned: durable, and the old secret
  // opens the stored state no longer. Errors: InvalidField (reference), InvalidArgument (the secret
  // is absent, unreadable or refused), NotSupported (method not available in this process),
  // StoreUnavailable, Io; the old method is then still in force.
  virtual Result<SealingStatus> change_sealing(const SealingChange& change) = 0;

  // --- Keys ---
  // A new 256-bit root key version.
  virtual Result<SealedRootKey> generate_root_key(const KeyBinding& binding) = 0;
  // Material of 16, 24 or 32 bytes. Errors: InvalidField for other sizes.
  virtual Result<SealedRootKey> import_root_key(const KeyBinding& binding,
                                                const SecretBytes& material) = 0;
  // A key pair and a nonce for an import token; `token` names the instance, and the token's id as
  // key and version. Takes 0.2 s to several seconds.
  virtual Result<ImportTokenKey> create_import_token(const KeyBinding& token) = 0;
  // Root key material that was encrypted for an import token of the same instance. Errors:
  // IncorrectNonceIv (the payload or the nonce does not decrypt, or a size is impossible: one
  // answer), InvalidField (the material has not 16, 24 or 32 bytes), IncorrectNonce.
  virtual Result<SealedRootKey> import_encrypted_root_key(const KeyBinding& binding,
                                                          const KeyBinding& token,
                                                          const KeyBlob& private_key,
                                                          const EncryptedMaterial& material) = 0;
  // Payload of 1 to kMaxStandardPayloadBytes, or empty: 32 random bytes are generated.
  virtual Result<KeyBlob> create_standard_key(const KeyBinding& binding,
                                              const SecretBytes& payload) = 0;
  // The payload of a standard key; a root-key blob is refused (DecryptFailed).
  virtual Result<SecretBytes> open_standard_key(const KeyBinding& binding, const KeyBlob& blob) = 0;
  // Wraps `dek` (1 to kMaxDekBytes; empty: 32 random bytes).
  virtual Result<WrapResult> wrap(const KeyBinding& binding, const KeyBlob& blob,
                                  const SecretBytes& dek, const AadList& aad) = 0;
  // Unwraps with the version whose commitment the ciphertext carries; `newest` (may equal `blob`'s
  // version: then pass nullptr) re-wraps. Errors: CiphertextInvalid (wrong key, AAD or damaged: one
  // answer).
  struct Newest {
    KeyBinding binding;
    const KeyBlob* blob;
  };
  virtual Result<UnwrapResult> unwrap(const KeyBinding& binding, const KeyBlob& blob,
                                      ByteView wrapped_dek, const AadList& aad,
                                      const Newest* newest) = 0;
  // Unwraps and wraps anew with `newest` without the DEK leaving the unit.
  virtual Result<Bytes> rewrap(const KeyBinding& binding, const KeyBlob& blob, ByteView wrapped_dek,
                               const AadList& aad, const Newest& newest) = 0;
  // The same content sealed under the master key `target`, which all joined units must hold as
  // current or as committed new one; a blob under `target` already comes back unchanged. Errors:
  // as open; MasterKeyRotationState (the units do not hold `target`).
  virtual Result<KeyBlob> reseal(BlobPurpose purpose, const KeyBinding& binding,
                                 const KeyBlob& blob, const BlobPattern& target) = 0;
  // Forgets opened copies of these blobs in every thread of the unit. Returned: no later call uses
  // a cached copy.
  virtual Result<void> drop(const std::vector<KeyBlob>& blobs) = 0;
};

}  // namespace keyhaven::unit
