#include <sys/socket.h>

#include <future>
#include <thread>

#include "channel/loop_client.h"
#include "channel/serve.h"
#include "net/loop_impl.h"
#include "steps.h"
#include "unit/ceremony_for_tests.h"
#include "unitd/channel_unit.h"

namespace keyhaven::bench {
namespace {

// The client on a loop and the serving end on a thread of this process, as they are in two.
class Channel {
 public:
  explicit Channel(unit::TestDeployment& deployment)
      : unit_(deployment.table(), deployment.clock()) {
    int fds[2];
    KH_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    unit_end_ = FileDescriptor(fds[1]);
    service_ =
        std::thread([this] { KH_ASSERT(channel::serve(unit_end_.get(), unit_).has_value()); });
    loop_.start();
    on_loop([&] {
      client_ = std::make_unique<channel::LoopClient>(loop_);
      client_->attach(FileDescriptor(fds[0]));
    });
  }
  ~Channel() {
    on_loop([this] { client_.reset(); });
    service_.join();
    loop_.stop();
  }

  // `rounds` times `batch` calls that are made in one turn; the next round when all have answered.
  void wrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob, std::size_t batch,
            std::size_t rounds) {
    std::promise<void> done;
    std::size_t left = 0;
    std::function<void()> round = [&] {
      if (rounds-- == 0) return done.set_value();
      left = batch;
      for (std::size_t i = 0; i < batch; ++i) {
        client_->wrap(binding, blob, dek_, {}, [&](Result<unit::WrapResult> result) {
          KH_ASSERT(result.has_value());
          if (--left == 0) round();
        });
      }
    };
    loop_.post([&] { round(); });
    done.get_future().wait();
  }

 private:
  template <class Task>
  void on_loop(Task task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  const Bytes dek_ = Bytes(32);
  unitd::ChannelUnit unit_;
  FileDescriptor unit_end_;
  std::thread service_;
  net::LoopImpl loop_{0};
  std::unique_ptr<channel::LoopClient> client_;
};

}  // namespace

void measure_channel(double seconds, Steps& steps) {
  const InstanceId instance = unit::test_instance(1);
  unit::TestDeployment deployment;
  deployment.initialise(instance, unit::Administrators(2), unit::random_parts());
  const unit::KeyBinding binding = unit::test_binding(instance);
  unit::KeyEngine engine(deployment.table(), deployment.clock());
  const unit::KeyBlob blob = engine.generate_root_key(binding).value().blob;
  Channel channel(deployment);
  for (const std::size_t batch : {1U, 8U, 32U}) {
    constexpr std::size_t kRounds = 32;
    steps.push_back({"channel_wrap_batch_" + std::to_string(batch),
                     measure_us(seconds, batch * kRounds,
                                [&] { channel.wrap(binding, blob, batch, kRounds); })});
  }
}

}  // namespace keyhaven::bench
