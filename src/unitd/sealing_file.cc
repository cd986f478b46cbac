#include "unitd/sealing_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "crypto/random.h"

namespace keyhaven::unitd {
namespace {

Error wrong(std::string message) { return {Reason::InvalidArgument, std::move(message), {}}; }

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error missing(const std::string& path) {
  return wrong("the sealing key " + path +
               " is missing; put the key file back (without it the state is lost)");
}

Error unusable(const std::string& path) {
  return {Reason::DecryptFailed,
          "it was sealed with another sealing key than " + path +
              "; put the right key file in its place",
          {}};
}

}  // namespace

Result<SecretBytes> read_sealing_key(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Error{Reason::NotFound, "there is no sealing key " + path, {}};
    return Error{Reason::Io, "cannot examine the sealing key " + path, {}};
  }
  if (!S_ISREG(info.st_mode)) return wrong("the sealing key " + path + " is not a file");
  if ((info.st_mode & 077) != 0 || info.st_uid != ::geteuid()) {
    return wrong("the sealing key " + path +
                 " must belong to the unit's user and be closed to others; run `chmod 600` and "
                 "`chown` on it");
  }
  if (info.st_size != static_cast<off_t>(kSealingKeySize)) {
    return wrong("the sealing key " + path + " has " + std::to_string(info.st_size) +
                 " bytes, expected " + std::to_string(kSealingKeySize));
  }
  return read_secret_file(path, kSealingKeySize);
}

Result<WrappedKey> KeyFileSealing::wrap(const SecretBytes& data_key, Occasion occasion) {
  SecretBytes kek;
  if (occasion != Occasion::Change) {
    auto found = read_sealing_key(path_);
    if (!found && found.error().reason != Reason::NotFound) return found.error();
    if (!found && occasion == Occasion::NewFormat) return missing(path_);
    if (!found) {
      kek = crypto::random_secret(kSealingKeySize);
      KH_TRY(create_file(path_, kek.expose(), 0600));
    } else {
      kek = std::move(found).value();
    }
  } else {
    kek = crypto::random_secret(kSealingKeySize);
    if (auto made = write_file_atomic(next_path(), kek.expose(), 0600); !made) {
      return Error{made.error().reason,
                   "no new sealing key can be made: " + made.error().message +
                       "; unit.key_file must lie where the unit may write",
                   {}};
    }
    has_next_ = true;
  }
  WrappedKey out;
  out.wrapped = wrap_data_key(kek, method_, out.parameters, data_key);
  return out;
}

Result<SecretBytes> KeyFileSealing::unwrap(const WrappedKey& stored) {
  auto key = read_sealing_key(path_);
  auto next = read_sealing_key(next_path());
  const bool is_next = next && is_key_of(*next, stored) && !(key && is_key_of(*key, stored));
  if (is_next) {  // a change that ended between the state and this rename
    has_next_ = true;
    committed();
    key = std::move(next);
  } else if (next) {
    (void)::unlink(next_path().c_str());  // of a change that did not come about
  }
  if (!key) {
    if (key.error().reason != Reason::NotFound) return key.error();
    return missing(path_);
  }
  UnwrappedKey opened = unwrap_data_key(*key, method_, stored);
  if (opened.is_other_key) return unusable(path_);
  if (opened.data_key.empty())
    return Error{Reason::DecryptFailed, "it is damaged; restore the last good copy of it", {}};
  return std::move(opened.data_key);
}

void KeyFileSealing::committed() {
  if (!has_next_) return;
  has_next_ = false;
  if (::rename(next_path().c_str(), path_.c_str()) == 0) {
    sync_directory(parent_of(path_));
  } else {  // the next start finds the key where it is
    std::fprintf(stderr, "keyhaven-unit: the new sealing key stays at %s: it cannot be renamed\n",
                 next_path().c_str());
  }
}

void KeyFileSealing::abandoned() {
  if (has_next_) (void)::unlink(next_path().c_str());
  has_next_ = false;
}

void KeyFileSealing::retire(unit::SealingMethod successor) {
  if (successor == unit::SealingMethod::KeyFile || successor == unit::SealingMethod::None) {
    return;  // the new key has taken the name of the old one
  }
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    std::fprintf(stderr,
                 "keyhaven-unit: the former sealing key %s cannot be removed; it opens nothing "
                 "any more, remove it\n",
                 path_.c_str());
    return;
  }
  sync_directory(parent_of(path_));
}

}  // namespace keyhaven::unitd
