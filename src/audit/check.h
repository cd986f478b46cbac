// Lets a running server check its own log from the first record on, in the background.
//
// It finds what somebody did to the files behind the server's back. It proves nothing to whoever
// distrusts the server: that takes `keyhaven audit verify` elsewhere, with the public key and the
// checkpoints that were kept there (docs/operations/audit.md).
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "audit/log.h"
#include "base/clock.h"

namespace keyhaven::audit {

struct CheckStatus {
  bool running = false;
  Timestamp started;   // of the one that runs, else of the last; not set: none since the start
  Timestamp finished;  // of the last; not set while one runs
  std::uint64_t bytes_total = 0;  // as at its start
  std::uint64_t bytes_read = 0;   // of it and of checkpoints that are read again beside each stream
  std::optional<Verification> result;  // of the last that came to its end
  std::string failure;                 // why the last did not; empty: it did
};

// One check at a time, on a thread of its own that pauses as long as it works. Thread-safe.
class LogCheck {
 public:
  // `log` and `clock` must outlive it; `directory` is the log's.
  LogCheck(Log& log, std::string directory, const std::array<std::uint8_t, 32>& public_key,
           const Clock& clock);
  ~LogCheck();  // gives up a check that runs
  LogCheck(const LogCheck&) = delete;
  LogCheck& operator=(const LogCheck&) = delete;

  // Begins a check up to what is on disk now; false when one runs already. What it finds becomes a
  // record of the log too ("hs-crypto.audit.check"). Errors: Io (the directory cannot be read).
  Result<bool> start();
  CheckStatus status() const;
  // Waits until none runs.
  void wait();

 private:
  void run(const LogState& state);
  bool go_on(std::uint64_t bytes);
  void record(const CheckStatus& done);

  Log& log_;
  const std::string directory_;
  const std::array<std::uint8_t, 32> public_key_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  CheckStatus status_;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point slice_began_;
  std::thread thread_;
};

// Bytes and segments of each stream on disk, by name. Errors: Io.
struct StreamSize {
  std::uint32_t segments = 0;
  std::uint64_t bytes = 0;
};
Result<std::map<std::string, StreamSize, std::less<>>> stream_sizes(const std::string& directory);

}  // namespace keyhaven::audit
