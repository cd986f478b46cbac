// An ImportTokenStore in memory, for unit tests of this folder and of http/; the durable one is in
// store/.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "keys/import_token.h"

namespace keyhaven::keys {

class MemoryImportTokenStore final : public ImportTokenStore {
 public:
  Result<void> load_import_tokens(const std::function<void(ImportToken)>& sink) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [instance, row] : rows_) sink(KH_TRY(decode_import_token(row)));
    return {};
  }
  Result<void> put_import_token(const ImportToken& token, const audit::Event& event) override {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    rows_[token.instance] = encode(token);
    events_.push_back(event);
    return {};
  }

  std::vector<audit::Event> take_events() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  // From now on every change fails so; nullopt ends that.
  void fail_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }

 private:
  std::mutex mutex_;
  std::map<InstanceId, Bytes> rows_;
  std::vector<audit::Event> events_;
  std::optional<Error> failure_;
};

}  // namespace keyhaven::keys
