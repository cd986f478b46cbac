// The journal of stored records on disk: `records` in the unit's state directory. Sealed frames are
// appended; a new generation replaces the file when most of it is out of date. Source:
// docs/protocols/record-seal.md.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/secret_bytes.h"
#include "unit/record_sinks.h"

namespace keyhaven::unitd {

inline constexpr std::size_t kRecordFileHeaderSize = 24;
inline constexpr std::size_t kRecordFrameHeaderSize = 24;

// A sealed frame for a journal with this header. `number` counts from 0; `durable` is how many
// frames were on the disk for certain when this one was written.
Bytes seal_record_frame(const SecretBytes& journal_key, ByteView file_header, std::uint64_t number,
                        std::uint64_t durable, ByteView entry);
// For the worked example only: the nonce (24 bytes) is given.
Bytes seal_record_frame_with_nonce_for_example(const SecretBytes& journal_key, ByteView file_header,
                                               std::uint64_t number, std::uint64_t durable,
                                               ByteView entry, ByteView nonce);

// Used by one thread at a time (RecordTable's lock). Whoever uses it holds the directory's lock. An
// fsync that fails stops the process.
class RecordFile final : public unit::RecordSink {
 public:
  // Key of kRecordKeySize bytes.
  RecordFile(const std::string& directory, SecretBytes journal_key);

  // Reads the file and hands each entry to `replay`. A last part that was not durable yet, torn by
  // a loss of power, is left out and cut off. Errors: NotFound, InvalidArgument (not a journal,
  // damaged where it was durable, of another key, refused by `replay`), Io.
  enum class Tail : std::uint8_t { Whole, Torn };
  Result<Tail> load(const std::function<Result<void>(ByteView)>& replay);

  // Errors of both: StoreUnavailable (disk full), Io.
  Result<void> append(ByteView entry, Durability durability) override;
  Result<void> replace(const Entries& next) override;  // also makes the first file
  // Larger than 4 MiB and than twice what matters.
  bool is_oversized(std::uint64_t live_bytes) const override;

 private:
  std::string path_;
  std::string directory_;
  SecretBytes journal_key_;
  FileDescriptor fd_;
  Bytes header_;
  std::uint64_t size_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t not_before_ = 0;  // size below which a failed replacement is not tried again
};

}  // namespace keyhaven::unitd
