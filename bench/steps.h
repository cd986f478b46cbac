// The steps of one wrap, each measured alone: what a request costs is their sum plus TLS and HTTP.
#pragma once

#include <ctime>

#include <chrono>
#include <string>
#include <vector>

namespace keyhaven::bench {

struct Step {
  std::string name;
  double us = 0;  // CPU time of this process, all threads, per operation
};
using Steps = std::vector<Step>;

inline double process_cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// Repeats `round`, which does `per_round` operations, for about `seconds` after a tenth of that as
// warm-up; the clock is looked at after `rounds_at_once`. The best of five parts, since whatever
// else runs on the machine only ever makes a part slower.
template <class Round>
double measure_us(double seconds, std::size_t per_round, Round round,
                  std::size_t rounds_at_once = 16) {
  using SteadyClock = std::chrono::steady_clock;
  const auto run_for = [&](double part) {
    const auto end = SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                              std::chrono::duration<double>(part));
    const double before = process_cpu_us();
    std::size_t operations = 0;
    do {
      for (std::size_t i = 0; i < rounds_at_once; ++i) round();
      operations += rounds_at_once * per_round;
    } while (SteadyClock::now() < end);
    return (process_cpu_us() - before) / static_cast<double>(operations);
  };
  run_for(seconds / 10);
  double best = run_for(seconds / 5);
  for (int part = 1; part < 5; ++part) best = std::min(best, run_for(seconds / 5));
  return best;
}

// Engine of the unit: wrap and unwrap of a 32-byte DEK under an opened root key; wrap with two and
// with 10,000 opened keys in turn, and with contexts of its own for each key; opening one.
void measure_unit(double seconds, Steps& steps);  // step_unit.cc
// Loop client, socket pair and serving end around that engine, at several calls per loop turn.
void measure_channel(double seconds, Steps& steps);  // step_channel.cc
// Token, key look-up, JSON, audit record; and what a durable write costs in `directory`.
void measure_server(double seconds, const std::string& directory, Steps& steps);  // step_server.cc

// Pages and counts of an instance of 50,000 and of 1,000,000 keys.
void measure_lists(double seconds, Steps& steps);  // step_list.cc

}  // namespace keyhaven::bench
