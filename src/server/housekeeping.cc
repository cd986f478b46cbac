#include "server/housekeeping.h"

#include <utility>

namespace keyhaven::server {

Housekeeping::Housekeeping(audit::Log& log, keys::KeyService& keys, const Clock& clock,
                           Periods periods, SweepState sweep_state)
    : log_(log),
      keys_(keys),
      clock_(clock),
      periods_(periods),
      sweep_state_(std::move(sweep_state)),
      thread_([this] { run(); }) {}

void Housekeeping::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::sweep() {
  const auto swept = keys_.sweep(clock_.now());
  std::string failure = swept ? "" : swept.error().message;
  if (failure == failure_) return;
  failure_ = std::move(failure);
  sweep_state_(failure_);
}

void Housekeeping::run() {
  using Steady = std::chrono::steady_clock;
  Steady::time_point checkpoint_at = Steady::now() + periods_.checkpoint;
  Steady::time_point sweep_at = Steady::now() + periods_.sweep;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_until(lock, std::min(checkpoint_at, sweep_at), [this] { return stopping_; })) {
    lock.unlock();
    const Steady::time_point now = Steady::now();
    if (now >= checkpoint_at) {
      static_cast<void>(log_.checkpoint());
      checkpoint_at = now + periods_.checkpoint;
    }
    if (now >= sweep_at) {
      sweep();
      sweep_at = now + periods_.sweep;
    }
    lock.lock();
  }
}

}  // namespace keyhaven::server
