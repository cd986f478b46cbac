// Measures the steps of a request one by one and prints {"steps_us":{NAME:MICROSECONDS,...}}; see
// README.md.
#include "steps.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/locked_arena.h"
#include "crypto/process_memory.h"

namespace {

int run(int argc, char** argv) {
  double seconds = 0.5;
  std::string directory;
  CLI::App app("Measures the steps of a request one by one; prints one JSON object");
  app.add_option("--seconds", seconds, "seconds for each step")->check(CLI::Range(0.01, 60.0));
  app.add_option("--directory", directory, "empty directory on the disk to be measured")
      ->required()
      ->check(CLI::ExistingDirectory);
  bool locked_memory = false;
  app.add_flag("--locked-memory", locked_memory,
               "keys in locked pages even where the kernel has memfd_secret");
  CLI11_PARSE(app, argc, argv);
  // As in the unit: contexts of libcrypto come from the locked arena.
  if (!locked_memory) (void)keyhaven::locked_arena::use_secret_memory();
  if (!keyhaven::crypto::use_locked_arena_for_libcrypto()) return 1;
  keyhaven::bench::Steps steps;
  keyhaven::bench::measure_unit(seconds, steps);
  keyhaven::bench::measure_channel(seconds, steps);
  keyhaven::bench::measure_server(seconds, directory, steps);
  keyhaven::bench::measure_lists(seconds, steps);
  const char* separator = "{\"steps_us\":{";
  for (const auto& step : steps) {
    std::printf("%s\"%s\":%.3f", separator, step.name.c_str(), step.us);
    separator = ",";
  }
  std::printf("}}\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run(argc, argv); }
