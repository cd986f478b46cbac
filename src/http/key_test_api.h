// The API with everything real below it but sockets, threads of loops and disks: one loop that the
// test's thread turns, the software unit behind the asynchronous interface, a store and an audit
// log in memory.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "crypto/random.h"
#include "http/api.h"
#include "http/key_front.h"
#include "http/registration_front.h"
#include "keys/memory_key_store.h"
#include "keys/surroundings_for_tests.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::http::key_tests {

// Runs what is posted when the test turns it.
class TestLoop final : public net::Loop {
 public:
  unsigned index() const noexcept override { return 0; }
  bool in_loop_thread() const noexcept override { return std::this_thread::get_id() == thread_; }
  void post(std::function<void()> task) override {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }
  std::unique_ptr<Watch> watch(int, std::function<void()>) override { return nullptr; }
  void every(std::chrono::milliseconds, std::function<void()>) override {}

  // Runs one task, waiting for it if there is none.
  void turn() {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !tasks_.empty(); });
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }

 private:
  const std::thread::id thread_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
};

// Keeps the records in memory; fails on demand.
class MemoryLog final : public audit::Log {
 public:
  void append_loop(unsigned, const audit::Event& event) override {
    std::lock_guard lock(mutex_);
    buffered_.push_back(event);
  }
  Result<void> flush_loop(unsigned) override {
    std::lock_guard lock(mutex_);
    if (failing) return refusal();
    ++flushes;
    for (auto& event : buffered_) events_.push_back(std::move(event));
    buffered_.clear();
    return {};
  }
  Result<void> append_management(const audit::Event& event) override {
    std::lock_guard lock(mutex_);
    if (failing) return refusal();
    events_.push_back(event);
    return {};
  }
  Result<void> append_outbox(const std::vector<OutboxEntry>&) override { return {}; }
  std::uint64_t last_outbox_id() const override { return 0; }
  Result<void> checkpoint() override { return {}; }
  Result<audit::Receipt> append_with_receipt(const audit::Event& event) override {
    KH_TRY(append_management(event));
    return audit::Receipt{"record", "checkpoint"};
  }
  Result<void> health() const override { return {}; }

  std::vector<audit::Event> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  std::atomic<bool> failing = false;
  int flushes = 0;

 private:
  static Error refusal() {
    return {Reason::AuditUnavailable, "the audit log cannot be written", ""};
  }
  std::mutex mutex_;
  std::vector<audit::Event> buffered_;
  std::vector<audit::Event> events_;
};

// The asynchronous unit over the software one: answers in a later turn of the loop, in order.
class LoopUnit final : public unit::AsyncUnit {
 public:
  LoopUnit(unit::CryptoUnit& unit, net::Loop& loop) : unit_(unit), loop_(loop) {}
  void wrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
            std::span<const std::uint8_t> dek, const unit::AadList& aad,
            Done<unit::WrapResult> done) override {
    answer(unit_.wrap(binding, blob, SecretBytes::copy_of(dek), aad), std::move(done));
  }
  void unwrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob, ByteView wrapped_dek,
              const unit::AadList& aad, const unit::CryptoUnit::Newest* newest,
              Done<unit::UnwrapResult> done) override {
    answer(unit_.unwrap(binding, blob, wrapped_dek, aad, newest), std::move(done));
  }
  void rewrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob, ByteView wrapped_dek,
              const unit::AadList& aad, const unit::CryptoUnit::Newest& newest,
              Done<Bytes> done) override {
    answer(unit_.rewrap(binding, blob, wrapped_dek, aad, newest), std::move(done));
  }
  void open_standard_key(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                         Done<SecretBytes> done) override {
    answer(unit_.open_standard_key(binding, blob), std::move(done));
  }
  void drop(const std::vector<unit::KeyBlob>& blobs, Done<void> done) override {
    answer(unit_.drop(blobs), std::move(done));
  }

 private:
  template <class T>
  void answer(Result<T> result, Done<T> done) {
    auto shared = std::make_shared<Result<T>>(std::move(result));
    loop_.post([shared, done = std::move(done)] { done(std::move(*shared)); });
  }
  unit::CryptoUnit& unit_;
  net::Loop& loop_;
};

