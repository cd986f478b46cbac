// Inside the launcher process: one thread, no secrets, no input but the end of the control socket.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "crypto/process_memory.h"
#include "server/passphrase_source.h"
#include "server/sealing_launch.h"
#include "server/unit_launcher.h"

namespace keyhaven::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{50};
constexpr milliseconds kLongestDelay{2000};
constexpr std::chrono::seconds kHealthyAfter{10};
constexpr std::chrono::seconds kStartLimit{60};  // to READY; a large state takes its time
constexpr milliseconds kEndGrace{3000};          // for the unit after its channels are closed
constexpr int kConfigurationStatus = 2;          // unitd/run.h
constexpr std::size_t kMaxLine = 1024;

struct Child {
  pid_t pid = -1;
  FileDescriptor process;                   // pidfd; -1 where the kernel has none
  FileDescriptor ready;                     // its standard output
  FileDescriptor errors;                    // its standard error
  std::vector<FileDescriptor> server_ends;  // until they are handed over
  Clock::time_point started = Clock::now();
  std::string line;       // of standard error, not ended yet
  std::string last_line;  // of standard error: the cause when it ends by itself
};

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

bool make_pipe(Pipe& out) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  out = {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  return true;
}

// All descriptors but 0, 1, 2 and `kept`: whatever else the server had open is no business of ours.
void close_others(int kept) {
  const auto low = static_cast<unsigned>(kept);
  if (low > 3) (void)::syscall(SYS_close_range, 3U, low - 1, 0U);
  (void)::syscall(SYS_close_range, low + 1, ~0U, 0U);
}

void set_limits() {
  rlimit memory{};
  if (::getrlimit(RLIMIT_MEMLOCK, &memory) == 0) {
    rlimit wanted = {RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_MEMLOCK, &wanted) != 0) {  // not root: as far as we may
      wanted = {memory.rlim_max, memory.rlim_max};
      (void)::setrlimit(RLIMIT_MEMLOCK, &wanted);
    }
  }
  const rlimit no_core = {0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
}

// Network, System V memory and host name of its own: there is nothing in them. Only as root. An
// ordinary user could have them in a user namespace of his, but owns that namespace then, and its
// owner may trace every process in it, dumpable or not: the unit would lose more than it gains
// (docs/adr/0024-unit-sandbox.md). Its own system call filter makes no socket either way.
// False: refused, as in a container without CAP_SYS_ADMIN.
bool leave_namespaces(const UnitLaunchOptions& options) {
  if (!options.user || options.sandbox == "off") return true;
  const int spaces = CLONE_NEWIPC | CLONE_NEWUTS | (options.network ? 0 : CLONE_NEWNET);
  return ::unshare(spaces) == 0;
}

// A clean environment; a sanitizer's settings pass.
std::vector<std::string> environment() {
  std::vector<std::string> out = {"PATH=/usr/bin:/bin"};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name))
      out.push_back(std::string(name) + "=" + value);  // NOLINT(concurrency)
  }
  return out;
}

