// An InstanceStore in memory that honours its contract (revisions), for tests. Keeps the events it
// was given.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "instances/instance_record.h"

namespace keyhaven::instances {

class MemoryInstanceStore final : public InstanceStore {
 public:
  Result<void> load_instances(const std::function<void(InstanceRecord)>& sink) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, bytes] : records_) sink(KH_TRY(decode_instance_record(bytes)));
    return {};
  }
  Result<std::uint64_t> commit_instance(const InstanceRecord& record,
                                        const audit::Event& event) override {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    std::uint64_t& revision = revisions_[record.id];
    if (record.revision != revision) return Error{Reason::Conflict, "someone else wrote first", {}};
    InstanceRecord stored = record;
    stored.revision = ++revision;
    records_[record.id] = encode(stored);
    events_.push_back(event);
    return revision;
  }
  // Every commit fails with `error` until it is cleared.
  void fail_with(std::optional<Error> error) { failure_ = std::move(error); }
  const std::vector<audit::Event>& events() const { return events_; }

 private:
  std::mutex mutex_;
  std::map<InstanceId, Bytes> records_;
  std::map<InstanceId, std::uint64_t> revisions_;
  std::vector<audit::Event> events_;
  std::optional<Error> failure_;
};

}  // namespace keyhaven::instances
