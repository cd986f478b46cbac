// The unit's state on disk: sealed under a data key that a Sealing wraps, replaced atomically,
// counted; and the change of that Sealing while the unit runs.
// Source: docs/protocols/unit-state-file.md.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/secret_bytes.h"
#include "unit/domain_table.h"
#include "unitd/sealing_header.h"
#include "unitd/sealing_helper.h"

namespace keyhaven::unitd {

// A state file's content. Data key of kDataKeySize bytes.
Bytes seal_state(const SecretBytes& data_key, const StateHeader& header, const SecretBytes& state);
// For the worked example only: the nonce (24 bytes) is given.
Bytes seal_state_with_nonce_for_example(const SecretBytes& data_key, const StateHeader& header,
                                        const SecretBytes& state, ByteView nonce);
// `parsed` is the head of `file`. Errors: DecryptFailed.
Result<SecretBytes> open_state(const SecretBytes& data_key, const ParsedHeader& parsed,
                               ByteView file);

struct StateFileOptions {
  std::string directory;
  // Of the first start. Later the file says by itself how it is sealed.
  unit::SealingMethod method = unit::SealingMethod::KeyFile;
  std::string reference;
  // An old copy is taken all the same when this is its counter; 0: never.
  std::uint64_t accept_counter = 0;
};

// Holds the lock on the state directory, and the data key. Thread-safe.
class StateFile final : public unit::StateSink {
 public:
  // Locks the directory and reads the state; at first start (no state) prepares the sealing that
  // the options name. The source must outlive the file. Errors, with a message for the operator;
  // nothing was destroyed: AlreadyExists (another unit runs on it), InvalidArgument (a secret is
  // absent or refused, not a state file), DecryptFailed (wrong secret, damaged), Conflict (an old
  // copy), NotSupported, TooLarge, StoreUnavailable, Io; and UnitUnavailable (token or TPM does not
  // answer: trying again may help).
  static Result<std::unique_ptr<StateFile>> open(const StateFileOptions& options,
                                                 SealingSource& source);

  // The state found, once; nothing at first start.
  std::optional<SecretBytes> take_state() { return std::exchange(state_, std::nullopt); }
  // The counter of the state found, if StateFileOptions::accept_counter names it; else 0.
  std::uint64_t accepted_copy() const noexcept { return accepted_copy_; }
  // What an operator should know about what was found; empty: nothing.
  const std::string& note() const noexcept { return note_; }

  // Durable when it returns success; else the old file is still in place. Called with DomainTable's
  // lock held. Errors: StoreUnavailable (disk full), UnitUnavailable (the TPM's counter), Io.
  Result<void> save(const SecretBytes& state) override;

  unit::SealingStatus status() const;
  // Seals by another method or secret. `save_all` has the whole state saved (by calling `save`).
  // Until the new file is durable the old method is in force, then the new one; after a crash at
  // any moment the file opens by one of them. Errors: as CryptoUnit::change_sealing.
  Result<unit::SealingStatus> change(const unit::SealingChange& change,
                                     const std::function<Result<void>()>& save_all);

 private:
  // A method in use.
  struct Seal {
    std::unique_ptr<Sealing> sealing;
    SecretBytes data_key;
    WrappedKey key;
  };

  StateFile(DirectoryLock lock, std::string path, SealingSource& source)
      : lock_(std::move(lock)), path_(std::move(path)), source_(source) {}
  Result<void> begin(const StateFileOptions& options);
  Result<void> load(const StateFileOptions& options);
  Result<void> load_format1(ByteView content);
  Result<void> check_age(const StateHeader& header, const StateFileOptions& options);
  Result<Seal> new_seal(unit::SealingMethod method, const std::string& reference,
                        Occasion occasion);

  DirectoryLock lock_;
  std::string path_;
  SealingSource& source_;
  std::string note_;
  std::optional<SecretBytes> state_;
  bool is_accepted_old_copy_ = false;
  std::uint64_t accepted_copy_ = 0;

  std::mutex change_mutex_;   // one change at a time; taken before mutex_
  mutable std::mutex mutex_;  // of what follows
  std::uint64_t counter_ = 0;
  Seal current_;                  // replaced by `save` on behalf of a change only
  std::optional<Seal> next_;      // prepared by a change: the next save is sealed by it
  std::optional<Seal> replaced_;  // by that save
};

// Whether a path exists. Errors: Io.
Result<bool> path_exists(const std::string& path);

}  // namespace keyhaven::unitd
