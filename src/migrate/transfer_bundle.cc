#include "migrate/transfer_bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/wire.h"
#include "crypto/hash.h"

namespace keyhaven::migrate {
namespace {

constexpr std::string_view kMagic = "keyhaven transfer bundle 1\n";
constexpr std::size_t kMaxManifestBytes = 1024 * 1024;
constexpr std::size_t kPartHeadBytes = 5;

enum PartType : std::uint8_t { kHead = 1, kStep = 2, kManifest = 3 };

struct Part {
  std::uint8_t type = 0;
  Bytes content;
};

Error damaged(const std::string& path, std::string_view what) {
  return {Reason::InvalidArgument,
          path + ": " + std::string(what) +
              "; export it again, or fetch the file again from where it was made",
          "bundle"};
}

Digest checksum_of(ByteView part_head, ByteView content) {
  return crypto::sha256({part_head, content});
}

Bytes part_head(std::uint8_t type, std::size_t size) {
  Bytes out;
  Writer w(out);
  w.u8(type);
  w.u32(static_cast<std::uint32_t>(size));
  return out;
}

// Whether `step` is the one that comes after `so_far`; why not, else.
std::string_view misfit(const BundleSummary& so_far, const client::ExportedChunk& step) {
  if (so_far.has_all_keys) return "a step follows the last one";
  if (step.index != so_far.chunks.size()) return "its chunks are not in order";
  if (so_far.chunks.size() >= kMaxBundleChunks) return "it has too many chunks";
  if (step.chunk.size() > kMaxBundleChunkBytes) return "a chunk is larger than it may be";
  if (!step.chunk.empty() && crypto::sha256(step.chunk) != step.proof.digest)
    return "a chunk is not what its digest says";
  // A source that never comes to an end would fill the disk.
  if (step.next && so_far.next && !(*so_far.next < *step.next))
    return "the source goes back in its list of keys";
  return {};
}

void append(BundleSummary& summary, const client::ExportedChunk& step) {
  if (!step.chunk.empty()) summary.chunks.push_back(step.proof);
  summary.keys.insert(summary.keys.end(), step.keys.begin(), step.keys.end());
  summary.left_out.insert(summary.left_out.end(), step.left_out.begin(), step.left_out.end());
  summary.next = step.next;
  summary.has_all_keys = !step.next;
}

}  // namespace

// --- Reading ---

struct BundleReader::File {
  FileDescriptor fd;
  std::string path;
  std::uint64_t left = 0;   // bytes behind the last whole part
  std::uint64_t whole = 0;  // bytes up to its end
  StreamDigest digest;      // of these
  BundleSummary summary;    // but for the head's

