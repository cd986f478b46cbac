// Key operations, one engine per thread: no lock and no key derivation on a warm wrap or unwrap.
//
// An engine keeps opened root keys (derived wrapping key with its CMAC subkey, and commitment) in a
// bounded, time-limited cache keyed by the SHA-256 of the blob, so a blob that was replaced,
// damaged or moved is never found by an id. Its one set of cipher contexts is keyed anew when
// another key is used, which takes 0.1 us and lets a key be 48 bytes of locked
// memory. Per call it compares one atomic generation with the last it saw; if it moved (a register
// changed, units came or went) the whole cache is dropped and a new snapshot fetched. So after
// zeroize or set-immediate is answered, no later call uses the old master key.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/id.h"
#include "unit/crypto_unit.h"
#include "unit/domain_table.h"

namespace keyhaven::unit {

class RootKey;
class SealingKey;

struct KeyEngineOptions {
  std::size_t max_opened_keys = 16384;            // 0: nothing is kept
  std::chrono::seconds opened_key_lifetime{300};  // then a blob is opened anew; unused ones go
  // How long what was derived from a master key is kept. Absent: until the master key changes.
  // Zero: each use asks the master key, which may be in a token.
  std::optional<std::chrono::seconds> derived_key_lifetime{};
};

// Not thread-safe: one per thread. Table and clock must outlive it. Functions have the meaning,
// limits and errors of CryptoUnit.
class KeyEngine {
 public:
  KeyEngine(const DomainTable& table, const Clock& clock, KeyEngineOptions options = {});
  KeyEngine(const KeyEngine&) = delete;
  KeyEngine& operator=(const KeyEngine&) = delete;
  ~KeyEngine();

  Result<SealedRootKey> generate_root_key(const KeyBinding& binding);
  Result<SealedRootKey> import_root_key(const KeyBinding& binding, const SecretBytes& material);
  Result<KeyBlob> create_standard_key(const KeyBinding& binding, const SecretBytes& payload);
  Result<SecretBytes> open_standard_key(const KeyBinding& binding, ByteView blob);
  Result<WrapResult> wrap(const KeyBinding& binding, ByteView blob, const SecretBytes& dek,
                          const AadList& aad);
  Result<UnwrapResult> unwrap(const KeyBinding& binding, ByteView blob, ByteView wrapped_dek,
                              const AadList& aad, const CryptoUnit::Newest* newest);
  Result<Bytes> rewrap(const KeyBinding& binding, ByteView blob, ByteView wrapped_dek,
                       const AadList& aad, const CryptoUnit::Newest& newest);
  Result<KeyBlob> reseal(BlobPurpose purpose, const KeyBinding& binding, const KeyBlob& blob,
                         const BlobPattern& target);
  // Forgets the opened copies of these blobs in this engine; if any master key changed since the
  // last call, all of them (so drop({}) after an administration command wipes an idle engine).
  void drop(const std::vector<KeyBlob>& blobs);

  struct Statistics {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::size_t opened_keys = 0;
  };
  Statistics statistics() const noexcept;

 private:
  struct OpenedKey;
  struct DerivedKey;
  struct Cache;
  Result<SealingKey*> sealing_key(const InstanceId& instance);
  Result<RootKey*> opened_key(const KeyBinding& binding, ByteView blob);
  bool is_expired(Timestamp opened, Timestamp now) const noexcept;
  void forget_expired(Timestamp now);
  void refresh();

  const DomainTable& table_;
  const Clock& clock_;
  KeyEngineOptions options_;
  std::shared_ptr<const KeySnapshot> snapshot_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace keyhaven::unit
