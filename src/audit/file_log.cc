// The log over the files of one directory: which thread appends to which stream, and when things
// reach the disk.
//
// A loop's stream belongs to its thread; what it has written is published under a mutex that is
// taken once a flush and contended only by a checkpoint. The management stream is a group commit:
// the first caller that finds nobody writing writes and syncs what all have queued. A group that
// cannot be written is undone as a whole: its records leave no trace in the chain and every caller
// of the group is refused.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>

#include "audit/checkpoint.h"
#include "audit/log.h"
#include "audit/segment.h"
#include "audit/stream.h"

namespace keyhaven::audit {
namespace {

// What one loop may hold back while nothing can be written; beyond it events are only counted.
constexpr std::size_t kMaxBufferedBytes = 16 << 20;
constexpr unsigned kMaxLoopStreams = 4096;

struct LoopStream {
  std::unique_ptr<Stream> stream;
  std::string buffer;  // whole records, chained, not written yet
  Head chained;        // head after `buffer`
  std::uint64_t dropped = 0;
  bool failing = false;
  std::mutex mutex;  // guards `published`
  Written published;
};

// One group of management records and its fate.
struct Batch {
  bool done = false;
  std::optional<Error> error;
};

// Not set when the event does not begin with a time.
Timestamp time_of_event(std::string_view event_json) {
  constexpr std::size_t kTimeBytes = 20;
  if (!take(event_json, "{\"eventTime\":\"")) return {};
  const auto time = parse_rfc3339(event_json.substr(0, kTimeBytes));
  return time ? *time : Timestamp{};
}

std::string loop_name(unsigned loop) { return "loop-" + std::to_string(loop); }

class FileLog final : public Log {
 public:
  FileLog(LogOptions options, crypto::Ed25519PrivateKey key, const Clock& clock,
          FileDescriptor lock)
      : options_(std::move(options)), key_(std::move(key)), clock_(clock), lock_(std::move(lock)) {}

  Result<void> start();

  void append_loop(unsigned loop, const Event& event) override;
  Result<void> flush_loop(unsigned loop) override;
  Result<void> append_management(const Event& event) override;
  Result<void> append_outbox(const std::vector<OutboxEntry>& entries) override;
  std::uint64_t last_outbox_id() const override { return last_outbox_id_.load(); }
  Result<void> checkpoint() override;
  Result<Receipt> append_with_receipt(const Event& event) override;
  Result<void> health() const override;
  LogState state() const override;

 private:
  Result<std::unique_ptr<Stream>> open_stream(const std::string& name, const Heads& sealed);
  Result<Heads> sealed_heads() const;
  Result<void> record_recovery();
  Event own_event(std::string_view action) const;
  Result<void> write_loop(LoopStream& stream);
  Result<void> write_losses(LoopStream& stream);
  template <class Append>
  Result<void> append_and_wait(Append append);
  void write_batch(std::unique_lock<std::mutex>& lock);
  Result<std::string> append_last(std::unique_lock<std::mutex>& lock, const Event& event);
  void settle(const std::shared_ptr<Batch>& batch, const Result<void>& result);
  Result<void> collect(Heads& heads);
  Result<void> collect_one(const Written& written, std::string_view name, Heads& heads);
  Result<void> check_file(const Written& written, std::string_view name);
  Result<std::string> write_checkpoint(const Heads& heads);
  Result<std::string> seal(const Heads& heads);
  void report(std::string_view name, const Result<void>& result);
  Error tampered() const;

  const LogOptions options_;
  const crypto::Ed25519PrivateKey key_;
  const Clock& clock_;
  const FileDescriptor lock_;  // held on the directory

  std::vector<std::unique_ptr<LoopStream>> loops_;  // also those of earlier runs with more loops
  std::atomic<bool> is_tampered_ = false;

  mutable std::mutex management_mutex_;
  std::condition_variable management_done_;
  std::unique_ptr<Stream> management_;  // used by whoever set writing_
  bool writing_ = false;
  std::string pending_;
  Head chained_;  // head after pending_
  std::shared_ptr<Batch> open_batch_ =
      std::make_shared<Batch>();  // shared by the callers that wait for it
  Written management_published_;
  std::mutex outbox_mutex_;  // one append_outbox at a time
  std::atomic<std::uint64_t> last_outbox_id_ = 0;

  mutable std::mutex checkpoint_mutex_;
  std::unique_ptr<Stream> checkpoints_;
  Heads last_sealed_;
  Timestamp last_sealed_at_;

