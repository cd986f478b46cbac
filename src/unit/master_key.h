// A master key as a register holds it, and where such keys live: in the unit's locked memory and
// its sealed state (software), or in a PKCS#11 token (unitd/token_master_key.h).
//
// Two ways lead from a master key to the key that seals blobs (docs/protocols/key-blob.md):
//   Hkdf  algorithm 1: HKDF-SHA-256 of the key's bytes; one key for all instances
//   Cmac  algorithm 2: SP 800-108 in counter mode over AES-CMAC under the key, with the instance as
//         context, which a token can compute without giving the key away
// A software key seals by the first and opens both, so that the same key parts, loaded into units
// of either kind, open what a token's key has sealed. See docs/adr/0021-hsm-backend.md.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/id.h"
#include "base/secret_bytes.h"
#include "tke/key_part.h"

namespace keyhaven::unit {

enum class BlobAlgorithm : std::uint8_t { Hkdf = 1, Cmac = 2 };  // byte 3 of a blob's header

inline constexpr std::size_t kBlobKeySize = 32;
inline constexpr std::size_t kMaxKeyReference = 64;

// Which deployment a key in a token belongs to: two that share a token must not delete each other's
// keys. The first bytes of SHA-256 of the attestation root (SubjectPublicKeyInfo).
using KeyOwner = std::array<std::uint8_t, 8>;
KeyOwner owner_of(ByteView attestation_root);

// Immutable, thread-safe, shared by the copies of a register.
class MasterKey {
 public:
  virtual ~MasterKey() = default;
  MasterKey(const MasterKey&) = delete;
  MasterKey& operator=(const MasterKey&) = delete;

  // Identifies the key and commits to it; known without asking anything.
  const tke::VerificationPattern& pattern() const noexcept { return pattern_; }
  // By which new blobs are sealed.
  virtual BlobAlgorithm algorithm() const noexcept = 0;
  // The key of kBlobKeySize bytes that seals blobs of `instance`. Errors: UnitUnavailable (a token
  // does not answer), InstanceNotInitialized (this key does not leave the token, so it opens no
  // blobs of algorithm 1).
  virtual Result<SecretBytes> blob_key(BlobAlgorithm algorithm,
                                       const InstanceId& instance) const = 0;
  // The 32 bytes, for the sealed state and for export; null when they do not leave a token.
  virtual const SecretBytes* bytes() const noexcept = 0;
  // What the state keeps where there are no bytes; at most kMaxKeyReference.
  virtual ByteView reference() const noexcept = 0;

 protected:
  explicit MasterKey(const tke::VerificationPattern& pattern) : pattern_(pattern) {}

 private:
  tke::VerificationPattern pattern_;
};

using MasterKeyPtr = std::shared_ptr<const MasterKey>;  // shared: registers are copied

// True when both are there and the same key.
bool same_key(const MasterKeyPtr& a, const MasterKeyPtr& b) noexcept;

// A key in locked memory; `key` has 32 bytes, asserted.
MasterKeyPtr software_master_key(SecretBytes key);

// The inputs of the PRF for algorithm 2 (crypto/cmac.h), two of them.
std::vector<Bytes> blob_key_inputs(const InstanceId& instance);

// Where the keys of registers are kept. Thread-safe. Must outlive the tables that use it.
class MasterKeyBackend {
 public:
  virtual ~MasterKeyBackend() = default;
  // Takes in a key of 32 bytes that came from key parts, from another unit or from the generator;
  // durable when this returns. The same key again is the same object. Errors: UnitUnavailable,
  // Conflict (a token has another key of this name).
  virtual Result<MasterKeyPtr> take(SecretBytes key, const KeyOwner& owner) = 0;
  // A key that the state names. Does not ask the token: it may be away while the unit starts.
  // Errors: InvalidArgument (this backend keeps no such keys).
  virtual Result<MasterKeyPtr> restore(const tke::VerificationPattern& pattern,
                                       ByteView reference) = 0;
  // No register holds the key any more, and that is saved. Never fails: what cannot be destroyed
  // now is tried again and told to the operators.
  virtual void forget(const MasterKeyPtr& key) = 0;
};

// Keeps them in memory; the state has their bytes.
class SoftwareMasterKeys final : public MasterKeyBackend {
 public:
  Result<MasterKeyPtr> take(SecretBytes key, const KeyOwner& owner) override;
  Result<MasterKeyPtr> restore(const tke::VerificationPattern& pattern,
                               ByteView reference) override;
  void forget(const MasterKeyPtr& key) override;
};
SoftwareMasterKeys& software_master_keys();

// Restores names of keys that can be written again and used for nothing, for who only edits a
// state.
MasterKeyBackend& master_key_names();

}  // namespace keyhaven::unit
