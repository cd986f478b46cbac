#include "audit/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

// Dirty pages are handed to the disk every so many bytes, so that the sync at the end of a segment
// is short.
constexpr std::uint64_t kWritebackBytes = 4 << 20;
constexpr unsigned kReserveRetryWrites = 256;

int preallocate(int fd, std::uint64_t from, std::uint64_t size) {
  int result = 0;
  do {
    result =
        ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

bool is_disk_full(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

}  // namespace

Error Stream::broken(std::uint64_t seq, std::string_view what) const {
  return {
      Reason::AuditUnavailable,
      "audit stream " + name_ + ", record " + std::to_string(seq) + ": " + std::string(what) +
          "; run `keyhaven audit verify`, keep a copy of the directory, and start with a new one",
      {}};
}

Result<std::unique_ptr<Stream>> Stream::open(const std::string& directory, std::string name,
                                             StreamLimits limits,
                                             const std::optional<Head>& sealed) {
  std::unique_ptr<Stream> stream(new Stream(directory, std::move(name), limits));
  KH_TRY(stream->recover(sealed));
  stream->make_reserve();
  return stream;
}

Result<void> Stream::recover(const std::optional<Head>& sealed) {
  const SegmentLists lists = KH_TRY(list_segments(directory_));
  const auto found = lists.find(name_);
  written_.head = genesis(name_);
  if (found == lists.end()) {
    if (sealed) return broken(sealed->seq, "the checkpoint names it, but the stream has no file");
    KH_TRY(open_segment(1, O_CREAT | O_EXCL));
    sync_directory(directory_);
    return {};
  }
  if (const auto gap = first_gap(found->second)) {
    return broken(0, "segment " + std::to_string(*gap) + " is missing");
  }
  // Segments made but not written yet may follow the newest record.
  const auto last = static_cast<std::uint32_t>(found->second.size());
  std::uint32_t newest = last;
  for (; newest > 0; --newest) {
    struct stat status {};
    const std::string path = segment_path(directory_, name_, newest);
    if (::lstat(path.c_str(), &status) != 0)
      return Error{Reason::Io, system_message(path, errno), {}};
    if (status.st_size > 0) break;
  }
  if (newest > 1) written_.head = KH_TRY(last_head_of(newest - 1));
  std::uint64_t good_end = 0;
  if (newest > 0) good_end = KH_TRY(scan(segment_path(directory_, name_, newest), sealed));
  if (sealed && written_.head.seq < sealed->seq) {
    return broken(sealed->seq, "signed by a checkpoint but gone: the stream ends at record " +
                                   std::to_string(written_.head.seq));
  }
  if (newest > 0)
    KH_TRY(cut(segment_path(directory_, name_, newest), good_end));  // nothing sealed is lost by it
  if (last_outbox_id_ == 0 && newest > 1) KH_TRY(find_outbox_id(newest));
  KH_TRY(open_segment(last, 0));
  return {};
}

// Checks the records of the newest segment, which follow written_.head, and returns where the last
// whole one ends. A record never contains a NUL; after a power failure the end of a file may, where
// the size reached the disk before the data.
Result<std::uint64_t> Stream::scan(const std::string& path, const std::optional<Head>& sealed) {
  LineReader reader = KH_TRY(LineReader::open(path));
  std::uint64_t good_end = 0;
  for (;;) {
    const auto line = KH_TRY(reader.next());
    if (!line || line->find('\0') != std::string_view::npos) break;
    const std::uint64_t seq = written_.head.seq + 1;
    const auto record = parse_record(*line);
    if (!record) return broken(seq, "not a record");
    if (record->seq != seq) return broken(seq, "has number " + std::to_string(record->seq));
    if (record->prev != written_.head.hash) return broken(seq, "does not follow the one before");
    if (record->computed_hash() != record->hash) return broken(seq, "content and hash differ");
    if (sealed && sealed->seq == seq && sealed->hash != record->hash) {
      return broken(seq, "differs from what the checkpoint signed");
    }
    written_.head = {seq, record->hash};
    if (record->outbox_id != 0) last_outbox_id_ = record->outbox_id;
    last_event_ = record->event_json;
    good_end = reader.end_offset();
  }
  return good_end;
}

Result<void> Stream::cut(const std::string& path, std::uint64_t good_end) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Error{Reason::Io, system_message(path, errno), {}};
  cut_bytes_ = static_cast<std::uint64_t>(status.st_size) - good_end;
  if (cut_bytes_ > 0 && ::truncate(path.c_str(), static_cast<off_t>(good_end)) != 0) {
    return Error{Reason::Io, system_message("cutting the unfinished record of " + path, errno), {}};
  }
  return {};
}

// The head after segments 1 to `segment`, of which some may be empty: a reserve can take over
// before the first record.
Result<Head> Stream::last_head_of(std::uint32_t segment) const {
  std::string last;
  for (; segment > 0 && last.empty(); --segment) {
    LineReader reader = KH_TRY(LineReader::open(segment_path(directory_, name_, segment)));
    while (const auto line = KH_TRY(reader.next())) last = *line;
    const auto record = parse_record(last);
    if (record && reader.tail_size() == 0) return Head{record->seq, record->hash};
    if (!last.empty() || reader.tail_size() > 0) {
      return broken(0, "segment " + std::to_string(segment) + " does not end with a record");
    }
  }
  return genesis(name_);
}

// Looks for the newest outbox id in the segments before `before_segment`, newest first.
Result<void> Stream::find_outbox_id(std::uint32_t before_segment) {
  for (std::uint32_t segment = before_segment - 1; segment > 0 && last_outbox_id_ == 0; --segment) {
    LineReader reader = KH_TRY(LineReader::open(segment_path(directory_, name_, segment)));
    while (const auto line = KH_TRY(reader.next())) {
      const auto record = parse_record(*line);
      if (record && record->outbox_id != 0) last_outbox_id_ = record->outbox_id;
    }
  }
  return {};
}

Result<void> Stream::open_segment(std::uint32_t segment, int flags) {
  std::string path = segment_path(directory_, name_, segment);
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) {
    const Reason reason = is_disk_full(errno) ? Reason::AuditUnavailable : Reason::Io;
    return Error{reason, system_message("audit segment " + path, errno), {}};
  }
  written_.file = std::make_shared<const FileDescriptor>(std::move(file));
  written_.path = std::move(path);
  written_.size_bytes = static_cast<std::uint64_t>(status.st_size);
  written_.segment = segment;
  allocated_end_ = writeback_end_ = written_.size_bytes;
  return {};
}

