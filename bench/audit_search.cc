// Measures a search of the audit log that finds little: a log of --mib MiB over several streams is
// written (not measured), and the newest 100 records of a rare action are asked for, page by page
// as the API does. Prints one JSON object: keyhaven-bench-audit-search --directory DIR.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "audit/record.h"
#include "audit/search.h"
#include "audit/segment.h"
#include "base/id.h"
#include "crypto/random.h"

namespace keyhaven::bench {
namespace {

constexpr std::size_t kSegmentBytes = 64 << 20;  // the server's
constexpr unsigned kLoops = 2;
constexpr unsigned kRareEvery = 12'000;

audit::Event wrap_event(std::uint64_t number) {
  audit::Event event;
  event.time = Timestamp::from_seconds(1'700'000'000 + static_cast<std::int64_t>(number / 2000));
  event.action = number % kRareEvery == 0 ? "hs-crypto.secrets.delete" : "hs-crypto.secrets.wrap";
  event.outcome = audit::Outcome::Success;
  event.status = 200;
  event.initiator_id = "iam-ServiceId-0a1b2c3d-0000-4000-8000-000000000001";
  event.initiator_name = "payroll";
  event.initiator_address = "192.0.2.7";
  event.initiator_agent = "keyhaven/0.1";
  event.instance_id = "11111111-2222-4333-8444-555555555555";
  event.target_id = "crn:v1:bluemix:public:hs-crypto:here:a/account:" + event.instance_id +
                    ":key:aaaaaaaa-bbbb-4ccc-8ddd-" + std::to_string(100'000'000'000 + number);
  event.correlation_id = Uuid{}.text();
  event.request_uri = "/api/v2/keys/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/actions/wrap";
  return event;
}

// One stream, and its state.
audit::StreamState write_stream(const std::string& directory, const std::string& name,
                                std::uint64_t bytes) {
  audit::StreamState state{name, audit::genesis(name), 1, 0};
  std::ofstream out(audit::segment_path(directory, name, 1), std::ios::binary);
  std::string line;
  for (std::uint64_t written = 0; written < bytes; written += line.size()) {
    line.clear();
    state.head = audit::append_record(line, state.head, wrap_event(state.head.seq));
    if (state.size_bytes + line.size() > kSegmentBytes) {
      out = std::ofstream(audit::segment_path(directory, name, ++state.segment), std::ios::binary);
      state.size_bytes = 0;
    }
    out << line;
    state.size_bytes += line.size();
  }
  return state;
}

double seconds_of_cpu() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Found {
  std::size_t records = 0;
  unsigned calls = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
  double cpu_seconds = 0;
  double slowest_call_ms = 0;
};

Found search(const std::string& directory, const std::vector<audit::StreamState>& streams,
             audit::SearchQuery query) {
  using Clock = std::chrono::steady_clock;
  Found out;
  const std::size_t wanted = query.limit;
  const auto begin = Clock::now();
  const double cpu = seconds_of_cpu();
  for (;;) {
    const auto call = Clock::now();
    query.limit = wanted - out.records;
    const auto page = audit::search_log(directory, streams, query, {}).value();
    const std::chrono::duration<double, std::milli> took = Clock::now() - call;
    out.slowest_call_ms = std::max(out.slowest_call_ms, took.count());
    out.records += page.records.size();
    out.bytes += page.bytes_read;
    ++out.calls;
    if (page.complete || out.records >= wanted) break;
    query.cursor = audit::decode_cursor(page.cursor).value();
  }
  out.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  out.cpu_seconds = seconds_of_cpu() - cpu;
  return out;
}

void print(const char* name, const Found& found, const char* end) {
  std::printf(
      "\"%s\":{\"records\":%zu,\"calls\":%u,\"mib_read\":%.1f,\"seconds\":%.3f,"
      "\"cpu_seconds\":%.3f,\"mb_per_second\":%.0f,\"slowest_call_ms\":%.0f}%s\n",
      name, found.records, found.calls, static_cast<double>(found.bytes) / 1048576.0, found.seconds,
      found.cpu_seconds, static_cast<double>(found.bytes) / 1e6 / found.seconds,
      found.slowest_call_ms, end);
}

int run(const std::string& directory, std::uint64_t mib) {
  std::filesystem::create_directories(directory);
  std::vector<audit::StreamState> streams;
  for (unsigned loop = 0; loop < kLoops; ++loop)
    streams.push_back(
        write_stream(directory, "loop-" + std::to_string(loop), mib * 1048576 / kLoops));
  streams.push_back(write_stream(directory, "management", 1));
  audit::SearchQuery rare;
  rare.action = "secrets.delete";
  audit::SearchQuery none;
  none.text = "no such text";
  audit::SearchQuery newest;
  std::printf("{");
  print("newest_100", search(directory, streams, newest), ",");
  print("newest_100_of_a_rare_action", search(directory, streams, rare), ",");
  print("nothing_found", search(directory, streams, none), "}");
  return 0;
}

}  // namespace
}  // namespace keyhaven::bench

int main(int argc, char** argv) {
  CLI::App app("Measures searches of the audit log");
  std::string directory;
  std::uint64_t mib = 1024;
  app.add_option("--directory", directory, "where the log is written; left there")->required();
  app.add_option("--mib", mib, "size of the log");
  CLI11_PARSE(app, argc, argv);
  return keyhaven::bench::run(directory, mib);
}
