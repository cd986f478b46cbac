// The source's side of a sealed transfer: which keys of an instance go, in which chunks, with which
// records.
//
// Keys are taken from the directory in the order of their ids, as they are at that moment; nothing
// is changed. Every key of the instance is either in a chunk or among what is left out, with the
// reason, so that nobody takes a transfer for complete that is not. Import tokens, lifecycle events
// and empty key rings do not go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keys/key_changes.h"
#include "keys/registrations.h"
#include "keys/seal_gate.h"
#include "keys/transfer_record.h"
#include "unit/key_transfer.h"

namespace keyhaven::keys {

struct LeftOutKey {
  KeyId id;
  std::string name;  // empty: not known
  Error why;
};

struct ExportedChunk {
  std::optional<unit::TransferChunk> chunk;  // none: no key that was looked at can go
  std::vector<KeyRecordPtr> keys;            // in it
  std::vector<LeftOutKey> left_out;          // by ascending id
  std::optional<KeyId> next;                 // where the next chunk begins: behind this key
};

// Thread-safe, blocks.
class TransferExport {
 public:
  // Looked at in one call, at most.
  static constexpr std::size_t kMaxLeftOut = 500;

  struct Parts {
    const KeyChanges& changes;
    const Registrations& registrations;
    unit::KeyTransfer& unit;
    SealGate& gate;
    const Clock& clock;
  };
  explicit TransferExport(Parts parts) : parts_(parts) {}

  struct Request {
    InstanceId instance;
    Uuid transfer;
    std::uint32_t index = 0;
    KeyId after;  // nil: from the first key on
  };
  // Seals the keys behind `after` as one chunk, as many as it holds. Left out: keys that were
  // deleted and can no longer be restored (KeyRestoreExpired, KeyExpired), whose stored record is
  // not authentic (RecordNotAuthentic), whose material does not open (DecryptFailed), or which do
  // not fit a chunk (TooLarge). Errors: those of KeyTransfer::export_chunk but DecryptFailed, of
  // SealGate, and RecordNotAuthentic (of a registration: a key could arrive without what protects
  // it from deletion).
  Result<ExportedChunk> export_chunk(const Request& request);

 private:
  class Filler;
  Result<void> require_open(const Request& request);
  Result<void> seal(const Request& request, std::vector<unit::TransferKey> sealed,
                    ExportedChunk& out);
  Result<void> leave_out_damaged(const Request& request, std::vector<unit::TransferKey>& sealed,
                                 ExportedChunk& out);
  Parts parts_;
};

}  // namespace keyhaven::keys
