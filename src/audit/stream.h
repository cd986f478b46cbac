// One stream on disk: preallocated segments written by one thread, and what to do when the disk is
// full.
//
// Space is reserved ahead of the writes (fallocate, size kept), so a write inside it cannot fail
// for want of space, and one more file, the reserve, is kept for the day when no more can be had:
// then the stream goes on in the reserve, and only after that writes are refused. On file systems
// without fallocate a failed write is cut off again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audit/record.h"
#include "base/file.h"
#include "base/result.h"

namespace keyhaven::audit {

struct StreamLimits {
  std::size_t preallocate_bytes = 1 << 20;
  std::size_t segment_bytes = 64 << 20;
};

// What is on disk, as other threads may see it.
struct Written {
  Head head;
  std::shared_ptr<const FileDescriptor>
      file;  // shared: a checkpoint syncs while the writer moves to a new segment
  std::string path;
  std::uint32_t segment = 0;
  std::uint64_t size_bytes = 0;
};

// Used by one thread at a time.
class Stream {
 public:
  // Opens or creates stream `name` and checks its newest segment. Bytes of a record that was not
  // written to its end are cut off. `sealed` is the head in the newest checkpoint, if there is one:
  // the stream has to contain it. Errors: Io; AuditUnavailable when the chain does not hold (names
  // stream and record).
  static Result<std::unique_ptr<Stream>> open(const std::string& directory, std::string name,
                                              StreamLimits limits,
                                              const std::optional<Head>& sealed);

  // Writes whole records, all or none, with one write(2); `head` is the head after them. Errors:
  // AuditUnavailable.
  Result<void> write(std::string_view records, const Head& head);

  // Flushes to the disk. A failure is fatal: the kernel may have dropped the pages already.
  static void sync(const FileDescriptor& file);

  const std::string& name() const noexcept { return name_; }
  const Written& written() const noexcept { return written_; }
  std::uint64_t last_outbox_id() const noexcept { return last_outbox_id_; }  // as found by open
  std::uint64_t cut_bytes() const noexcept { return cut_bytes_; }            // as cut by open
  const std::string& last_event() const noexcept {
    return last_event_;
  }  // of the newest record found by open

 private:
  Stream(const std::string& directory, std::string name, StreamLimits limits)
      : directory_(directory), name_(std::move(name)), limits_(limits) {}
  Result<void> recover(const std::optional<Head>& sealed);
  Result<std::uint64_t> scan(const std::string& path, const std::optional<Head>& sealed);
  Result<void> cut(const std::string& path, std::uint64_t good_end);
  Result<void> find_outbox_id(std::uint32_t before_segment);
  Result<Head> last_head_of(std::uint32_t segment) const;
  Result<void> open_segment(std::uint32_t segment, int flags);
  Result<void> rotate();
  Result<void> make_room(std::size_t size);
  void make_reserve();
  Error broken(std::uint64_t seq, std::string_view what) const;

  std::string directory_;
  std::string name_;
  StreamLimits limits_;
  Written written_;
  std::uint64_t allocated_end_ = 0;
  std::uint64_t writeback_end_ = 0;
  bool can_preallocate_ = true;
  std::shared_ptr<const FileDescriptor> reserve_;
  unsigned writes_without_reserve_ = 0;
  std::uint64_t last_outbox_id_ = 0;
  std::uint64_t cut_bytes_ = 0;
  std::string last_event_;
};

}  // namespace keyhaven::audit
