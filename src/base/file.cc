#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>

namespace keyhaven {

namespace {

// Thread-safe text of an errno, unlike strerror.
std::string errno_text(int number) { return std::generic_category().message(number); }

Error io_error(const char* what, const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return Error{full ? Reason::StoreUnavailable : Reason::Io,
               std::string(what) + " " + path + ": " + errno_text(number),
               {}};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void sync_or_die(int fd) {
  if (::fsync(fd) != 0) {
    fatal(__FILE__, __LINE__, "fsync failed: written data may be lost; stop and check the disk");
  }
}

FileDescriptor open_retrying(const std::string& path, int flags, unsigned mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return FileDescriptor(fd);
}

// 0, or an errno.
int write_all(int fd, ByteView content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

std::span<std::uint8_t> span_of(Bytes& buffer) { return buffer; }
std::span<std::uint8_t> span_of(SecretBytes& buffer) { return buffer.expose_mutable(); }
void cut(Bytes& buffer, std::size_t size) { buffer.resize(size); }
void cut(SecretBytes& buffer, std::size_t size) { buffer.shrink(size); }

template <class Buffer>
Buffer grown(Buffer& old, std::size_t size) {
  Buffer out(size);
  const auto from = span_of(old);
  std::copy(from.begin(), from.end(), span_of(out).begin());
  return out;
}

// Reads to the end. The buffer starts one byte larger than the size the file system tells, so that
// the usual file is read without growing; pipes and /proc files tell nothing and grow by doubling.
template <class Buffer>
Result<Buffer> read_whole(const std::string& path, std::size_t limit) {
  const FileDescriptor fd = open_retrying(path, O_RDONLY);
  if (!fd.valid()) {
    if (errno != ENOENT) return io_error("cannot open", path, errno);
    return Error{Reason::NotFound, "there is no file " + path, {}};
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error("cannot inspect", path, errno);
  const auto too_large = [&] {
    return Error{
        Reason::TooLarge,
        "file " + path + " is larger than the limit of " + std::to_string(limit) + " bytes",
        {}};
  };
  const auto told = static_cast<std::size_t>(info.st_size > 0 ? info.st_size : 0);
  if (told > limit) return too_large();
  Buffer buffer(std::min(std::max<std::size_t>(told, 255), limit) + 1);
  std::size_t filled = 0;
  while (true) {
    if (filled == span_of(buffer).size()) {
      if (filled > limit) return too_large();
      buffer = grown(buffer, std::min(filled * 2, limit + 1));
    }
    const auto free = span_of(buffer).subspan(filled);
    const ssize_t n = ::read(fd.get(), free.data(), free.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", path, errno);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  if (filled > limit) return too_large();
  cut(buffer, filled);
  return buffer;
}

// A new file beside `path`, complete and on disk. Removed on destruction unless it was renamed
// away.
class TemporaryFile {
 public:
  static Result<TemporaryFile> write(const std::string& path, ByteView content, unsigned mode) {
    static std::atomic<unsigned> counter{0};
    TemporaryFile out;
    out.path_ = path + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    ::unlink(out.path_.c_str());  // left by a crashed process that had this id
    const FileDescriptor fd =
        open_retrying(out.path_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!fd.valid()) {
      const int number = errno;
      out.path_.clear();
      return io_error("cannot create a file beside", path, number);
    }
    const int failure = write_all(fd.get(), content);
    if (failure != 0) return io_error("cannot write", path, failure);
    if (::fchmod(fd.get(), mode) != 0) return io_error("cannot set the mode of", path, errno);
    sync_or_die(fd.get());
    return out;
  }
  TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void renamed() { path_.clear(); }

 private:
  TemporaryFile() = default;
  std::string path_;
};

// Creates one directory unless it exists.
Result<void> make_one(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) {
    // By descriptor: the server gives up chmod by name (server/confine.h).
    const FileDescriptor fd = open_retrying(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (!fd.valid() || ::fchmod(fd.get(), mode) != 0)
      return io_error("cannot set the mode of", path, errno);
    sync_directory(parent_of(path));
    return {};
  }
  const int number = errno;
  struct stat info {};
  if (number == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  return io_error("cannot create directory", path, number == EEXIST ? ENOTDIR : number);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void FileDescriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Bytes> read_file(const std::string& path, std::size_t limit) {
  return read_whole<Bytes>(path, limit);
}

Result<SecretBytes> read_secret_file(const std::string& path, std::size_t limit) {
  return read_whole<SecretBytes>(path, limit);
}

Result<void> write_file_atomic(const std::string& path, ByteView content, unsigned mode) {
  TemporaryFile file = KH_TRY(TemporaryFile::write(path, content, mode));
  if (::rename(file.path().c_str(), path.c_str()) != 0) {
    return io_error("cannot replace", path, errno);
  }
  file.renamed();
  sync_directory(parent_of(path));
  return {};
}

Result<void> create_file(const std::string& path, ByteView content, unsigned mode) {
  const TemporaryFile file = KH_TRY(TemporaryFile::write(path, content, mode));
  // link, unlike rename, refuses to replace.
  if (::link(file.path().c_str(), path.c_str()) != 0) {
    if (errno != EEXIST) return io_error("cannot create", path, errno);
    return Error{Reason::AlreadyExists, "file " + path + " exists already", {}};
  }
  sync_directory(parent_of(path));
  return {};
}

Result<void> make_directory(const std::string& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (slash + 1 < path.size()) KH_TRY(make_one(path.substr(0, slash), 0755));
  }
  return make_one(path, mode);
}

void sync_directory(const std::string& path) {
  const FileDescriptor fd = open_retrying(path, O_RDONLY | O_DIRECTORY);
  if (!fd.valid()) fatal(__FILE__, __LINE__, "cannot open a directory to fsync it");
  sync_or_die(fd.get());
}

Result<DirectoryLock> DirectoryLock::acquire(const std::string& directory) {
  const std::string path = directory + "/LOCK";
  FileDescriptor fd = open_retrying(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!fd.valid()) return io_error("cannot open", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("cannot lock", path, errno);
    char holder[24] = {};
    const ssize_t n = ::pread(fd.get(), holder, sizeof holder - 1, 0);
    const std::string process =
        n > 0 ? std::string(holder, static_cast<std::size_t>(n)) : "unknown";
    return Error{
        Reason::AlreadyExists, "directory " + directory + " is in use by process " + process, {}};
  }
  // The number is for the message above; the lock itself is the kernel's and ends with the process.
  const std::string own = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), own.data(), own.size(), 0) < 0) {
    return io_error("cannot write", path, errno);
  }
  return DirectoryLock(std::move(fd));
}

}  // namespace keyhaven
