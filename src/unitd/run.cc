#include "unitd/run.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "channel/serve.h"
#include "unit/table_transfer.h"
#include "unitd/cache_budget.h"
#include "unitd/channel_unit.h"
#include "unitd/credentials.h"
#include "unitd/records.h"
#include "unitd/sandbox.h"
#include "unitd/sealing_helper.h"
#include "unitd/state_file.h"
#include "unitd/token_backend.h"

namespace keyhaven::unitd {
namespace {

constexpr std::chrono::seconds kGrace{2};
constexpr std::chrono::milliseconds kGraceStep{10};

void say(const std::string& line) { std::fprintf(stderr, "keyhaven-unit: %s\n", line.c_str()); }

// The arena raises the soft limit to the hard one, so the hard one counts.
unit::KeyEngineOptions engine_options(const Options& from) {
  rlimit memory{};
  if (::getrlimit(RLIMIT_MEMLOCK, &memory) != 0) memory.rlim_max = 0;
  unit::KeyEngineOptions options;
  options.max_opened_keys = opened_keys_per_channel(memory.rlim_max, from.channels.size());
  if (from.backend == Backend::Pkcs11) {
    // What the token gave is used no longer than it is to be kept, in whichever form.
    options.derived_key_lifetime = from.token.key_cache;
    options.opened_key_lifetime = std::min(options.opened_key_lifetime, from.token.key_cache);
    if (from.token.key_cache.count() == 0) options.max_opened_keys = 0;
  }
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

// Trying again may help, so the launcher does; everything else is a person's to repair.
int status_of(const Error& error) {
  return error.reason == Reason::UnitUnavailable ? kExitInternal : kExitConfiguration;
}

Result<std::unique_ptr<unit::DomainTable>> open_table(StateFile& file,
                                                      unit::MasterKeyBackend& keys) {
  std::optional<SecretBytes> state = file.take_state();
  if (!state) return unit::DomainTable::create(file, keys);
  return unit::DomainTable::restore(*state, file, keys);
}

// The token of the options, prepared; null for the software back end.
Result<std::unique_ptr<TokenBackend>> prepare_backend(const Options& options) {
  if (options.backend == Backend::Software) return std::unique_ptr<TokenBackend>();
  return TokenBackend::prepare(options);
}

bool enter_sandbox_as_asked(const Options& options, const TokenBackend* token) {
  if (options.sandbox == SandboxMode::Off) {
    say("the sandbox is off");
    return true;
  }
  SandboxOptions sandbox{options.state_directory};
  // A change of the sealing makes a new key file where the old one is.
  const std::size_t slash = options.key_file.rfind('/');
  const std::string keys = slash == std::string::npos ? "." : options.key_file.substr(0, slash + 1);
  if (::access(keys.c_str(), W_OK) == 0) sandbox.read_write.push_back(keys);
  if (token != nullptr) token->widen(sandbox);
  const SandboxReport report = enter_sandbox(sandbox);
  if (report.missing.empty()) return true;
  say("the sandbox is incomplete: " + report.missing);
  return options.sandbox == SandboxMode::BestEffort;
}

}  // namespace

int run_helper(const Options& options) {
  SealingMeans means;
  means.state_directory = options.state_directory;
  std::map<std::string, FileDescriptor> opened;
  for (const auto& [name, fd] : options.sealing.credentials) opened[name] = FileDescriptor(fd);
  means.credentials = Credentials(options.sealing.credentials_directory, std::move(opened));
  if (options.sealing.passphrase_fd >= 0) {
    const FileDescriptor fd(options.sealing.passphrase_fd);
    auto passphrase = read_passphrase(fd.get());
    if (!passphrase) say(passphrase.error().message);
    if (passphrase) means.passphrase = std::move(passphrase).value();
  }
  means.argon2 = options.sealing.argon2;
  means.tpm2_tcti = options.sealing.tpm2_tcti;
  means.pkcs11_module = options.sealing.pkcs11_module;
  means.configured = options.sealing.method;
  means.configured_reference = options.sealing.reference;
  return run_sealing_helper(FileDescriptor(options.sealing.helper_fd), means);
}

int run(const Options& options) {
  std::unique_ptr<SealingHelper> helper;
  if (options.sealing.socket >= 0)
    helper = std::make_unique<SealingHelper>(FileDescriptor(options.sealing.socket));
  UnitSealings sealings(options.key_file, std::move(helper));
  auto opened = StateFile::open({options.state_directory, options.sealing.method,
                                 options.sealing.reference, options.sealing.accept_counter},
                                sealings);
  if (!opened) {
    say(opened.error().message);
    return status_of(opened.error());
  }
  StateFile& file = **opened;
  if (!file.note().empty()) say(file.note());
  auto token = prepare_backend(options);
  if (!token) {
    say(token.error().message);
    return status_of(token.error());
  }
  if (!enter_sandbox_as_asked(options, token->get())) return kExitConfiguration;
  unit::MasterKeyBackend* keys = &unit::software_master_keys();
  if (*token) {
    if (const auto ready = (*token)->open(); !ready) {
      say(ready.error().message);
      return status_of(ready.error());
    }
    keys = &(*token)->keys();
  }
  auto table = open_table(file, *keys);
  if (!table) {
    say("the state cannot be used: " + table.error().message);
    return table.error().reason == Reason::InvalidArgument ? kExitConfiguration : kExitInternal;
  }

  auto records = open_records(**table,
                              {options.state_directory, options.records.begin_anew,
                               file.accepted_copy(), file.status().saves, options.records.accept},
                              say);
  if (!records) {
    say(records.error().message);
    return status_of(records.error());
  }
  if (!records->note.empty()) say(records->note);
  unit::RecordTable& guard = *records->table;
  (*table)->set_record_acceptance(guard);

  const SystemClock clock;
  Channels channels(options.channels);
  const unit::KeyEngineOptions engine = engine_options(options);
  for (const int fd : options.channels) {
    std::thread([fd, engine, &file, &table, &guard, &clock, &channels] {
      Result<void> served;
      {
        ChannelUnit served_unit(**table, file, guard, clock, engine);
        unit::TableTransfer transfers(**table, clock);
        served = channel::serve(fd, {served_unit, &guard, &transfers});
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
