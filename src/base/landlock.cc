#include "base/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/file.h"

namespace keyhaven {
namespace {

// Rights that the headers of Debian 12 (ABI 2) do not name yet; numbers are kernel interface.
constexpr std::uint64_t kTruncate = 1ULL << 14;            // ABI 3
constexpr std::uint64_t kIoctlDevice = 1ULL << 15;         // ABI 5
constexpr std::uint64_t kBindTcp = 1ULL << 0;              // ABI 4
constexpr std::uint64_t kConnectTcp = 1ULL << 1;           // ABI 4
constexpr std::uint64_t kScopeAbstractSocket = 1ULL << 0;  // ABI 6
constexpr std::uint64_t kScopeSignal = 1ULL << 1;          // ABI 6

struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

constexpr std::uint64_t kReadRights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWriteRights =
    kReadRights | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_REFER | kTruncate;
constexpr std::uint64_t kFileRights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                      LANDLOCK_ACCESS_FS_EXECUTE | kTruncate | kIoctlDevice;

std::uint64_t handled_rights(int abi) noexcept {
  std::uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // ABI 1
  if (abi >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kIoctlDevice;
  return rights;
}

Error io_error(const std::string& what) {
  return Error{Reason::Io, "landlock: " + what + ": " + std::strerror(errno),
               ""};  // NOLINT(concurrency)
}

enum class IfAbsent : std::uint8_t { Fail, Skip };

Result<void> allow(int ruleset, const std::string& path, std::uint64_t rights, IfAbsent if_absent) {
  const FileDescriptor fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) {
    if (if_absent == IfAbsent::Skip && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
      return {};
    return io_error("cannot open " + path);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error("cannot examine " + path);
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(info.st_mode) ? rights : rights & kFileRights;
  rule.parent_fd = fd.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return io_error("cannot allow " + path);
  }
  return {};
}

}  // namespace

int landlock_abi() noexcept {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

Result<int> restrict_with_landlock(const LandlockRules& rules) {
  const int abi = landlock_abi();
  if (abi == 0)
    return Error{Reason::NotSupported, "the kernel has no Landlock or it is switched off", ""};
  RulesetAttributes attributes;
  attributes.handled_access_fs = handled_rights(abi);
  std::size_t size = sizeof attributes.handled_access_fs;
  if (abi >= 4) {
    size = 2 * sizeof(std::uint64_t);
    if (rules.deny_tcp) attributes.handled_access_net = kBindTcp | kConnectTcp;
  }
  if (abi >= 6) {
    size = sizeof attributes;
    if (rules.isolate_signals) attributes.scoped = kScopeAbstractSocket | kScopeSignal;
  }
  const FileDescriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset.valid()) return io_error("cannot make a ruleset");
  for (const std::string& path : rules.read_write) {
    KH_TRY(allow(ruleset.get(), path, kWriteRights & attributes.handled_access_fs, IfAbsent::Fail));
  }
  for (const std::string& path : rules.read_only) {
    KH_TRY(allow(ruleset.get(), path, kReadRights, IfAbsent::Skip));
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return io_error("cannot set no_new_privs");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return io_error("cannot restrict the process");
  return abi;
}

}  // namespace keyhaven
