// Files that survive a crash: whole-file reads with a limit, atomic replacement with fsync of file
// and directory, and a directory lock. An fsync that fails is fatal: the kernel may have dropped
// the pages already.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven {

// Owns a file descriptor; closes it. -1 is empty.
class FileDescriptor {
 public:
  FileDescriptor() noexcept = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }
  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// Reads a whole file of at most `limit` bytes. Errors: NotFound, TooLarge, Io (message names path
// and errno text).
Result<Bytes> read_file(const std::string& path, std::size_t limit);
Result<SecretBytes> read_secret_file(const std::string& path, std::size_t limit);

// Writes `path` so that a crash leaves the old or the new content: temporary file in the same
// directory with `mode`, write, fsync, rename, fsync of the directory. Errors: Io, StoreUnavailable
// when the disk is full.
Result<void> write_file_atomic(const std::string& path, ByteView content, unsigned mode);

// Creates `path` with `mode` if it does not exist, fsynced as above. Errors: AlreadyExists, Io.
Result<void> create_file(const std::string& path, ByteView content, unsigned mode);

// mkdir -p with `mode` for the last component. Errors: Io.
Result<void> make_directory(const std::string& path, unsigned mode);

// fsync of a directory after entries changed; failure is fatal.
void sync_directory(const std::string& path);

// Takes an exclusive lock on `directory`/LOCK for the life of the object; a second holder is
// refused.
class DirectoryLock {
 public:
  // Errors: AlreadyExists (message: in use by process N), Io.
  static Result<DirectoryLock> acquire(const std::string& directory);

 private:
  explicit DirectoryLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace keyhaven
