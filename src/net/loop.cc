#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>
#include <ctime>
#include <exception>

#include "base/result.h"
#include "net/loop_impl.h"
#include "net/response_writer.h"

namespace keyhaven::net {
namespace {

using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;
using boost::system::error_code;

// Shared with the operations under way, which may complete after the watch is gone.
struct WatchState final : std::enable_shared_from_this<WatchState> {
  WatchState(asio::io_context& context, int fd, std::function<void()> readable)
      : descriptor(context, fd), on_readable(std::move(readable)) {}

  void await_readable() {
    descriptor.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code ec) {
      if (!self->alive || ec) return;
      self->on_readable();
      if (self->alive) self->await_readable();
    });
  }

  void await_writable(std::function<void()> task) {
    const bool armed = on_writable != nullptr;
    on_writable = std::move(task);
    if (armed) return;
    descriptor.async_wait(Descriptor::wait_write, [self = shared_from_this()](error_code ec) {
      if (!self->alive || ec) return;
      const auto writable = std::exchange(self->on_writable, nullptr);
      writable();
    });
  }

  Descriptor descriptor;
  std::function<void()> on_readable;
  std::function<void()> on_writable;
  bool alive = true;
};

class WatchImpl final : public Loop::Watch {
 public:
  explicit WatchImpl(std::shared_ptr<WatchState> state) : state_(std::move(state)) {}
  ~WatchImpl() override {
    state_->alive = false;
    state_->descriptor.release();  // the caller owns it
  }
  void notify_writable(std::function<void()> on_writable) override {
    state_->await_writable(std::move(on_writable));
  }

 private:
  std::shared_ptr<WatchState> state_;
};

}  // namespace

thread_local const LoopGate* LoopGate::current_ = nullptr;

struct LoopImpl::Periodic {
  Periodic(asio::io_context& context, std::chrono::milliseconds every, std::function<void()> run)
      : timer(context), period(every), task(std::move(run)) {}
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      timer;
  std::chrono::milliseconds period;
  std::function<void()> task;
};

LoopImpl::LoopImpl(unsigned index)
    : index_(index),
      work_(asio::make_work_guard(context_)),
      gate_(std::make_shared<LoopGate>(context_)) {}

LoopImpl::~LoopImpl() { stop(); }

void LoopImpl::post(std::function<void()> task) { gate_->post(std::move(task)); }

std::unique_ptr<Loop::Watch> LoopImpl::watch(int fd, std::function<void()> on_readable) {
  auto state = std::make_shared<WatchState>(context_, fd, std::move(on_readable));
  state->await_readable();
  return std::make_unique<WatchImpl>(std::move(state));
}

void LoopImpl::every(std::chrono::milliseconds period, std::function<void()> task) {
  KH_ASSERT(period.count() > 0);
  gate_->post([this, period, task = std::move(task)]() mutable {
    auto periodic = std::make_shared<Periodic>(context_, period, std::move(task));
    periodic->timer.expires_after(period);
    arm(periodic);
  });
}

void LoopImpl::arm(const std::shared_ptr<Periodic>& periodic) {
  periodic->timer.async_wait([periodic](error_code ec) {
    if (ec) return;
    // Armed first, so that a task that throws does not end its own repetition.
    periodic->timer.expires_after(periodic->period);
    arm(periodic);
    periodic->task();
  });
}

void LoopImpl::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void LoopImpl::run() {
  gate_->enter();
  for (;;) {
    try {
      context_.run();
      break;
    } catch (const std::exception& exception) {
      // We throw nothing; a library did. The object concerned is gone with its handler, the others
      // go on.
      std::fprintf(stderr, "keyhaven: exception on event loop %u: %s\n", index_, exception.what());
    }
  }
  gate_->close();
}

void LoopImpl::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
  gate_->close();
}

std::string_view LoopImpl::date() {
  const std::int64_t now = std::time(nullptr);
  if (now != date_second_) {
    date_ = http_date(now);
    date_second_ = now;
  }
  return date_;
}

}  // namespace keyhaven::net
