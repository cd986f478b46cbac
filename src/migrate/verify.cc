#include "migrate/verify.h"

#include <algorithm>
#include <charconv>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "migrate/enabled_keys.h"
#include "migrate/planner.h"
#include "migrate/progress.h"
#include "migrate/rewrap.h"
#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

struct Worker {
  client::ApiClient from;
  client::ApiClient to;
};

enum class Verdict : std::uint8_t { Equal, Different, Unverifiable };

struct Pair {
  InventoryRow before;
  InventoryRow after;
  std::string refused;  // set: there is no row after
  std::uint64_t line = 0;
};

struct Judged {
  Verdict verdict = Verdict::Unverifiable;
  std::uint64_t line = 0;
  std::string why;
};

Judged judge(Worker& worker, const DekRoutes& routes, Pair& pair) {
  Judged out;
  out.line = pair.line;
  if (!pair.refused.empty()) {
    out.why = pair.refused;
    return out;
  }
  const DekRoute& route = routes.find(pair.before.key);
  if (!route.refusal.empty()) {
    out.why = route.refusal;
    return out;
  }
  if (pair.after.aad != pair.before.aad) {
    out.why = "the new inventory has another AAD";
    return out;
  }
  const auto before = worker.from.unwrap(route.key->source, pair.before.wdek, pair.before.aad);
  if (!before) {
    out.why = "source: " + before.error().message;
    return out;
  }
  const auto after = worker.to.unwrap(pair.after.key, pair.after.wdek, pair.after.aad);
  if (!after) {
    out.why = "target: " + after.error().message;
    return out;
  }
  out.verdict = before->plaintext == after->plaintext ? Verdict::Equal : Verdict::Different;
  if (out.verdict == Verdict::Different) out.why = "the DEKs differ";
  return out;
}

// Lines that rewrap refused, from its list; they have no partner in the new inventory.
class Refused {
 public:
  static Result<Refused> load(const std::string& path) {
    Refused out;
    std::ifstream in(path, std::ios::binary);
    if (!in) return out;  // a list that is not there names nothing; unequal lengths are found below
    CsvReader reader(in);
    const auto foreign = [&path] {
      return Error{Reason::Conflict, path + " is not the list of refused rows of a rewrap", {}};
    };
    for (bool is_header = true;; is_header = false) {
      const auto record = reader.next();
      if (!record) return foreign();
      if (!*record) break;
      const std::vector<std::string>& fields = (**record).fields;
      if (fields.size() != 4) return foreign();
      if (is_header) continue;
      std::uint64_t line = 0;
      const char* const end = fields[0].data() + fields[0].size();
      const auto parsed = std::from_chars(fields[0].data(), end, line);
      if (parsed.ec != std::errc{} || parsed.ptr != end) return foreign();
      out.lines_.emplace_back(line, fields[3]);
    }
    std::sort(out.lines_.begin(), out.lines_.end());
    return out;
  }
  const std::string* find(std::uint64_t line) const {
    const auto found = std::lower_bound(
        lines_.begin(), lines_.end(), line,
        [](const auto& entry, std::uint64_t value) { return entry.first < value; });
    return found != lines_.end() && found->first == line ? &found->second : nullptr;
  }

 private:
  std::vector<std::pair<std::uint64_t, std::string>> lines_;
};

// Walks the old and the new inventory side by side.
class PairReader {
 public:
  static Result<PairReader> open(const VerifyOptions& options) {
    PairReader out;
    out.before_ = KH_TRY(InventoryReader::open(options.inventory));
    out.after_ = KH_TRY(InventoryReader::open(options.rewrapped));
    out.refused_ = KH_TRY(Refused::load(errors_path(options.rewrapped)));
    out.every_ = std::max<std::uint64_t>(options.every, 1);
    return out;
  }

  Result<std::vector<Pair>> read(std::size_t most, std::uint64_t& skipped) {
    std::vector<Pair> pairs;
    while (pairs.size() < most) {
      std::optional<InventoryItem> before = KH_TRY(before_->next());
      if (!before) {
        const auto left = KH_TRY(after_->next());
        if (left) return mismatch("has more rows than");
        break;
      }
      Pair pair;
      pair.line = before->line;
      if (const std::string* why = refused_.find(before->line)) {
        pair.refused = "refused at rewrap: " + *why;
      } else if (!before->row) {
        pair.refused = before->problem;
      } else {
        std::optional<InventoryItem> after = KH_TRY(after_->next());
        if (!after || !after->row) return mismatch("has fewer readable rows than");
        if (after->row->ref != before->row->ref) return mismatch("names other references than");
        pair.before = std::move(*before->row);
        pair.after = std::move(*after->row);
      }
      if (number_++ % every_ != 0) {
        ++skipped;
        continue;
      }
      pairs.push_back(std::move(pair));
    }
    return pairs;
  }

 private:
  static Error mismatch(const char* how) {
    return Error{
        Reason::Conflict,
        std::string("the re-wrapped inventory ") + how +
            " the old one; verify the file that `keyhaven migrate rewrap` made of this inventory",
        {}};
  }
  std::unique_ptr<InventoryReader> before_;
  std::unique_ptr<InventoryReader> after_;
  Refused refused_;
  std::uint64_t every_ = 1;
  std::uint64_t number_ = 0;
};