// In the child: becomes the unit. Says on standard error why when it cannot.
// `passphrase` is a pipe that holds it, for the sealing helper only; -1: none.
[[noreturn]] void execute(const UnitLaunchOptions& options,
                          const std::vector<FileDescriptor>& unit_ends, int output, int errors,
                          int passphrase) {
  const auto stop = [](const char* what) {
    const std::string line =
        std::string("keyhaven-unit: ") + what + ": " + std::strerror(errno) + "\n";  // NOLINT
    (void)!::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(126);
  };
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (::dup2(errors, STDERR_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 || nothing < 0 ||
      ::dup2(nothing, STDIN_FILENO) < 0) {
    stop("cannot set its standard streams");
  }
  std::string channels;
  for (const FileDescriptor& end : unit_ends) {
    if (::fcntl(end.get(), F_SETFD, 0) != 0) stop("cannot pass a channel");
    channels += (channels.empty() ? "" : ",") + std::to_string(end.get());
  }
  set_limits();
  // Opened before the user changes: the program may lie below a directory that the unit's user
  // cannot pass, such as a private clone.
  const int program = ::open(options.program.c_str(), O_PATH | O_CLOEXEC);
  if (program < 0) stop("cannot be opened");
  // With the network only if it has a device to reach.
  FileDescriptor helper;
  const auto start_helper = [&] {
    helper = start_sealing_helper(options, program, passphrase, unit_ends, environment());
    if (!helper.valid() || ::fcntl(helper.get(), F_SETFD, 0) != 0)
      stop("cannot start its sealing helper");
  };
  if (options.sealing.reaches_devices()) start_helper();
  if (!leave_namespaces(options)) {
    constexpr std::string_view kLine = "keyhaven-unit: the system gives it no network of its own\n";
    (void)!::write(STDERR_FILENO, kLine.data(), kLine.size());
    if (options.sandbox == "required") ::_exit(kConfigurationStatus);
  }
  if (options.sealing.needs_helper() && !helper.valid()) start_helper();
  if (options.user && !become_unit_user(*options.user)) stop("cannot become the unit's user");
  std::vector<std::string> arguments = {options.program,
                                        "--state-dir",
                                        options.state_directory,
                                        "--key-file",
                                        options.key_file,
                                        "--channels",
                                        channels,
                                        "--sandbox",
                                        options.sandbox,
                                        "--memory-lock",
                                        options.memory_lock,
                                        "--sealing",
                                        options.sealing.method};
  const auto add = [&](const char* name, const std::string& value) {
    arguments.emplace_back(name);
    arguments.push_back(value);
  };
  if (!options.sealing.reference.empty()) add("--sealing-reference", options.sealing.reference);
  if (options.sealing.accept_counter != 0)
    add("--accept-state-counter", std::to_string(options.sealing.accept_counter));
  if (helper.valid()) add("--sealing-socket", std::to_string(helper.get()));
  arguments.insert(arguments.end(), options.backend_arguments.begin(),
                   options.backend_arguments.end());
  std::vector<std::string> variables = environment();
  variables.insert(variables.end(), options.backend_environment.begin(),
                   options.backend_environment.end());
  ::syscall(SYS_execveat, program, "", pointers(arguments).data(), pointers(variables).data(),
            AT_EMPTY_PATH);
  stop("cannot be executed");
  ::_exit(126);
}

// Starts a unit with fresh channels. False when the system gives no descriptors or processes.
bool spawn(const UnitLaunchOptions& options, const SecretBytes& passphrase, Child& child) {
  std::vector<FileDescriptor> unit_ends;
  for (unsigned i = 0; i < options.channels; ++i) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
    child.server_ends.emplace_back(ends[0]);
    unit_ends.emplace_back(ends[1]);
  }
  Pipe output;
  Pipe errors;
  if (!make_pipe(output) || !make_pipe(errors)) return false;
  FileDescriptor secret;
  if (!passphrase.empty()) {
    secret = pipe_with(passphrase);
    if (!secret.valid()) return false;
  }
  child.pid = ::fork();
  if (child.pid < 0) return false;
  if (child.pid == 0)
    execute(options, unit_ends, output.write_end.get(), errors.write_end.get(), secret.get());
  child.ready = std::move(output.read_end);
  child.errors = std::move(errors.read_end);
  child.process = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  return true;
}

// --- Towards the server ---

void send_event(int control, LaunchEvent event, const std::string& text) {
  std::string message(1, static_cast<char>(event));
  message += text.substr(0, kMaxLaunchMessage - 1);
  (void)::send(control, message.data(), message.size(), MSG_NOSIGNAL);
}

