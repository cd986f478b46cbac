#include "migrate/verify_deks.h"

#include <algorithm>

#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

constexpr std::uint64_t kNotedProblems = 20;

enum class Verdict : std::uint8_t { Equal, Different, Unverifiable, OfTarget };

struct Judged {
  Verdict verdict = Verdict::Unverifiable;
  std::string name;
  std::string why;
};

// A DEK that never was the source's can only be opened.
void judge_new(DekWorker& worker, const DekPair& pair, Judged& out) {
  const auto opened = worker.to.unwrap(pair.after.key, pair.after.wdek, pair.after.aad);
  if (opened) {
    out.verdict = Verdict::OfTarget;
  } else {
    out.why = "not migrated (run rewrap again), or not openable: " +
              problem_text("target", opened.error());
  }
}

Judged judge(DekWorker& worker, const DekRoutes& routes, DekPair& pair) {
  Judged out;
  out.name = pair.name.empty() ? "line " + std::to_string(pair.line) : pair.name;
  if (!pair.refused.empty()) {
    out.why = pair.refused;
    return out;
  }
  if (pair.is_new) {
    judge_new(worker, pair, out);
    return out;
  }
  const DekRoute& route = routes.find(pair.before.key);
  if (!route.refusal.empty()) {
    out.why = route.refusal;
    return out;
  }
  if (pair.after.aad != pair.before.aad) {
    out.why = "the new form has another AAD";
    return out;
  }
  const auto before = worker.from.unwrap(route.key->source, pair.before.wdek, pair.before.aad);
  if (!before) {
    out.why = problem_text("source", before.error());
    return out;
  }
  const auto after = worker.to.unwrap(pair.after.key, pair.after.wdek, pair.after.aad);
  if (!after) {
    out.why = problem_text("target", after.error());
    return out;
  }
  out.verdict = before->plaintext == after->plaintext ? Verdict::Equal : Verdict::Different;
  if (out.verdict == Verdict::Different) out.why = "the DEKs differ";
  return out;
}

// Each `every`-th pair.
Result<std::vector<DekPair>> read_sample(DekPairs& pairs, std::size_t most, std::uint64_t every,
                                         std::uint64_t& seen, std::uint64_t& skipped) {
  std::vector<DekPair> out;
  while (out.size() < most) {
    std::optional<DekPair> pair = KH_TRY(pairs.next());
    if (!pair) break;
    if (seen++ % every == 0) {
      out.push_back(std::move(*pair));
    } else {
      ++skipped;
    }
  }
  return out;
}

void count(const Judged& judged, VerifyResult& result, Observer& observer) {
  ++result.deks;
  observer.progress(result.deks, 0);
  if (judged.verdict == Verdict::Equal || judged.verdict == Verdict::OfTarget) {
    ++(judged.verdict == Verdict::Equal ? result.deks_equal : result.deks_of_target);
    return;
  }
  ++(judged.verdict == Verdict::Different ? result.deks_different : result.deks_unverifiable);
  if (result.deks_different + result.deks_unverifiable <= kNotedProblems)
    observer.note(judged.name + ": " + judged.why);
}

}  // namespace

Result<void> verify_deks(std::vector<DekWorker>& workers, const DekRoutes& routes, DekPairs& pairs,
                         std::uint64_t every, VerifyResult& result, Observer& observer) {
  std::uint64_t seen = 0;
  return work_in_blocks<DekPair, Judged>(
      workers,
      [&](std::size_t most) {
        return read_sample(pairs, most, std::max<std::uint64_t>(every, 1), seen,
                           result.deks_not_sampled);
      },
      [&](DekWorker& worker, DekPair& pair) { return judge(worker, routes, pair); },
      [&](std::vector<Judged>&& block) -> Result<void> {
        for (const Judged& judged : block) count(judged, result, observer);
        return {};
      });
}

}  // namespace keyhaven::migrate