Result<void> verify_deks(std::vector<Worker>& workers, const DekRoutes& routes,
                         const VerifyOptions& options, VerifyResult& result, Observer& observer) {
  PairReader pairs = KH_TRY(PairReader::open(options));
  const auto emit = [&](Judged&& judged) -> Result<void> {
    ++result.deks;
    observer.progress(result.deks, 0);
    if (judged.verdict == Verdict::Equal) {
      ++result.deks_equal;
      return {};
    }
    ++(judged.verdict == Verdict::Different ? result.deks_different : result.deks_unverifiable);
    if (result.deks_different + result.deks_unverifiable <= 20) {
      observer.note("line " + std::to_string(judged.line) + ": " + judged.why);
    }
    return {};
  };
  return work_in_blocks<Pair, Judged>(
      workers, [&](std::size_t most) { return pairs.read(most, result.deks_not_sampled); },
      [&](Worker& worker, Pair& pair) { return judge(worker, routes, pair); }, emit);
}

Result<void> verify_key(Worker& worker, const PlannedKey& key, const std::string& id,
                        const SecretBytes& hmac_key, VerifyResult& result, Observer& observer) {
  const std::string label = key.source + " (" + key.name + ")";
  if (!key.root) ++result.standard_keys;
  const client::Key before = KH_TRY(worker.from.get_metadata(key.source));
  const client::Key after = KH_TRY(worker.to.get_metadata(id));
  ++result.keys_compared;
  std::vector<std::string> differences = metadata_differences(key, before, after);
  if (key.imports() > 1) {
    const auto versions = KH_TRY(worker.to.versions(id));
    if (versions.size() < key.imports()) differences.emplace_back("versions are missing");
  }
  for (const std::string& difference : differences) {
    ++result.metadata_differences;
    observer.note(label + ": " + difference);
  }
  for (const std::string& decision : plan_decisions(key, before))
    observer.note(label + ": for your information: " + decision);
  if (key.root) return {};
  const client::Key from = KH_TRY(worker.from.get_key(key.source));
  const client::Key to = KH_TRY(worker.to.get_key(id));
  const Digest source_mac = crypto::hmac_sha256(hmac_key.expose(), from.payload.expose());
  const Digest target_mac = crypto::hmac_sha256(hmac_key.expose(), to.payload.expose());
  if (!from.payload.empty() && crypto::equal_constant_time(source_mac, target_mac)) {
    ++result.standard_equal;
  } else {
    observer.note(label + ": the payloads differ");
  }
  return {};
}

Result<void> verify_keys(Worker& worker, const Plan& plan, Journal& journal, VerifyResult& result,
                         Observer& observer) {
  const SecretBytes hmac_key = crypto::random_secret(32);
  const auto progress = progress_of(KH_TRY(journal.steps()));
  for (const PlannedKey& key : plan.keys) {
    if (!key.is_carried()) continue;
    const auto found = progress.find(key.source);
    if (found == progress.end() || !found->second.is_carried(key)) {
      ++result.keys_missing;
      observer.note(key.source + " (" + key.name + "): not carried, or not completely");
      continue;
    }
    const std::string& id = found->second.target;
    if (auto checked = verify_key(worker, key, id, hmac_key, result, observer); !checked) {
      ++result.metadata_differences;
      observer.note(key.source + " (" + key.name + "): " + checked.error().message);
    }
  }
  return {};
}

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

std::vector<std::string> metadata_differences(const PlannedKey& plan, const client::Key& source,
                                              const client::Key& target) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* field, bool equal) {
    if (!equal) out.push_back(std::string(field) + " differs");
  };
  compare("name", plan.name == target.name);
  compare("description", plan.description == target.description);
  compare("tags", sorted(plan.tags) == sorted(target.tags));
  compare("kind", source.extractable == target.extractable && plan.root == target.is_root());
  compare("aliases", sorted(plan.aliases) == sorted(target.aliases));
  compare("key ring", plan.key_ring == target.key_ring);
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

Result<VerifyResult> verify(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const VerifyOptions& options, Observer& observer) {
  const DekRoutes routes = KH_TRY(DekRoutes::make(plan, journal));
  std::vector<Worker> workers;
  for (unsigned i = 0; i < std::clamp(options.jobs, 1U, 32U); ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    workers.push_back({std::move(from), std::move(to)});
  }
  EnabledKeys enabled(journal, workers[0].from, workers[0].to, observer);
  KH_TRY(enabled.settle());
  VerifyResult result;
  KH_TRY(verify_keys(workers[0], plan, journal, result, observer));
  if (options.inventory.empty()) return result;
  if (options.enable_suspended) {
    const std::set<std::string> names = KH_TRY(names_in(options.inventory));
    KH_TRY(enabled.enable(plan, routes, names));
  }
  const auto verified = verify_deks(workers, routes, options, result, observer);
  result.still_enabled = KH_TRY(enabled.settle());
  if (!verified) return verified.error();
  return result;
}

}  // namespace keyhaven::migrate
