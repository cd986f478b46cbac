#include "audit/backwards.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "audit/record.h"
#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

// A search has one reader open for each stream.
constexpr std::uint64_t kBlockBytes = 64 * 1024;

}  // namespace

Result<BackwardReader> BackwardReader::open(const std::string& path, std::uint64_t end) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0)
    return Error{Reason::Io, system_message("audit segment " + path, errno), {}};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return BackwardReader(std::move(file), size, std::min(end, size));
}

// Puts the block before the buffer and drops what was handed out.
Result<void> BackwardReader::read_block() {
  const std::uint64_t size = std::min(buffer_begin_, kBlockBytes);
  const auto kept = static_cast<std::size_t>(line_begin_ - buffer_begin_);
  std::string next(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < next.size()) {
    const ssize_t got = ::pread(file_.get(), next.data() + done, next.size() - done,
                                static_cast<off_t>(buffer_begin_ - size + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{Reason::Io, system_message("reading an audit segment", errno), {}};
    if (got == 0) break;  // cut meanwhile: the zeros that are left are no record
    done += static_cast<std::size_t>(got);
  }
  next.append(buffer_, 0, kept);
  buffer_ = std::move(next);
  buffer_begin_ -= size;
  return {};
}

Result<std::optional<std::string_view>> BackwardReader::previous() {
  const std::uint64_t end = line_begin_;
  if (end == 0) return std::optional<std::string_view>();
  if (buffer_begin_ == end) KH_TRY(read_block());
  is_finished_ = buffer_[static_cast<std::size_t>(end - buffer_begin_) - 1] == '\n';
  const std::uint64_t text_end = end - (is_finished_ ? 1 : 0);
  for (;;) {
    const auto size = static_cast<std::size_t>(text_end - buffer_begin_);
    const std::size_t newline = std::string_view(buffer_).substr(0, size).rfind('\n');
    const bool is_found = newline != std::string_view::npos;
    if (is_found || buffer_begin_ == 0 || size > kMaxRecordBytes) {
      const std::size_t begin = is_found ? newline + 1 : 0;
      line_begin_ = buffer_begin_ + begin;
      return std::optional(std::string_view(buffer_).substr(begin, size - begin));
    }
    KH_TRY(read_block());
  }
}

}  // namespace keyhaven::audit
