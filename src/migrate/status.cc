#include "migrate/status.h"

#include "migrate/progress.h"

namespace keyhaven::migrate {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

// By key; nullopt when the service has no such list.
Result<std::optional<Counts>> registrations_of(const Side& side) {
  client::ApiClient api = KH_TRY(side.connect());
  const auto all = KH_TRY(api.all_registrations());
  if (!all) return std::optional<Counts>();
  Counts counts;
  for (const client::Registration& one : *all) ++counts[one.key_id];
  return std::optional(std::move(counts));
}

std::optional<std::uint64_t> count_of(const std::optional<Counts>& counts, const std::string& key) {
  if (!counts || key.empty()) return std::nullopt;
  const auto found = counts->find(key);
  return found == counts->end() ? 0 : found->second;
}

KeyStage stage_of(const PlannedKey& key, const KeyProgress* progress, bool is_failed,
                  const std::string& verified) {
  if (key.action == KeyAction::Blocked) return KeyStage::Blocked;
  if (key.action == KeyAction::Report) return KeyStage::Reported;
  if (is_failed || verified.starts_with("different")) return KeyStage::Failed;
  if (progress == nullptr) return KeyStage::Planned;
  if (!progress->is_carried(key)) return KeyStage::Begun;
  return verified.empty() ? KeyStage::Done : KeyStage::Verified;
}

}  // namespace

std::string_view name_of(KeyStage stage) noexcept {
  constexpr std::string_view kNames[] = {"planned", "begun",   "done",    "verified",
                                         "failed",  "blocked", "reported"};
  return kNames[static_cast<std::size_t>(stage)];
}

Result<std::vector<KeyStatus>> status_of(const Plan& plan, Journal* journal) {
  std::vector<JournalStep> steps;
  std::map<std::string, std::string> failed, verified;
  if (journal != nullptr) {
    steps = KH_TRY(journal->steps());
    for (JournalNote& note : KH_TRY(journal->notes()))
      (note.kind == "failed" ? failed : verified)[note.key] = std::move(note.text);
  }
  const auto progress = progress_of(steps);
  std::vector<KeyStatus> out;
  for (const PlannedKey& key : plan.keys) {
    KeyStatus status;
    status.key = &key;
    const auto found = progress.find(key.source);
    const KeyProgress* one = found == progress.end() ? nullptr : &found->second;
    const auto why = failed.find(key.source);
    const auto seen = verified.find(key.source);
    const std::string proof = seen == verified.end() ? std::string() : seen->second;
    status.stage = stage_of(key, one, why != failed.end(), proof);
    if (status.stage == KeyStage::Failed) status.why = why != failed.end() ? why->second : proof;
    if (status.stage == KeyStage::Blocked) status.why = key.blocked;
    if (one != nullptr) {
      status.target = one->target;
      status.open.assign(one->begun.begin(), one->begun.end());
      status.is_source_disabled = one->done.contains("cutover:disable");
      status.has_intent = one->done.contains("cutover:intent");
    }
    out.push_back(std::move(status));
  }
  return out;
}

Result<void> add_registrations(std::vector<KeyStatus>& keys, const Side& source,
                               const Side& target) {
  const auto before = KH_TRY(registrations_of(source));
  const auto after = KH_TRY(registrations_of(target));
  for (KeyStatus& one : keys) {
    if (!one.key->root) continue;
    one.source_registrations = count_of(before, one.key->source);
    one.target_registrations = count_of(after, one.target);
  }
  return {};
}

std::map<KeyStage, std::uint64_t> totals_of(const std::vector<KeyStatus>& keys) {
  std::map<KeyStage, std::uint64_t> out;
  for (const KeyStatus& one : keys) ++out[one.stage];
  return out;
}

}  // namespace keyhaven::migrate
