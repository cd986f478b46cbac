// Where a unit reads secrets that people give it: files of a credentials directory (systemd's
// LoadCredential= and LoadCredentialEncrypted=, or any directory), and a passphrase on a
// descriptor.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::unitd {

inline constexpr std::size_t kMaxCredentialBytes = 4096;
inline constexpr std::size_t kMaxCredentialName = 64;

// 1 to kMaxCredentialName of A-Z a-z 0-9 . _ -, not beginning with a dot: never a path.
bool is_credential_name(std::string_view name) noexcept;

// Not thread-safe.
class Credentials {
 public:
  Credentials() = default;
  // `directory` may be empty: none. `opened`: files that the launcher, which may read what the unit
  // may not, opened for the unit, by name.
  Credentials(std::string directory, std::map<std::string, FileDescriptor> opened)
      : directory_(std::move(directory)), opened_(std::move(opened)) {}

  const std::string& directory() const noexcept { return directory_; }

  // Reads a credential whole: the directory's file if the unit may read it, else what the launcher
  // opened. Errors: InvalidArgument (name; absent; not a file; open to others; empty; above
  // kMaxCredentialBytes), Io. Messages name the credential, never its content.
  Result<SecretBytes> read(const std::string& name) const;
  // The same without one line end after it, for what people type.
  Result<SecretBytes> read_text(const std::string& name) const;

 private:
  std::string directory_;
  std::map<std::string, FileDescriptor> opened_;
};

// Reads a descriptor to its end, at most kMaxCredentialBytes, without one line end after it.
// Errors: InvalidArgument (empty, too long), Io.
Result<SecretBytes> read_passphrase(int fd);

}  // namespace keyhaven::unitd
