#include "migrate/verify_keys.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "migrate/planner.h"
#include "migrate/share_out.h"

namespace keyhaven::migrate {
namespace {

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// What one worker found out about one key.
struct Findings {
  bool is_payload_equal = true;  // of a standard key
  std::vector<std::string> differences;
  std::vector<std::string> remarks;
};

struct Worker {
  client::ApiClient from;
  client::ApiClient to;
};

Result<Findings> look_at(Worker& worker, const PlannedKey& key, const KeyProgress& progress,
                         const SecretBytes& hmac_key) {
  Findings out;
  const client::Key before = KH_TRY(worker.from.get_metadata(key.source));
  const client::Key after = KH_TRY(worker.to.get_metadata(progress.target));
  out.differences = metadata_differences(key, before, after, progress);
  if (key.imports() > 1) {
    const auto versions = KH_TRY(worker.to.versions(progress.target));
    if (versions.size() < key.imports()) out.differences.emplace_back("versions are missing");
  }
  if (key.is_made()) out.remarks = plan_decisions(key, before);
  if (key.root) return out;
  const client::Key from = KH_TRY(worker.from.get_key(key.source));
  const client::Key to = KH_TRY(worker.to.get_key(progress.target));
  const Digest source_mac = crypto::hmac_sha256(hmac_key.expose(), from.payload.expose());
  const Digest target_mac = crypto::hmac_sha256(hmac_key.expose(), to.payload.expose());
  out.is_payload_equal =
      !from.payload.empty() && crypto::equal_constant_time(source_mac, target_mac);
  return out;
}

// Counts and says what was found.
class Tally {
 public:
  Tally(VerifyResult& result, Observer& observer) : result_(result), observer_(observer) {}

  void missing(const PlannedKey& key) {
    ++result_.keys_missing;
    say(key, "not carried, or not completely");
  }

  void add(const PlannedKey& key, const Result<Findings>& found) {
    const std::lock_guard lock(mutex_);
    result_.standard_keys += !key.root;
    if (!found) {
      ++result_.metadata_differences;
      return different(key, {found.error().message});
    }
    ++result_.keys_compared;
    result_.metadata_differences += found->differences.size();
    result_.standard_equal += !key.root && found->is_payload_equal;
    for (const std::string& one : found->remarks) say(key, "for your information: " + one);
    std::vector<std::string> wrong = found->differences;
    if (!found->is_payload_equal) wrong.emplace_back("the payloads differ");
    if (!wrong.empty()) return different(key, wrong);
    notes_.push_back({key.source, "verified", "equal"});
  }

  const std::vector<JournalNote>& notes() const noexcept { return notes_; }

 private:
  void different(const PlannedKey& key, const std::vector<std::string>& what) {
    std::string text;
    for (const std::string& one : what) {
      say(key, one);
      text += (text.empty() ? "different: " : "; ") + one;
    }
    notes_.push_back({key.source, "verified", text});
  }
  void say(const PlannedKey& key, const std::string& what) {
    observer_.note(key.source + " (" + key.name + "): " + what);
  }