  // `size` bytes; fewer only at the file's end.
  Result<Bytes> read(std::size_t size) {
    Bytes out(size);
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::read(fd.get(), out.data() + done, size - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        return Error{Reason::Io, "cannot read " + path + ": " + std::strerror(errno), "bundle"};
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    out.resize(done);
    return out;
  }

  void pass(ByteView bytes) {
    digest.update(as_text(bytes));
    whole += bytes.size();
    left -= std::min<std::uint64_t>(left, bytes.size());
  }

  // nullopt: what follows is no whole part.
  Result<std::optional<Part>> part() {
    const Bytes head = KH_TRY(read(kPartHeadBytes));
    Reader r(head);
    Part out;
    out.type = r.u8();
    const std::uint32_t size = r.u32();
    if (!r.ok() || size > kMaxBundlePartBytes || kPartHeadBytes + size + sizeof(Digest) > left)
      return std::optional<Part>();
    out.content = KH_TRY(read(size));
    const Bytes checksum = KH_TRY(read(sizeof(Digest)));
    const Digest expected = checksum_of(head, out.content);
    if (out.content.size() != size || !std::ranges::equal(checksum, expected))
      return std::optional<Part>();
    pass(head);
    pass(out.content);
    pass(checksum);
    return std::optional<Part>(std::move(out));
  }
};

void BundleReader::Delete::operator()(File* file) const noexcept { delete file; }

Result<BundleReader> BundleReader::open(const std::string& path) {
  BundleReader out(std::unique_ptr<File, Delete>(new File));
  File& file = *out.file_;
  file.path = path;
  file.fd = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (!file.fd.valid() || ::fstat(file.fd.get(), &about) != 0) {
    return Error{errno == ENOENT ? Reason::NotFound : Reason::Io,
                 "cannot read " + path + ": " + std::strerror(errno), "bundle"};
  }
  file.left = static_cast<std::uint64_t>(about.st_size);
  const Bytes magic = KH_TRY(file.read(kMagic.size()));
  if (as_text(magic) != kMagic)
    return damaged(path, "it is no bundle of keys, or one of another version");
  file.pass(magic);
  const auto part = KH_TRY(file.part());
  auto head = part && part->type == kHead ? decode_bundle_head(part->content) : std::nullopt;
  if (!head) return damaged(path, "its head is damaged or cut off");
  out.head_ = std::move(*head);
  return out;
}

Result<std::optional<client::ExportedChunk>> BundleReader::next() {
  File& file = *file_;
  if (!manifest_.empty()) return std::optional<client::ExportedChunk>();
  auto part = KH_TRY(file.part());
  if (!part && file.left == 0)
    return damaged(file.path, "it is not finished: its manifest is missing");
  if (!part) return damaged(file.path, "it is damaged or cut off");
  if (part->type == kManifest) {
    if (part->content.empty() || part->content.size() > kMaxManifestBytes || file.left > 0)
      return damaged(file.path, "something follows its manifest");
    if (!file.summary.has_all_keys) return damaged(file.path, "steps are missing in it");
    manifest_ = std::move(part->content);
    return std::optional<client::ExportedChunk>();
  }
  auto step = part->type == kStep ? decode_bundle_step(part->content) : std::nullopt;
  if (!step) return damaged(file.path, "one of its parts is none that this version knows");
  const std::string_view wrong = misfit(file.summary, *step);
  if (!wrong.empty()) return damaged(file.path, wrong);
  append(file.summary, *step);
  return step;
}

Result<BundleSummary> read_bundle(const std::string& path) {
  BundleReader reader = KH_TRY(BundleReader::open(path));
  BundleSummary out;
  out.head = reader.head();
  for (;;) {
    const auto step = KH_TRY(reader.next());
    if (!step) break;
    append(out, *step);
  }
  out.manifest = reader.manifest();
  return out;
}

// --- Writing ---

Result<std::optional<BundleSummary>> BundleWriter::unfinished(const std::string& path) {
  auto reader = BundleReader::open(path + ".partial");
  if (!reader && reader.error().reason == Reason::Io) return std::move(reader).error();
  if (!reader) return std::optional<BundleSummary>();
  for (;;) {
    const auto step = reader->next();
    if (!step && step.error().reason == Reason::Io) return step.error();
    if (!step || !*step) break;
  }
  BundleSummary out = std::move(reader->file_->summary);
  out.head = reader->head();
  return std::optional<BundleSummary>(std::move(out));
}

Result<BundleWriter> BundleWriter::begin(const std::string& path, BundleHead head) {
  AtomicOutput output = KH_TRY(AtomicOutput::create(path));
  BundleSummary summary;
  summary.head = std::move(head);
  BundleWriter out(std::move(output), std::move(summary));
  KH_TRY(out.output_.write(kMagic));
  KH_TRY(out.write_part(kHead, encode_bundle_head(out.summary_.head)));
  return out;
}

Result<BundleWriter> BundleWriter::resume(const std::string& path) {
  auto reader = KH_TRY(BundleReader::open(path + ".partial"));
  OutputMark mark{reader.file_->whole, reader.file_->digest.hex()};
  for (;;) {
    const auto step = reader.next();
    if (!step && step.error().reason == Reason::Io) return step.error();
    if (!step || !*step) break;
    mark = {reader.file_->whole, reader.file_->digest.hex()};
  }
  auto output = KH_TRY(AtomicOutput::resume(path, mark));
  if (!output)
    return Error{Reason::NotFound, path + ".partial has changed while it was read", "bundle"};
  BundleSummary summary = std::move(reader.file_->summary);
  summary.head = reader.head();
  return BundleWriter(std::move(*output), std::move(summary));
}

Result<void> BundleWriter::write_part(std::uint8_t type, ByteView content) {
  if (content.size() > kMaxBundlePartBytes)
    return Error{Reason::TooLarge, "a step of the export is larger than a bundle can hold", {}};
  const Bytes head = part_head(type, content.size());
  KH_TRY(output_.write(as_text(head)));
  KH_TRY(output_.write(as_text(content)));
  KH_TRY(output_.write(as_text(checksum_of(head, content))));
  const OutputMark durable = KH_TRY(output_.mark());
  static_cast<void>(durable);
  return {};
}

Result<void> BundleWriter::add(const client::ExportedChunk& step) {
  const std::string_view wrong = misfit(summary_, step);
  if (!wrong.empty())
    return Error{Reason::BadBody, "the source's answer: " + std::string(wrong), "chunk"};
  KH_TRY(write_part(kStep, encode_bundle_step(step)));
  append(summary_, step);
  return {};
}

Result<void> BundleWriter::finish(ByteView manifest) {
  KH_ASSERT(summary_.has_all_keys && !manifest.empty());
  KH_TRY(write_part(kManifest, manifest));
  return output_.finish();
}

}  // namespace keyhaven::migrate
