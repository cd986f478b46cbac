#include "server/stored_keys.h"

#include <algorithm>
#include <span>
#include <utility>

namespace keyhaven::server {
namespace {

// Looks for the keys once, at its first step; the import token goes last.
class Run final : public instances::StoredKeys::Run {
 public:
  Run(keys::Resealer& resealer, keys::ResealTask task) : resealer_(resealer), task_(task) {}

  Result<Step> step() override {
    if (!found_) {
      keys_ = resealer_.find(task_);
      found_ = true;
    }
    const std::size_t size = std::min(keys::Resealer::kBatchKeys, keys_.size() - next_);
    if (size == 0) return outcome(KH_TRY(resealer_.reseal_token(task_)), true);
    keys::Resealer::Done done =
        KH_TRY(resealer_.reseal(task_, std::span(keys_).subspan(next_, size)));
    next_ += size;
    return outcome(std::move(done), false);
  }

 private:
  static Step outcome(keys::Resealer::Done done, bool finished) {
    Step step;
    step.finished = finished;
    for (keys::Unopened& blob : done.unopened)
      step.unopened.push_back({blob.key, blob.version, std::move(blob.cause)});
    return step;
  }

  keys::Resealer& resealer_;
  const keys::ResealTask task_;
  std::vector<KeyId> keys_;
  std::size_t next_ = 0;
  bool found_ = false;
};

}  // namespace

instances::StoredCensus StoredKeys::census(const InstanceId& instance) const {
  instances::StoredCensus out;
  for (const keys::SealedUnder& row : directory_.sealed_under(instance))
    out.rows.push_back({row.master_key, row.blobs, row.keys, row.live_keys, false});
  out.keys = directory_.count(instance, {});
  out.unsettled_records = directory_.quarantine().unsettled(instance);
  const auto token = tokens_.sealed_under(instance);
  if (!token) return out;
  auto row = std::find_if(out.rows.begin(), out.rows.end(),
                          [&](const auto& each) { return each.master_key == *token; });
  if (row == out.rows.end()) row = out.rows.insert(row, instances::StoredUnder{*token});
  row->import_token = true;
  ++row->blobs;
  return out;
}

std::unique_ptr<instances::StoredKeys::Run> StoredKeys::begin(const InstanceId& instance,
                                                              const unit::BlobPattern& from,
                                                              const unit::BlobPattern& to) {
  return std::make_unique<server::Run>(resealer_, keys::ResealTask{instance, from, to});
}

}  // namespace keyhaven::server
