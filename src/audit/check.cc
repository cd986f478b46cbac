#include "audit/check.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

// Longest pause after a piece of work: progress goes on even where reading was held up.
constexpr std::chrono::milliseconds kLongestPause(100);

}  // namespace

LogCheck::LogCheck(Log& log, std::string directory, const std::array<std::uint8_t, 32>& public_key,
                   const Clock& clock)
    : log_(log), directory_(std::move(directory)), public_key_(public_key), clock_(clock) {}

LogCheck::~LogCheck() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<bool> LogCheck::start() {
  const std::lock_guard lock(mutex_);
  if (status_.running) return false;
  if (thread_.joinable()) thread_.join();  // it has said that it is done
  LogState state = log_.state();
  const auto sizes = KH_TRY(stream_sizes(directory_));
  status_.running = true;
  status_.started = clock_.now();
  status_.finished = {};
  status_.bytes_read = status_.bytes_total = 0;
  for (const auto& [name, size] : sizes) {
    // Checkpoints are read once for themselves and once beside each other stream.
    status_.bytes_total += name == kCheckpointStream ? size.bytes * sizes.size() : size.bytes;
  }
  thread_ = std::thread([this, state = std::move(state)] { run(state); });
  return true;
}

void LogCheck::run(const LogState& state) {
  slice_began_ = std::chrono::steady_clock::now();
  auto found = verify_log(directory_, public_key_,
                          {state, [this](std::uint64_t bytes) { return go_on(bytes); }});
  CheckStatus done;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    status_.finished = clock_.now();
    status_.failure = found ? "" : found.error().message;
    status_.result = found ? std::optional(std::move(found).value()) : std::nullopt;
    done = status_;
  }
  record(done);
  const std::lock_guard lock(mutex_);
  status_.running = false;
  changed_.notify_all();
}

// The server may not lower the priority of a thread (its system calls are restricted), so the check
// leaves every second moment to others by itself.
bool LogCheck::go_on(std::uint64_t bytes) {
  const auto worked = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - slice_began_);
  std::unique_lock lock(mutex_);
  status_.bytes_read += bytes;
  changed_.wait_for(lock, std::min(worked, kLongestPause), [this] { return stopping_; });
  slice_began_ = std::chrono::steady_clock::now();
  return !stopping_;
}

// A log that refuses the record shows that in its health; the result stands all the same.
void LogCheck::record(const CheckStatus& done) {
  const bool is_whole = done.result && done.result->problems.empty();
  Event event;
  event.time = clock_.now();
  event.action = "hs-crypto.audit.check";
  event.outcome = is_whole ? Outcome::Success : Outcome::Failure;
  event.severity = is_whole ? "normal" : "critical";
  if (!done.result) event.reason = done.failure;
  if (done.result) {
    event.details = {{"records", std::to_string(done.result->records)},
                     {"checkpoints", std::to_string(done.result->checkpoints)},
                     {"problems", std::to_string(done.result->problems.size())}};
    if (!is_whole) event.details.emplace_back("firstProblem", done.result->problems.front());
  }
  [[maybe_unused]] const Result<void> recorded = log_.append_management(event);
}

CheckStatus LogCheck::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void LogCheck::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !status_.running; });
}

Result<std::map<std::string, StreamSize, std::less<>>> stream_sizes(const std::string& directory) {
  std::map<std::string, StreamSize, std::less<>> out;
  const SegmentLists lists = KH_TRY(list_segments(directory));
  for (const auto& [name, segments] : lists) {
    StreamSize& size = out[name];
    size.segments = static_cast<std::uint32_t>(segments.size());
    for (const std::uint32_t segment : segments) {
      struct stat status {};
      const std::string path = segment_path(directory, name, segment);
      if (::lstat(path.c_str(), &status) != 0)
        return Error{Reason::Io, system_message("audit segment " + path, errno), {}};
      size.bytes += static_cast<std::uint64_t>(status.st_size);
    }
  }
  return out;
}

}  // namespace keyhaven::audit
