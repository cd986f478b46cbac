// How many calls an instance gets and how long they take, for instances whose policy `metrics` is
// enabled (key-management-api.md 12 and 18). Only calls that began after the policy was enabled
// count; enabling it again begins at zero.
//
// Each loop counts in a table of its own, and the worker pool in one more. A table has a mutex that
// nobody but its owner takes, save a scrape for as long as it reads one instance: so a call waits
// for no other loop. Sums are found by number (instance, action, status); names are made when
// somebody asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "iam/action.h"
#include "instances/instance_record.h"

namespace keyhaven::http {

class InstanceLookup;

struct CallSum {
  std::uint64_t calls = 0;
  std::chrono::nanoseconds latency{0};  // of all of them together
};
// By action and HTTP status.
using CallSums = std::map<std::pair<iam::Action, int>, CallSum>;

class Metrics {
 public:
  // Borrows `instances` for its life.
  Metrics(unsigned loops, const InstanceLookup& instances);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Whether calls on this instance are counted. Constant time, no lock.
  static bool wants(const instances::InstanceRecord& instance) noexcept;

  // Counts a call that has ended; `instance` is the record with which it began. Nothing unless
  // wants(instance), and nothing for a call that began before the policy was last enabled. The
  // first is for the thread of `loop` only, the second for any thread.
  void count_on_loop(unsigned loop, const instances::InstanceRecord& instance, iam::Action action,
                     int status, std::chrono::nanoseconds latency);
  void count_on_pool(const instances::InstanceRecord& instance, iam::Action action, int status,
                     std::chrono::nanoseconds latency);

  // The sums of all tables since the policy of this record was enabled; none unless
  // wants(instance). Thread-safe.
  CallSums of(const instances::InstanceRecord& instance) const;

 private:
  struct Table;
  void count(Table& table, const instances::InstanceRecord& instance, iam::Action action,
             int status, std::chrono::nanoseconds latency);
  void drop_ended(Table& table) const;

  const InstanceLookup& instances_;
  std::vector<std::unique_ptr<Table>> tables_;  // by loop; the last is the pool's
};

}  // namespace keyhaven::http
