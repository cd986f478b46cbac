// A small process that starts keyhaven-unit, restarts it when it dies, and ends with the server.
//
// Why a process: starting the unit as another user needs root, which the server gives up; and the
// server, which reads the network, must not be the one who can signal, trace or replace the unit.
// The launcher reads nothing but the end of its control socket. See
// docs/adr/0002-two-processes-and-launcher.md.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace keyhaven::server {

// How the unit's state is sealed (docs/operations/sealing.md): names, never a secret.
struct SealingLaunch {
  std::string method = "file";  // of the first start
  std::string reference;
  std::string credentials_directory;
  std::string passphrase_from;  // "", "terminal" or "fd:N"
  std::string argon2;           // "KIB,PASSES,LANES"; empty: the unit's default
  std::string tpm2_tcti;
  std::string pkcs11_module;
  std::vector<std::string> environment;  // NAME=VALUE, for the token's library
  std::uint64_t accept_counter = 0;

  // Whether there is anything that the unit's sealing helper could use; and over a network.
  bool needs_helper() const noexcept {
    return !credentials_directory.empty() || !passphrase_from.empty() || reaches_devices();
  }
  bool reaches_devices() const noexcept { return !tpm2_tcti.empty() || !pkcs11_module.empty(); }
};

struct UnitLaunchOptions {
  std::string program;          // keyhaven-unit
  std::string state_directory;  // made 0700 for the unit's user when absent
  std::string key_file;         // sealing key; the unit makes it at first start
  unsigned channels = 1;        // 1 to 128: one per event loop, one for the blocking client, one
                                // for its slow calls
  struct User {
    uid_t uid;
    gid_t gid;
  };
  std::optional<User>
      user;  // whom the unit becomes; only when started by root, absent: nobody else
  std::string sandbox = "best-effort";   // required, best-effort, off (unitd/options.h)
  std::string memory_lock = "required";  // required, best-effort
  bool network = false;                  // the unit reaches its token over the network
  SealingLaunch sealing;
  // Arguments of the unit about its stored records and about where master keys are, and environment
  // for the token's library.
  std::vector<std::string> backend_arguments;
  std::vector<std::string> backend_environment;
};

// The server's handle of the launcher; UnitSupervisor speaks through it.
class UnitLauncher {
 public:
  // Prepares the directories (as the caller's user) and forks the launcher. Call it before there
  // are threads, before privileges are dropped, and before secrets are read: the child is a copy of
  // the caller. It closes every other descriptor it inherited. Errors: InvalidArgument (program not
  // executable, a user named without being root, channels out of range, no passphrase), Io. Waits
  // until the launcher has read the passphrase, when sealing.passphrase_from names a source, or
  // until SIGINT or SIGTERM is pending.
  static Result<UnitLauncher> fork_launcher(const UnitLaunchOptions& options);

  UnitLauncher(UnitLauncher&&) noexcept = default;
  UnitLauncher& operator=(UnitLauncher&&) noexcept = default;

  pid_t pid() const noexcept { return pid_; }
  int control() const noexcept { return control_.get(); }

 private:
  UnitLauncher(FileDescriptor control, pid_t pid) : control_(std::move(control)), pid_(pid) {}
  FileDescriptor control_;  // SOCK_SEQPACKET; its end is the launcher's order to stop
  pid_t pid_;
};

// --- What the launcher tells, one datagram each (unit_launcher_main.cc writes, unit_supervisor.cc
// reads) ---
enum class LaunchEvent : std::uint8_t {
  Up = 'U',          // u32 pid; the channels' server ends travel as SCM_RIGHTS
  Passphrase = 'P',  // the passphrase is read; before all others, once
  Down = 'D',        // text: why; it is started again
  Refused = 'R',     // text: why; the unit ended with status 2 (configuration); it is started again
                     // all the same
};
inline constexpr std::size_t kMaxLaunchMessage = 2048;

// The launcher's life; never returns.
[[noreturn]] void run_unit_launcher(const UnitLaunchOptions& options, FileDescriptor control);

}  // namespace keyhaven::server
