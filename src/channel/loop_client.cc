#include "channel/loop_client.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "channel/socket_io.h"

namespace keyhaven::channel {
namespace {

// Bytes that may wait for a unit that does not read; then calls are refused.
constexpr std::size_t kMaxQueuedBytes = 1024 * 1024;
// Above this a turn's calls do not wait for its end.
constexpr std::size_t kEarlyWriteBytes = 128 * 1024;
constexpr std::chrono::milliseconds kSweepPeriod{100};

Error unavailable(const std::string& cause) { return Error{Reason::UnitUnavailable, cause, ""}; }

// Tells the caller. Takes the callback out first: it may call back into the client.
template <class Callback>
void fail(Callback& callback, const Error& error) {
  std::visit(
      [&error](auto&& done) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(done)>, std::monostate>) done(error);
      },
      std::exchange(callback, std::monostate{}));
}

template <class T>
Result<void> deliver_value(const unit::AsyncUnit::Done<T>& done, ByteView bytes) {
  Result<T> value = decode_value<T>(bytes);
  if (!value) {
    done(unavailable("the crypto unit gave an answer that cannot be read"));
    return std::move(value).error();
  }
  done(std::move(value));
  return {};
}

Result<void> deliver_value(const unit::AsyncUnit::Done<void>& done, ByteView bytes) {
  Result<std::monostate> value = decode_value<std::monostate>(bytes);
  if (!value) {
    done(unavailable("the crypto unit gave an answer that cannot be read"));
    return std::move(value).error();
  }
  done(Result<void>());
  return {};
}

}  // namespace

LoopClient::LoopClient(net::Loop& loop, LoopClientOptions options)
    : loop_(loop),
      options_(options),
      out_(kBufferSize, kMaxQueuedBytes + kMaxFrameSize),
      in_(kBufferSize, kMaxFrameSize + kBufferSize),
      self_(std::make_shared<LoopClient*>(this)) {
  loop_.every(kSweepPeriod, [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->sweep();
  });
}

LoopClient::~LoopClient() {
  self_.reset();
  watch_.reset();
  lose("the server is stopping");
}

void LoopClient::attach(FileDescriptor socket) {
  if (loop_.in_loop_thread()) return attach_on_loop(std::move(socket));
  auto shared =
      std::make_shared<FileDescriptor>(std::move(socket));  // std::function copies what it holds
  loop_.post([weak = std::weak_ptr(self_), shared] {
    if (const auto self = weak.lock()) (*self)->attach_on_loop(std::move(*shared));
  });
}

void LoopClient::detach(const std::string& cause) {
  if (loop_.in_loop_thread()) return lose(cause);
  loop_.post([weak = std::weak_ptr(self_), cause] {
    if (const auto self = weak.lock()) (*self)->lose(cause);
  });
}

void LoopClient::attach_on_loop(FileDescriptor socket) {
  lose("the crypto unit was restarted");
  const int flags = ::fcntl(socket.get(), F_GETFL);
  KH_ASSERT(flags >= 0 && ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) == 0);
  widen_socket_buffers(socket.get());
  socket_ = std::move(socket);
  watch_ = loop_.watch(socket_.get(), [this] { on_readable(); });
  SecretWriter(out_).raw(hello_frame(Side::Server));
  post_flush();
}

template <class T>
void LoopClient::refuse(Done<T> done, Error error) {
  loop_.post([done = std::move(done), error = std::move(error)] { done(error); });
}

template <class T, class Encode>
bool LoopClient::call(Op op, Done<T> done, Encode encode) {
  if (!socket_.valid()) {
    refuse(std::move(done), unavailable("the crypto unit is not running; it is being restarted"));
    return false;
  }
  if (out_.size() > kEarlyWriteBytes && !awaits_room_) {
    // Large arguments: what is queued goes now. A failure shows again in the flush, where calls may
    // be failed.
    if (const auto sent = send_some(socket_.get(), out_, Wait::DontBlock); sent && sent.value())
      ++counters_.writes;
  }
  if (pending_.size() >= options_.max_pending || out_.size() > kMaxQueuedBytes) {
    refuse(std::move(done), unavailable("too many calls wait for the crypto unit"));
    return false;
  }
  const CallHeader header{
      next_id_, monotonic_us() + static_cast<std::uint64_t>(options_.deadline.count()) * 1000};
  Result<void> encoded = encode(out_, header);
  if (!encoded) {
    refuse(std::move(done), std::move(encoded).error());
    return false;
  }
  ++next_id_;
  ++counters_.calls;
  pending_.push_back({header.call_id, header.deadline_us, op, std::move(done)});
  post_flush();
  return true;
}

void LoopClient::wrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                      std::span<const std::uint8_t> dek, const unit::AadList& aad,
                      Done<unit::WrapResult> done) {
  call(Op::Wrap, std::move(done), [&](SecretBuffer& out, CallHeader header) {
    return encode_wrap(out, header, binding, blob, dek, aad);
  });
}

void LoopClient::unwrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                        ByteView wrapped_dek, const unit::AadList& aad,
                        const unit::CryptoUnit::Newest* newest, Done<unit::UnwrapResult> done) {
  call(Op::Unwrap, std::move(done), [&](SecretBuffer& out, CallHeader header) {
    return encode_unwrap(out, header, binding, blob, wrapped_dek, aad, newest);
  });
}

void LoopClient::rewrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                        ByteView wrapped_dek, const unit::AadList& aad,
                        const unit::CryptoUnit::Newest& newest, Done<Bytes> done) {
  call(Op::Rewrap, std::move(done), [&](SecretBuffer& out, CallHeader header) {
    return encode_rewrap(out, header, binding, blob, wrapped_dek, aad, newest);
  });
}

