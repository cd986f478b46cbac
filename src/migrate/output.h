// Output files that are whole or not there, and that an interrupted run can go on with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"

namespace keyhaven::migrate {

// SHA-256 over a stream, chained by chunks of 64 KiB, so that it can be asked for at any moment and
// gone on with. Not for secrets: it keeps up to a chunk of what it was given.
class StreamDigest {
 public:
  void update(std::string_view more);
  std::string hex() const;

 private:
  Digest chain_{};
  std::string chunk_;
};

// How much of a file was durable at some moment, and what it was.
struct OutputMark {
  std::uint64_t bytes = 0;
  std::string digest;  // StreamDigest::hex
};

// Written as PATH.partial (0600), fsynced and renamed to PATH by finish(). Not thread-safe; a
// second process that writes the same file is refused.
class AtomicOutput {
 public:
  // Errors: Io, AlreadyExists (another process writes it).
  static Result<AtomicOutput> create(const std::string& path);
  // Goes on with the PATH.partial that an earlier run left, cut off at `mark`. nullopt when it is
  // not there or does not begin as the mark says. Errors: as create().
  static Result<std::optional<AtomicOutput>> resume(const std::string& path,
                                                    const OutputMark& mark);
  AtomicOutput(AtomicOutput&&) noexcept = default;
  AtomicOutput& operator=(AtomicOutput&&) = delete;
  // Without a finish() that succeeded: PATH.partial is removed, unless it was marked.
  ~AtomicOutput();
  // Errors: Io, StoreUnavailable (disk full).
  Result<void> write(std::string_view text);
  // Makes everything so far durable; from now on a run that fails leaves PATH.partial. Errors: as
  // write().
  Result<OutputMark> mark();
  Result<void> finish();

 private:
  AtomicOutput(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  static Result<AtomicOutput> open(const std::string& path, int flags);
  Result<bool> begins_as(const OutputMark& mark);
  Result<void> flush();
  Error failure(const char* what) const;
  FileDescriptor fd_;
  std::string path_;
  std::string buffer_;
  StreamDigest digest_;
  std::uint64_t bytes_ = 0;
  bool is_marked_ = false;
};

}  // namespace keyhaven::migrate
