#include "server/unit_supervisor.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace keyhaven::server {
namespace {

constexpr int kStopLimit_ms = 6000;  // the launcher gives the unit 3 s
constexpr std::size_t kMaxChannels = 128;

std::vector<FileDescriptor> descriptors_of(msghdr& header) {
  std::vector<FileDescriptor> out;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      out.emplace_back(fd);
    }
  }
  return out;
}

}  // namespace

UnitSupervisor::UnitSupervisor(UnitLauncher launcher, Callbacks callbacks)
    : launcher_(std::move(launcher)),
      callbacks_(std::move(callbacks)),
      thread_([this] { receive_events(); }) {}

UnitSupervisor::~UnitSupervisor() { stop(); }

UnitSupervisor::Status UnitSupervisor::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Result<void> UnitSupervisor::wait_until_up(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const bool decided = changed_.wait_for(
      lock, limit, [this] { return status_.up || refused_ || status_.launcher_lost || stopping_; });
  if (status_.up) return {};
  if (refused_) return Error{Reason::InvalidArgument, status_.last_cause, ""};
  if (!decided) return Error{Reason::UnitUnavailable, "the crypto unit was not ready in time", ""};
  return Error{Reason::UnitUnavailable, "the crypto unit's launcher is gone", ""};
}

void UnitSupervisor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (!thread_.joinable()) return;
  (void)::shutdown(launcher_.control(), SHUT_RDWR);
  thread_.join();
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, launcher_.pid(), 0)));
  if (process.valid()) {
    pollfd waiting{process.get(), POLLIN, 0};
    // EPERM when it runs as root, and in a server that is confined; it ends by itself then.
    if (::poll(&waiting, 1, kStopLimit_ms) == 0) (void)::kill(launcher_.pid(), SIGKILL);
  }
  (void)::waitpid(launcher_.pid(), nullptr, process.valid() ? WNOHANG : 0);
}

void UnitSupervisor::receive_events() {
  while (receive_event()) {
  }
  std::string cause;
  {
    const std::lock_guard lock(mutex_);
    status_.up = false;
    status_.unit_pid = 0;
    if (!stopping_) {
      status_.launcher_lost = true;
      cause = status_.last_cause = "the crypto unit's launcher is gone; restart the server";
    }
  }
  changed_.notify_all();
  if (!cause.empty() && callbacks_.on_down) callbacks_.on_down(cause);
}

// False at the end of the control socket.
bool UnitSupervisor::receive_event() {
  std::array<char, kMaxLaunchMessage> text{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxChannels * sizeof(int))> space{};
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space.data();
  header.msg_controllen = space.size();
  const ssize_t count = ::recvmsg(launcher_.control(), &header, MSG_CMSG_CLOEXEC);
  if (count < 0) return errno == EINTR;
  if (count == 0) return false;
  std::vector<FileDescriptor> channels = descriptors_of(header);
  const std::string_view rest(text.data() + 1, static_cast<std::size_t>(count) - 1);
  switch (LaunchEvent{static_cast<std::uint8_t>(text[0])}) {
    case LaunchEvent::Up: {
      if (rest.size() != 4) return false;
      std::uint32_t pid = 0;
      for (const char byte : rest) pid = pid << 8 | static_cast<std::uint8_t>(byte);
      became_up(std::move(channels), static_cast<pid_t>(pid));
      return true;
    }
    case LaunchEvent::Down:
      became_down(std::string(rest), false);
      return true;
    case LaunchEvent::Refused:
      became_down(std::string(rest), true);
      return true;
    case LaunchEvent::Passphrase:  // UnitLauncher has taken the one there is
      return false;
  }
  return false;  // not our launcher
}

void UnitSupervisor::became_up(std::vector<FileDescriptor> channels, pid_t unit) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  // First the clients, then the news: whoever waits for readiness can call.
  callbacks_.on_channels(std::move(channels), unit);
  {
    const std::lock_guard lock(mutex_);
    status_.up = true;
    status_.unit_pid = unit;
    status_.restarts = starts_++;
    refused_ = false;
  }
  changed_.notify_all();
}

void UnitSupervisor::became_down(const std::string& cause, bool refused) {
  {
    const std::lock_guard lock(mutex_);
    status_.up = false;
    status_.unit_pid = 0;
    status_.last_cause = cause;
    refused_ = refused;
    if (stopping_) return;
  }
  changed_.notify_all();
  if (callbacks_.on_down) callbacks_.on_down(cause);
}

}  // namespace keyhaven::server