void LoopClient::open_standard_key(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                                   Done<SecretBytes> done) {
  call(Op::OpenStandardKey, std::move(done), [&](SecretBuffer& out, CallHeader header) {
    return encode_open_standard_key(out, header, binding, blob);
  });
}

// More blobs than a frame takes go in several; the last answer counts, and it fails if any of them
// failed.
void LoopClient::drop(const std::vector<unit::KeyBlob>& blobs, Done<void> done) {
  std::span<const unit::KeyBlob> rest(blobs);
  std::size_t count = drop_chunk(rest);
  if (count < rest.size()) {
    auto failure = std::make_shared<std::optional<Error>>();
    const Done<void> note = [failure](const Result<void>& result) {
      if (!result && !*failure) *failure = result.error();
    };
    done = [failure, last = std::move(done)](Result<void> result) {
      if (*failure) return last(**failure);
      last(std::move(result));
    };
    for (; count < rest.size(); rest = rest.subspan(count), count = drop_chunk(rest)) {
      const bool queued = call(Op::Drop, note, [&](SecretBuffer& out, CallHeader header) {
        return encode_drop(out, header, rest.first(count));
      });
      if (!queued)
        return refuse(std::move(done), unavailable("too many calls wait for the crypto unit"));
    }
  }
  call(Op::Drop, std::move(done),
       [&](SecretBuffer& out, CallHeader header) { return encode_drop(out, header, rest); });
}

void LoopClient::post_flush() {
  if (flush_posted_) return;
  flush_posted_ = true;
  loop_.post([weak = std::weak_ptr(self_)] {
    const auto self = weak.lock();
    if (!self) return;
    (*self)->flush_posted_ = false;
    (*self)->flush();
  });
}

void LoopClient::flush() {
  if (!socket_.valid() || awaits_room_) return;
  while (!out_.empty()) {
    Result<std::optional<std::size_t>> sent = send_some(socket_.get(), out_, Wait::DontBlock);
    if (!sent) return lose("the crypto unit is gone");
    if (!sent.value()) {
      awaits_room_ = true;
      watch_->notify_writable([weak = std::weak_ptr(self_), generation = generation_] {
        const auto self = weak.lock();
        if (!self || (*self)->generation_ != generation) return;
        (*self)->awaits_room_ = false;
        (*self)->flush();
      });
      return;
    }
    ++counters_.writes;
  }
}

void LoopClient::on_readable() {
  const std::uint64_t generation = generation_;
  while (generation == generation_ && socket_.valid()) {
    Result<std::optional<std::size_t>> received =
        receive_some(socket_.get(), in_, missing_bytes(in_.filled()), Wait::DontBlock);
    if (!received) return lose("the channel to the crypto unit failed");
    if (!received.value()) return;
    ++counters_.reads;
    if (*received.value() == 0) return lose("the crypto unit is gone");
    const bool filled_up = in_.free_space().empty();
    const Result<void> taken = take_answers();
    if (!taken) {
      if (generation == generation_) lose("the crypto unit broke the protocol");
      return;
    }
    if (!filled_up) return;  // the socket gave all it had
  }
}

Result<void> LoopClient::take_answers() {
  const std::uint64_t generation = generation_;
  while (generation == generation_) {
    const std::optional<ByteView> body = KH_TRY(first_frame(in_.filled()));
    if (!body) return {};
    const std::size_t size = kFramePrefixSize + body->size();
    Result<void> taken = greeted_ ? take_answer(*body) : check_hello(*body, Side::Unit);
    if (generation != generation_)
      return {};  // a callback closed the channel: `in_` is not ours any more
    KH_TRY(std::move(taken));
    greeted_ = true;
    in_.consume(size);
  }
  return {};
}

Result<void> LoopClient::take_answer(ByteView body) {
  AnswerView answer = KH_TRY(decode_answer(body));
  if (pending_.empty() || pending_.front().call_id != answer.call_id ||
      pending_.front().op != answer.op) {
    return Error{Reason::InvalidArgument, "channel: an answer to no call", ""};
  }
  Pending call = std::move(pending_.front());
  pending_.pop_front();
  ++counters_.answers;
  if (answer.error) {
    fail(call.done, *answer.error);
    return {};
  }
  return std::visit(
      [&answer](const auto& done) -> Result<void> {
        if constexpr (std::is_same_v<std::decay_t<decltype(done)>, std::monostate>) {
          return {};  // too late
        } else {
          return deliver_value(done, answer.value);
        }
      },
      call.done);
}

void LoopClient::lose(const std::string& cause) {
  if (!socket_.valid() && pending_.empty()) return;
  ++generation_;
  ++counters_.lost;
  greeted_ = false;
  awaits_room_ = false;
  out_.clear();
  in_.clear();
  if (watch_ != nullptr) {
    // We may stand in a callback of this watch: it and its socket go when the handlers of this turn
    // are through.
    loop_.post([socket = std::make_shared<FileDescriptor>(std::move(socket_)),
                watch = std::shared_ptr<net::Loop::Watch>(std::move(watch_))]() mutable {
      watch.reset();
    });
  }
  socket_.reset();
  std::deque<Pending> failed = std::exchange(pending_, {});
  for (Pending& call : failed) fail(call.done, unavailable(cause));
}

// All calls have the same time, so the first that is not late ends the search.
void LoopClient::sweep() {
  if (pending_.empty()) return;
  const std::uint64_t now = monotonic_us();
  const std::uint64_t generation = generation_;
  for (std::size_t i = 0;
       generation == generation_ && i < pending_.size() && pending_[i].deadline_us < now; ++i) {
    if (std::holds_alternative<std::monostate>(pending_[i].done)) continue;
    ++counters_.expired;
    fail(pending_[i].done, unavailable("the crypto unit did not answer in time"));
  }
}

}  // namespace keyhaven::channel
