#include "captured_server.h"

#include <fcntl.h>
#include <unistd.h>

#include "crypto/process_memory.h"
#include "server/confine.h"
#include "server/privileges.h"
#include "server/unit_launcher.h"

namespace keyhaven::attacks {

constexpr std::chrono::seconds kPatience{60};

CapturedServer::CapturedServer(server::Config config)
    : config_(std::move(config)), client_({std::chrono::milliseconds(20'000)}) {}

CapturedServer::~CapturedServer() {
  client_.detach();
  {
    const std::lock_guard lock(mutex_);
    channels_.clear();
  }
  if (supervisor_) supervisor_->stop();
}

Result<std::unique_ptr<CapturedServer>> CapturedServer::start(const Options& options) {
  server::Config config;
  config.data_directory = options.data_directory;
  config.unit_program = options.unit_program;
  std::unique_ptr<CapturedServer> out(new CapturedServer(std::move(config)));
  KH_TRY(out->capture(options.call_filter));
  return out;
}

// Service::prepare and Service::restrict (server/service.cc), without the port.
Result<void> CapturedServer::capture(bool call_filter) {
  server::User user;
  server::UnitLaunchOptions launch;
  const bool root = server::started_by_root();
  if (root) {
    user = KH_TRY(server::find_user(config_.user, "server.user"));
    const server::User unit = KH_TRY(server::find_user(config_.unit_user, "unit.user"));
    launch.user = server::UnitLaunchOptions::User{unit.uid, unit.gid};
  }
  KH_TRY(server::prepare_server_directory(config_, user));
  launch.program = config_.unit_program;
  launch.state_directory = config_.unit_directory();
  launch.key_file = config_.unit_key_path();
  launch.channels = kChannels;
  auto launcher = KH_TRY(server::UnitLauncher::fork_launcher(launch));
  control_ = FileDescriptor(::fcntl(launcher.control(), F_DUPFD_CLOEXEC, 3));
  launcher_pid_ = launcher.pid();
  if (root) KH_TRY(server::become(user));
  if (call_filter) {
    KH_TRY(server::confine_server(config_, root));
  } else {
    crypto::forbid_core_dumps_and_tracing();
    KH_TRY(make_directory(config_.audit_path(), 0700));
    KH_TRY(server::restrict_server_with_landlock(
        {{config_.server_directory(), config_.audit_path()},
         {},
         {config_.unit_directory(), config_.unit_key_path()}}));
  }
  supervisor_.emplace(std::move(launcher), server::UnitSupervisor::Callbacks{
                                               [this](std::vector<FileDescriptor> channels, pid_t) {
                                                 client_.attach(std::move(channels.back()));
                                                 channels.pop_back();
                                                 const std::lock_guard lock(mutex_);
                                                 channels_ = std::move(channels);
                                                 used_channels_ = 0;
                                               },
                                               nullptr});
  return supervisor_->wait_until_up(kPatience);
}

int CapturedServer::unused_channel() {
  const std::lock_guard lock(mutex_);
  return used_channels_ < channels_.size() ? channels_[used_channels_++].get() : -1;
}

Result<void> CapturedServer::wait_for_unit() { return supervisor_->wait_until_up(kPatience); }

bool CapturedServer::unit_serves() { return client_.attestation_root().has_value(); }

}  // namespace keyhaven::attacks
