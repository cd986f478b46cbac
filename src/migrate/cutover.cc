#include "migrate/cutover.h"

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <map>
#include <mutex>

#include "migrate/carrier.h"
#include "migrate/csv.h"
#include "migrate/enabled_keys.h"
#include "migrate/look_and_repeat.h"
#include "migrate/planner.h"
#include "migrate/progress.h"
#include "migrate/reversible.h"
#include "migrate/share_out.h"
#include "migrate/source_reader.h"

namespace keyhaven::migrate {
namespace {

constexpr const char* kInstance = "instance";  // key of the journal for the instance's policies

struct Worker {
  client::ApiClient from;
  client::ApiClient to;
};

Result<std::vector<Worker>> connect(const Side& source, const Side& target, unsigned jobs) {
  std::vector<Worker> workers;
  for (unsigned i = 0; i < std::clamp(jobs, 1U, 32U); ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    workers.push_back({std::move(from), std::move(to)});
  }
  return workers;
}

// --- The acts on one key ---

ReversibleAct alias_act(Worker& worker, const PlannedKey& key, const std::string& target,
                        const std::string& alias) {
  return {key.source, "cutover:alias:" + alias,
          [&worker, target, alias]() -> Result<bool> {
            const client::Key now = KH_TRY(worker.to.get_metadata(target));
            return std::find(now.aliases.begin(), now.aliases.end(), alias) != now.aliases.end();
          },
          [&worker, target, alias] { return give_alias(worker.to, target, alias); },
          [&worker, target, alias] { return worker.to.delete_alias(target, alias); }};
}

ReversibleAct dual_auth_act(Worker& worker, const PlannedKey& key, const std::string& target) {
  return {key.source,
          "cutover:dual-auth",
          [&worker, target]() -> Result<bool> {
            const client::Key now = KH_TRY(worker.to.get_metadata(target));
            return now.dual_auth_delete;
          },
          [&worker, target]() -> Result<void> {
            KH_TRY(worker.to.set_key_policies(target, {std::nullopt, true}));
            return {};
          },
          {}};
}

// An intent to another key is in the way of ours; for undo it is not ours to remove.
enum class Foreign : std::uint8_t { Refuse, Ignore };

ReversibleAct intent_act(Worker& worker, const PlannedKey& key, const std::string& target_crn,
                         Foreign foreign) {
  return {key.source, "cutover:intent",
          [&worker, &key, target_crn, foreign]() -> Result<bool> {
            const auto intent = KH_TRY(worker.from.migration_intent(key.source));
            if (!intent || intent->target_crn == target_crn) return intent.has_value();
            if (foreign == Foreign::Ignore) return false;
            return Error{Reason::MigrationIntentExists,
                         "the key of the source has a migration intent to " + intent->target_crn +
                             "; remove it there if it is not wanted",
                         {}};
          },
          [&worker, &key, target_crn]() -> Result<void> {
            client::ApiFailure failure;
            const auto send = [&] {
              auto sent = worker.from.create_migration_intent(key.source, target_crn);
              failure = worker.from.last_failure();
              return sent;
            };
            auto made = act_or_find(worker.from, send, [&]() -> Result<bool> {
              const auto now = KH_TRY(worker.from.migration_intent(key.source));
              return now && now->target_crn == target_crn;
            });
            if (made) return {};
            if (failure.status == 404 || failure.status == 405 || failure.status == 501)
              return Error{Reason::NotSupported, "the source offers no migration intents", {}};
            return std::move(made).error();
          },
          [&worker, &key] { return worker.from.delete_migration_intent(key.source); }};
}

ReversibleAct disable_act(Worker& worker, const PlannedKey& key) {
  return {key.source, "cutover:disable",
          [&worker, &key]() -> Result<bool> {
            const client::Key now = KH_TRY(worker.from.get_metadata(key.source));
            return now.state == client::kSuspended;
          },
          [&worker, &key] { return disable_in(worker.from, key.source); },
          [&worker, &key] { return enable_in(worker.from, key.source); }};
}

ReversibleAct policy_act(Worker& worker, const client::InstancePolicyChange& policy,
                         Observer& observer) {
  return {kInstance,
          "policy:" + policy.type,
          [&worker, &policy]() -> Result<bool> {
            const auto all = KH_TRY(worker.to.instance_policies());
            return all && std::any_of(all->begin(), all->end(), [&](const client::Policy& one) {
                     return is_in_force(policy, one);
                   });
          },
          [&worker, &policy, &observer]() -> Result<void> {
            const std::string warning = KH_TRY(worker.to.set_instance_policy(policy));
            if (!warning.empty()) observer.note("policy " + policy.type + ": " + warning);
            return {};
          },
          {}};
}

// --- Registrations of the source ---

// How many services are registered with each key; a service without such lists has none.
Result<std::map<std::string, std::uint64_t>> registered(
    client::ApiClient& from, const std::vector<const PlannedKey*>& keys) {
  std::map<std::string, std::uint64_t> out;
  if (const auto all = KH_TRY(from.all_registrations())) {
    for (const client::Registration& one : *all) ++out[one.key_id];
    return out;
  }
  for (const PlannedKey* key : keys) {
    const auto some = KH_TRY(from.registrations(key->source));
    if (some) out[key->source] = some->size();
  }
  return out;
}

// CRNs of an instance's keys by id.
Result<std::map<std::string, std::string>> crns_of(client::ApiClient& api) {
  std::map<std::string, std::string> out;
  for (const client::Key& key : KH_TRY(read_keys(api))) out[key.id] = key.crn;
  return out;
}

// --- All keys ---

class Switch {
 public:
  Switch(const Plan& plan, Journal& journal, const CutoverOptions& options, CutoverResult& result,
         Observer& observer)
      : plan_(plan), journal_(journal), options_(options), result_(result), observer_(observer) {}

