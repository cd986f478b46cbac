#include "migrate/plan_split.h"

#include <algorithm>

namespace keyhaven::migrate {
namespace {

constexpr std::string_view kKeys = "keys:\n";
constexpr std::string_view kEntry = "  - ";

// Whether a line of the first column ends the list: a comment or an empty line does not.
bool ends_list(std::string_view line) {
  return !line.empty() && line.front() != ' ' && line.front() != '#' && line.front() != '\n' &&
         line.front() != '\r';
}

}  // namespace

std::optional<SplitPlan> split_plan(std::string_view text) {
  std::size_t at = text.starts_with(kKeys) ? 0 : text.find("\nkeys:\n");
  if (at == std::string_view::npos) return std::nullopt;
  if (at > 0) ++at;
  SplitPlan out;
  out.outline = text.substr(0, at);
  out.outline += "keys: []\n";
  at += kKeys.size();
  std::size_t entry = std::string_view::npos;  // where the one at hand begins
  const auto close = [&] {
    if (entry != std::string_view::npos) out.keys.push_back(text.substr(entry, at - entry));
  };
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = text.substr(at, end - at);
    if (ends_list(line)) break;
    if (line.starts_with(kEntry)) {
      close();
      entry = at;
    }
    at = end;
  }
  close();
  out.outline += text.substr(at);
  if (out.keys.empty()) return std::nullopt;
  return out;
}

}  // namespace keyhaven::migrate
