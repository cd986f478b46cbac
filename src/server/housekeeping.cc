#include "server/housekeeping.h"

namespace keyhaven::server {

namespace {
constexpr std::chrono::seconds kSweepPeriod{30};
}  // namespace

Housekeeping::Housekeeping(audit::Log& log, keys::KeyService& keys, const Clock& clock,
                           std::chrono::seconds checkpoint_period)
    : log_(log), keys_(keys), clock_(clock), period_(checkpoint_period), thread_([this] {
        run();
      }) {}

void Housekeeping::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::run() {
  using Steady = std::chrono::steady_clock;
  Steady::time_point checkpoint_at = Steady::now() + period_;
  Steady::time_point sweep_at = Steady::now() + kSweepPeriod;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_until(lock, std::min(checkpoint_at, sweep_at), [this] { return stopping_; })) {
    lock.unlock();
    const Steady::time_point now = Steady::now();
    if (now >= checkpoint_at) {
      static_cast<void>(log_.checkpoint());
      checkpoint_at = now + period_;
    }
    if (now >= sweep_at) {
      static_cast<void>(keys_.sweep(clock_.now()));
      sweep_at = now + kSweepPeriod;
    }
    lock.lock();
  }
}

}  // namespace keyhaven::server
