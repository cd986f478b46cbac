// The tamper-evident audit log: append-only streams of hash-chained records, and signed checkpoints
// over all of them.
//
// One stream per event loop (data plane and refusals, written without fsync before the answer
// leaves, so they survive kill -9) and one stream "management" (fed from the store's outbox and by
// pool threads, fsynced before the answer). A chain per writer keeps loops from sharing a lock; a
// checkpoint signs the heads of all streams, so cutting any one of them shows. Format:
// docs/protocols/audit-log.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/checkpoint.h"
#include "audit/event.h"
#include "audit/receipt.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/ec.h"

namespace keyhaven::audit {

struct LogOptions {
  std::string directory;  // 0700, made if absent
  unsigned loop_streams = 1;
  std::size_t preallocate_bytes = 1 << 20;
  std::size_t segment_bytes = 64 << 20;
};

// What a stream has on disk. Only a failed write is ever taken back, and only what is behind these
// bytes: a reader that stops there never sees a record that is not going to stay.
struct StreamState {
  std::string name;
  Head head;
  std::uint32_t segment = 0;     // the one that is written to
  std::uint64_t size_bytes = 0;  // of that segment
};

struct LogState {
  std::vector<StreamState> streams;  // checkpoints first
  Heads sealed;                      // by the newest checkpoint
  Timestamp sealed_at;               // not set: there is none
};

class Log {
 public:
  // Opens or creates; recovers a torn last record of a stream (cuts it and writes a record that
  // says so). Errors: Io, AuditUnavailable (chain broken on disk: message names stream and record).
  static Result<std::unique_ptr<Log>> open(LogOptions options,
                                           crypto::Ed25519PrivateKey checkpoint_key,
                                           const Clock& clock);
  virtual ~Log() = default;

  // Appends to the stream of `loop`; from that loop's thread only; no lock. Buffered until
  // flush_loop.
  virtual void append_loop(unsigned loop, const Event& event) = 0;
  // Writes what append_loop buffered with one write(2). Errors: AuditUnavailable (then every answer
  // that depends on it must be refused; the records stay buffered and the next flush tries again).
  virtual Result<void> flush_loop(unsigned loop) = 0;
  // Appends to the management stream and fsyncs (group commit over concurrent callers).
  // Thread-safe, blocks. Errors: AuditUnavailable.
  virtual Result<void> append_management(const Event& event) = 0;
  // Chains events committed in the store's outbox, in their order; `outbox_id` is recorded so that
  // a repeat after a crash is recognised and skipped. Called by the store's writer. Errors:
  // AuditUnavailable.
  struct OutboxEntry {
    std::uint64_t outbox_id;
    std::string event_json;  // from append_json
  };
  virtual Result<void> append_outbox(const std::vector<OutboxEntry>& entries) = 0;
  // Highest outbox id chained so far; 0 for none.
  virtual std::uint64_t last_outbox_id() const = 0;
  // Signs the heads of all streams now; called every few seconds and at stop.
  virtual Result<void> checkpoint() = 0;
  // append_management, and a checkpoint whose head of the management stream is that record: what
  // the caller of the event can keep as proof (audit/receipt.h). Other management records wait
  // meanwhile. Errors: AuditUnavailable; the record may then be there without a receipt.
  virtual Result<Receipt> append_with_receipt(const Event& event) = 0;
  // Whether appends work; the cause if not (for /readyz).
  virtual Result<void> health() const = 0;
  // What is on disk, for readers of the directory: the streams are at least as long as what the
  // checkpoints in it sign. Thread-safe, waits for a checkpoint that is being signed.
  virtual LogState state() const { return {}; }
};

struct Verification {
  std::uint64_t records = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t unsealed = 0;  // records after the last checkpoint
  std::vector<std::string>
      notes;  // no tampering, but worth knowing: an unfinished record, streams without checkpoint
  std::vector<std::string>
      problems;  // empty: the log is whole; each names stream, position and what differs
};
// Reads a log directory from outside (no lock needed) and checks every chain and checkpoint
// signature against `public_key` (32 bytes). Errors: Io.
Result<Verification> verify_log(const std::string& directory, ByteView public_key);

// The same for a log that is being written, by who writes it: only what `state` says is read, and
// it has to be there.
struct VerifyOptions {
  LogState state;
  // Told how many bytes were read since the last time, every MiB or so; false: give up.
  std::function<bool(std::uint64_t)> go_on;
};
// Errors: Io, ShuttingDown (given up).
Result<Verification> verify_log(const std::string& directory, ByteView public_key,
                                const VerifyOptions& options);

}  // namespace keyhaven::audit
