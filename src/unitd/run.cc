#include "unitd/run.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "channel/serve.h"
#include "unitd/cache_budget.h"
#include "unitd/channel_unit.h"
#include "unitd/sandbox.h"
#include "unitd/state_file.h"

namespace keyhaven::unitd {
namespace {

constexpr std::chrono::seconds kGrace{2};
constexpr std::chrono::milliseconds kGraceStep{10};

void say(const std::string& line) { std::fprintf(stderr, "keyhaven-unit: %s\n", line.c_str()); }

// The arena raises the soft limit to the hard one, so the hard one counts.
unit::KeyEngineOptions engine_options(std::size_t channels) {
  rlimit memory{};
  if (::getrlimit(RLIMIT_MEMLOCK, &memory) != 0) memory.rlim_max = 0;
  unit::KeyEngineOptions options;
  options.max_opened_keys = opened_keys_per_channel(memory.rlim_max, channels);
  return options;
}

// Counts the channels that still serve.
class Channels {
 public:
  explicit Channels(const std::vector<int>& fds) : open_(fds.size()) {
    for (const int fd : fds) ends_.push_back({fd, 0, 0});
  }

  void ended(const Result<void>& result) {
    const std::lock_guard lock(mutex_);
    --open_;
    any_ended_ = true;
    if (!result) {
      say("a channel ended: " + result.error().message);
      if (result.error().reason != Reason::Io) broken_ = true;
    }
    changed_.notify_all();
  }
  // Returns the exit status once there is nothing more to wait for.
  int wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return any_ended_; });
    const auto until = std::chrono::steady_clock::now() + kGrace;
    while (open_ > 0 && !broken_ && !nobody_listens() && std::chrono::steady_clock::now() < until)
      changed_.wait_for(lock, kGraceStep);
    return broken_ ? kExitProtocol : kExitClosed;
  }

 private:
  // The server has closed every channel: whatever is still worked at, such as a key pair, is for
  // nobody, and the next server's unit wants the lock on the state.
  bool nobody_listens() {
    (void)::poll(ends_.data(), ends_.size(), 0);
    for (const pollfd& end : ends_) {
      if ((end.revents & (POLLHUP | POLLERR)) == 0) return false;
    }
    return true;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<pollfd> ends_;
  std::size_t open_;
  bool any_ended_ = false;
  bool broken_ = false;
};

Result<std::unique_ptr<unit::DomainTable>> open_table(StateFile& file) {
  std::optional<SecretBytes> state = file.take_state();
  if (!state) return unit::DomainTable::create(file);
  return unit::DomainTable::restore(*state, file);
}

bool enter_sandbox_as_asked(const Options& options) {
  if (options.sandbox == SandboxMode::Off) {
    say("the sandbox is off");
    return true;
  }
  const SandboxReport report = enter_sandbox({options.state_directory});
  if (report.missing.empty()) return true;
  say("the sandbox is incomplete: " + report.missing);
  return options.sandbox == SandboxMode::BestEffort;
}

}  // namespace

int run(const Options& options) {
  auto file = StateFile::open(options.state_directory, options.key_file);
  if (!file) {
    say(file.error().message);
    return kExitConfiguration;
  }
  auto table = open_table(*file);
  if (!table) {
    say("the state cannot be used: " + table.error().message);
    return table.error().reason == Reason::InvalidArgument ? kExitConfiguration : kExitInternal;
  }
  if (!enter_sandbox_as_asked(options)) return kExitConfiguration;

  const SystemClock clock;
  Channels channels(options.channels);
  const unit::KeyEngineOptions engine = engine_options(options.channels.size());
  for (const int fd : options.channels) {
    std::thread([fd, engine, &table, &clock, &channels] {
      Result<void> served;
      {
        ChannelUnit served_unit(**table, clock, engine);
        served = channel::serve(fd, served_unit);
      }
      channels.ended(served);
    }).detach();  // ended by _Exit: a thread may be blocked in a read for ever
  }
  if (::write(STDOUT_FILENO, "READY\n", 6) != 6) say("nobody reads standard output");
  ::close(STDOUT_FILENO);
  const int status = channels.wait();
  std::fflush(stderr);
  std::_Exit(status);
}

}  // namespace keyhaven::unitd