  mutable std::mutex health_mutex_;
  std::map<std::string, Error, std::less<>> failures_;  // by stream
};

Result<std::unique_ptr<Stream>> FileLog::open_stream(const std::string& name, const Heads& sealed) {
  const auto found = sealed.find(name);
  const std::optional<Head> head =
      found == sealed.end() ? std::nullopt : std::optional(found->second);
  return Stream::open(options_.directory, name,
                      {options_.preallocate_bytes, options_.segment_bytes}, head);
}

// What the newest checkpoint signed. The checkpoint stream itself is open and checked.
Result<Heads> FileLog::sealed_heads() const {
  if (checkpoints_->written().head.seq == 0) return Heads{};
  const auto heads = parse_heads(checkpoints_->last_event());
  if (!heads)
    return Error{Reason::AuditUnavailable, "the newest audit checkpoint is malformed", {}};
  return *heads;
}

Result<void> FileLog::start() {
  checkpoints_ = KH_TRY(open_stream(std::string(kCheckpointStream), {}));
  last_sealed_ = KH_TRY(sealed_heads());
  last_sealed_at_ = time_of_event(checkpoints_->last_event());
  management_ = KH_TRY(open_stream(std::string(kManagementStream), last_sealed_));
  chained_ = management_->written().head;
  management_published_ = management_->written();
  last_outbox_id_ = management_->last_outbox_id();

  const SegmentLists lists = KH_TRY(list_segments(options_.directory));
  for (unsigned loop = 0; loop < kMaxLoopStreams; ++loop) {
    const std::string name = loop_name(loop);
    if (loop >= options_.loop_streams && !lists.contains(name) && !last_sealed_.contains(name))
      break;
    auto entry = std::make_unique<LoopStream>();
    entry->stream = KH_TRY(open_stream(name, last_sealed_));
    entry->chained = entry->stream->written().head;
    entry->published = entry->stream->written();
    loops_.push_back(std::move(entry));
  }
  return record_recovery();
}

Event FileLog::own_event(std::string_view action) const {
  Event event;
  event.time = clock_.now();
  event.action = action;
  event.severity = "warning";
  event.outcome = Outcome::Success;
  return event;
}

// A stream whose end was cut says so in its next record; for the checkpoint stream, management says
// it.
Result<void> FileLog::record_recovery() {
  const auto event_for = [&](const Stream& stream) {
    Event event = own_event("hs-crypto.audit.recover");
    event.details.emplace_back("stream", stream.name());
    event.details.emplace_back("cutBytes", std::to_string(stream.cut_bytes()));
    return event;
  };
  for (unsigned loop = 0; loop < loops_.size(); ++loop) {
    if (loops_[loop]->stream->cut_bytes() == 0) continue;
    append_loop(loop, event_for(*loops_[loop]->stream));
    KH_TRY(flush_loop(loop));
  }
  for (const Stream* stream : {management_.get(), checkpoints_.get()}) {
    if (stream->cut_bytes() > 0) KH_TRY(append_management(event_for(*stream)));
  }
  return {};
}

void FileLog::append_loop(unsigned loop, const Event& event) {
  KH_ASSERT(loop < loops_.size());
  LoopStream& stream = *loops_[loop];
  if (stream.buffer.size() >= kMaxBufferedBytes) [[unlikely]] {
    ++stream.dropped;
    return;
  }
  stream.chained = append_record(stream.buffer, stream.chained, event);
}

Result<void> FileLog::write_loop(LoopStream& stream) {
  if (stream.buffer.empty()) return {};
  KH_TRY(stream.stream->write(stream.buffer, stream.chained));
  stream.buffer.clear();
  const std::lock_guard lock(stream.mutex);
  stream.published = stream.stream->written();
  return {};
}

// The events that found no room were of calls that have been refused, or will be by the error
// returned here.
Result<void> FileLog::write_losses(LoopStream& stream) {
  Event event = own_event("hs-crypto.audit.lose");
  event.outcome = Outcome::Failure;
  event.severity = "critical";
  event.details.emplace_back("lostEvents", std::to_string(stream.dropped));
  stream.chained = append_record(stream.buffer, stream.chained, event);
  stream.dropped = 0;
  KH_TRY(write_loop(stream));
  return Error{
      Reason::AuditUnavailable, "audit records were lost while the log could not be written", {}};
}

Result<void> FileLog::flush_loop(unsigned loop) {
  KH_ASSERT(loop < loops_.size());
  LoopStream& stream = *loops_[loop];
  if (is_tampered_.load(std::memory_order_relaxed)) [[unlikely]]
    return tampered();
  Result<void> result = write_loop(stream);
  if (result && stream.dropped > 0) [[unlikely]]
    result = write_losses(stream);
  if (!result || stream.failing) [[unlikely]] {
    stream.failing = !result;
    report(stream.stream->name(), result);
  }
  return result;
}

// `append` queues records under the lock and returns whether there are any.
template <class Append>
Result<void> FileLog::append_and_wait(Append append) {
  std::unique_lock lock(management_mutex_);
  if (is_tampered_.load(std::memory_order_relaxed)) return tampered();
  if (!append()) return {};
  const std::shared_ptr<Batch> batch = open_batch_;
  while (!batch->done) {
    if (writing_) {
      management_done_.wait(lock);
    } else {
      write_batch(lock);
    }
  }
  if (batch->error) return *batch->error;
  return {};
}

void FileLog::settle(const std::shared_ptr<Batch>& batch, const Result<void>& result) {
  batch->done = true;
  if (!result) batch->error = result.error();
}

void FileLog::write_batch(std::unique_lock<std::mutex>& lock) {
  writing_ = true;
  const std::shared_ptr<Batch> batch = std::exchange(open_batch_, std::make_shared<Batch>());
  const std::string records = std::exchange(pending_, {});
  const Head head = chained_;
  lock.unlock();
  const Result<void> result = management_->write(records, head);
  if (result) Stream::sync(*management_->written().file);
  report(kManagementStream, result);
  lock.lock();
  writing_ = false;
  settle(batch, result);
  if (result) {
    management_published_ = management_->written();
  } else {
    // What queued up meanwhile was chained to records that do not exist.
    settle(std::exchange(open_batch_, std::make_shared<Batch>()), result);
    pending_.clear();
    chained_ = management_published_.head;
  }
  management_done_.notify_all();
}

Result<void> FileLog::append_management(const Event& event) {
  return append_and_wait([&] {
    chained_ = append_record(pending_, chained_, event);
    return true;
  });
}

Result<void> FileLog::append_outbox(const std::vector<OutboxEntry>& entries) {
  const std::lock_guard one_at_a_time(outbox_mutex_);
  std::uint64_t last = last_outbox_id_.load();
  KH_TRY(append_and_wait([&] {
    const std::size_t before = pending_.size();
    for (const OutboxEntry& entry : entries) {
      if (entry.outbox_id <= last) continue;  // chained before a crash
      chained_ = append_record(pending_, chained_, entry.event_json, entry.outbox_id);
      last = entry.outbox_id;
    }
    return pending_.size() > before;
  }));
  last_outbox_id_ = last;
  return {};
}

// Whether the file that is written to is still the one that a reader finds under its name, and as
// long as it should be.
Result<void> FileLog::check_file(const Written& written, std::string_view name) {
  struct stat named {};
  struct stat opened {};
  const bool found = ::lstat(written.path.c_str(), &named) == 0;
  if (found && ::fstat(written.file->get(), &opened) == 0 && named.st_ino == opened.st_ino &&
      named.st_dev == opened.st_dev &&
      static_cast<std::uint64_t>(opened.st_size) >= written.size_bytes) {
    return {};
  }
  {
    const std::lock_guard lock(health_mutex_);
    const std::string what = "audit stream " + std::string(name) +
                             ": its file was removed, replaced or cut while in use";
    failures_.insert_or_assign("tampering", Error{Reason::AuditUnavailable, what, {}});
  }
  is_tampered_ = true;
  return tampered();
}

Error FileLog::tampered() const {
  const std::lock_guard lock(health_mutex_);
  return failures_.find("tampering")->second;
}

Result<void> FileLog::collect_one(const Written& written, std::string_view name, Heads& heads) {
  KH_TRY(check_file(written, name));
  const auto sealed = last_sealed_.find(name);
  if (sealed == last_sealed_.end() || sealed->second != written.head) Stream::sync(*written.file);
  heads.emplace(name, written.head);
  return {};
}

// What is on disk in every stream, flushed: a checkpoint must not sign what a power failure can
// take away.
Result<void> FileLog::collect(Heads& heads) {
  for (const auto& loop : loops_) {
    std::unique_lock lock(loop->mutex);
    const Written written = loop->published;
    lock.unlock();
    KH_TRY(collect_one(written, loop->stream->name(), heads));
  }
  std::unique_lock lock(management_mutex_);
  const Written written = management_published_;
  lock.unlock();
  return collect_one(written, kManagementStream, heads);
}

// Returns the record, with its newline.
Result<std::string> FileLog::write_checkpoint(const Heads& heads) {
  KH_TRY(check_file(checkpoints_->written(), kCheckpointStream));
  std::string record;
  const Timestamp now = clock_.now();
  const Head head = append_checkpoint(record, checkpoints_->written().head, now, heads, key_);
  KH_TRY(checkpoints_->write(record, head));
  Stream::sync(*checkpoints_->written().file);
  last_sealed_ = heads;
  last_sealed_at_ = now;
  return record;
}

Result<std::string> FileLog::seal(const Heads& heads) {
  auto record = write_checkpoint(heads);
  if (!is_tampered_) report(kCheckpointStream, record ? Result<void>() : record.error());
  return record;
}

Result<void> FileLog::checkpoint() {
  const std::lock_guard lock(checkpoint_mutex_);
  bool management_failing = false;
  {
    const std::lock_guard health_lock(health_mutex_);
    management_failing = failures_.contains(kManagementStream);
  }
  // Nobody may be calling any more because nothing works, so the log tries by itself.
  if (management_failing) KH_TRY(append_management(own_event("hs-crypto.audit.resume")));
  Heads heads;
  KH_TRY(collect(heads));
  const bool nothing_new = heads == last_sealed_ && checkpoints_->written().head.seq > 0;
  if (nothing_new) return check_file(checkpoints_->written(), kCheckpointStream);
  KH_TRY(seal(heads));
  return {};
}

// Writes what is queued, with this event behind it, as one group; returns its line. The lock is
// held again when it returns, so the event is still the newest.
Result<std::string> FileLog::append_last(std::unique_lock<std::mutex>& lock, const Event& event) {
  while (writing_) management_done_.wait(lock);
  if (is_tampered_.load(std::memory_order_relaxed)) return tampered();
  const std::size_t before = pending_.size();
  chained_ = append_record(pending_, chained_, event);
  std::string line = pending_.substr(before);
  line.pop_back();  // the newline
  const std::shared_ptr<Batch> batch = open_batch_;
  write_batch(lock);
  if (batch->error) return *batch->error;
  return line;
}

Result<Receipt> FileLog::append_with_receipt(const Event& event) {
  const std::lock_guard one_checkpoint(checkpoint_mutex_);
  std::unique_lock lock(management_mutex_);
  Receipt out;
  out.record = KH_TRY(append_last(lock, event));
  writing_ = true;  // nobody else writes until the record is sealed as the newest
  lock.unlock();
  Heads heads;
  const Result<void> collected = collect(heads);
  auto checkpoint = collected ? seal(heads) : collected.error();
  lock.lock();
  writing_ = false;
  lock.unlock();
  management_done_.notify_all();
  if (!checkpoint) return std::move(checkpoint).error();
  out.checkpoint = std::move(checkpoint).value();
  out.checkpoint.pop_back();
  return out;
}

void FileLog::report(std::string_view name, const Result<void>& result) {
  const std::lock_guard lock(health_mutex_);
  const auto found = failures_.find(name);
  if (!result) {
    failures_.insert_or_assign(std::string(name), result.error());
  } else if (found != failures_.end()) {
    failures_.erase(found);
  }
}

Result<void> FileLog::health() const {
  const std::lock_guard lock(health_mutex_);
  if (failures_.empty()) return {};
  return failures_.begin()->second;
}

LogState FileLog::state() const {
  const auto state_of = [](std::string_view name, const Written& written) {
    return StreamState{std::string(name), written.head, written.segment, written.size_bytes};
  };
  LogState out;
  const std::lock_guard lock(checkpoint_mutex_);
  out.sealed = last_sealed_;
  out.sealed_at = last_sealed_at_;
  out.streams.push_back(state_of(kCheckpointStream, checkpoints_->written()));
  for (const auto& loop : loops_) {
    const std::lock_guard loop_lock(loop->mutex);
    out.streams.push_back(state_of(loop->stream->name(), loop->published));
  }
  const std::lock_guard management_lock(management_mutex_);
  out.streams.push_back(state_of(kManagementStream, management_published_));
  return out;
}

Result<FileDescriptor> lock_directory(const std::string& directory) {
  FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid())
    return Error{Reason::Io, system_message("audit directory " + directory, errno), {}};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Reason::Io, "audit directory " + directory + " is in use by another process", {}};
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(LogOptions options, crypto::Ed25519PrivateKey checkpoint_key,
                                       const Clock& clock) {
  KH_ASSERT(options.loop_streams <= kMaxLoopStreams);
  KH_TRY(make_directory(options.directory, 0700));
  FileDescriptor lock = KH_TRY(lock_directory(options.directory));
  auto log = std::make_unique<FileLog>(std::move(options), std::move(checkpoint_key), clock,
                                       std::move(lock));
  KH_TRY(log->start());
  return std::unique_ptr<Log>(std::move(log));
}

}  // namespace keyhaven::audit
