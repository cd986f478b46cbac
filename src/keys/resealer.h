// Seals the stored keys of an instance anew under another master key, while they stay in use
// (docs/adr/0020-master-key-rotation.md; the process Resealer of docs/models/).
//
// Nothing but the blobs changes: ids of keys and versions, states, dates and who changed a key last
// stay. What is left to do follows from the blobs alone, which name their master key, so that a
// crash loses nothing but the work of one batch.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keys/import_tokens.h"
#include "keys/key_changes.h"

namespace keyhaven::keys {

// From which master key to which. Blobs under a third one are never touched.
struct ResealTask {
  InstanceId instance;
  unit::BlobPattern from{};
  unit::BlobPattern to{};
};

// A blob that could not be sealed anew, with nobody to blame but the blob.
struct Unopened {
  KeyId key;
  VersionId version;
  std::string cause;
  bool operator==(const Unopened&) const = default;
};

// Thread-safe. The caller holds what keeps the units, and the rotation, as they are.
class Resealer {
 public:
  // Sealed and committed together; every change of a key waits for at most one such batch.
  static constexpr std::size_t kBatchKeys = 128;

  struct Parts {
    KeyChanges& changes;
    ImportTokens& tokens;
    unit::CryptoUnit& unit;
    const Clock& clock;
  };
  explicit Resealer(Parts parts) : parts_(parts) {}

  // The keys with a blob under another master key than `to`, by ascending id.
  std::vector<KeyId> find(const ResealTask& task) const;

  struct Done {
    std::size_t keys = 0;  // committed
    std::vector<Unopened> unopened;
  };
  // At most kBatchKeys keys: those that are still there, in one transaction with one event. A key
  // that somebody else changed meanwhile stays as it is: `find` gives it again. Errors: those of
  // CryptoUnit::reseal but DecryptFailed, and of KeyStore::commit: nothing was changed.
  Result<Done> reseal(const ResealTask& task, std::span<const KeyId> keys);
  // The import token, if there is one that can still be used; one that does not open is among
  // `unopened` under its own id.
  Result<Done> reseal_token(const ResealTask& task);

 private:
  Result<bool> reseal_versions(const ResealTask& task, KeyRecord& key,
                               std::vector<Unopened>& unopened);
  Change own_change(const ResealTask& task) const;
  Parts parts_;
};

}  // namespace keyhaven::keys
