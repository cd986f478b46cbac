#include "unitd/record_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "unit/record_journal.h"

namespace keyhaven::unitd {
namespace {

constexpr std::string_view kFileMagic = "KHRJ";
constexpr std::string_view kFrameMagic = "KHRF";
constexpr std::uint16_t kFormat = 1;
constexpr std::string_view kLabel = "keyhaven unit records journal v1";
constexpr std::uint64_t kLeastOversize = std::uint64_t{4} * 1024 * 1024;
constexpr std::size_t kMostSealedBytes = unit::kMaxRecordEntryBytes + crypto::kXaesOverhead;
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

Error disk_error(const char* what, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return Error{full ? Reason::StoreUnavailable : Reason::Io,
               std::string(what) +
                   " the journal of stored records: " + std::generic_category().message(number),
               {}};
}

Error damaged(const char* what) {
  return Error{Reason::InvalidArgument, std::string("the journal of stored records ") + what, {}};
}

crypto::XaesKey key_of(const SecretBytes& journal_key, ByteView file_header) {
  const ByteView id = file_header.subspan(8);
  return crypto::XaesKey(crypto::hkdf_sha256(journal_key, id, kLabel, crypto::kXaesKeySize));
}

Bytes frame_header(std::uint64_t number, std::uint64_t durable, std::size_t sealed_size) {
  Bytes out;
  Writer writer(out);
  writer.raw(as_bytes(kFrameMagic));
  writer.u64(number);
  writer.u64(durable);
  writer.u32(static_cast<std::uint32_t>(sealed_size));
  return out;
}

Bytes aad_of(ByteView file_header, ByteView frame) {
  Bytes out = to_bytes(file_header);
  append(out, frame.first(kRecordFrameHeaderSize));
  return out;
}

struct FrameView {
  std::uint64_t number = 0;
  std::uint64_t durable = 0;
  ByteView whole;  // header and sealed entry
};

// The frame at the start of `bytes`, if it could be one.
std::optional<FrameView> frame_at(ByteView bytes) {
  Reader reader(bytes);
  if (as_text(reader.raw(kFrameMagic.size())) != kFrameMagic) return std::nullopt;
  FrameView out;
  out.number = reader.u64();
  out.durable = reader.u64();
  const std::size_t size = reader.u32();
  if (!reader.ok() || size <= crypto::kXaesOverhead || size > kMostSealedBytes ||
      size > reader.remaining()) {
    return std::nullopt;
  }
  out.whole = bytes.first(kRecordFrameHeaderSize + size);
  return out;
}

// A file, mapped for reading.
class Mapping {
 public:
  Mapping(int fd, std::size_t size) : size_(size) {
    if (size != 0) at_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (ok() && size_ != 0) ::munmap(at_, size_);
  }
  bool ok() const noexcept { return at_ != MAP_FAILED; }
  ByteView bytes() const noexcept { return {static_cast<const std::uint8_t*>(at_), size_}; }

 private:
  void* at_ = nullptr;
  std::size_t size_;
};

// 0, or an errno.
int write_at(int fd, ByteView bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return 0;
}

void sync_or_die(int fd) {
  if (::fdatasync(fd) != 0)
    fatal(__FILE__, __LINE__, "fdatasync failed: written data may be lost; stop, check the disk");
}

void cut_or_die(int fd, std::uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0)
    fatal(__FILE__, __LINE__, "the journal of stored records cannot be cut to its last good frame");
}

// Reads frames until one is not good.
class JournalReader {
 public:
  JournalReader(crypto::XaesKey& key, ByteView content) : key_(key), content_(content) {}
  std::size_t good_bytes() const noexcept { return at_; }
  std::uint64_t frames() const noexcept { return number_; }

  // Nothing at the end, or where a frame is not good.
  std::optional<SecretBytes> next() {
    const auto frame = frame_at(content_.subspan(at_));
    if (!frame || frame->number != number_) return std::nullopt;
    auto entry = open(*frame);
    if (!entry) return std::nullopt;
    at_ += frame->whole.size();
    ++number_;
    return std::move(entry).value();
  }

  // Whether a later frame proves that the one that is not good was durable: it is damage then, and
  // no write that a loss of power has cut short.
  bool is_durable_part_damaged() {
    const std::string_view text = as_text(content_);
    for (std::size_t pos = text.find(kFrameMagic, at_); pos != std::string_view::npos;
         pos = text.find(kFrameMagic, pos + 1)) {
      const auto frame = frame_at(content_.subspan(pos));
      if (frame && frame->durable > number_ && open(*frame)) return true;
    }
    return false;
  }

 private:
  Result<SecretBytes> open(const FrameView& frame) {
    return key_.open(frame.whole.subspan(kRecordFrameHeaderSize),
                     aad_of(content_.first(kRecordFileHeaderSize), frame.whole));
  }
  crypto::XaesKey& key_;
  ByteView content_;
  std::size_t at_ = kRecordFileHeaderSize;
  std::uint64_t number_ = 0;
};

}  // namespace