void send_channels(int control, Child& child) {
  std::array<std::uint8_t, 5> message = {static_cast<std::uint8_t>(LaunchEvent::Up)};
  for (unsigned i = 0; i < 4; ++i)
    message[1 + i] = static_cast<std::uint8_t>(child.pid >> (24 - 8 * i));
  std::vector<int> fds;
  for (const FileDescriptor& end : child.server_ends) fds.push_back(end.get());
  std::vector<char> space(CMSG_SPACE(fds.size() * sizeof(int)));
  iovec part{message.data(), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space.data();
  header.msg_controllen = space.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  (void)::sendmsg(control, &header, MSG_NOSIGNAL);
  child.server_ends
      .clear();  // only the server holds them now: when it is gone, the unit sees the end
}

// --- Watching ---

// Passes standard error on and remembers its last line. False at its end.
bool relay_errors(Child& child) {
  std::array<char, 1024> bytes{};
  const ssize_t count = ::read(child.errors.get(), bytes.data(), bytes.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count == 0) return false;
  (void)!::write(STDERR_FILENO, bytes.data(), static_cast<std::size_t>(count));
  for (const char c : std::string_view(bytes.data(), static_cast<std::size_t>(count))) {
    if (c == '\n') {
      child.last_line = std::exchange(child.line, std::string());
    } else if (child.line.size() < kMaxLine) {
      child.line += c;
    }
  }
  return true;
}

// What the pipe still holds after the unit's end.
void drain_errors(Child& child) {
  if (!child.errors.valid()) return;
  (void)::fcntl(child.errors.get(), F_SETFL, O_NONBLOCK);
  for (;;) {
    pollfd waiting{child.errors.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0 || !relay_errors(child)) return;
  }
}

std::string cause_of(int status, const Child& child) {
  constexpr std::string_view kPrefix = "keyhaven-unit: ";
  std::string cause = WIFSIGNALED(status)
                          ? "the unit was killed by signal " + std::to_string(WTERMSIG(status))
                          : "the unit ended with status " + std::to_string(WEXITSTATUS(status));
  std::string_view line = child.last_line;
  if (line.starts_with(kPrefix)) line.remove_prefix(kPrefix.size());
  if (!WIFSIGNALED(status) && !line.empty()) cause += ": " + std::string(line);
  return cause;
}

class Launcher {
 public:
  Launcher(const UnitLaunchOptions& options, FileDescriptor control, SecretBytes passphrase)
      : options_(options), control_(std::move(control)), passphrase_(std::move(passphrase)) {}

  [[noreturn]] void run() {
    milliseconds delay = kFirstDelay;
    for (;;) {
      Child child;
      if (spawn(options_, passphrase_, child)) {
        supervise(child);
      } else {
        send_event(control_.get(), LaunchEvent::Down,
                   std::string("the unit cannot be started: ") +
                       std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
      }
      if (Clock::now() - child.started > kHealthyAfter) delay = kFirstDelay;
      wait_or_exit(delay);
      delay = std::min(delay * 2, kLongestDelay);
    }
  }

 private:
  // Until the unit's end, which is told to the server.
  void supervise(Child& child) {
    bool is_up = false;
    for (;;) {
      int status = 0;
      if (::waitpid(child.pid, &status, WNOHANG) == child.pid) return tell_end(child, status);
      if (!is_up && Clock::now() - child.started > kStartLimit) {
        child.last_line = "it was not ready in time";
        (void)::kill(child.pid, SIGKILL);
      }
      std::array<pollfd, 4> waiting = {{{control_.get(), POLLIN, 0},
                                        {child.process.get(), POLLIN, 0},
                                        {child.ready.get(), POLLIN, 0},
                                        {child.errors.get(), POLLIN, 0}}};
      const int timeout_ms = child.process.valid() ? 1000 : 50;
      if (::poll(waiting.data(), waiting.size(), timeout_ms) <= 0) continue;
      if (waiting[0].revents != 0) end_with(child);
      if (waiting[3].revents != 0 && !relay_errors(child)) child.errors.reset();
      if (waiting[2].revents != 0) {
        std::array<char, 16> word{};
        if (::read(child.ready.get(), word.data(), word.size()) > 0 && !is_up) {
          is_up = true;
          send_channels(control_.get(), child);
        } else {
          child.ready.reset();
        }
      }
    }
  }

  void tell_end(Child& child, int status) {
    drain_errors(child);
    const bool refused = WIFEXITED(status) && WEXITSTATUS(status) == kConfigurationStatus;
    send_event(control_.get(), refused ? LaunchEvent::Refused : LaunchEvent::Down,
               cause_of(status, child));
  }

  // The server is gone or has asked us to end; its channel ends are closed or about to be.
  [[noreturn]] void end_with(Child& child) {
    child.server_ends.clear();
    const auto until = Clock::now() + kEndGrace;
    for (;;) {
      if (::waitpid(child.pid, nullptr, WNOHANG) == child.pid) ::_exit(0);
      const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
      if (left.count() <= 0) break;
      std::array<pollfd, 2> waiting = {
          {{child.process.get(), POLLIN, 0}, {child.errors.get(), POLLIN, 0}}};
      const auto timeout =
          static_cast<int>(child.process.valid() ? left.count() : std::min<long>(left.count(), 20));
      (void)::poll(waiting.data(), waiting.size(), timeout);
      if (waiting[1].revents != 0 && !relay_errors(child)) child.errors.reset();
    }
    (void)::kill(child.pid, SIGKILL);
    (void)::waitpid(child.pid, nullptr, 0);
    ::_exit(0);
  }

  void wait_or_exit(milliseconds delay) {
    pollfd waiting{control_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(delay.count())) > 0) ::_exit(0);
  }

  const UnitLaunchOptions& options_;
  FileDescriptor control_;
  SecretBytes passphrase_;  // for every unit that is started; empty: none is needed
};

// The passphrase, if one is to be read; ends the process when there is none.
SecretBytes passphrase_of(const UnitLaunchOptions& options, int control) {
  if (options.sealing.passphrase_from.empty()) return {};
  const bool is_first_start = options.sealing.method == "passphrase" &&
                              ::access((options.state_directory + "/state").c_str(), F_OK) != 0;
  auto passphrase = read_passphrase_from(options.sealing.passphrase_from,
                                         is_first_start ? Asked::Twice : Asked::Once, control);
  if (passphrase) {
    send_event(control, LaunchEvent::Passphrase, "");
    return std::move(passphrase).value();
  }
  send_event(control, LaunchEvent::Refused, passphrase.error().message);
  ::_exit(0);
}

}  // namespace

void run_unit_launcher(const UnitLaunchOptions& options, FileDescriptor control) {
  // Ctrl-C and a service manager signal the whole group; the server drains first and then tells us.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_NAME, "keyhaven-launch");
  crypto::forbid_core_dumps_and_tracing();
  SecretBytes passphrase = passphrase_of(options, control.get());
  close_others(control.get());
  Launcher(options, std::move(control), std::move(passphrase)).run();
}

}  // namespace keyhaven::server
