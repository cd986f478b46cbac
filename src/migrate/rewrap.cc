#include "migrate/rewrap.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

struct Worker {
  client::ApiClient from;
  client::ApiClient to;
};

struct Outcome {
  InventoryRow row;
  std::uint64_t line = 0;
  std::string problem;  // empty: the row is re-wrapped
};

Outcome move_one(Worker& worker, const DekRoutes& routes, InventoryItem& item) {
  Outcome out;
  out.line = item.line;
  if (!item.row) {
    out.problem = item.problem;
    return out;
  }
  out.row = std::move(*item.row);
  const DekRoute& route = routes.find(out.row.key);
  if (!route.refusal.empty()) {
    out.problem = route.refusal;
    return out;
  }
  auto opened = worker.from.unwrap(route.key->source, out.row.wdek, out.row.aad);
  if (!opened) {
    out.problem = "source: " + opened.error().message;
    return out;
  }
  auto wrapped = worker.to.wrap(route.target, opened->plaintext, out.row.aad);
  if (!wrapped) {
    out.problem = "target: " + wrapped.error().message;
    return out;
  }
  out.row.wdek = std::move(wrapped->ciphertext);
  out.row.key = DekRoutes::target_name(route, out.row.key);
  return out;
}

// Enables a key that the API may refuse to enable within 30 s of a disable.
Result<void> enable(client::ApiClient& api, const std::string& id) {
  constexpr int kTries = 8;
  constexpr std::chrono::seconds kPause{5};
  for (int attempt = 1;; ++attempt) {
    auto enabled = api.enable_key(id);
    if (enabled || enabled.error().reason != Reason::RequestTooEarly || attempt == kTries)
      return enabled;
    std::this_thread::sleep_for(kPause);
  }
}

// The disabled keys of the plan, enabled on both sides for the life of a run.
class Enabled {
 public:
  Enabled(const Plan& plan, const DekRoutes& routes, Worker& worker, Observer& observer)
      : worker_(worker), observer_(observer) {
    for (const PlannedKey& key : plan.keys) {
      if (!key.root || key.state != client::kSuspended || key.deks == 0) continue;
      const DekRoute& route = routes.find(key.source);
      if (!route.refusal.empty()) continue;
      if (turn_on(worker_.from, "source", key.source)) source_.push_back(key.source);
      if (key.dek_target.empty() && turn_on(worker_.to, "target", route.target))
        target_.push_back(route.target);
    }
  }
  Enabled(const Enabled&) = delete;
  Enabled& operator=(const Enabled&) = delete;
  ~Enabled() {
    for (const std::string& id : source_) turn_off(worker_.from, "source", id);
    for (const std::string& id : target_) turn_off(worker_.to, "target", id);
  }

 private:
  bool turn_on(client::ApiClient& api, const char* side, const std::string& id) {
    const auto done = enable(api, id);
    observer_.note(std::string(done ? "enabled in the " : "FAILED to enable in the ") + side +
                   ": " + id + (done ? "" : ": " + done.error().message));
    return done.has_value();
  }
  void turn_off(client::ApiClient& api, const char* side, const std::string& id) {
    const auto done = api.disable_key(id);
    observer_.note(
        std::string(done ? "disabled again in the " : "FAILED to disable again in the ") + side +
        ": " + id + (done ? "" : ": " + done.error().message));
  }
  Worker& worker_;
  Observer& observer_;
  std::vector<std::string> source_;
  std::vector<std::string> target_;
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

}  // namespace

std::string errors_path(const std::string& out) { return out + ".errors.csv"; }

Result<RewrapResult> rewrap(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const RewrapOptions& options, Observer& observer) {
  const DekRoutes routes = KH_TRY(DekRoutes::make(plan, journal));
  const auto reader = KH_TRY(InventoryReader::open(options.inventory));
  AtomicOutput out = KH_TRY(AtomicOutput::create(options.out));
  AtomicOutput errors = KH_TRY(AtomicOutput::create(errors_path(options.out)));
  std::vector<Worker> workers = KH_TRY(connect(source, target, options.jobs));
  KH_TRY(out.write(header_of(reader->format())));
  KH_TRY(errors.write("line,key,ref,problem\n"));
  std::optional<Enabled> enabled;
  if (options.enable_suspended) enabled.emplace(plan, routes, workers[0], observer);

  RewrapResult result;
  const auto read = [&](std::size_t most) -> Result<std::vector<InventoryItem>> {
    std::vector<InventoryItem> items;
    while (items.size() < most) {
      std::optional<InventoryItem> item = KH_TRY(reader->next());
      if (!item) break;
      items.push_back(std::move(*item));
    }
    return items;
  };
  const auto emit = [&](Outcome&& outcome) -> Result<void> {
    std::string text;
    observer.progress(++result.rows, 0);
    if (outcome.problem.empty()) {
      ++result.rewrapped;
      append_row(text, reader->format(), outcome.row);
      return out.write(text);
    }
    ++result.refused;
    if (result.refused <= 20)
      observer.note("line " + std::to_string(outcome.line) + ": " + outcome.problem);
    append_csv(text,
               {std::to_string(outcome.line), outcome.row.key, outcome.row.ref, outcome.problem});
    return errors.write(text);
  };
  KH_TRY((work_in_blocks<InventoryItem, Outcome>(
      workers, read,
      [&](Worker& worker, InventoryItem& item) { return move_one(worker, routes, item); }, emit)));
  KH_TRY(errors.finish());
  KH_TRY(out.finish());
  return result;
}

}  // namespace keyhaven::migrate
