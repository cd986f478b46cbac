// For tests of channel/ only: a small event loop, a unit that answers without keys, and socket
// pairs.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "net/loop.h"
#include "unit/crypto_unit.h"

namespace keyhaven::channel::testing {

inline std::pair<FileDescriptor, FileDescriptor> socket_pair() {
  int fds[2];
  KH_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

// net::Loop on poll(2), with the contract of net/loop.h: posted tasks run behind the handlers that
// are ready.
class PollLoop final : public net::Loop {
 public:
  PollLoop() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { run(); }) {}
  ~PollLoop() override {
    post([this] { stopped_ = true; });
    thread_.join();
  }
  unsigned index() const noexcept override { return 0; }
  bool in_loop_thread() const noexcept override {
    return std::this_thread::get_id() == thread_.get_id();
  }
  void post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    const std::uint64_t one = 1;
    KH_ASSERT(::write(wake_.get(), &one, sizeof one) == sizeof one);
  }
  std::unique_ptr<Watch> watch(int fd, std::function<void()> on_readable) override {
    return std::make_unique<WatchImpl>(*this, fd, std::move(on_readable));
  }
  void every(std::chrono::milliseconds period, std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    timers_.push_back({period, std::chrono::steady_clock::now() + period, std::move(task)});
  }
  // Runs `task` on the loop and waits for it.
  template <class Task>
  void run_on_loop(Task task) {
    std::promise<void> done;
    post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  struct Entry {
    int fd;
    std::function<void()> on_readable;
    std::function<void()> on_writable;
  };
  class WatchImpl final : public Watch {
   public:
    WatchImpl(PollLoop& loop, int fd, std::function<void()> readable)
        : loop_(loop), id_(loop.next_watch_++) {
      loop_.watches_[id_] = {fd, std::move(readable), nullptr};
    }
    ~WatchImpl() override { loop_.watches_.erase(id_); }
    void notify_writable(std::function<void()> on_writable) override {
      loop_.watches_[id_].on_writable = std::move(on_writable);
    }

   private:
    PollLoop& loop_;
    int id_;
  };
  struct Timer {
    std::chrono::milliseconds period;
    std::chrono::steady_clock::time_point next;
    std::function<void()> task;
  };

  void run() {
    while (!stopped_) {
      run_watches();
      run_timers();
      std::vector<std::function<void()>> ready;
      {
        const std::lock_guard lock(mutex_);
        ready.swap(tasks_);
      }
      for (auto& task : ready) task();
    }
  }
  void run_watches() {
    std::vector<pollfd> waiting{{wake_.get(), POLLIN, 0}};
    std::vector<int> ids{-1};
    for (const auto& [id, entry] : watches_) {
      waiting.push_back(
          {entry.fd, static_cast<short>(POLLIN | (entry.on_writable ? POLLOUT : 0)), 0});
      ids.push_back(id);
    }
    (void)::poll(waiting.data(), waiting.size(), 10);
    std::uint64_t count;
    (void)!::read(wake_.get(), &count, sizeof count);
    for (std::size_t i = 1; i < waiting.size(); ++i) {
      if ((waiting[i].revents & POLLOUT) != 0 && watches_.contains(ids[i])) {
        if (auto task = std::exchange(watches_[ids[i]].on_writable, nullptr)) task();
      }
      if ((waiting[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && watches_.contains(ids[i])) {
        auto task = watches_[ids[i]].on_readable;
        task();
      }
    }
  }
  void run_timers() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::function<void()>> due;
    {
      const std::lock_guard lock(mutex_);
      for (Timer& timer : timers_) {
        if (timer.next > now) continue;
        timer.next = now + timer.period;
        due.push_back(timer.task);
      }
    }
    for (auto& task : due) task();
  }

  FileDescriptor wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  std::list<Timer> timers_;
  std::map<int, Entry> watches_;  // loop thread only
  int next_watch_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

// A unit without keys whose answers show what it was asked: wrapping is XOR with 0x5a behind the
// blob's first byte, errors follow from the arguments. Safe for several channels.
class MirrorUnit final : public unit::CryptoUnit {
 public:
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<bool> hang{false};  // calls wait until it is false again

  Result<std::vector<unit::UnitStatus>> create_units(const InstanceId&, const std::string& region,
                                                     unit::UnitCounts counts) override {
    enter();
    const std::uint32_t count = counts.operational;
    if (count == 0) return Error{Reason::InvalidArgument, "count is 0, at least 1", "count"};
    std::vector<unit::UnitStatus> out(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      out[i].location = "[" + region + "].[AZ1-CS1].[1].[" + std::to_string(i) + "]";
      out[i].domain_index = i;
    }
    return out;
  }
  Result<std::vector<unit::UnitStatus>> resize_units(const InstanceId&,
                                                     unit::UnitCounts counts) override {
    enter();
    std::vector<unit::UnitStatus> out(1);
    out[0].type = unit::UnitType::Recovery;
    out[0].joined = false;
    out[0].module_index = counts.operational * 100 + counts.recovery * 10 + counts.failover;
    return out;
  }
  Result<unit::SealingStatus> sealing() override {
    enter();
    return unit::SealingStatus{unit::SealingMethod::Tpm2, "device", 5, true};
  }
  Result<unit::SealingStatus> change_sealing(const unit::SealingChange& change) override {
    enter();
    return unit::SealingStatus{change.method, change.reference, 6, false};
  }
  Result<unit::KeyBlob> reseal(unit::BlobPurpose purpose, const unit::KeyBinding&,
                               const unit::KeyBlob& blob,
                               const unit::BlobPattern& target) override {
    enter();
    unit::KeyBlob out{blob.bytes};
    append(out.bytes, target);
    out.bytes.push_back(static_cast<std::uint8_t>(purpose));
    return out;
  }
  Result<void> remove_units(const InstanceId&) override {
    enter();
    return Error{Reason::UnitsNotZeroized, "not zeroized", ""};
  }
  Result<std::vector<unit::UnitStatus>> list_units(const InstanceId&) override {
    enter();
    return std::vector<unit::UnitStatus>{};
  }
  Result<std::string> administer(const InstanceId&, const UnitId&,
                                 const std::string& request) override {
    enter();
    return "answer to " + request;
  }
  Result<Bytes> attestation_root() override {
    enter();
    return Bytes(158, 7);
  }
  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding& binding) override {
    enter();
    unit::SealedRootKey key{{to_bytes(binding.key.view())}, {}};
    key.commitment.fill(9);
    return key;
  }
  Result<unit::SealedRootKey> import_root_key(const unit::KeyBinding&,
                                              const SecretBytes& material) override {
    enter();
    return unit::SealedRootKey{{mask(material.expose())}, {}};
  }
  Result<unit::ImportTokenKey> create_import_token(const unit::KeyBinding& token) override {
    enter();
    unit::ImportTokenKey key{{to_bytes(token.key.view())}, Bytes(550, 3), {}};
    key.nonce.fill(4);
    return key;
  }
  Result<unit::SealedRootKey> import_encrypted_root_key(
      const unit::KeyBinding& binding, const unit::KeyBinding& token,
      const unit::KeyBlob& private_key, const unit::EncryptedMaterial& material) override {
    enter();
    if (binding.instance != token.instance)
      return Error{Reason::IncorrectNonce, "another token", ""};
    Bytes blob = private_key.bytes;
    append(blob, material.payload);
    append(blob, material.encrypted_nonce);
    append(blob, material.iv);
    return unit::SealedRootKey{{std::move(blob)}, {}, 128};
  }
  Result<unit::KeyBlob> create_standard_key(const unit::KeyBinding&,
                                            const SecretBytes& payload) override {
    enter();
    return unit::KeyBlob{mask(payload.expose())};
  }
  Result<SecretBytes> open_standard_key(const unit::KeyBinding&,
                                        const unit::KeyBlob& blob) override {
    enter();
    return SecretBytes::copy_of(mask(blob.bytes));
  }
  Result<unit::WrapResult> wrap(const unit::KeyBinding&, const unit::KeyBlob&,
                                const SecretBytes& dek, const unit::AadList&) override {
    enter();
    unit::WrapResult result;
    if (dek.empty()) result.generated_dek = SecretBytes::copy_of(Bytes(32, 0x11));
    result.wrapped_dek = mask(dek.empty() ? result.generated_dek.expose() : dek.expose());
    return result;
  }
  Result<unit::UnwrapResult> unwrap(const unit::KeyBinding&, const unit::KeyBlob&,
                                    ByteView wrapped_dek, const unit::AadList& aad,
                                    const Newest* newest) override {
    enter();
    if (!aad.empty()) return Error{Reason::CiphertextInvalid, "does not authenticate", ""};
    unit::UnwrapResult result;
    result.dek = SecretBytes::copy_of(mask(wrapped_dek));
    if (newest != nullptr) result.rewrapped = newest->blob->bytes;
    return result;
  }
  Result<Bytes> rewrap(const unit::KeyBinding&, const unit::KeyBlob&, ByteView wrapped_dek,
                       const unit::AadList&, const Newest& newest) override {
    enter();
    Bytes out = newest.blob->bytes;
    append(out, wrapped_dek);
    return out;
  }
  Result<void> drop(const std::vector<unit::KeyBlob>& blobs) override {
    enter();
    dropped += blobs.size();
    return {};
  }
  void release() {
    hang = false;
    hang.notify_all();
  }
  static Bytes mask(ByteView bytes) {
    Bytes out = to_bytes(bytes);
    for (std::uint8_t& byte : out) byte ^= 0x5a;
    return out;
  }

 private:
  void enter() {
    ++calls;
    hang.wait(true);
  }
};

}  // namespace keyhaven::channel::testing
