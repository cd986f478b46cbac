#include "attack.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/file.h"

namespace keyhaven::attacks {

void Loot::take(ByteView bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    KH_ASSERT(written > 0);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

Seen read_file_of(Attacker& attacker, const std::string& path, int flags) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags));
  if (!fd.valid()) return refused();
  std::array<std::uint8_t, 65536> bytes{};
  std::size_t total = 0;
  while (total < (1U << 20)) {
    const ssize_t count = ::read(fd.get(), bytes.data(), bytes.size());
    if (count < 0 && total == 0) return refused();
    if (count <= 0) break;
    attacker.loot.take({bytes.data(), static_cast<std::size_t>(count)});
    total += static_cast<std::size_t>(count);
  }
  return {true, "read " + std::to_string(total) + " bytes"};
}

Seen write_to(const std::string& path, const std::string& text) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return refused();
  return seen(::write(fd.get(), text.data(), text.size()));
}

Seen in_child(const std::function<long()>& attempt) {
  const pid_t pid = ::fork();
  if (pid < 0) return refused();
  if (pid == 0) {
    errno = 0;
    ::_exit(attempt() < 0 ? errno : 0);
  }
  int status = 0;
  (void)::waitpid(pid, &status, 0);
  if (!WIFEXITED(status)) return {false, "signal " + std::to_string(WTERMSIG(status))};
  errno = WEXITSTATUS(status);
  return errno == 0 ? Seen{true, "ok"} : refused();
}

Seen in_user_namespace(const std::function<long()>& attempt) {
  return in_child([&]() -> long {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return -1;
    return attempt();
  });
}

}  // namespace keyhaven::attacks
