#include "audit/segment.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "audit/record.h"

namespace keyhaven::audit {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kNumberDigits = 8;
constexpr std::string_view kSuffix = ".log";

bool is_stream_name(std::string_view name) {
  if (name == "management" || name == "checkpoint") return true;
  std::uint64_t number = 0;
  return take(name, "loop-") && take_number(name, number) && name.empty() && number < 4096;
}

// Splits "loop-0.00000001.log"; false for any other file.
bool parse_segment_name(std::string_view file, std::string_view& stream, std::uint32_t& segment) {
  if (!file.ends_with(kSuffix)) return false;
  file.remove_suffix(kSuffix.size());
  if (file.size() <= kNumberDigits + 1) return false;
  const std::string_view digits = file.substr(file.size() - kNumberDigits);
  segment = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    segment = segment * 10 + static_cast<std::uint32_t>(c - '0');
  }
  file.remove_suffix(kNumberDigits);
  if (file.back() != '.' || segment == 0) return false;
  stream = file.substr(0, file.size() - 1);
  return is_stream_name(stream);
}

}  // namespace

std::string segment_path(const std::string& directory, std::string_view stream,
                         std::uint32_t segment) {
  char number[16];
  std::snprintf(number, sizeof number, ".%08u", segment);
  return directory + "/" + std::string(stream) + number + std::string(kSuffix);
}

std::string reserve_path(const std::string& directory, std::string_view stream) {
  return directory + "/" + std::string(stream) + ".reserve";
}

Result<SegmentLists> list_segments(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), &::closedir);
  if (!dir) return Error{Reason::Io, system_message("audit directory " + directory, errno), {}};
  SegmentLists lists;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string_view stream;
    std::uint32_t segment = 0;
    const std::string file = entry->d_name;
    if (parse_segment_name(file, stream, segment)) lists[std::string(stream)].push_back(segment);
  }
  for (auto& [stream, segments] : lists) std::sort(segments.begin(), segments.end());
  return lists;
}

std::optional<std::uint32_t> first_gap(const std::vector<std::uint32_t>& segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] != i + 1) return static_cast<std::uint32_t>(i + 1);
  }
  return std::nullopt;
}

Result<LineReader> LineReader::open(const std::string& path, std::uint64_t limit) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return Error{Reason::Io, system_message("audit segment " + path, errno), {}};
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return LineReader(std::move(file), limit);
}

Result<bool> LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t size = buffer_.size();
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, unread_));
  buffer_.resize(size + wanted);
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), buffer_.data() + size, wanted);
  } while (got < 0 && errno == EINTR);
  const int error_number = errno;
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) unread_ -= static_cast<std::uint64_t>(got);
  if (got < 0)
    return Error{Reason::Io, system_message("reading an audit segment", error_number), {}};
  return got > 0;
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t scanned = 0;
  for (;;) {
    const std::size_t newline = buffer_.find('\n', begin_ + scanned);
    const std::size_t available = buffer_.size() - begin_;
    std::size_t size = newline == std::string::npos ? available : newline - begin_;
    const bool overlong = size > kMaxRecordBytes;
    if (overlong) size = kMaxRecordBytes;
    if (newline != std::string::npos || overlong) {
      const std::string_view line(buffer_.data() + begin_, size);
      const std::size_t consumed = overlong ? size : size + 1;
      begin_ += consumed;
      line_offset_ = next_offset_;
      next_offset_ += consumed;
      return std::optional(line);
    }
    scanned = available;
    const bool more = KH_TRY(fill());
    if (!more) return std::optional<std::string_view>();
  }
}

std::string system_message(std::string_view cause, int error_number) {
  return std::string(cause) + ": " + std::generic_category().message(error_number);
}

}  // namespace keyhaven::audit