void Stream::make_reserve() {
  writes_without_reserve_ = 0;
  if (!can_preallocate_) return;
  const std::string path = reserve_path(directory_, name_);
  FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid())
    return;  // without a reserve the stream works until the disk is full; tried again later
  const int error_number = preallocate(file.get(), 0, limits_.preallocate_bytes);
  if (error_number != 0) {
    can_preallocate_ = error_number != EOPNOTSUPP && error_number != ENOSYS;
    ::unlink(path.c_str());
    return;
  }
  reserve_ = std::make_shared<const FileDescriptor>(std::move(file));
}

// Goes on in the next segment. The old one is on disk before: a gap in the middle of a stream would
// look like a cut.
Result<void> Stream::rotate() {
  sync(*written_.file);
  // Gives back what was reserved behind the end; harmless if it fails.
  [[maybe_unused]] const int kept =
      ::ftruncate(written_.file->get(), static_cast<off_t>(written_.size_bytes));
  if (reserve_ == nullptr) {
    KH_TRY(open_segment(written_.segment + 1, O_CREAT | O_EXCL));
  } else {
    std::string path = segment_path(directory_, name_, written_.segment + 1);
    if (::rename(reserve_path(directory_, name_).c_str(), path.c_str()) != 0) {
      return Error{Reason::AuditUnavailable, system_message("audit segment " + path, errno), {}};
    }
    written_.file = std::move(reserve_);
    reserve_ = nullptr;
    written_.path = std::move(path);
    written_.size_bytes = 0;
    ++written_.segment;
    allocated_end_ = limits_.preallocate_bytes;
    writeback_end_ = 0;
  }
  sync_directory(directory_);
  make_reserve();
  return {};
}

Result<void> Stream::make_room(std::size_t size) {
  const std::uint64_t needed_end = written_.size_bytes + size;
  if (needed_end <= allocated_end_ || !can_preallocate_) return {};
  const std::uint64_t step =
      std::max<std::uint64_t>(limits_.preallocate_bytes, needed_end - allocated_end_);
  int error_number = 0;
  std::uint64_t end = 0;
  for (const std::uint64_t wanted : {allocated_end_ + step, needed_end}) {
    end = wanted;
    error_number = preallocate(written_.file->get(), allocated_end_, end - allocated_end_);
    if (!is_disk_full(error_number)) break;
  }
  if (error_number == 0) {
    allocated_end_ = end;
    return {};
  }
  if (error_number == EOPNOTSUPP || error_number == ENOSYS) {
    can_preallocate_ = false;
    return {};
  }
  if (is_disk_full(error_number) && reserve_ != nullptr && size <= limits_.preallocate_bytes) {
    return rotate();
  }
  return Error{Reason::AuditUnavailable,
               system_message("no room for the audit record in stream " + name_, error_number),
               {}};
}

Result<void> Stream::write(std::string_view records, const Head& head) {
  if (written_.size_bytes > 0 && written_.size_bytes + records.size() > limits_.segment_bytes)
    KH_TRY(rotate());
  if (reserve_ == nullptr && ++writes_without_reserve_ >= kReserveRetryWrites) make_reserve();
  KH_TRY(make_room(records.size()));
  const int fd = written_.file->get();
  std::size_t done = 0;
  while (done < records.size()) {
    const ssize_t n = ::pwrite(fd, records.data() + done, records.size() - done,
                               static_cast<off_t>(written_.size_bytes + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error_number = n == 0 ? ENOSPC : errno;
      // Takes back the beginning of a record. If that fails too, the next write goes over the same
      // bytes.
      [[maybe_unused]] const int cut = ::ftruncate(fd, static_cast<off_t>(written_.size_bytes));
      allocated_end_ = written_.size_bytes;
      return Error{
          Reason::AuditUnavailable,
          system_message("the audit record cannot be written in stream " + name_, error_number),
          {}};
    }
    done += static_cast<std::size_t>(n);
  }
  written_.size_bytes += records.size();
  written_.head = head;
  if (written_.size_bytes - writeback_end_ >= kWritebackBytes) {
    ::sync_file_range(fd, static_cast<off_t>(writeback_end_),
                      static_cast<off_t>(written_.size_bytes - writeback_end_),
                      SYNC_FILE_RANGE_WRITE);
    writeback_end_ = written_.size_bytes;
  }
  return {};
}

void Stream::sync(const FileDescriptor& file) {
  if (::fdatasync(file.get()) != 0) fatal(__FILE__, __LINE__, "fdatasync of the audit log failed");
}

}  // namespace keyhaven::audit
