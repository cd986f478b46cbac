#include "migrate/progress.h"

#include <algorithm>

namespace keyhaven::migrate {

std::vector<std::string> steps_of(const PlannedKey& key) {
  if (!key.is_carried()) return {};
  std::vector<std::string> out = {"create"};
  if (!key.is_made()) return out;
  for (std::uint32_t number = 2; number <= key.imports(); ++number)
    out.push_back("version:" + std::to_string(number));
  out.emplace_back("release");
  if (!key.hold_aliases) {
    for (const std::string& alias : key.aliases) out.push_back("alias:" + alias);
  }
  if (key.rotation() != nullptr) out.emplace_back("policy:rotation");
  if (key.state == client::kSuspended) out.emplace_back("disable");
  return out;
}

bool KeyProgress::is_carried(const PlannedKey& key) const {
  const std::vector<std::string> wanted = steps_of(key);
  return !wanted.empty() && std::all_of(wanted.begin(), wanted.end(),
                                        [this](const auto& step) { return done.contains(step); });
}

std::map<std::string, KeyProgress, std::less<>> progress_of(const std::vector<JournalStep>& steps) {
  std::map<std::string, KeyProgress, std::less<>> out;
  for (const JournalStep& step : steps) {
    KeyProgress& progress = out[step.key];
    if (step.done && step.detail == kUndone) continue;
    (step.done ? progress.done : progress.begun).insert(step.step);
    if (step.done && step.step == "create") progress.target = step.detail;
  }
  return out;
}

}  // namespace keyhaven::migrate
