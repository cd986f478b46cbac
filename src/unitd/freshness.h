// Whether a state file is the newest one, by a counter outside of it that only goes up.
//
// A file carries the value the counter has once the file counts: `age`. A save writes the file with
// value + 1, and increments the counter after that is durable. So at any moment, a crash included,
// the newest file has age == counter (quiet) or age == counter + 1 (the increment is still due; the
// next start does it, and nobody was told yet that the change is made). Every older file has
// age <= counter - 1, or age == counter for the moment of that one increment. There is no false
// alarm, and a counter is incremented once per save.
//
// When the increment fails after the file is durable, the save counts; the increment is owed and
// the next save must do it first or is refused: never more than one is owed.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace keyhaven::unitd {

class MonotonicCounter {
 public:
  virtual ~MonotonicCounter() = default;
  virtual Result<std::uint64_t> read() = 0;
  virtual Result<void> increment() = 0;
};

class Freshness {
 public:
  explicit Freshness(MonotonicCounter& counter) : counter_(counter) {}

  // At a start. Errors: Conflict (older, or from another device), and the counter's.
  Result<void> check(std::uint64_t age);
  // For a new counter, which stands at `value`.
  void begin_at(std::uint64_t value) noexcept;
  // The age for the next file. Errors: the counter's, when an increment is owed.
  Result<std::uint64_t> age_of_next();
  // That file is durable. Tells on failure; the increment is then owed.
  Result<void> saved();

 private:
  MonotonicCounter& counter_;
  std::uint64_t value_ = 0;
  bool is_owed_ = false;
};

}  // namespace keyhaven::unitd