  Result<void> run(const Side& source, const Side& target) {
    progress_ = progress_of(KH_TRY(journal_.steps()));
    for (const PlannedKey& key : plan_.keys) {
      if (!key.is_carried()) continue;
      const auto found = progress_.find(key.source);
      if (found != progress_.end() && found->second.is_carried(key)) {
        keys_.push_back(&key);
      } else {
        ++result_.not_carried;
      }
    }
    std::vector<Worker> workers = KH_TRY(connect(source, target, options_.jobs));
    if (options_.disable_source && !options_.despite_registrations)
      registered_ = KH_TRY(registered(workers[0].from, keys_));
    if (options_.intents) {
      crns_ = KH_TRY(crns_of(workers[0].to));
    }
    share_out(workers, keys_.size(),
              [this](Worker& worker, std::size_t i) { switch_key(worker, *keys_[i]); });
    return set_policies(workers[0]);
  }

 private:
  void switch_key(Worker& worker, const PlannedKey& key) {
    const std::string& target = progress_.find(key.source)->second.target;
    const Result<void> switched = act_on(worker, key, target);
    const std::lock_guard lock(mutex_);
    ++(switched ? result_.done : result_.failed);
    if (!switched)
      observer_.note("FAILED " + key.source + " (" + key.name + "): " + switched.error().message);
    observer_.progress(result_.done + result_.failed, keys_.size());
  }

  Result<void> act_on(Worker& worker, const PlannedKey& key, const std::string& target) {
    if (key.is_made() && key.hold_aliases) {
      for (const std::string& alias : key.aliases)
        KH_TRY(do_once(journal_, alias_act(worker, key, target, alias)));
    }
    if (key.is_dual_auth()) KH_TRY(do_once(journal_, dual_auth_act(worker, key, target)));
    // A disabled key has no services that could move: an intent needs two keys that work.
    if (options_.intents && key.root && key.state != client::kSuspended)
      KH_TRY(set_intent(worker, key, target));
    if (options_.disable_source && key.root) KH_TRY(disable(worker, key));
    return {};
  }

