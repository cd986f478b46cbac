#include "migrate/verify.h"

#include <algorithm>
#include <charconv>

#include "migrate/enabled_keys.h"
#include "migrate/planner.h"
#include "migrate/rewrap.h"
#include "migrate/row_blocks.h"
#include "migrate/verify_keys.h"

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

}  // namespace

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
  KH_TRY(verify_keys(plan, workers[0].from, workers[0].to, journal, result, observer));
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