class TokenTable final : public Authenticator {
 public:
  Result<iam::CallerPtr> authenticate(unsigned, std::string_view token) override {
    const auto found = callers.find(token);
    if (found == callers.end()) return Error{Reason::Unauthenticated, "the token is not valid", ""};
    return found->second;
  }
  Result<iam::CallerPtr> again(const iam::CallerPtr&, std::string_view token) override {
    return authenticate(0, token);
  }
  std::map<std::string, iam::CallerPtr, std::less<>> callers;
};

class InstanceTable final : public InstanceLookup {
 public:
  InstancePtr find(const InstanceId& id) const override {
    const auto found = instances.find(id);
    return found == instances.end() ? nullptr : found->second;
  }
  std::map<InstanceId, InstancePtr> instances;
};

class NoWaitFence final : public keys::Fence {
 public:
  Result<void> fence(const std::vector<unit::KeyBlob>&) override { return {}; }
};

// Real registrations, and those that a test adds by number.
class TestDependents final : public keys::Dependents {
 public:
  explicit TestDependents(keys::Registrations& real) : real_(real) {}
  Blockers blockers(const keys::KeyRecord& key) const override {
    Blockers out = real_.blockers(key);
    out.registrations += current.registrations;
    out.prevent_deletion = out.prevent_deletion || current.prevent_deletion;
    return out;
  }
  void add_effects(keys::LifecycleKind kind, const keys::KeyRecord& next, Timestamp now,
                   keys::KeyChange& change) const override {
    real_.add_effects(kind, next, now, change);
  }
  void publish(const keys::KeyChange& change) override { real_.publish(change); }
  void forget(const InstanceId& instance, const KeyId& key) override {
    real_.forget(instance, key);
  }
  Blockers current;

 private:
  keys::Registrations& real_;
};

// Headers given once more replace the default of the same name; an empty value leaves the header
// out.
using TestHeaders = std::map<std::string, std::string>;

class TestApi {
 public:
  TestApi() {
    // Number 9 is not initialised.
    for (const int number : {1, 2, 9})
      add_instance(unit::test_instance(static_cast<std::uint8_t>(number)));
    add_caller("manager", {iam::Role::Manager, iam::Role::KeyPurge}, unit::test_instance(1));
    api.add(key_routes(front));
    api.add(key_list_routes(front));
    api.add(key_action_routes(front));
    api.add(key_ring_routes(front));
    api.add(key_policy_routes(front));
    api.add(registration_routes(registration_front));
    api.add(lifecycle_event_routes(registration_front));
    api.add(migration_intent_routes(registration_front));
  }

  iam::Grant grant(std::initializer_list<iam::Role> roles, std::optional<InstanceId> instance) {
    iam::Grant out;
    for (const iam::Role role : roles)
      out.roles = static_cast<iam::RoleSet>(out.roles | iam::bit(role));
    out.instance = instance;
    return out;
  }
  void add_caller(const std::string& token, iam::Grant rights) {
    auto caller = std::make_shared<iam::Caller>();
    caller->iam_id = "iam-ServiceId-" + token;
    caller->name = token;
    caller->grants = {std::move(rights)};
    tokens.callers[token] = std::move(caller);
  }
  void add_caller(const std::string& token, std::initializer_list<iam::Role> roles,
                  std::optional<InstanceId> instance) {
    add_caller(token, grant(roles, instance));
  }

  // One call from the first byte to the answer. `target` is path and query.
  net::Response call(std::string_view method, const std::string& target, std::string_view body = {},
                     const TestHeaders& headers = {}) {
    return wait(start(method, target, body, headers));
  }