  Result<void> set_intent(Worker& worker, const PlannedKey& key, const std::string& target) {
    const auto crn = crns_.find(target);
    if (crn == crns_.end() || crn->second.empty()) {
      return Error{Reason::KeyNotFound, "key " + target + " of the target is not listed there", {}};
    }
    if (no_intents_) {
      ++result_no_intents_;
      return {};
    }
    const auto done = do_once(journal_, intent_act(worker, key, crn->second, Foreign::Refuse));
    if (!done && done.error().reason != Reason::NotSupported) return done;
    if (!done) no_intents_ = true;
    ++(done ? result_intents_ : result_no_intents_);
    return {};
  }

  Result<void> disable(Worker& worker, const PlannedKey& key) {
    const auto count = registered_.find(key.source);
    if (count != registered_.end() && count->second > 0) {
      const std::lock_guard lock(mutex_);
      ++result_.held_back;
      observer_.note(key.source + " (" + key.name +
                     ") stays enabled: " + std::to_string(count->second) +
                     " service(s) are still registered with it in the source; wait until they have "
                     "moved (see status --live)");
      return {};
    }
    KH_TRY(do_once(journal_, disable_act(worker, key)));
    ++result_disabled_;
    return {};
  }

  // Last, and only when every key is through: a policy may forbid what is still to be done.
  Result<void> set_policies(Worker& worker) {
    result_.intents = result_intents_;
    result_.no_intents = result_no_intents_;
    result_.disabled = result_disabled_;
    if (plan_.instance_policies.empty()) return {};
    if (result_.not_carried + result_.failed > 0) {
      observer_.note("the instance policies wait until every key is through");
      return {};
    }
    std::vector<const client::InstancePolicyChange*> order;
    for (const client::InstancePolicyChange& one : plan_.instance_policies) order.push_back(&one);
    std::stable_partition(order.begin(), order.end(), [](const auto* one) {
      return one->type != "allowedNetwork" && one->type != "allowedIP";
    });
    for (const client::InstancePolicyChange* one : order) {
      const auto set = do_once(journal_, policy_act(worker, *one, observer_));
      ++(set ? result_.policies : result_.failed);
      if (!set) observer_.note("FAILED policy " + one->type + ": " + set.error().message);
    }
    return {};
  }

