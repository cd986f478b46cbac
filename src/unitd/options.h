// The command line of keyhaven-unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/argon2.h"
#include "unit/crypto_unit.h"

namespace keyhaven::unitd {

enum class SandboxMode : std::uint8_t {
  Required,    // no start without it
  BestEffort,  // what the kernel offers; what is missing is said on standard error
  Off,
};

// How the state is sealed, and with what means (docs/operations/sealing.md). Names and numbers of
// descriptors, never a secret.
struct SealingOptions {
  unit::SealingMethod method = unit::SealingMethod::KeyFile;  // of the first start
  std::string reference;
  std::string credentials_directory;
  std::vector<std::pair<std::string, int>> credentials;  // name, descriptor
  int passphrase_fd = -1;
  crypto::Argon2Cost argon2;
  std::string tpm2_tcti;
  std::string pkcs11_module;
  std::uint64_t accept_counter = 0;
  int socket = -1;     // to the sealing helper; -1: there is none
  int helper_fd = -1;  // this process is the helper, and that is its end
};

enum class MemoryLock : std::uint8_t {
  Required,    // no start, and no going on, with memory for keys that could be swapped out
  BestEffort,  // as much as RLIMIT_MEMLOCK allows; a failure is said once on standard error
};

// For one start (docs/operations/records.md).
struct RecordStartOptions {
  bool begin_anew = false;       // a journal that cannot be used is replaced by an empty one
  std::optional<Digest> accept;  // what the first check finds in the deployment
};

// Where the master keys of operational units are (docs/operations/hsm.md).
enum class Backend : std::uint8_t { Software, Pkcs11 };

struct TokenOptions {
  std::string module;
  std::string label;
  std::string serial;
  std::string pin_file;  // 0600, of this process's user
  unsigned sessions = 1;
  std::chrono::milliseconds call_deadline{5000};
  std::vector<std::string> read_write;  // files and directories that the module needs
  std::vector<std::string> read_only;
  bool network = false;  // it makes connections
  // How long a key derived by the token is kept; zero: not at all.
  std::chrono::seconds key_cache{300};
};

struct Options {
  std::string state_directory;
  std::string key_file;       // sealing key
  std::vector<int> channels;  // inherited stream sockets, 1 to kMaxChannels
  SandboxMode sandbox = SandboxMode::BestEffort;
  MemoryLock memory_lock = MemoryLock::Required;
  SealingOptions sealing;
  RecordStartOptions records;
  Backend backend = Backend::Software;
  TokenOptions token;
};

inline constexpr std::size_t kMaxChannels = 128;

inline constexpr std::size_t kMaxCredentials = 32;
inline constexpr std::size_t kMaxTokenPaths = 32;
inline constexpr unsigned kMaxKeyCacheSeconds = 86'400;

// Parses the arguments without the program's name; each is a name and a value:
//   --state-dir DIR --key-file FILE --channels FD,FD,...
//   --sandbox required|best-effort|off
//   --memory-lock required|best-effort
//   --sealing METHOD, --sealing-reference TEXT   of the first start
//   --accept-state-counter N, --sealing-socket FD
//   --lost-records begin-anew, --accept-records HEX (64 digits)   for one start
//   --backend software|pkcs11, and for the latter
//   --token-module FILE, --token-label TEXT, --token-serial TEXT, --token-pin-file FILE
//   --token-sessions N, --token-deadline-ms N, --token-network yes|no
//   --token-path PATH, --token-read-path PATH (repeatable), --key-cache off|SECONDS
// or, for the sealing helper (sealing_helper.h):
//   --sealing-helper FD --state-dir DIR --sealing METHOD --sealing-reference TEXT
//   --credentials-dir DIR, --credential NAME=FD (repeatable), --passphrase-fd FD
//   --argon2 KIB,PASSES,LANES, --tpm2-tcti TEXT, --pkcs11-module FILE
// Errors: InvalidArgument.
Result<Options> parse_options(const std::vector<std::string>& arguments);

}  // namespace keyhaven::unitd