  VerifyResult& result_;
  Observer& observer_;
  std::mutex mutex_;
  std::vector<JournalNote> notes_;
};

bool is_waiting(const PlannedKey& key, const KeyProgress& progress) {
  if (key.is_dual_auth() && !progress.done.contains("cutover:dual-auth")) return true;
  return key.is_made() && key.hold_aliases &&
         std::any_of(key.aliases.begin(), key.aliases.end(), [&](const std::string& alias) {
           return !progress.done.contains("cutover:alias:" + alias);
         });
}

// Registrations belong to services, which make and remove them at any time: what is missing is
// said, not counted.
Result<void> look_at_registrations(client::ApiClient& to, const Plan& plan,
                                   const std::map<std::string, KeyProgress, std::less<>>& progress,
                                   Observer& observer) {
  std::uint64_t planned = 0;
  for (const PlannedKey& key : plan.keys) planned += key.is_made() ? key.registrations.size() : 0;
  if (planned == 0) return {};
  const auto all = KH_TRY(to.all_registrations());
  std::set<std::pair<std::string, std::string>> there;
  for (const client::Registration& one : all.value_or(std::vector<client::Registration>()))
    there.emplace(one.key_id, one.resource_crn);
  std::uint64_t missing = 0;
  for (const PlannedKey& key : plan.keys) {
    const auto found = progress.find(key.source);
    for (const client::Registration& one : key.registrations) {
      missing += key.is_made() && found != progress.end() &&
                 !there.contains({found->second.target, one.resource_crn});
    }
  }
  if (missing > 0) {
    observer.note(std::to_string(missing) + " of " + std::to_string(planned) +
                  " registration(s) are not in the target: only services may make them");
  }
  return {};
}

// Policies of the instance that cutover has set must be in force.
Result<void> look_at_policies(client::ApiClient& to, const Plan& plan,
                              const std::map<std::string, KeyProgress, std::less<>>& progress,
                              VerifyResult& result, Observer& observer) {
  const auto done = progress.find("instance");
  if (plan.instance_policies.empty() || done == progress.end()) return {};
  const auto all = KH_TRY(to.instance_policies());
  for (const client::InstancePolicyChange& wanted : plan.instance_policies) {
    if (!done->second.done.contains("policy:" + wanted.type)) continue;
    const bool is_there =
        all && std::any_of(all->begin(), all->end(),
                           [&](const client::Policy& one) { return is_in_force(wanted, one); });
    if (is_there) continue;
    ++result.metadata_differences;
    observer.note("instance policy " + wanted.type + " is not in force as planned");
  }
  return {};
}

// Those of the plan, but for the ones that cutover has still to give.
std::vector<std::string> aliases_by_now(const PlannedKey& plan, const KeyProgress& progress) {
  if (!plan.hold_aliases) return plan.aliases;
  std::vector<std::string> out;
  for (const std::string& alias : plan.aliases) {
    if (progress.done.contains("cutover:alias:" + alias)) out.push_back(alias);
  }
  return out;
}

}  // namespace

Result<void> verify_keys(const Plan& plan, const Side& source, const Side& target, unsigned jobs,
                         Journal& journal, VerifyResult& result, Observer& observer) {
  std::vector<Worker> workers;
  for (unsigned i = 0; i < std::clamp(jobs, 1U, 32U); ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    workers.push_back({std::move(from), std::move(to)});
  }
  const SecretBytes hmac_key = crypto::random_secret(32);
  const auto progress = progress_of(KH_TRY(journal.steps()));
  Tally tally(result, observer);
  std::vector<std::pair<const PlannedKey*, const KeyProgress*>> work;
  std::uint64_t waiting = 0;
  for (const PlannedKey& key : plan.keys) {
    if (!key.is_carried()) continue;
    const auto found = progress.find(key.source);
    if (found == progress.end() || !found->second.is_carried(key)) {
      tally.missing(key);
      continue;
    }
    waiting += is_waiting(key, found->second);
    work.emplace_back(&key, &found->second);
  }
  share_out(workers, work.size(), [&](Worker& worker, std::size_t i) {
    const auto& [key, done] = work[i];
    tally.add(*key, look_at(worker, *key, *done, hmac_key));
  });
  if (waiting > 0) {
    observer.note(std::to_string(waiting) +
                  " key(s) get aliases or dual authorization at cutover only");
  }
  KH_TRY(look_at_registrations(workers[0].to, plan, progress, observer));
  KH_TRY(look_at_policies(workers[0].to, plan, progress, result, observer));
  return journal.note(tally.notes());
}

std::vector<std::string> metadata_differences(const PlannedKey& plan, const client::Key& source,
                                              const client::Key& target,
                                              const KeyProgress& progress) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* field, bool equal) {
    if (!equal) out.push_back(std::string(field) + " differs");
  };
  if (!plan.is_made()) {  // a key of the target that took over: its metadata are its own
    compare("kind", target.is_root());
    compare("state", target.state == client::kActive);
    return out;
  }
  compare("name", plan.name == target.name);
  compare("description", plan.description == target.description);
  compare("tags", sorted(plan.tags) == sorted(target.tags));
  compare("kind", source.extractable == target.extractable && plan.root == target.is_root());
  compare("aliases", sorted(aliases_by_now(plan, progress)) == sorted(target.aliases));
  compare("key ring", plan.key_ring == target.key_ring);
  const bool is_dual_auth = plan.is_dual_auth() && progress.done.contains("cutover:dual-auth");
  compare("dual authorization", is_dual_auth == target.dual_auth_delete);
  const auto rotates = [](const client::RotationPolicy* policy) {
    return policy != nullptr && policy->enabled ? policy->months : 0;
  };
  compare("rotation policy",
          rotates(plan.rotation()) == rotates(target.rotation ? &*target.rotation : nullptr));
  if (plan.root) compare("origin", target.imported == (plan.action == KeyAction::Import));
  const bool lives_on = plan.when_expired == "without-expiration";
  compare("expiration date", target.expires == (lives_on ? Timestamp() : plan.expires));
  // The source may have been disabled after the migration; what counts is what was carried. A key
  // that was not active yet, or no longer, is active in the target.
  const int carried = plan.state == client::kSuspended ? client::kSuspended : client::kActive;
  compare("state", target.state == carried || (!lives_on && target.state == source.state));
  return out;
}

std::vector<std::string> plan_decisions(const PlannedKey& plan, const client::Key& source) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* field, bool equal) {
    if (!equal) out.push_back(std::string("the plan has another ") + field + " than the source");
  };
  compare("name", plan.name == source.name);
  compare("description", plan.description == source.description);
  compare("list of tags", sorted(plan.tags) == sorted(source.tags));
  compare("list of aliases", sorted(plan.aliases) == sorted(source.aliases));
  compare("key ring", plan.key_ring == source.key_ring);
  compare("expiration date",
          plan.expires == source.expires && plan.when_expired != "without-expiration");
  return out;
}

}  // namespace keyhaven::migrate
