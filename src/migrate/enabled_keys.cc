#include "migrate/enabled_keys.h"

#include <chrono>
#include <thread>

namespace keyhaven::migrate {
namespace {

constexpr std::string_view kStep = "enabled:";

}  // namespace

Result<void> enable_in(client::ApiClient& api, const std::string& id) {
  constexpr int kTries = 8;
  constexpr std::chrono::seconds kPause{5};
  for (int attempt = 1;; ++attempt) {
    auto enabled = api.enable_key(id);
    if (enabled || enabled.error().reason != Reason::RequestTooEarly || attempt == kTries)
      return enabled;
    std::this_thread::sleep_for(kPause);
  }
}

Result<void> disable_in(client::ApiClient& api, const std::string& id) {
  auto disabled = api.disable_key(id);
  if (disabled) return {};
  const auto now = api.get_metadata(id);
  if (now && now->state == client::kSuspended) return {};
  return disabled;
}

client::ApiClient& EnabledKeys::side_of(const std::string& step) const {
  return step.starts_with("enabled:source") ? from_ : to_;
}

Result<void> EnabledKeys::turn_on(const PlannedKey& key, const char* side, const std::string& id) {
  const std::string step = std::string(kStep) + side;
  KH_TRY(journal_.intend(key.source, step, id));
  client::ApiClient& api = side_of(step);
  const auto done = enable_in(api, id);
  if (done) {
    observer_.note("enabled for this run in the " + std::string(side) + ": " + id);
    return {};
  }
  // Nothing is owed if it is disabled, or if the service refused because it was enabled already. In
  // doubt the intent stays, and settle() disables the key.
  const client::ApiFailure failure = api.last_failure();
  const bool may_be_ours = failure.status == 0 || failure.may_have_happened;
  const auto now = api.get_metadata(id);
  if (now && (now->state == client::kSuspended || !may_be_ours))
    KH_TRY(journal_.finish(key.source, step, id));
  observer_.note("FAILED to enable in the " + std::string(side) + ": " + id + ": " +
                 done.error().message);
  return {};
}

Result<void> EnabledKeys::enable(const Plan& plan, const DekRoutes& routes,
                                 const std::set<std::string>& names) {
  std::set<const PlannedKey*> wanted;
  for (const std::string& name : names) {
    const DekRoute& route = routes.find(name);
    if (route.refusal.empty() && route.key->state == client::kSuspended) wanted.insert(route.key);
  }
  for (const PlannedKey& key : plan.keys) {  // in the plan's order
    if (!wanted.contains(&key)) continue;
    KH_TRY(turn_on(key, "source", key.source));
    if (key.dek_target.empty()) KH_TRY(turn_on(key, "target", routes.find(key.source).target));
  }
  return {};
}

Result<std::uint64_t> EnabledKeys::settle() {
  std::uint64_t failed = 0;
  for (const JournalStep& step : KH_TRY(journal_.steps())) {
    if (step.done || !step.step.starts_with(kStep)) continue;
    const std::string side = step.step.substr(kStep.size());
    if (auto done = disable_in(side_of(step.step), step.intent); !done) {
      ++failed;
      observer_.note("FAILED to disable again in the " + side + ": " + step.intent + ": " +
                     done.error().message);
      continue;
    }
    KH_TRY(journal_.finish(step.key, step.step, step.intent));
    observer_.note("disabled again in the " + side + ": " + step.intent);
  }
  return failed;
}

}  // namespace keyhaven::migrate
