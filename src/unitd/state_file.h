// The unit's state on disk: sealed under the sealing key, replaced atomically, counted.
// Source: docs/protocols/unit-state-file.md.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/secret_bytes.h"
#include "unit/domain_table.h"

namespace keyhaven::unitd {

inline constexpr std::size_t kSealingKeySize = 32;
inline constexpr std::size_t kStateHeaderSize = 32;

// A state file's content. `counter` counts the saves. Key of kSealingKeySize bytes.
Bytes seal_state(const SecretBytes& sealing_key, std::uint64_t counter, const SecretBytes& state);
struct OpenedState {
  std::uint64_t counter = 0;
  SecretBytes state;
};
// Errors: InvalidArgument (not a state file, other format), DecryptFailed (sealed by another key,
// or damaged: the message says which).
Result<OpenedState> open_state(const SecretBytes& sealing_key, ByteView file);
// For the worked example only: the nonce (24 bytes) is given.
Bytes seal_state_with_nonce_for_example(const SecretBytes& sealing_key, std::uint64_t counter,
                                        const SecretBytes& state, ByteView nonce);

// Holds the lock on the state directory and the sealing key. Called with DomainTable's lock held,
// so not thread-safe by itself.
class StateFile final : public unit::StateSink {
 public:
  // Locks the directory, reads the sealing key and the state. When neither exists a new sealing key
  // (32 random bytes, mode 0600) is made. Errors: AlreadyExists (another unit runs on it),
  // InvalidArgument (key missing while there is a state, key of wrong size, readable by others),
  // DecryptFailed, TooLarge, Io.
  static Result<StateFile> open(const std::string& directory, const std::string& key_file);

  // The state found, once; nothing at first start.
  std::optional<SecretBytes> take_state() { return std::exchange(state_, std::nullopt); }
  std::uint64_t counter() const noexcept { return counter_; }

  // Durable when it returns success; else the old file is still in place. Errors: StoreUnavailable
  // (disk full), Io.
  Result<void> save(const SecretBytes& state) override;

 private:
  StateFile(DirectoryLock lock, std::string path, SecretBytes sealing_key)
      : lock_(std::move(lock)), path_(std::move(path)), sealing_key_(std::move(sealing_key)) {}

  DirectoryLock lock_;
  std::string path_;
  SecretBytes sealing_key_;
  std::uint64_t counter_ = 0;
  std::optional<SecretBytes> state_;
};

}  // namespace keyhaven::unitd
