#include "http/metrics.h"

#include <mutex>
#include <unordered_map>

#include "base/id.h"
#include "http/api.h"
#include "instances/instance_service.h"

namespace keyhaven::http {
namespace {

using instances::InstancePolicy;
using instances::InstanceRecord;

// Null: off.
const InstancePolicy* active_policy(const InstanceRecord& instance) noexcept {
  const InstancePolicy* policy = instance.policies.find(instances::PolicyType::Metrics);
  return policy != nullptr && policy->enabled ? policy : nullptr;
}

using SumKey = std::uint32_t;
SumKey key_of(iam::Action action, int status) noexcept {
  return static_cast<SumKey>(action) << 16 | static_cast<std::uint16_t>(status);
}
std::pair<iam::Action, int> parts_of(SumKey key) noexcept {
  return {static_cast<iam::Action>(key >> 16), static_cast<int>(key & 0xFFFF)};
}

// One instance in one table. The set of actions and statuses bounds the number of sums.
struct Sums {
  Timestamp activated;
  std::uint64_t revision = 0;  // of a record with this activation, so later than all before it
  std::unordered_map<SumKey, CallSum> by_key;
};

}  // namespace

struct alignas(64) Metrics::Table {
  std::mutex mutex;
  std::unordered_map<InstanceId, Sums, UuidHash> instances;
};

Metrics::Metrics(unsigned loops, const InstanceLookup& instances) : instances_(instances) {
  for (unsigned i = 0; i <= loops; ++i) tables_.push_back(std::make_unique<Table>());
}

Metrics::~Metrics() = default;

bool Metrics::wants(const InstanceRecord& instance) noexcept {
  return active_policy(instance) != nullptr;
}

void Metrics::count_on_loop(unsigned loop, const InstanceRecord& instance, iam::Action action,
                            int status, std::chrono::nanoseconds latency) {
  KH_ASSERT(loop + 1 < tables_.size());
  count(*tables_[loop], instance, action, status, latency);
}

void Metrics::count_on_pool(const InstanceRecord& instance, iam::Action action, int status,
                            std::chrono::nanoseconds latency) {
  count(*tables_.back(), instance, action, status, latency);
}

void Metrics::count(Table& table, const InstanceRecord& instance, iam::Action action, int status,
                    std::chrono::nanoseconds latency) {
  const InstancePolicy* policy = active_policy(instance);
  if (policy == nullptr) return;
  const std::lock_guard lock(table.mutex);
  auto found = table.instances.find(instance.id);
  if (found == table.instances.end()) {
    if (table.instances.size() >= instances::kMaxInstances) drop_ended(table);
    // Still full: the instance was removed while the call ran.
    if (table.instances.size() >= instances::kMaxInstances) return;
    found = table.instances.try_emplace(instance.id).first;
  }
  Sums& sums = found->second;
  if (sums.activated != policy->updated) {
    // The revision tells which activation is the later one, also if the clock was set back.
    if (instance.revision < sums.revision) return;
    sums = {policy->updated, instance.revision, {}};
  }
  CallSum& sum = sums.by_key[key_of(action, status)];
  ++sum.calls;
  sum.latency += latency;
}

// Makes room: there are never more than kMaxInstances at a time, but over the years there may be.
void Metrics::drop_ended(Table& table) const {
  std::erase_if(table.instances, [this](const auto& entry) {
    const auto instance = instances_.find(entry.first);
    return instance == nullptr || !wants(*instance);
  });
}

CallSums Metrics::of(const InstanceRecord& instance) const {
  CallSums out;
  const InstancePolicy* policy = active_policy(instance);
  if (policy == nullptr) return out;
  for (const auto& table : tables_) {
    const std::lock_guard lock(table->mutex);
    const auto found = table->instances.find(instance.id);
    if (found == table->instances.end() || found->second.activated != policy->updated) continue;
    for (const auto& [key, sum] : found->second.by_key) {
      CallSum& total = out[parts_of(key)];
      total.calls += sum.calls;
      total.latency += sum.latency;
    }
  }
  return out;
}

}  // namespace keyhaven::http
