#include "unitd/state_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::unitd {
namespace {

constexpr std::string_view kMagic = "KHSS";
constexpr std::uint16_t kFormat = 1;
constexpr std::uint16_t kMethodKeyFile = 1;
constexpr std::size_t kKeyIdSize = 16;
constexpr std::string_view kKeyLabel = "keyhaven unit state file v1";
constexpr std::string_view kKeyIdLabel = "keyhaven unit state key id v1";

// Tells a wrong key from a damaged file; says nothing about the key's bytes.
SecretBytes key_id(const SecretBytes& sealing_key) {
  return crypto::hkdf_sha256(sealing_key, {}, kKeyIdLabel, kKeyIdSize);
}

crypto::XaesKey state_key(const SecretBytes& sealing_key) {
  return crypto::XaesKey(crypto::hkdf_sha256(sealing_key, {}, kKeyLabel, crypto::kXaesKeySize));
}

Bytes header(const SecretBytes& sealing_key, std::uint64_t counter) {
  Bytes out;
  Writer writer(out);
  writer.raw(as_bytes(kMagic));
  writer.u16(kFormat);
  writer.u16(kMethodKeyFile);
  writer.u64(counter);
  writer.raw(key_id(sealing_key).expose());
  return out;
}

Error wrong(std::string message) { return Error{Reason::InvalidArgument, std::move(message), ""}; }

Result<bool> exists(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return Error{Reason::Io, "cannot examine " + path, ""};
}

Result<SecretBytes> read_sealing_key(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return Error{Reason::Io, "cannot examine the sealing key " + path, ""};
  if (!S_ISREG(info.st_mode)) return wrong("the sealing key " + path + " is not a file");
  if ((info.st_mode & 077) != 0 || info.st_uid != ::geteuid()) {
    return wrong("the sealing key " + path +
                 " must belong to the unit's user and be closed to others; " +
                 "run `chmod 600` and `chown` on it");
  }
  SecretBytes key = KH_TRY(read_secret_file(path, kSealingKeySize));
  if (key.size() != kSealingKeySize) {
    return wrong("the sealing key " + path + " has " + std::to_string(key.size()) +
                 " bytes, expected " + std::to_string(kSealingKeySize));
  }
  return key;
}

}  // namespace

Bytes seal_state(const SecretBytes& sealing_key, std::uint64_t counter, const SecretBytes& state) {
  Bytes out = header(sealing_key, counter);
  const Bytes sealed = state_key(sealing_key).seal(state.expose(), out);
  append(out, sealed);
  return out;
}

Bytes seal_state_with_nonce_for_example(const SecretBytes& sealing_key, std::uint64_t counter,
                                        const SecretBytes& state, ByteView nonce) {
  Bytes out = header(sealing_key, counter);
  const Bytes sealed =
      state_key(sealing_key).seal_with_nonce_for_vectors(nonce, state.expose(), out);
  append(out, nonce);
  append(out, sealed);
  return out;
}

Result<OpenedState> open_state(const SecretBytes& sealing_key, ByteView file) {
  Reader in(file);
  const std::string_view magic = as_text(in.raw(kMagic.size()));
  const std::uint16_t format = in.u16();
  const std::uint16_t method = in.u16();
  const std::uint64_t counter = in.u64();
  const ByteView id = in.raw(kKeyIdSize);
  if (!in.ok() || magic != kMagic)
    return wrong("it is not a state file of a crypto unit, or it is cut short");
  if (format != kFormat || method != kMethodKeyFile) {
    return wrong("it has format " + std::to_string(format) + ", sealing method " +
                 std::to_string(method) + "; this program knows format 1, method 1");
  }
  if (!crypto::equal_constant_time(id, key_id(sealing_key).expose())) {
    return Error{Reason::DecryptFailed,
                 "it was sealed with another sealing key; put the right key file in its place", ""};
  }
  auto state = state_key(sealing_key).open(in.rest(), file.first(kStateHeaderSize));
  if (!state) {
    return Error{Reason::DecryptFailed,
                 "it is damaged or cut short; restore the last good copy of it", ""};
  }
  return OpenedState{counter, std::move(state).value()};
}

Result<StateFile> StateFile::open(const std::string& directory, const std::string& key_file) {
  KH_TRY(make_directory(directory, 0700));
  DirectoryLock lock = KH_TRY(DirectoryLock::acquire(directory));
  const std::string path = directory + "/state";
  const bool has_state = KH_TRY(exists(path));
  const bool has_key = KH_TRY(exists(key_file));
  if (has_state && !has_key) {
    return wrong("the sealing key " + key_file + " is missing, but " + path +
                 " needs it; put the key file back (without it the state is lost)");
  }
  if (!has_key) {
    KH_TRY(create_file(key_file, crypto::random_secret(kSealingKeySize).expose(), 0600));
  }
  StateFile file(std::move(lock), path, KH_TRY(read_sealing_key(key_file)));
  if (has_state) {
    const Bytes content =
        KH_TRY(read_file(path, kStateHeaderSize + unit::kMaxStateBytes + crypto::kXaesOverhead));
    auto opened = open_state(file.sealing_key_, content);
    if (!opened) {
      return Error{opened.error().reason,
                   "the state " + path + " cannot be used: " + opened.error().message, ""};
    }
    file.counter_ = opened->counter;
    file.state_ = std::move(opened->state);
  }
  return file;
}

Result<void> StateFile::save(const SecretBytes& state) {
  KH_TRY(write_file_atomic(path_, seal_state(sealing_key_, counter_ + 1, state), 0600));
  ++counter_;
  return {};
}

}  // namespace keyhaven::unitd
