#include "token/call_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace keyhaven::token {

namespace {

enum class Phase : std::uint8_t { Queued, Running, Done, Abandoned };

struct Call {
  std::function<void(const Ticket&)> work;
  Ticket ticket;
  Phase phase = Phase::Queued;      // guarded by the pool's mutex
  std::thread::id thread;           // when Running
  std::condition_variable changed;  // with the pool's mutex
};

// Signals belong to the program's own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

struct CallPool::State {
  unsigned threads_wanted = 1;
  unsigned lost_limit = 1;
  std::function<void(bool)> on_hung;

  std::mutex mutex;
  std::condition_variable work_waits;
  std::deque<std::shared_ptr<Call>> queue;
  std::vector<std::thread> threads;  // those not lost
  unsigned idle = 0;
  unsigned lost = 0;
  bool stopping = false;

  bool is_hung() const { return lost >= lost_limit; }
  bool start_thread(const std::shared_ptr<State>& self);
  void lose(Call& call);
  void serve();
  // False when the thread must end.
  bool serve_one(std::unique_lock<std::mutex>& lock);
};

bool CallPool::State::start_thread(const std::shared_ptr<State>& self) {
  const SignalsBlocked blocked;
  try {
    threads.emplace_back([self] { self->serve(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void CallPool::State::serve() {
  std::unique_lock lock(mutex);
  while (serve_one(lock)) {
  }
}

bool CallPool::State::serve_one(std::unique_lock<std::mutex>& lock) {
  ++idle;
  work_waits.wait(lock, [this] { return stopping || !queue.empty(); });
  --idle;
  if (queue.empty()) return false;
  const std::shared_ptr<Call> call = std::move(queue.front());
  queue.pop_front();
  call->phase = Phase::Running;
  call->thread = std::this_thread::get_id();
  lock.unlock();
  call->work(call->ticket);
  lock.lock();
  if (call->phase == Phase::Running) {
    call->phase = Phase::Done;
    call->changed.notify_all();
    return true;
  }
  // Given up meanwhile; another thread may have our place. Tell before leaving.
  const bool was_hung = is_hung();
  --lost;
  lock.unlock();
  call->work = nullptr;  // what it captured goes here, not with a caller's lock held
  if (was_hung && on_hung) on_hung(false);
  lock.lock();
  return false;
}

void CallPool::State::lose(Call& call) {
  call.phase = Phase::Abandoned;
  call.ticket.abandoned.store(true);
  ++lost;
  const auto thread = std::ranges::find(threads, call.thread, &std::thread::get_id);
  thread->detach();
  threads.erase(thread);
  if (!is_hung()) return;
  for (const auto& waiting : queue) waiting->changed.notify_all();
}

CallPool::CallPool(unsigned threads, unsigned lost_limit, std::function<void(bool)> on_hung)
    : state_(std::make_shared<State>()) {
  state_->threads_wanted = threads;
  state_->lost_limit = lost_limit;
  state_->on_hung = std::move(on_hung);
}

CallPool::~CallPool() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    threads.swap(state_->threads);
    state_->work_waits.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

CallOutcome CallPool::run(std::function<void(const Ticket&)> work, Deadline deadline) {
  const auto call = std::make_shared<Call>();
  call->work = std::move(work);
  call->ticket.deadline = deadline;
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (state.is_hung()) return CallOutcome::Hung;
  state.queue.push_back(call);
  const bool all_busy = state.queue.size() > state.idle;
  if (all_busy && state.threads.size() < state.threads_wanted && !state.start_thread(state_) &&
      state.threads.empty()) {
    std::erase(state.queue, call);
    return CallOutcome::NoThread;
  }
  state.work_waits.notify_one();
  call->changed.wait_until(lock, deadline, [&] {
    return call->phase == Phase::Done || (call->phase == Phase::Queued && state.is_hung());
  });
  switch (call->phase) {
    case Phase::Done:
      return CallOutcome::Done;
    case Phase::Queued:
      std::erase(state.queue, call);
      return state.is_hung() ? CallOutcome::Hung : CallOutcome::Busy;
    case Phase::Running:
    case Phase::Abandoned:
      break;
  }
  state.lose(*call);
  const bool now_hung = state.is_hung();
  // Calls that wait behind the lost one need a thread in its place.
  if (!now_hung && !state.queue.empty()) state.start_thread(state_);
  lock.unlock();
  if (now_hung && state.on_hung) state.on_hung(true);
  return CallOutcome::Missed;
}

bool CallPool::hung() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_hung();
}

}  // namespace keyhaven::token
