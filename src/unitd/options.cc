#include "unitd/options.h"

#include <algorithm>
#include <charconv>

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
      return wrong("unknown argument \"" + name + "\"");
    }
  }
  if (options.state_directory.empty()) return wrong("--state-dir is missing");
  if (options.key_file.empty()) return wrong("--key-file is missing");
  if (options.channels.empty())
    return wrong("--channels is missing; keyhavend starts this program with its channels");
  return options;
}

}  // namespace keyhaven::unitd
