#include "server/landlock.h"

#include <fcntl.h>

#include <filesystem>

#include "base/file.h"
#include "base/landlock.h"

namespace keyhaven::server {
namespace {

constexpr const char* kReadByAll[] = {"/etc",
                                      "/usr",
                                      "/lib",
                                      "/lib64",
                                      "/proc/self",
                                      "/run/systemd/resolve",
                                      "/dev/urandom",
                                      "/dev/random",
                                      "/proc/cpuinfo",
                                      "/proc/meminfo",
                                      "/proc/sys/vm",
                                      "/sys/fs/cgroup",
                                      "/sys/devices/system/cpu"};

std::string canonical(const std::string& path) {
  std::error_code error;
  const auto full = std::filesystem::weakly_canonical(path, error);
  return error ? path : full.string();
}

bool is_within(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" ||
         (path.starts_with(directory) && path[directory.size()] == '/');
}

}  // namespace

Result<int> restrict_server_with_landlock(const ServerFiles& files) {
  LandlockRules rules;
  rules.read_write = files.read_write;
  rules.read_write.emplace_back("/dev/null");
  rules.read_only = files.read_only;
  rules.read_only.insert(rules.read_only.end(), std::begin(kReadByAll), std::end(kReadByAll));
  for (const std::string& forbidden : files.forbidden) {
    for (const auto* list : {&rules.read_write, &rules.read_only}) {
      for (const std::string& allowed : *list) {
        if (!is_within(canonical(forbidden), canonical(allowed))) continue;
        return Error{Reason::InvalidArgument,
                     "the crypto unit's " + forbidden + " lies within " + allowed +
                         ", which the server may read; name another place for one of them",
                     ""};
      }
    }
  }
  const int abi = KH_TRY(restrict_with_landlock(rules));
  for (const std::string& forbidden : files.forbidden) {
    const FileDescriptor fd(::open(forbidden.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.valid())
      return Error{Reason::InvalidArgument, "the server can still open " + forbidden, ""};
  }
  return abi;
}

}  // namespace keyhaven::server
