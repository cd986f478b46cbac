// The file in which sealed keys travel between two deployments, and how it is written so that an
// export that was interrupted goes on.
//
//   "keyhaven transfer bundle 1\n", then parts: type (u8), length (u32), content, and the SHA-256
//   of type, length and content.
//   1 head      who for whom, and the target's offer (signed by the target's crypto unit)
//   2 step      one call of the export: a sealed chunk with its proof, which keys are in it, which
//               were left out and why, where the export goes on
//   3 manifest  the list of all chunks, signed by the source's crypto unit: the last part
//
// Nothing in it is secret. Its checksums find damage; forgery is found by whoever verifies offer
// and manifest (cli/transfer_review.h) and by the crypto units. The lists of keys and of what was
// left out are the source's words, which no unit signs: for people. Format:
// docs/protocols/transfer-bundle.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/id.h"
#include "base/result.h"
#include "client/transfers.h"
#include "migrate/bundle_parts.h"
#include "migrate/output.h"

namespace keyhaven::migrate {

inline constexpr std::size_t kMaxBundleChunks = 4096;
inline constexpr std::size_t kMaxBundlePartBytes = 8 * 1024 * 1024;

// All of a bundle but its chunks.
struct BundleSummary {
  BundleHead head;
  std::vector<client::ChunkProof> chunks;  // in order
  std::vector<client::TransferredKey> keys;
  std::vector<client::LeftOutKey> left_out;
  bool has_all_keys = false;  // the export has nothing more to ask for
  std::optional<KeyId> next;  // else where it goes on
  Bytes manifest;             // empty: not finished
};

// Reads a bundle from its beginning. Not thread-safe.
class BundleReader {
 public:
  // Errors: NotFound, Io, InvalidArgument (no bundle, another version, damaged).
  static Result<BundleReader> open(const std::string& path);
  const BundleHead& head() const noexcept { return head_; }
  // The next step; nothing at the end of a finished bundle. Errors: Io; InvalidArgument: damaged,
  // cut off, a chunk that is not what its digest says, steps in another order, not finished.
  Result<std::optional<client::ExportedChunk>> next();
  // After the end.
  const Bytes& manifest() const noexcept { return manifest_; }

 private:
  struct File;
  struct Delete {
    void operator()(File* file) const noexcept;
  };
  friend class BundleWriter;
  explicit BundleReader(std::unique_ptr<File, Delete> file) : file_(std::move(file)) {}
  std::unique_ptr<File, Delete> file_;
  BundleHead head_;
  Bytes manifest_;
};

// Checks a finished bundle to its end. Errors: as BundleReader.
Result<BundleSummary> read_bundle(const std::string& path);

// Writes PATH.partial, durable after each step; finish() makes it PATH. Not thread-safe; a second
// process that writes the same bundle is refused.
class BundleWriter {
 public:
  // What an earlier run left in PATH.partial, up to its last whole step; nothing when there is none
  // or it has no whole head. Errors: Io.
  static Result<std::optional<BundleSummary>> unfinished(const std::string& path);
  // A new one, in place of what an earlier run left. Errors: Io, StoreUnavailable (disk full),
  // AlreadyExists (another process writes it).
  static Result<BundleWriter> begin(const std::string& path, BundleHead head);
  // Goes on with what unfinished() told; the rest behind it is dropped. Errors: as begin();
  // NotFound.
  static Result<BundleWriter> resume(const std::string& path);

  const BundleSummary& summary() const noexcept { return summary_; }
  // Durable when it returns. Errors: BadBody (not the step that is due, or a chunk that is not what
  // its digest says); as begin().
  Result<void> add(const client::ExportedChunk& step);
  // Errors: as begin().
  Result<void> finish(ByteView manifest);

 private:
  BundleWriter(AtomicOutput output, BundleSummary summary)
      : output_(std::move(output)), summary_(std::move(summary)) {}
  Result<void> write_part(std::uint8_t type, ByteView content);
  AtomicOutput output_;
  BundleSummary summary_;
};

}  // namespace keyhaven::migrate
