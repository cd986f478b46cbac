#include "cli/prompt.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxAnswer = 1024;

// Switches the terminal's echo off for its life.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd) {
    if (tcgetattr(fd_, &saved_) != 0) return;
    termios silent = saved_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    active_ = tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (active_) tcsetattr(fd_, TCSAFLUSH, &saved_);
  }
  bool active() const noexcept { return active_; }

 private:
  int fd_;
  termios saved_{};
  bool active_ = false;
};

Error nobody() {
  return {Reason::InvalidArgument,
          "there is no terminal to ask at; give the answer as an option or a file",
          {}};
}

class TerminalPrompt final : public Prompt {
 public:
  bool interactive() const override { return open_terminal().valid(); }

  Result<std::string> line(std::string_view question) override {
    const SecretBytes answer = KH_TRY(ask(question, false));
    return std::string(as_text(answer.expose()));
  }

  Result<SecretBytes> secret(std::string_view question) override { return ask(question, true); }

 private:
  static FileDescriptor open_terminal() {
    return FileDescriptor(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  }

  static Result<SecretBytes> ask(std::string_view question, bool hidden) {
    const FileDescriptor terminal = open_terminal();
    if (!terminal.valid()) return nobody();
    std::optional<NoEcho> no_echo;
    if (hidden) {
      no_echo.emplace(terminal.get());
      if (!no_echo->active())
        return Error{Reason::Io, "the terminal's echo cannot be switched off", {}};
    }
    if (::write(terminal.get(), question.data(), question.size()) < 0) return nobody();
    SecretBytes answer(kMaxAnswer);
    auto bytes = answer.expose_mutable();
    std::size_t size = 0;
    for (;;) {
      std::uint8_t byte = 0;
      const ssize_t got = ::read(terminal.get(), &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Error{Reason::InvalidArgument, "the input ended before the answer", {}};
      if (byte == '\n') break;
      if (size == bytes.size())
        return Error{Reason::InvalidArgument, "the answer is longer than 1024 bytes", {}};
      bytes[size++] = byte;
    }
    answer.shrink(size);
    return answer;
  }
};

}  // namespace

std::unique_ptr<Prompt> terminal_prompt() { return std::make_unique<TerminalPrompt>(); }

Result<bool> confirm(Prompt& prompt, std::string_view question) {
  const std::string answer = KH_TRY(prompt.line(std::string(question) + " [y/N] "));
  return answer == "y" || answer == "yes" || answer == "Y";
}

}  // namespace keyhaven::cli