  const Plan& plan_;
  Journal& journal_;
  const CutoverOptions& options_;
  CutoverResult& result_;
  Observer& observer_;
  std::map<std::string, KeyProgress, std::less<>> progress_;
  std::vector<const PlannedKey*> keys_;
  std::map<std::string, std::uint64_t> registered_;
  std::map<std::string, std::string> crns_;  // of the target's keys
  std::atomic<bool> no_intents_{false};
  std::atomic<std::uint64_t> result_intents_{0}, result_no_intents_{0}, result_disabled_{0};
  std::mutex mutex_;
};

}  // namespace

bool proves_all(const Plan& plan, std::string_view verify_json) {
  boost::json::error_code broken;
  const boost::json::value value = boost::json::parse(verify_json, broken);
  if (broken || !value.is_object()) return false;
  const auto number = [&value](const char* name) -> std::uint64_t {
    const boost::json::value* found = value.as_object().if_contains(name);
    boost::json::error_code failed;
    const auto out = found == nullptr ? 0 : found->to_number<std::uint64_t>(failed);
    return failed || found == nullptr ? UINT64_MAX : out;
  };
  std::uint64_t planned = 0;
  for (const PlannedKey& key : plan.keys) planned += key.deks;
  return number("deks_different") == 0 && number("deks_unverifiable") == 0 &&
         number("metadata_differences") == 0 && number("keys_missing") == 0 &&
         number("standard_keys") == number("standard_equal") && number("deks") != UINT64_MAX &&
         number("deks") >= planned;
}

Result<std::vector<KeyPair>> mapping(const Plan& plan, const Side& target, Journal& journal) {
  client::ApiClient to = KH_TRY(target.connect());
  const std::map<std::string, std::string> crns = KH_TRY(crns_of(to));
  const auto progress = progress_of(KH_TRY(journal.steps()));
  std::vector<KeyPair> out;
  for (const PlannedKey& key : plan.keys) {
    const auto found = progress.find(key.source);
    if (found == progress.end() || !found->second.is_carried(key)) continue;
    const auto crn = crns.find(found->second.target);
    out.push_back({key.source, key.crn, found->second.target,
                   crn == crns.end() ? std::string() : crn->second, key.name});
  }
  return out;
}

std::string mapping_csv(const std::vector<KeyPair>& pairs) {
  std::string out;
  append_csv(out, {"source_id", "source_crn", "target_id", "target_crn", "name"});
  for (const KeyPair& one : pairs)
    append_csv(out, {one.source, one.source_crn, one.target, one.target_crn, one.name});
  return out;
}

std::string pairs_csv(const std::vector<KeyPair>& pairs) {
  std::string out;
  for (const KeyPair& one : pairs) append_csv(out, {one.source_crn, one.target_crn});
  return out;
}

Result<CutoverResult> cutover(const Plan& plan, const Side& source, const Side& target,
                              Journal& journal, const CutoverOptions& options, Observer& observer) {
  if (options.disable_source && !options.unverified) {
    const auto verified = KH_TRY(journal.last_run("verify"));
    if (!verified || !proves_all(plan, *verified)) {
      return Error{Reason::Conflict,
                   "keys of the source are disabled only after a verify that found every DEK of "
                   "the plan and every key equal; run keyhaven migrate verify, or give "
                   "--unverified",
                   {}};
    }
  }
  CutoverResult result;
  Switch work(plan, journal, options, result, observer);
  KH_TRY(work.run(source, target));
  return result;
}

Result<UndoResult> undo_cutover(const Plan& plan, const Side& source, const Side& target,
                                Journal& journal, unsigned jobs, Observer& observer) {
  std::vector<Worker> workers = KH_TRY(connect(source, target, jobs));
  const auto progress = progress_of(KH_TRY(journal.steps()));
  const bool has_intents = std::any_of(progress.begin(), progress.end(), [](const auto& entry) {
    return entry.second.done.contains("cutover:intent") ||
           entry.second.begun.contains("cutover:intent");
  });
  std::map<std::string, std::string> crns;
  if (has_intents) crns = KH_TRY(crns_of(workers[0].to));
  UndoResult result;
  std::mutex mutex;
  const auto take_back = [&](const PlannedKey& key, const ReversibleAct& act,
                             std::uint64_t& counter) {
    const auto undone = undo_once(journal, act);
    const std::lock_guard lock(mutex);
    if (!undone) {
      ++result.failed;
      observer.note("FAILED " + key.source + " (" + key.name + "): " + undone.error().message);
      return;
    }
    counter += *undone == Undone::TakenBack;
    result.kept += *undone == Undone::Kept;
  };
  share_out(workers, plan.keys.size(), [&](Worker& worker, std::size_t i) {
    const PlannedKey& key = plan.keys[i];
    const auto found = progress.find(key.source);
    if (found == progress.end()) return;
    // The source first: applications can go back to it while the rest is taken back.
    take_back(key, disable_act(worker, key), result.enabled);
    const auto crn = crns.find(found->second.target);
    if (crn != crns.end())
      take_back(key, intent_act(worker, key, crn->second, Foreign::Ignore), result.intents);
    for (const std::string& alias : key.aliases)
      take_back(key, alias_act(worker, key, found->second.target, alias), result.aliases);
    take_back(key, dual_auth_act(worker, key, found->second.target), result.kept);
  });
  for (const client::InstancePolicyChange& policy : plan.instance_policies)
    take_back({}, policy_act(workers[0], policy, observer), result.kept);
  return result;
}

}  // namespace keyhaven::migrate
