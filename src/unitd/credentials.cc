#include "unitd/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace keyhaven::unitd {
namespace {

Error wrong(std::string message) { return {Reason::InvalidArgument, std::move(message), {}}; }

// systemd gives a service of another user the right to read by an access control list, whose mask
// shows as the group's bits.
bool has_access_list(int fd) { return ::fgetxattr(fd, "system.posix_acl_access", nullptr, 0) > 0; }

Result<void> check_file(int fd, const std::string& name) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error{Reason::Io, "cannot examine credential " + name, {}};
  if (!S_ISREG(info.st_mode)) return wrong("credential " + name + " is not a file");
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return wrong("credential " + name + " must belong to root or to the unit's user");
  }
  const bool group_reads = (info.st_mode & 040) != 0 && !has_access_list(fd);
  if ((info.st_mode & 037) != 0 || group_reads) {
    return wrong("credential " + name + " must be closed to others; run `chmod 400` on it");
  }
  if (info.st_size > static_cast<off_t>(kMaxCredentialBytes)) {
    return wrong("credential " + name + " is larger than " + std::to_string(kMaxCredentialBytes) +
                 " bytes");
  }
  return {};
}

// From the begin, wherever the descriptor stands.
Result<SecretBytes> read_file_whole(int fd, const std::string& name) {
  KH_TRY(check_file(fd, name));
  SecretBytes out(kMaxCredentialBytes + 1);
  std::size_t filled = 0;
  while (filled < out.size()) {
    const auto free = out.expose_mutable().subspan(filled);
    const ssize_t n = ::pread(fd, free.data(), free.size(), static_cast<off_t>(filled));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Reason::Io, "cannot read credential " + name, {}};
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  if (filled == 0) return wrong("credential " + name + " is empty");
  if (filled > kMaxCredentialBytes) {
    return wrong("credential " + name + " is larger than " + std::to_string(kMaxCredentialBytes) +
                 " bytes");
  }
  out.shrink(filled);
  return out;
}

void drop_line_end(SecretBytes& text) {
  const auto ends_with = [&](char c) {
    return !text.empty() && text.expose().back() == static_cast<std::uint8_t>(c);
  };
  if (!ends_with('\n')) return;
  text.shrink(text.size() - 1);
  if (ends_with('\r')) text.shrink(text.size() - 1);
}

}  // namespace

bool is_credential_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxCredentialName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

Result<SecretBytes> Credentials::read(const std::string& name) const {
  if (!is_credential_name(name)) {
    return wrong("\"" + name + "\" is not the name of a credential: 1 to " +
                 std::to_string(kMaxCredentialName) + " letters, digits, '.', '_' or '-'");
  }
  int failure = ENOENT;
  if (!directory_.empty()) {
    const FileDescriptor fd(
        ::open((directory_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (fd.valid()) return read_file_whole(fd.get(), name);
    failure = errno;
  }
  const auto opened = opened_.find(name);
  if (opened != opened_.end()) return read_file_whole(opened->second.get(), name);
  if (directory_.empty()) {
    return wrong("credential " + name +
                 " is needed, but there is no credentials directory; set "
                 "unit.credentials_directory, or start the server by systemd with "
                 "LoadCredential=");
  }
  return wrong("credential " + name + (failure == ENOENT ? " is not in " : " cannot be read in ") +
               directory_ + "; put it there, readable for the unit's user only");
}

Result<SecretBytes> Credentials::read_text(const std::string& name) const {
  SecretBytes text = KH_TRY(read(name));
  drop_line_end(text);
  if (text.empty()) return wrong("credential " + name + " is empty");
  return text;
}

Result<SecretBytes> read_passphrase(int fd) {
  SecretBytes out(kMaxCredentialBytes + 1);
  std::size_t filled = 0;
  while (filled < out.size()) {
    const auto free = out.expose_mutable().subspan(filled);
    const ssize_t n = ::read(fd, free.data(), free.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Reason::Io, "cannot read the passphrase", {}};
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  if (filled > kMaxCredentialBytes) {
    return wrong("the passphrase is longer than " + std::to_string(kMaxCredentialBytes) + " bytes");
  }
  out.shrink(filled);
  drop_line_end(out);
  if (out.empty()) return wrong("the passphrase is empty");
  return out;
}

}  // namespace keyhaven::unitd
