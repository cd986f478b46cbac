#include "server/loop_fence.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

namespace keyhaven::server {
namespace {

// Counts the loops that have answered; shared because a late answer may outlive the waiter.
struct Gathering {
  std::mutex mutex;
  std::condition_variable all_done;
  std::size_t open;
  std::optional<Error> failure;

  explicit Gathering(std::size_t loops) : open(loops) {}
  void answer(const Result<void>& result) {
    const std::lock_guard lock(mutex);
    if (!result && !failure) failure = result.error();
    if (--open == 0) all_done.notify_all();
  }
};

}  // namespace

LoopFence::LoopFence(net::Server& server, std::vector<unit::AsyncUnit*> units,
                     unit::CryptoUnit& blocking, std::chrono::milliseconds timeout)
    : server_(server), units_(std::move(units)), blocking_(blocking), timeout_(timeout) {
  KH_ASSERT(units_.size() == server_.loop_count());
}

Result<void> LoopFence::fence(const std::vector<unit::KeyBlob>& drop) {
  const auto gathering = std::make_shared<Gathering>(units_.size());
  const auto blobs = std::make_shared<const std::vector<unit::KeyBlob>>(drop);
  for (unsigned i = 0; i < units_.size(); ++i) {
    server_.loop(i).post([unit = units_[i], blobs, gathering] {
      unit->drop(*blobs, [gathering](Result<void> result) { gathering->answer(result); });
    });
  }
  const auto dropped = blocking_.drop(drop);  // the loops are waited for whatever it says
  std::unique_lock lock(gathering->mutex);
  if (!gathering->all_done.wait_for(lock, timeout_, [&] { return gathering->open == 0; })) {
    return Error{Reason::DeadlineExceeded,
                 "not every event loop confirmed the change in time; look at the key again",
                 {}};
  }
  if (gathering->failure) return *gathering->failure;
  return dropped;
}

}  // namespace keyhaven::server