Bytes seal_record_frame(const SecretBytes& journal_key, ByteView file_header, std::uint64_t number,
                        std::uint64_t durable, ByteView entry) {
  Bytes out = frame_header(number, durable, entry.size() + crypto::kXaesOverhead);
  append(out, key_of(journal_key, file_header).seal(entry, aad_of(file_header, out)));
  return out;
}

Bytes seal_record_frame_with_nonce_for_example(const SecretBytes& journal_key, ByteView file_header,
                                               std::uint64_t number, std::uint64_t durable,
                                               ByteView entry, ByteView nonce) {
  Bytes out = frame_header(number, durable, entry.size() + crypto::kXaesOverhead);
  const Bytes sealed = key_of(journal_key, file_header)
                           .seal_with_nonce_for_vectors(nonce, entry, aad_of(file_header, out));
  append(out, nonce);
  append(out, sealed);
  return out;
}

RecordFile::RecordFile(const std::string& directory, SecretBytes journal_key)
    : path_(directory + "/records"), directory_(directory), journal_key_(std::move(journal_key)) {}

Result<RecordFile::Tail> RecordFile::load(const std::function<Result<void>(ByteView)>& replay) {
  FileDescriptor fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() && errno == ENOENT)
    return Error{Reason::NotFound, "the journal of stored records is gone", {}};
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return disk_error("cannot open", errno);
  const Mapping mapping(fd.get(), static_cast<std::size_t>(info.st_size));
  if (!mapping.ok()) return disk_error("cannot read", errno);
  const ByteView content = mapping.bytes();
  Reader head(content);
  const bool is_journal = as_text(head.raw(kFileMagic.size())) == kFileMagic;
  const std::uint16_t format = head.u16();
  if (!is_journal || content.size() < kRecordFileHeaderSize) return damaged("is not one");
  if (format != kFormat) return damaged("was written by another version of this program");

  header_ = to_bytes(content.first(kRecordFileHeaderSize));
  crypto::XaesKey key = key_of(journal_key_, header_);
  JournalReader reader(key, content);
  while (auto entry = reader.next()) KH_TRY(replay(entry->expose()));
  frames_ = durable_ = reader.frames();
  size_ = reader.good_bytes();
  fd_ = std::move(fd);
  if (size_ == content.size()) return Tail::Whole;
  // The first frames are written before the file has its name.
  if (frames_ == 0) return damaged("is damaged, or of another unit");
  if (reader.is_durable_part_damaged()) return damaged("is damaged");
  cut_or_die(fd_.get(), size_);
  sync_or_die(fd_.get());
  return Tail::Torn;
}

Result<void> RecordFile::append(ByteView entry, Durability durability) {
  const Bytes frame = seal_record_frame(journal_key_, header_, frames_, durable_, entry);
  if (const int failure = write_at(fd_.get(), frame, size_); failure != 0) {
    cut_or_die(fd_.get(), size_);
    return disk_error("cannot write", failure);
  }
  size_ += frame.size();
  ++frames_;
  if (durability == Durability::Process) return {};
  sync_or_die(fd_.get());
  durable_ = frames_;
  return {};
}

bool RecordFile::is_oversized(std::uint64_t live_bytes) const {
  return size_ > std::max(kLeastOversize, 2 * live_bytes) && size_ >= not_before_;
}

Result<void> RecordFile::replace(const Entries& next) {
  not_before_ = size_ + size_ / 4;
  const std::string temporary = path_ + ".new";
  ::unlink(temporary.c_str());  // left by a process that died
  FileDescriptor fd(
      ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return disk_error("cannot create", errno);
  Bytes header;
  Writer writer(header);
  writer.raw(as_bytes(kFileMagic));
  writer.u16(kFormat);
  writer.u16(0);
  Bytes id(16);
  crypto::random_bytes(id);
  writer.raw(id);
  crypto::XaesKey key = key_of(journal_key_, header);

  Bytes buffer = header;
  std::uint64_t written = 0;
  std::uint64_t frames = 0;
  const auto flush = [&]() -> Result<void> {
    const int failure = write_at(fd.get(), buffer, written);
    written += buffer.size();
    buffer.clear();
    if (failure == 0) return {};
    ::unlink(temporary.c_str());
    return disk_error("cannot write", failure);
  };
  while (const auto entry = next()) {
    // Durable before the file gets its name.
    const Bytes frame = frame_header(frames, frames + 1, entry->size() + crypto::kXaesOverhead);
    ++frames;
    keyhaven::append(buffer, frame);
    keyhaven::append(buffer, key.seal(*entry, aad_of(header, frame)));
    if (buffer.size() >= kWriteBytes) KH_TRY(flush());
  }
  KH_TRY(flush());
  sync_or_die(fd.get());
  if (::rename(temporary.c_str(), path_.c_str()) != 0) {
    const int failure = errno;
    ::unlink(temporary.c_str());
    return disk_error("cannot replace", failure);
  }
  sync_directory(directory_);
  fd_ = std::move(fd);
  header_ = std::move(header);
  size_ = written;
  frames_ = durable_ = frames;
  not_before_ = 0;
  return {};
}

}  // namespace keyhaven::unitd