  struct Pending {
    std::string target;
    std::vector<std::uint8_t> body;
    std::map<std::string, std::string> headers;
    std::vector<net::Header> header_views;
    net::Request request;
    std::mutex mutex;
    std::optional<net::Response> response;
  };
  std::shared_ptr<Pending> start(std::string_view method, const std::string& target,
                                 std::string_view body, const TestHeaders& headers) {
    auto pending = std::make_shared<Pending>();
    pending->target = target;
    pending->body.assign(body.begin(), body.end());
    pending->body.resize(body.size() + net::kBodySlack);
    pending->headers = {{"Authorization", "Bearer manager"},
                        {"Bluemix-Instance", unit::test_instance(1).text()}};
    for (const auto& [name, value] : headers) pending->headers[name] = value;
    for (const auto& [name, value] : pending->headers) {
      if (!value.empty()) pending->header_views.push_back({name, value});
    }
    const std::string_view text = pending->target;
    const std::size_t question = text.find('?');
    net::Request& request = pending->request;
    request.method = method;
    request.path = text.substr(0, question);
    request.query =
        question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
    request.headers = pending->header_views;
    request.body = std::span(pending->body).first(body.size());
    request.remote_address = "192.0.2.1";
    request.loop = &loop;
    api.handler()(request, net::Reply(std::make_shared<Capture>(*this, pending)));
    return pending;
  }
  net::Response wait(const std::shared_ptr<Pending>& pending) {
    while (true) {
      {
        std::lock_guard lock(pending->mutex);
        if (pending->response) return *std::move(pending->response);
      }
      loop.turn();
    }
  }

  ManualClock clock{Timestamp::from_seconds(1'767'323'045)};
  TestLoop loop;
  MemoryLog audit;
  TokenTable tokens;
  InstanceTable instances;
  static constexpr unsigned kWorkers = 3;
  WorkerPool workers{kWorkers, 8};
  unit::SoftUnit soft_unit = deployment().make_unit();
  LoopUnit loop_unit{soft_unit, loop};
  keys::MemoryKeyStore store;
  keys::Directory directory;
  NoWaitFence fence;
  keys::TestGate seal_gate;
  keys::KeyChanges changes{store, directory, keys::KeyTimes()};
  keys::NoImportToken no_import_token;
  keys::FixedRules settings;
  keys::Registrations registrations{changes, settings, clock};
  TestDependents dependents{registrations};
  keys::KeyService service{
      {changes, soft_unit, no_import_token, dependents, seal_gate, fence, settings, clock}};
  KeyFront front{service, {&loop_unit}, std::string(32, 'a')};
  RegistrationFront registration_front{front, registrations};
  Api api{{.loops = 1, .unauthenticated_records_per_second = 5},
          tokens,
          instances,
          audit,
          workers,
          clock};

 private:
  class Capture final : public net::Reply::Target {
   public:
    Capture(TestApi& api, std::shared_ptr<Pending> pending)
        : api_(api), pending_(std::move(pending)) {}
    void send(net::Response response) override {
      {
        std::lock_guard lock(pending_->mutex);
        pending_->response = std::move(response);
      }
      api_.loop.post([] {});  // wakes the waiting test
    }

   private:
    TestApi& api_;
    std::shared_ptr<Pending> pending_;
  };

  static unit::TestDeployment& deployment() {
    static auto* made = [] {
      auto* fresh = new unit::TestDeployment;  // lives as long as the process
      const unit::Administrators administrators(2);
      fresh->initialise(unit::test_instance(1), administrators, unit::random_parts());
      fresh->initialise(unit::test_instance(2), administrators, unit::random_parts());
      return fresh;
    }();
    return *made;
  }
  void add_instance(const InstanceId& id) {
    auto record = std::make_shared<instances::InstanceRecord>();
    record->id = id;
    record->region = "eu-de";
    instances.instances[id] = std::move(record);
  }
};

}  // namespace keyhaven::http::key_tests
