// The import tokens of all instances: made, handed out a limited number of times, used for secure
// import until they expire (key-management-api.md 8).
//
// An instance has one token at most; a new one replaces it together with its key pair, in memory
// and in the store. A retrieval is durable before it is answered: a crash may lose one, it never
// gives one more. Retrievals that are used up end the handing out, not the imports.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "keys/import_token.h"
#include "keys/key_changes.h"
#include "keys/material.h"
#include "keys/seal_gate.h"

namespace keyhaven::keys {

inline constexpr std::int64_t kLeastTokenSeconds = 300;
inline constexpr std::int64_t kMostTokenSeconds = 86'400;
inline constexpr std::int64_t kMostTokenRetrievals = 500;

using ImportTokenPtr = std::shared_ptr<const ImportToken>;

struct ImportTokenRequest {
  std::int64_t expiration_seconds = 600;
  std::int64_t max_retrievals = 1;
};

// Thread-safe. Every call but `load` blocks: for the store, for the unit, or both.
class ImportTokens final : public SecureImport {
 public:
  // Borrowed. Making a key pair takes seconds, so that it has a way to the unit of its own
  // (docs/adr/0016-slow-unit-calls.md).
  struct Parts {
    ImportTokenStore& store;
    unit::CryptoUnit& slow_unit;  // for create
    unit::CryptoUnit& unit;       // for import and reseal
    SealGate& gate;
    const Clock& clock;
  };
  explicit ImportTokens(Parts parts) : parts_(parts) {}

  // Reads everything from the store; once, before other calls. Errors: those of the store.
  Result<void> load();

  // A new token in place of the old one; its life begins when it is there. Of two at once both
  // succeed, and the one that is committed last stays. Errors: InvalidField (expiration 300 to
  // 86400, maxAllowedRetrievals 1 to 500), those of SealGate, of CryptoUnit::create_import_token
  // and of the store: the old token stays.
  Result<ImportTokenPtr> create(const InstanceId& instance, const ImportTokenRequest& request,
                                Change& change);

  // The token with one retrieval less. Errors: ImportTokenNotFound, ImportTokenExpired (past its
  // date, or no retrieval left), those of the store: nothing was consumed.
  Result<ImportTokenPtr> retrieve(const InstanceId& instance, Change& change);

  // The master key that the token's private key is sealed under; nothing without a token that can
  // still be used.
  std::optional<unit::BlobPattern> sealed_under(const InstanceId& instance) const;
  // Seals it under `target` (CryptoUnit::reseal), all else as it is; nothing to do: not recorded.
  // The caller holds what keeps the units as they are. Errors: those of the unit and of the store.
  Result<void> reseal(const InstanceId& instance, const unit::BlobPattern& target, Change& change);

  Result<unit::SealedRootKey> import(const unit::KeyBinding& binding,
                                     const unit::EncryptedMaterial& material) override;

 private:
  std::unique_lock<std::mutex> lock_changes(const InstanceId& instance);
  // Errors: ImportTokenNotFound, ImportTokenExpired (past its date).
  Result<ImportTokenPtr> live(const InstanceId& instance) const;
  void publish(ImportTokenPtr token);
  // Durable, then visible. The changes of the instance must be locked.
  Result<ImportTokenPtr> commit(ImportToken token, Change& change);

  Parts parts_;
  std::array<std::mutex, 64> stripes_;  // one change at a time per instance
  mutable std::mutex mutex_;            // of the map, never held while blocking
  std::map<InstanceId, ImportTokenPtr> tokens_;
};

}  // namespace keyhaven::keys
