// Measures the start of a store with many keys: opening, loading and the check of every record
// against the crypto unit's seals, beside the same without a unit that judges. Prints one JSON
// object; see README.md.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "audit/log.h"
#include "server/no_guard.h"
#include "store/database.h"
#include "store/test_samples.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::bench {
namespace {

constexpr std::size_t kKeysPerChange = 2000;

struct Times {
  double wall_s = 0;
  double cpu_s = 0;
};
Times now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(),
          seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

class Bench {
 public:
  Bench(std::string directory, std::size_t keys, unsigned aliases)
      : directory_(std::move(directory)), keys_(keys), aliases_(aliases) {}

  int run() {
    fill();
    const Times plain = load(unjudged_);
    const Times judged = load(*table_);
    std::printf(
        "{\"keys\": %zu, \"aliases_per_key\": %u, \"fill_s\": %.1f,\n"
        " \"start_without_seals\": {\"wall_s\": %.2f, \"cpu_s\": %.2f},\n"
        " \"start\": {\"wall_s\": %.2f, \"cpu_s\": %.2f}}\n",
        keys_, aliases_, fill_s_, plain.wall_s, plain.cpu_s, judged.wall_s, judged.cpu_s);
    return 0;
  }

 private:
  std::unique_ptr<store::Database> open(unit::RecordGuard& guard) {
    auto opened = store::Database::open({.directory = directory_}, log_, guard, clock_);
    if (!opened) fatal(__FILE__, __LINE__, opened.error().message.c_str());
    return std::move(opened).value();
  }
  void fill() {
    const Times begin = now();
    const auto database = open(*table_);
    const InstanceId instance = store::new_instance();
    for (std::size_t made = 0; made < keys_; made += kKeysPerChange) {
      keys::KeyChange change;
      for (std::size_t i = made; i < std::min(keys_, made + kKeysPerChange); ++i) {
        std::vector<std::string> aliases;
        for (unsigned a = 0; a < aliases_; ++a)
          aliases.push_back("alias-" + std::to_string(i) + "-" + std::to_string(a));
        change.put.push_back(store::sample_key(instance, std::move(aliases)));
      }
      if (!database->commit(change, store::sample_event("c")))
        fatal(__FILE__, __LINE__, "the store cannot be filled");
    }
    fill_s_ = now().wall_s - begin.wall_s;
  }
  Times load(unit::RecordGuard& guard) {
    const Times begin = now();
    const auto database = open(guard);
    std::size_t loaded = 0;
    if (!database->load_keys([&](const keys::KeyRecord&) { ++loaded; }) ||
        !database->finish_start() || loaded != keys_ || database->found_at_start().faults != 0)
      fatal(__FILE__, __LINE__, "the start did not find the keys as they are");
    const Times end = now();
    return {end.wall_s - begin.wall_s, end.cpu_s - begin.cpu_s};
  }

  // Says that the store is guarded, and that everything is authentic: reading and decoding alone.
  class Unjudged final : public unit::RecordGuard {
   public:
    Result<unit::RecordGuardStatus> record_status() override {
      unit::RecordGuardStatus status;
      status.guarding = true;
      return status;
    }
    Result<std::vector<unit::RecordSeal>> seal_records(
        std::uint64_t group, const std::vector<unit::RecordChange>& changes) override {
      return none_.seal_records(group, changes);
    }
    Result<void> settle_records(std::uint64_t group, bool committed) override {
      return none_.settle_records(group, committed);
    }
    Result<void> begin_guarding() override { return none_.begin_guarding(); }
    Result<std::uint64_t> begin_record_check() override { return none_.begin_record_check(); }
    Result<std::vector<unit::RecordVerdict>> check_records(
        std::uint64_t check, const std::vector<unit::StoredRecord>& records) override {
      return none_.check_records(check, records);
    }
    Result<unit::RecordCheckResult> end_record_check(std::uint64_t check) override {
      return none_.end_record_check(check);
    }
    Result<std::uint64_t> renew_record_key(const unit::RecordScope& scope) override {
      return none_.renew_record_key(scope);
    }
    Result<Renewal> record_renewal(const unit::RecordScope& scope) override {
      return none_.record_renewal(scope);
    }

   private:
    server::NoGuard none_;
  };

  const std::string directory_;
  const std::size_t keys_;
  const unsigned aliases_;
  double fill_s_ = 0;
  SystemClock clock_;
  store::RecordingLog log_;
  unit::RecordTableForTests table_;
  Unjudged unjudged_;
};

}  // namespace
}  // namespace keyhaven::bench

int main(int argc, char** argv) {
  CLI::App app("Measures the start of a store with many keys");
  std::string directory;
  std::size_t keys = 100'000;
  unsigned aliases = 1;
  app.add_option("--directory", directory, "an absent or empty directory for the store")
      ->required();
  app.add_option("--keys", keys, "how many keys")->check(CLI::Range(1, 10'000'000));
  app.add_option("--aliases", aliases, "aliases of each key")->check(CLI::Range(0, 5));
  CLI11_PARSE(app, argc, argv);
  return keyhaven::bench::Bench(directory, keys, aliases).run();
}
