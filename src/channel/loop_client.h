// The server's non-blocking end of one channel: one per event loop.
//
// The problem is the price of a process boundary: a call of its own costs a write, two wake-ups and
// a read. So the calls of one loop turn are collected and leave with one write, posted behind the
// handlers that are ready now, and one read takes all the answers that are there. No lock:
// everything happens on the loop's thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <variant>

#include "base/file.h"
#include "channel/codec.h"
#include "net/loop.h"
#include "unit/async_unit.h"

namespace keyhaven::channel {

struct LoopClientOptions {
  std::chrono::milliseconds deadline{5000};  // of each call
  std::size_t max_pending = 4096;            // calls sent or to be sent and not answered
};

// Calls are answered in their order. A call fails with UnitUnavailable when the channel is down (at
// once), when it goes down while the call is under way (the unit may or may not have carried it
// out), when the deadline passes, or when too many calls or bytes are waiting (at once, before
// older calls are answered); InvalidArgument when an argument is above the limits of codec.h.
// Nothing is repeated. `drop` is a fence for this loop only: whoever needs it over all loops calls
// drop on each loop's client and on the BlockingClient, since each has a cache of its own in the
// unit.
class LoopClient final : public unit::AsyncUnit {
 public:
  // `loop` must outlive the client; the client is destroyed on the loop's thread, or after the loop
  // has stopped, and not from a callback of its own. Destruction fails what is pending.
  explicit LoopClient(net::Loop& loop, LoopClientOptions options = {});
  ~LoopClient() override;
  LoopClient(const LoopClient&) = delete;
  LoopClient& operator=(const LoopClient&) = delete;

  // Uses the stream socket from now on (made non-blocking); calls on a previous one fail.
  // Thread-safe: runs at once on the loop's thread, else soon.
  void attach(FileDescriptor socket);
  // Closes the channel; pending calls fail with `cause`. Thread-safe as attach.
  void detach(const std::string& cause = "the crypto unit is stopped");

  // --- On the loop's thread ---
  bool is_attached() const noexcept { return socket_.valid(); }
  void wrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
            std::span<const std::uint8_t> dek, const unit::AadList& aad,
            Done<unit::WrapResult> done) override;
  void unwrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob, ByteView wrapped_dek,
              const unit::AadList& aad, const unit::CryptoUnit::Newest* newest,
              Done<unit::UnwrapResult> done) override;
  void rewrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob, ByteView wrapped_dek,
              const unit::AadList& aad, const unit::CryptoUnit::Newest& newest,
              Done<Bytes> done) override;
  void open_standard_key(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                         Done<SecretBytes> done) override;
  void drop(const std::vector<unit::KeyBlob>& blobs, Done<void> done) override;

  struct Counters {
    std::uint64_t calls = 0;
    std::uint64_t answers = 0;
    std::uint64_t writes = 0;
    std::uint64_t reads = 0;
    std::uint64_t expired = 0;  // calls whose deadline passed
    std::uint64_t lost = 0;     // times the channel went down
  };
  const Counters& counters() const noexcept { return counters_; }

 private:
  // monostate: the caller was told that the deadline passed; the answer is still to come.
  using Callback = std::variant<std::monostate, Done<unit::WrapResult>, Done<unit::UnwrapResult>,
                                Done<Bytes>, Done<SecretBytes>, Done<void>>;
  struct Pending {
    std::uint64_t call_id;
    std::uint64_t deadline_us;
    Op op;
    Callback done;
  };

  template <class T, class Encode>
  bool call(Op op, Done<T> done, Encode encode);
  template <class T>
  void refuse(Done<T> done, Error error);
  void attach_on_loop(FileDescriptor socket);
  void post_flush();
  void flush();
  void on_readable();
  Result<void> take_answers();
  Result<void> take_answer(ByteView body);
  void lose(const std::string& cause);
  void sweep();

  net::Loop& loop_;
  LoopClientOptions options_;
  FileDescriptor socket_;
  std::unique_ptr<net::Loop::Watch> watch_;
  SecretBuffer out_;
  SecretBuffer in_;
  std::deque<Pending> pending_;
  std::uint64_t next_id_ = 1;
  std::uint64_t generation_ =
      0;  // counts attach and lose: a callback may have changed the channel under us
  bool greeted_ = false;
  bool flush_posted_ = false;
  bool awaits_room_ = false;
  Counters counters_;
  std::shared_ptr<LoopClient*> self_;  // what posted tasks hold weakly: they may run after our end
};

}  // namespace keyhaven::channel
