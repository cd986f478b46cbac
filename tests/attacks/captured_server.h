// A process in keyhavend's place: the same order of steps, the same user, the same confinement, the
// same channels. The last step before it reads the network is where the attacker takes over.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "channel/blocking_client.h"
#include "server/config.h"
#include "server/unit_supervisor.h"

namespace keyhaven::attacks {

class CapturedServer {
 public:
  struct Options {
    std::string data_directory;
    std::string unit_program;
    bool call_filter = true;  // false: to see what the other walls hold by themselves
  };
  // Errors: as keyhavend's start.
  static Result<std::unique_ptr<CapturedServer>> start(const Options& options);

  CapturedServer(const CapturedServer&) = delete;
  CapturedServer& operator=(const CapturedServer&) = delete;
  ~CapturedServer();

  const server::Config& config() const noexcept { return config_; }
  const std::string& unit_program() const noexcept { return config_.unit_program; }
  pid_t unit_pid() const { return supervisor_->status().unit_pid; }
  pid_t launcher_pid() const noexcept { return launcher_pid_; }
  int launcher_control() const noexcept { return control_.get(); }  // the server's own end
  channel::BlockingClient& client() noexcept { return client_; }
  server::UnitSupervisor& supervisor() noexcept { return *supervisor_; }

  // A channel nobody has spoken on, open until the unit's end (the end of one channel ends the
  // unit); -1 when all are used.
  int unused_channel();
  // Waits until a unit is up whose channels are fresh. Errors: as UnitSupervisor.
  Result<void> wait_for_unit();
  // Whether the unit answers.
  bool unit_serves();

 private:
  explicit CapturedServer(server::Config config);
  Result<void> capture(bool call_filter);

  static constexpr unsigned kChannels = 12;
  server::Config config_;
  FileDescriptor control_;
  pid_t launcher_pid_ = 0;
  channel::BlockingClient client_;
  std::mutex mutex_;
  std::vector<FileDescriptor> channels_;
  std::size_t used_channels_ = 0;
  std::optional<server::UnitSupervisor> supervisor_;
};

}  // namespace keyhaven::attacks
