// Measures seals of stored records in the unit: groups of 256 and 2,048 on a disk, a check of
// 50,000 and of 1,000,000 records, the memory that they take, and the unit's start with them.
// Prints one JSON object: keyhaven-bench-records --directory DIR. Elapsed times unless named cpu.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/locked_arena.h"
#include "crypto/random.h"
#include "steps.h"
#include "unitd/records.h"

namespace keyhaven::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using unit::RecordChange;
using unit::StoredRecord;

double ms_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

double resident_mib() {
  std::ifstream status("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  status >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1048576.0;
}

// The unit's state, kept in memory: only the journal is measured.
class StateInMemory final : public unit::StateSink {
 public:
  Result<void> save(const SecretBytes&) override { return {}; }
};

class Store {
 public:
  explicit Store(std::size_t count) {
    records_.resize(count);
    for (StoredRecord& record : records_) {
      record.name.table = 1;
      record.name.id = crypto::random_uuid().bytes;
      crypto::random_nonce(record.digest);
    }
  }
  // Seals all in groups of `size`; the slowest group.
  double seal(unit::RecordTable& table, std::size_t size) {
    double slowest = 0;
    for (std::size_t at = 0; at < records_.size(); at += size) {
      const std::size_t end = std::min(at + size, records_.size());
      std::vector<RecordChange> changes;
      for (std::size_t i = at; i < end; ++i)
        changes.push_back({records_[i].scope, records_[i].name, records_[i].digest});
      const auto begin = SteadyClock::now();
      const auto seals = table.seal_records(++group_, changes).value();
      table.settle_records(group_, true).value();
      slowest = std::max(slowest, ms_since(begin));
      for (std::size_t i = at; i < end; ++i) records_[i].seal = seals[i - at];
    }
    return slowest;
  }
  struct Checked {
    double all_ms = 0;
    double slowest_call_ms = 0;
  };
  Checked check(unit::RecordTable& table) const {
    Checked out;
    const auto begin = SteadyClock::now();
    const std::uint64_t check = table.begin_record_check().value();
    for (std::size_t at = 0; at < records_.size(); at += unit::kMaxRecordsPerCall) {
      const auto first = records_.begin() + static_cast<std::ptrdiff_t>(at);
      const std::size_t count = std::min(unit::kMaxRecordsPerCall, records_.size() - at);
      const std::vector<StoredRecord> batch(first, first + static_cast<std::ptrdiff_t>(count));
      const auto call = SteadyClock::now();
      const auto verdicts = table.check_records(check, batch).value();
      out.slowest_call_ms = std::max(out.slowest_call_ms, ms_since(call));
      for (const auto verdict : verdicts) KH_ASSERT(verdict == unit::RecordVerdict::Authentic);
    }
    KH_ASSERT(table.end_record_check(check)->differences.empty());
    out.all_ms = ms_since(begin);
    return out;
  }

 private:
  std::vector<StoredRecord> records_;
  std::uint64_t group_ = 0;
};

void print(const char* name, double value) { std::printf(",\"%s\":%.3f", name, value); }

void measure(const std::string& directory, std::size_t count) {
  StateInMemory sink;
  const auto keys = unit::DomainTable::create(sink).value();
  unitd::RecordOptions options;
  options.state_directory = directory;
  Store store(count);
  std::printf("{\"records\":%zu", count);
  const double before = resident_mib();
  {
    const auto records = unitd::open_records(*keys, options, {}).value();
    print("slowest_group_of_2048_ms", store.seal(*records.table, 2048));
    print("resident_mib", resident_mib() - before);
    const auto compaction = SteadyClock::now();
    records.table->rewrite_journal().value();
    print("new_generation_ms", ms_since(compaction));
    print("journal_mib",
          static_cast<double>(std::filesystem::file_size(directory + "/records")) / 1048576.0);
    const auto checked = store.check(*records.table);
    print("check_ms", checked.all_ms);
    print("slowest_check_call_ms", checked.slowest_call_ms);
    Store few(256 * 20);
    const auto begin = SteadyClock::now();
    const double cpu = process_cpu_us();
    (void)few.seal(*records.table, 256);
    print("group_of_256_ms", ms_since(begin) / 20);
    print("group_of_256_cpu_us", (process_cpu_us() - cpu) / 20);
  }
  const auto begin = SteadyClock::now();
  const auto records = unitd::open_records(*keys, options, {}).value();
  print("start_ms", ms_since(begin));
  std::printf("}");
}

int run(int argc, char** argv) {
  std::string directory;
  CLI::App app("Measures seals of stored records; prints one JSON object");
  app.add_option("--directory", directory, "empty directory on the disk to be measured")
      ->required()
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  const char* separator = "{\"record_seals\":[";
  for (const std::size_t count : {50'000U, 1'000'000U}) {
    const std::string own = directory + "/" + std::to_string(count);
    std::filesystem::create_directory(own);
    std::printf("%s", separator);
    measure(own, count);
    separator = ",";
  }
  std::printf("]}\n");
  return 0;
}

}  // namespace
}  // namespace keyhaven::bench

int main(int argc, char** argv) { return keyhaven::bench::run(argc, argv); }
