#include "migrate/row_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <thread>

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxAnswerBytes = 8 * 1024;
constexpr std::size_t kMaxRefusalBytes = 512;
constexpr std::size_t kQuotedBytes = 80;

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

std::string printable(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0)
    return Error{Reason::Io, std::string("no pipe: ") + std::strerror(errno), {}};
  return Pipe{FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

std::vector<char*> environment_for_others() {
  std::vector<char*> out;
  for (char** one = environ; *one != nullptr; ++one)
    if (!std::string_view(*one).starts_with("KH_")) out.push_back(*one);
  out.push_back(nullptr);
  return out;
}

int spawn(const std::vector<std::string>& arguments, int in, int out, pid_t& pid) {
  std::vector<char*> argv;
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment = environment_for_others();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  sigset_t none, pipes;
  sigemptyset(&none);
  sigemptyset(&pipes);
  sigaddset(&pipes, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &pipes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int failed =
      ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return failed;
}

}  // namespace

Result<RowAnswer> parse_row_answer(std::string_view line, std::uint64_t seq) {
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 4;
  const boost::json::value value =
      boost::json::parse({line.data(), line.size()}, failed, {}, options);
  const boost::json::object* object = failed ? nullptr : value.if_object();
  const boost::json::value* number = object == nullptr ? nullptr : object->if_contains("seq");
  const boost::json::value* ok = object == nullptr ? nullptr : object->if_contains("ok");
  if (number == nullptr || ok == nullptr || !ok->is_bool())
    return bad("is not {\"seq\":" + std::to_string(seq) + ",\"ok\":true}");
  boost::json::error_code wrong;
  if (number->to_number<std::uint64_t>(wrong) != seq || wrong)
    return bad("is for another row than " + std::to_string(seq));
  RowAnswer out;
  if (ok->as_bool()) return out;
  const boost::json::value* why = object->if_contains("error");
  if (why != nullptr && why->is_string())
    out.refusal = printable(std::string_view(why->as_string()), kMaxRefusalBytes);
  if (out.refusal.empty()) out.refusal = "it says not why";
  return out;
}

Result<RowProgram> RowProgram::start(const std::vector<std::string>& argv,
                                     std::chrono::milliseconds patience) {
  if (argv.empty() || argv[0].empty()) return bad("no program is named");
  Pipe in = KH_TRY(make_pipe());
  Pipe out = KH_TRY(make_pipe());
  // A program that is gone shows in what write() returns, not as a signal that ends the tool.
  ::signal(SIGPIPE, SIG_IGN);
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(out.read.get(), F_SETFL, O_NONBLOCK);
  pid_t pid = -1;
  if (const int failed = spawn(argv, in.read.get(), out.write.get(), pid); failed != 0) {
    return Error{
        Reason::Io, "the program " + argv[0] + " cannot be started: " + std::strerror(failed), {}};
  }
  return RowProgram(pid, std::move(in.write), std::move(out.read), patience);
}

RowProgram::RowProgram(RowProgram&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      patience_(other.patience_),
      sent_(other.sent_),
      answered_(other.answered_),
      buffer_(std::move(other.buffer_)) {}

RowProgram::~RowProgram() {
  if (pid_ > 0) reap(true);
}

int RowProgram::reap(bool kill_first) {
  if (kill_first) ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

Error RowProgram::stop(std::string why) {
  if (pid_ > 0) reap(true);
  return Error{Reason::Conflict,
               "the program " + why +
                   "; rows that it has not answered may be sent again with the same ref: run the "
                   "same command to go on",
               {}};
}

Result<void> RowProgram::write_some(std::string& pending) {
  const ssize_t count = ::write(in_.get(), pending.data(), pending.size());
  if (count > 0) pending.erase(0, static_cast<std::size_t>(count));
  if (count < 0 && errno != EAGAIN && errno != EINTR)
    return stop("no longer reads its input: " + std::string(std::strerror(errno)));
  return {};
}

// False at the end of its output.
Result<bool> RowProgram::read_some() {
  char bytes[16 * 1024];
  const ssize_t count = ::read(out_.get(), bytes, sizeof bytes);
  if (count == 0) return false;
  if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
  if (count < 0 && errno != EAGAIN && errno != EINTR)
    return stop("cannot be read: " + std::string(std::strerror(errno)));
  return true;
}

Result<RowProgram::Turn> RowProgram::wait_for_line(std::string& pending, std::string& line) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + patience_;
  while (true) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return Turn::Line;
    }
    if (buffer_.size() > kMaxAnswerBytes) return stop("answers with a line of more than 8 KiB");
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      return stop(
          "did not answer within " +
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(patience_).count()) +
          " s (--exec-timeout)");
    }
    pollfd fds[2] = {{out_.get(), POLLIN, 0}, {pending.empty() ? -1 : in_.get(), POLLOUT, 0}};
    if (::poll(fds, 2, static_cast<int>(std::min<long long>(left.count(), 60'000))) < 0) {
      if (errno == EINTR) continue;
      return stop(std::string("cannot be waited for: ") + std::strerror(errno));
    }
    if (fds[0].revents != 0) {
      const bool more = KH_TRY(read_some());
      if (!more) return Turn::End;
    } else if (fds[1].revents != 0) {
      KH_TRY(write_some(pending));
    }
  }
}

Result<std::vector<RowAnswer>> RowProgram::tell(const std::vector<std::string>& objects) {
  std::vector<RowAnswer> answers;
  std::string pending;
  for (const std::string& object : objects) {
    pending += "{\"seq\":" + std::to_string(++sent_) + "," + object.substr(1);
    pending += '\n';
  }
  for (std::string line; answers.size() < objects.size();) {
    const Turn turn = KH_TRY(wait_for_line(pending, line));
    if (turn == Turn::End) return stop("ended after " + std::to_string(answered_) + " answer(s)");
    auto answer = parse_row_answer(line, answered_ + 1);
    if (!answer)
      return stop("answered \"" + printable(line, kQuotedBytes) + "\", which " +
                  answer.error().message);
    ++answered_;
    answers.push_back(std::move(*answer));
  }
  if (!buffer_.empty() || !pending.empty()) return stop("answers more rows than it was told");
  return answers;
}

Result<void> RowProgram::finish() {
  in_.reset();
  std::string none, line;
  const Turn turn = KH_TRY(wait_for_line(none, line));
  if (turn == Turn::Line || !buffer_.empty()) return stop("answers more rows than it was told");
  // Its output is closed; its end may take a moment more.
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  int status = 0;
  for (pid_t ended = 0; (ended = ::waitpid(pid_, &status, WNOHANG)) != pid_;) {
    if (ended < 0 && errno != EINTR) break;
    if (std::chrono::steady_clock::now() > deadline)
      return stop("closed its output but does not end");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return stop(WIFEXITED(status) ? "ended with exit status " + std::to_string(WEXITSTATUS(status))
                                : "was ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace keyhaven::migrate
