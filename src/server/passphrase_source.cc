#include "server/passphrase_source.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/file.h"

namespace keyhaven::server {
namespace {

Error wrong(std::string message) { return {Reason::InvalidArgument, std::move(message), {}}; }

// N of "fd:N"; -1 for anything else.
int descriptor_of(const std::string& source) noexcept {
  if (!source.starts_with("fd:")) return -1;
  int fd = -1;
  const char* const end = source.data() + source.size();
  const auto [stopped, failed] = std::from_chars(source.data() + 3, end, fd);
  return failed == std::errc() && stopped == end && fd >= 3 ? fd : -1;
}

// Reads until `is_line` and a line end, or the end of the descriptor.
Result<SecretBytes> read_until_end(int fd, bool is_line, int control) {
  SecretBytes out(kMaxPassphraseBytes + 2);
  std::size_t filled = 0;
  while (filled < out.size()) {
    pollfd waiting[2] = {{fd, POLLIN, 0}, {control, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return Error{Reason::Io, "poll failed", {}};
    if (waiting[1].revents != 0) return wrong("the server stopped before the passphrase was given");
    if (waiting[0].revents == 0) continue;
    const ssize_t n = ::read(fd, out.expose_mutable().data() + filled, out.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Reason::Io, "cannot read the passphrase", {}};
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
    if (is_line && out.expose()[filled - 1] == '\n') break;
  }
  if (filled > 0 && out.expose()[filled - 1] == '\n') --filled;
  if (filled > kMaxPassphraseBytes)
    return wrong("the passphrase is longer than " + std::to_string(kMaxPassphraseBytes) + " bytes");
  if (filled == 0) return wrong("the passphrase of the crypto unit's state is empty");
  out.shrink(filled);
  return out;
}

// The terminal without echo, for as long as it lives.
class Quiet {
 public:
  explicit Quiet(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_quiet_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    if (is_quiet_) (void)::tcsetattr(fd_, TCSAFLUSH, &before_);
    (void)!::write(fd_, "\n", 1);
  }
  bool is_quiet() const noexcept { return is_quiet_; }

 private:
  int fd_;
  termios before_{};
  bool is_quiet_ = false;
};

Result<SecretBytes> ask(int terminal, std::string_view prompt, int control) {
  const Quiet quiet(terminal);
  if (!quiet.is_quiet()) return wrong("the terminal cannot be kept from showing the passphrase");
  (void)!::write(terminal, prompt.data(), prompt.size());
  return read_until_end(terminal, true, control);
}

Result<SecretBytes> ask_terminal(Asked asked, int control) {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid()) {
    return wrong(
        "unit.passphrase_from is \"terminal\", but there is none; start keyhavend in one, or set "
        "\"fd:N\" or a credential");
  }
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    SecretBytes first =
        KH_TRY(ask(terminal.get(), "Passphrase of the crypto unit's state: ", control));
    if (asked == Asked::Once) return first;
    const SecretBytes second = KH_TRY(ask(terminal.get(), "Once more: ", control));
    if (first == second) return first;
    constexpr std::string_view kDiffer = "They differ.\n";
    (void)!::write(terminal.get(), kDiffer.data(), kDiffer.size());
  }
  return wrong("the two passphrases differ");
}

}  // namespace

bool is_passphrase_source(const std::string& source) noexcept {
  return source.empty() || source == "terminal" || descriptor_of(source) >= 0;
}

bool is_open_passphrase_source(const std::string& source) noexcept {
  const int fd = descriptor_of(source);
  return fd < 0 || ::fcntl(fd, F_GETFD) >= 0;
}

void close_passphrase_descriptor(const std::string& source) noexcept {
  if (const int fd = descriptor_of(source); fd >= 0) ::close(fd);
}

Result<SecretBytes> read_passphrase_from(const std::string& source, Asked asked, int control) {
  if (source == "terminal") return ask_terminal(asked, control);
  const int fd = descriptor_of(source);
  if (fd < 0) return wrong("unit.passphrase_from is neither \"terminal\" nor \"fd:N\"");
  return read_until_end(fd, false, control);
}

}  // namespace keyhaven::server
