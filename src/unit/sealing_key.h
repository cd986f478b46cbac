// The key under which an instance's blobs are sealed, made ready for use: what every key operation
// of the unit begins and ends with.
#pragma once

#include <deque>
#include <vector>

#include "crypto/aead.h"
#include "unit/crypto_unit.h"
#include "unit/domain_table.h"
#include "unit/key_blob.h"

namespace keyhaven::unit {

// What blobs need of a master key.
InstanceKey::MasterKey prepare_master_key(const MasterKeyPtr& master_key);

// 48 bytes of locked memory for each key derived from one of at most two master keys: that which
// seals at once, others when a blob needs them. Not thread-safe, nor beside another key on the same
// contexts.
class SealingKey {
 public:
  // `contexts` must outlive the key. Errors: InstanceNotInitialized, UnitsDiffer, UnitUnavailable
  // (see CryptoUnit).
  static Result<SealingKey> of(const KeySnapshot& snapshot, const InstanceId& instance,
                               crypto::XaesContexts& contexts);

  // With the keys of `keys`, at least one. Errors: UnitUnavailable.
  static Result<SealingKey> with(const InstanceKey& keys, const InstanceId& instance,
                                 crypto::XaesContexts& contexts);

  // `content` of 1 to kMaxStandardPayloadBytes.
  KeyBlob seal(BlobPurpose purpose, const KeyBinding& binding,
               std::span<const std::uint8_t> content);
  // Errors: DecryptFailed; InstanceNotInitialized for a blob of another master key;
  // UnitUnavailable.
  Result<SecretBytes> open(BlobPurpose purpose, const KeyBinding& binding, ByteView blob);

  // As CryptoUnit::reseal.
  Result<KeyBlob> reseal(BlobPurpose purpose, const KeyBinding& binding, const KeyBlob& blob,
                         const BlobPattern& target);

  // Material of 16, 24 or 32 bytes as a version of a root key. Errors: InvalidField for other
  // sizes.
  Result<SealedRootKey> seal_root_key(const KeyBinding& binding, const SecretBytes& material);

 private:
  struct Held {
    BlobSeal seal;
    crypto::XaesKey key;
  };
  SealingKey(const InstanceKey& keys, const InstanceId& instance, crypto::XaesContexts& contexts)
      : instance_(instance), masters_(keys.keys), contexts_(&contexts) {}
  const InstanceKey::MasterKey* master(const BlobPattern& pattern) const;
  // Derives it when it is not there. Errors: UnitUnavailable, InstanceNotInitialized.
  Result<Held*> held(const InstanceKey::MasterKey& from, BlobAlgorithm algorithm);
  static KeyBlob seal_under(Held& held, BlobPurpose purpose, const KeyBinding& binding,
                            std::span<const std::uint8_t> content);

  InstanceId instance_;
  std::vector<InstanceKey::MasterKey> masters_;
  crypto::XaesContexts* contexts_;
  std::deque<Held> held_;  // the first seals; a deque, because pointers to it are kept
};

}  // namespace keyhaven::unit
