#include "migrate/output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "crypto/hash.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

std::string beside(const std::string& path) { return path + ".partial"; }

}  // namespace

void StreamDigest::update(std::string_view more) {
  while (!more.empty()) {
    const std::size_t count = std::min(more.size(), kChunkBytes - chunk_.size());
    chunk_ += more.substr(0, count);
    more.remove_prefix(count);
    if (chunk_.size() < kChunkBytes) return;
    chain_ = crypto::sha256({chain_, as_bytes(chunk_)});
    chunk_.clear();
  }
}

std::string StreamDigest::hex() const { return to_hex(crypto::sha256({chain_, as_bytes(chunk_)})); }

Result<AtomicOutput> AtomicOutput::open(const std::string& path, int flags) {
  FileDescriptor fd(::open(beside(path).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!fd.valid()) {
    const Reason reason = errno == ENOENT ? Reason::NotFound : Reason::Io;
    return Error{reason, "cannot write " + beside(path) + ": " + std::strerror(errno), {}};
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Reason::AlreadyExists, beside(path) + " is being written by another process", {}};
  }
  return AtomicOutput(std::move(fd), path);
}

Result<AtomicOutput> AtomicOutput::create(const std::string& path) {
  auto out = open(path, O_CREAT);
  if (!out && out.error().reason == Reason::NotFound) {  // its directory is not there
    return Error{Reason::Io, out.error().message, {}};
  }
  // Emptied only now: until the lock is ours, the content may be another's.
  if (out && ::ftruncate(out->fd_.get(), 0) != 0) return out->failure("empty");
  return out;
}

Result<std::optional<AtomicOutput>> AtomicOutput::resume(const std::string& path,
                                                         const OutputMark& mark) {
  auto out = open(path, 0);
  if (!out && out.error().reason == Reason::NotFound) return std::optional<AtomicOutput>();
  if (!out) return std::move(out).error();
  out->is_marked_ = true;  // whatever it is, it is not removed because it is not as expected
  const bool fits = KH_TRY(out->begins_as(mark));
  if (!fits) return std::optional<AtomicOutput>();
  const auto size = static_cast<off_t>(mark.bytes);
  if (::ftruncate(out->fd_.get(), size) != 0 || ::lseek(out->fd_.get(), size, SEEK_SET) != size)
    return out->failure("cut off");
  return std::optional<AtomicOutput>(std::move(*out));
}

Result<bool> AtomicOutput::begins_as(const OutputMark& mark) {
  std::string chunk(kChunkBytes, '\0');
  while (bytes_ < mark.bytes) {
    const std::size_t most = std::min<std::uint64_t>(chunk.size(), mark.bytes - bytes_);
    const ssize_t count = ::read(fd_.get(), chunk.data(), most);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("read");
    if (count == 0) return false;
    digest_.update(std::string_view(chunk).substr(0, static_cast<std::size_t>(count)));
    bytes_ += static_cast<std::uint64_t>(count);
  }
  return digest_.hex() == mark.digest;
}

AtomicOutput::~AtomicOutput() {
  if (fd_.valid() && !is_marked_) ::unlink(beside(path_).c_str());
}

Error AtomicOutput::failure(const char* what) const {
  return Error{errno == ENOSPC || errno == EDQUOT ? Reason::StoreUnavailable : Reason::Io,
               std::string("cannot ") + what + " " + beside(path_) + ": " + std::strerror(errno),
               {}};
}

Result<void> AtomicOutput::flush() {
  for (std::string_view left = buffer_; !left.empty();) {
    const ssize_t wrote = ::write(fd_.get(), left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failure("write");
    left.remove_prefix(static_cast<std::size_t>(wrote));
  }
  digest_.update(buffer_);
  bytes_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void> AtomicOutput::write(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kChunkBytes ? Result<void>() : flush();
}

Result<OutputMark> AtomicOutput::mark() {
  KH_TRY(flush());
  if (::fdatasync(fd_.get()) != 0) return failure("make durable");
  is_marked_ = true;
  return OutputMark{bytes_, digest_.hex()};
}

Result<void> AtomicOutput::finish() {
  KH_TRY(flush());
  if (::fsync(fd_.get()) != 0) return failure("make durable");
  if (::rename(beside(path_).c_str(), path_.c_str()) != 0) return failure("rename");
  fd_.reset();
  const std::size_t slash = path_.rfind('/');
  sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash));
  return {};
}

}  // namespace keyhaven::migrate
