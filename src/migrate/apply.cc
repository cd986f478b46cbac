#include "migrate/apply.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "migrate/carrier.h"
#include "migrate/look_and_repeat.h"
#include "migrate/progress.h"
#include "migrate/share_out.h"

namespace keyhaven::migrate {
namespace {

constexpr std::int64_t kShortestWait = 30;  // seconds; between two looks at a rule on rotations

Result<void> make_rings(const Plan& plan, client::ApiClient& to, Journal& journal) {
  for (const std::string& ring : plan.key_rings) {
    const std::string key = "ring:" + ring;
    const auto known = KH_TRY(journal.find(key, "create"));
    if (known && known->done) continue;
    if (!known) KH_TRY(journal.intend(key, "create"));
    const auto is_there = [&]() -> Result<bool> {
      const auto rings = KH_TRY(to.list_rings());
      return std::any_of(rings.begin(), rings.end(),
                         [&](const client::KeyRing& one) { return one.id == ring; });
    };
    const auto made = act_or_find(
        to, [&] { return to.create_ring(ring); }, is_there);
    if (!made) return made;
    KH_TRY(journal.finish(key, "create", ring));
  }
  return {};
}

// Whether new keys of the target get policies of its own. A caller who may not read them, or a
// service that has none, is no reason to stop: verify compares the policies of every key.
bool gives_policies(client::ApiClient& to) {
  const auto policies = to.instance_policies();
  if (!policies || !*policies) return false;
  return std::any_of((**policies).begin(), (**policies).end(), [](const client::Policy& one) {
    return one.enabled && (one.type == "dualAuthDelete" || one.type == "rotation");
  });
}

// Whether any key is still to be made. What the journal says of all keys takes memory, and is not
// kept.
Result<bool> is_work_left(const std::vector<const PlannedKey*>& keys, Journal& journal) {
  const auto progress = progress_of(KH_TRY(journal.steps()));
  return std::any_of(keys.begin(), keys.end(), [&](const PlannedKey* key) {
    const auto found = progress.find(key->source);
    return key->is_made() && (found == progress.end() || !found->second.is_carried(*key));
  });
}

// Walks the keys of a plan with several workers.
class Walk {
 public:
  Walk(CarrierShare& share, const ApplyOptions& options, ApplyResult& result, Observer& observer)
      : share_(share), options_(options), result_(result), observer_(observer) {}

  Result<void> connect(const Side& source, const Side& target, std::size_t keys) {
    const std::size_t count =
        std::clamp<std::size_t>(options_.jobs, 1, std::clamp<std::size_t>(keys, 1, 32));
    for (std::size_t i = 0; i < count; ++i) {
      client::ApiClient from = KH_TRY(source.connect());
      client::ApiClient to = KH_TRY(target.connect());
      carriers_.emplace_back(share_, std::move(from), std::move(to));
    }
    return {};
  }

  // Keys that must wait for the target's rule on rotations are walked again until none is left.
  // Errors: the journal's.
  Result<void> run(std::vector<const PlannedKey*> keys) {
    total_ = keys.size();
    for (const JournalNote& note : KH_TRY(share_.journal.notes())) {
      if (note.kind == "failed") failed_before_.insert(note.key);
    }
    while (!keys.empty()) {
      later_.clear();
      share_out(carriers_, keys.size(),
                [&](Carrier& carrier, std::size_t i) { carry(carrier, *keys[i]); });
      KH_TRY(write_notes());
      keys = later_;
      if (keys.empty()) return {};
      if (!options_.wait) {
        result_.waiting = keys.size();
        result_.next = next_;
        return {};
      }
      wait(keys.size());
    }
    return {};
  }

 private:
  void carry(Carrier& carrier, const PlannedKey& key) {
    if (is_full_) {
      const std::lock_guard lock(mutex_);
      ++result_.failed;
      return;
    }
    const Result<void> carried = carrier.carry(key);
    if (carried || carried.error().reason != Reason::KeyRotationNotPermitted)
      return finish(key, carried);
    const auto due = carrier.due(key);
    if (!due) return finish(key, due.error());
    const std::lock_guard lock(mutex_);
    next_ = later_.empty() ? *due : std::min(next_, *due);
    later_.push_back(&key);
  }

  void finish(const PlannedKey& key, const Result<void>& carried) {
    const std::lock_guard lock(mutex_);
    ++(carried ? result_.carried : result_.failed);
    if (!carried) {
      const std::string& why = carried.error().message;
      observer_.note("FAILED " + key.source + " (" + key.name + "): " + why);
      notes_.push_back({key.source, "failed", why});
    } else if (failed_before_.contains(key.source)) {
      notes_.push_back({key.source, "failed", {}});
    }
    if (!carried && carried.error().reason == Reason::KeyLimit && !is_full_) {
      observer_.note("the target is full: no further key is begun; make room there and run again");
      is_full_ = true;
    }
    observer_.progress(result_.carried + result_.failed, total_);
  }

  // Who dies before this has lost words for people, no more.
  Result<void> write_notes() {
    if (notes_.empty()) return {};
    const std::vector<JournalNote> notes = std::exchange(notes_, {});
    return share_.journal.note(notes);
  }

  void wait(std::size_t keys) {
    static const SystemClock system;
    const Timestamp now = (options_.clock != nullptr ? *options_.clock : system).now();
    const std::int64_t left = (next_.us - now.us) / 1'000'000 + 1;
    const std::chrono::seconds time(std::max(left, kShortestWait));
    observer_.note(std::to_string(keys) + " key(s) wait for the target's rule on rotations until " +
                   format_rfc3339(now.plus_seconds(time.count())) +
                   "; it is safe to stop here and run the command again");
    if (options_.sleep) {
      options_.sleep(time);
    } else {
      std::this_thread::sleep_for(time);
    }
  }

  CarrierShare& share_;
  const ApplyOptions& options_;
  ApplyResult& result_;
  Observer& observer_;
  std::vector<Carrier> carriers_;
  std::size_t total_ = 0;
  std::atomic<bool> is_full_{false};
  std::set<std::string> failed_before_;
  std::mutex mutex_;  // of the rest
  std::vector<JournalNote> notes_;
  std::vector<const PlannedKey*> later_;
  Timestamp next_;
};

}  // namespace

Result<ApplyResult> apply(const Plan& plan, const Side& source, const Side& target,
                          Journal& journal, const Material& material, const ApplyOptions& options,
                          Observer& observer) {
  client::ApiClient to = KH_TRY(target.connect());
  KH_TRY(make_rings(plan, to, journal));
  ApplyResult result;
  std::vector<const PlannedKey*> work;
  for (const PlannedKey& key : plan.keys) {
    result.reported += key.action == KeyAction::Report;
    result.blocked += key.action == KeyAction::Blocked;
    if (key.is_carried()) work.push_back(&key);
  }
  const bool is_left = KH_TRY(is_work_left(work, journal));
  CarrierShare share(plan, material, journal, is_left && gives_policies(to));
  Walk walk(share, options, result, observer);
  KH_TRY(walk.connect(source, target, work.size()));
  KH_TRY(walk.run(std::move(work)));
  result.unregistered = share.refused_registrations();
  if (result.unregistered > 0) {
    observer.note(std::to_string(result.unregistered) +
                  " registration(s) are not carried: " + share.why_refused() +
                  "; run apply with an API key of the service, or let the services register (see "
                  "cutover)");
  }
  return result;
}

}  // namespace keyhaven::migrate
