#include "unitd/options.h"

#include <algorithm>
#include <charconv>

#include "unitd/credentials.h"
#include "unitd/sealing.h"

namespace keyhaven::unitd {
namespace {

Error wrong(std::string message) { return Error{Reason::InvalidArgument, std::move(message), ""}; }

Result<std::vector<int>> parse_channels(const std::string& list) {
  std::vector<int> channels;
  const char* at = list.data();
  const char* const end = at + list.size();
  for (;;) {
    int fd = -1;
    const auto [next, error] = std::from_chars(at, end, fd);
    if (error != std::errc() || fd < 0 ||
        std::find(channels.begin(), channels.end(), fd) != channels.end()) {
      return wrong("--channels \"" + list +
                   "\": expected different descriptor numbers, separated by commas");
    }
    channels.push_back(fd);
    if (channels.size() > kMaxChannels)
      return wrong("--channels: at most " + std::to_string(kMaxChannels));
    if (next == end) return channels;
    if (*next != ',')
      return wrong("--channels \"" + list + "\": expected a comma after each number");
    at = next + 1;
  }
}

Result<SandboxMode> parse_sandbox(const std::string& text) {
  if (text == "required") return SandboxMode::Required;
  if (text == "best-effort") return SandboxMode::BestEffort;
  if (text == "off") return SandboxMode::Off;
  return wrong("--sandbox \"" + text + "\": expected required, best-effort or off");
}

template <class T>
Result<T> parse_number(const std::string& name, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return wrong(name + " \"" + std::string(text) + "\": expected a number");
  return value;
}

Result<int> parse_descriptor(const std::string& name, std::string_view text) {
  const int fd = KH_TRY(parse_number<int>(name, text));
  if (fd < 0) return wrong(name + ": a descriptor is 0 or more");
  return fd;
}

Result<void> add_credential(SealingOptions& sealing, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (equals == std::string::npos || !is_credential_name(name))
    return wrong("--credential \"" + text + "\": expected NAME=FD");
  const int fd = KH_TRY(parse_descriptor("--credential", text.substr(equals + 1)));
  if (sealing.credentials.size() == kMaxCredentials)
    return wrong("--credential: at most " + std::to_string(kMaxCredentials));
  sealing.credentials.emplace_back(name, fd);
  return {};
}

Result<crypto::Argon2Cost> parse_argon2(std::string_view text) {
  const std::size_t first = text.find(',');
  const std::size_t second = text.find(',', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos)
    return wrong("--argon2: expected KIB,PASSES,LANES");
  crypto::Argon2Cost out;
  out.memory_kib = KH_TRY(parse_number<std::uint32_t>("--argon2", text.substr(0, first)));
  out.passes =
      KH_TRY(parse_number<std::uint32_t>("--argon2", text.substr(first + 1, second - first - 1)));
  out.lanes = KH_TRY(parse_number<std::uint32_t>("--argon2", text.substr(second + 1)));
  if (!is_within_limits(out)) return wrong("--argon2 " + std::string(text) + ": out of limits");
  return out;
}

// False when `name` is not one of sealing's.
Result<bool> take_sealing_option(SealingOptions& sealing, const std::string& name,
                                 const std::string& value) {
  if (name == "--sealing") {
    sealing.method = KH_TRY(sealing_method_from(value));
  } else if (name == "--sealing-reference") {
    sealing.reference = value;
  } else if (name == "--credentials-dir") {
    sealing.credentials_directory = value;
  } else if (name == "--credential") {
    KH_TRY(add_credential(sealing, value));
  } else if (name == "--passphrase-fd") {
    sealing.passphrase_fd = KH_TRY(parse_descriptor(name, value));
  } else if (name == "--argon2") {
    sealing.argon2 = KH_TRY(parse_argon2(value));
  } else if (name == "--tpm2-tcti") {
    sealing.tpm2_tcti = value;
  } else if (name == "--pkcs11-module") {
    sealing.pkcs11_module = value;
  } else if (name == "--accept-state-counter") {
    sealing.accept_counter = KH_TRY(parse_number<std::uint64_t>(name, value));
  } else if (name == "--sealing-socket") {
    sealing.socket = KH_TRY(parse_descriptor(name, value));
  } else if (name == "--sealing-helper") {
    sealing.helper_fd = KH_TRY(parse_descriptor(name, value));
  } else {
    return false;
  }
  return true;
}

Result<unsigned> parse_in(const std::string& name, const std::string& value, unsigned least,
                          unsigned most) {
  const auto number = KH_TRY(parse_number<unsigned>(name, value));
  if (number >= least && number <= most) return number;
  return wrong(name + " " + value + ": expected " + std::to_string(least) + " to " +
               std::to_string(most));
}

Result<std::chrono::seconds> parse_key_cache(const std::string& value) {
  if (value == "off") return std::chrono::seconds{0};
  return std::chrono::seconds{KH_TRY(parse_in("--key-cache", value, 1, kMaxKeyCacheSeconds))};
}

Result<void> add_path(std::vector<std::string>& paths, const std::string& path) {
  if (path.empty() || path.front() != '/')
    return wrong("\"" + path + "\": expected an absolute path");
  if (paths.size() == kMaxTokenPaths)
    return wrong("at most " + std::to_string(kMaxTokenPaths) + " paths for the token");
  paths.push_back(path);
  return {};
}

Result<bool> parse_yes(const std::string& name, const std::string& value) {
  if (value == "yes") return true;
  if (value == "no") return false;
  return wrong(name + " \"" + value + "\": expected yes or no");
}

// False when `name` is not one of the back end's.
Result<bool> take_backend_option(Options& options, const std::string& name,
                                 const std::string& value) {
  TokenOptions& token = options.token;
  if (name == "--backend") {
    if (value != "software" && value != "pkcs11")
      return wrong("--backend \"" + value + "\": expected software or pkcs11");
    options.backend = value == "pkcs11" ? Backend::Pkcs11 : Backend::Software;
  } else if (name == "--token-module") {
    token.module = value;
  } else if (name == "--token-label") {
    token.label = value;
  } else if (name == "--token-serial") {
    token.serial = value;
  } else if (name == "--token-pin-file") {
    token.pin_file = value;
  } else if (name == "--token-sessions") {
    token.sessions = KH_TRY(parse_in(name, value, 1, 64));
  } else if (name == "--token-deadline-ms") {
    token.call_deadline = std::chrono::milliseconds{KH_TRY(parse_in(name, value, 10, 600'000))};
  } else if (name == "--token-network") {
    token.network = KH_TRY(parse_yes(name, value));
  } else if (name == "--token-path") {
    KH_TRY(add_path(token.read_write, value));
  } else if (name == "--token-read-path") {
    KH_TRY(add_path(token.read_only, value));
  } else if (name == "--key-cache") {
    token.key_cache = KH_TRY(parse_key_cache(value));
  } else {
    return false;
  }
  return true;
}

// False when `name` is not one of the stored records'.
Result<bool> take_record_option(RecordStartOptions& records, const std::string& name,
                                const std::string& value) {
  if (name == "--lost-records") {
    if (value != "begin-anew") return wrong(name + " \"" + value + "\": expected begin-anew");
    records.begin_anew = true;
    return true;
  }
  if (name != "--accept-records") return false;
  const auto bytes = from_hex(value);
  Digest digest;
  if (!bytes || bytes->size() != digest.size())
    return wrong(name + ": expected 64 hexadecimal digits");
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  records.accept = digest;
  return true;
}

Result<void> check_backend(const Options& options) {
  if (options.backend == Backend::Software) return {};
  const TokenOptions& token = options.token;
  if (token.module.empty() || token.pin_file.empty() ||
      (token.label.empty() && token.serial.empty())) {
    return wrong(
        "--backend pkcs11 needs --token-module, --token-pin-file and one of --token-label and "
        "--token-serial");
  }
  return {};
}

Result<MemoryLock> parse_memory_lock(const std::string& text) {
  if (text == "required") return MemoryLock::Required;
  if (text == "best-effort") return MemoryLock::BestEffort;
  return wrong("--memory-lock \"" + text + "\": expected required or best-effort");
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (i + 1 == arguments.size()) return wrong(name + " needs a value");
    const std::string& value = arguments[i + 1];
    if (name == "--state-dir") {
      options.state_directory = value;
    } else if (name == "--key-file") {
      options.key_file = value;
    } else if (name == "--channels") {
      options.channels = KH_TRY(parse_channels(value));
    } else if (name == "--sandbox") {
      options.sandbox = KH_TRY(parse_sandbox(value));
    } else if (name == "--memory-lock") {
      options.memory_lock = KH_TRY(parse_memory_lock(value));
    } else {
      const bool is_of_sealing = KH_TRY(take_sealing_option(options.sealing, name, value));
      const bool is_of_records = KH_TRY(take_record_option(options.records, name, value));
      const bool is_of_backend = KH_TRY(take_backend_option(options, name, value));
      if (!is_of_sealing && !is_of_records && !is_of_backend)
        return wrong("unknown argument \"" + name + "\"");
    }
  }
  if (options.state_directory.empty()) return wrong("--state-dir is missing");
  if (options.sealing.helper_fd >= 0) return options;
  if (options.key_file.empty()) return wrong("--key-file is missing");
  if (options.channels.empty())
    return wrong("--channels is missing; keyhavend starts this program with its channels");
  KH_TRY(check_backend(options));
  return options;
}

}  // namespace keyhaven::unitd
