// The one writer thread: takes all changes that are waiting into one transaction, one fsync for all
// of them.
//
// Each change runs in a savepoint, so one caller's conflict undoes only that caller's change; if
// the disk fails, the whole group is undone and every caller of it is told so. What the group's
// changes have touched is sealed by the crypto unit within the transaction (group_sealer.h). After
// the commit the group's audit events are chained into the log, then the callers are answered; the
// outbox rows go with the next transaction.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/log.h"
#include "store/group_sealer.h"
#include "store/sqlite.h"

namespace keyhaven::store {

// A change to rows. Called on the writer thread within a transaction; an error other than
// StoreUnavailable undoes what it did and nothing else. It names every row of a sealed table that
// it writes or removes, those that go by ON DELETE CASCADE too.
using Change = std::function<Result<void>(Connection&, TouchedRows&)>;

class GroupCommit {
 public:
  // Chains what is left in the outbox (failing to is not an error here: see health) and starts the
  // thread. Errors: StoreUnavailable, Internal (an outbox row is damaged).
  static Result<std::unique_ptr<GroupCommit>> start(std::unique_ptr<Connection> db, audit::Log& log,
                                                    std::unique_ptr<GroupSealer> sealer);
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;
  ~GroupCommit();  // finishes what is queued

  // Blocks until `change` is on disk together with `event_json` (empty: no event), or refused.
  // Thread-safe. Errors: those of `change`; StoreUnavailable, AuditUnavailable: nothing changed.
  Result<void> submit(const Change& change, std::string event_json);

  // Runs `job` on the writer thread while no group is between its two phases. Thread-safe. Errors:
  // those of `job`; UnitUnavailable when the unit cannot be told how the last group ended.
  Result<void> run_between(const std::function<Result<void>()>& job);

  // Thread-safe. Errors: StoreUnavailable, AuditUnavailable, UnitUnavailable (a change is stored
  // that the unit was not told of).
  Result<void> health() const;

 private:
  struct Request {
    const Change* change = nullptr;
    const std::function<Result<void>()>* between = nullptr;  // instead of a change
    std::string event_json;
    std::uint64_t outbox_id = 0;
    Result<void> result;
    std::promise<void> done;
  };
  using Group = std::vector<Request*>;

  GroupCommit(std::unique_ptr<Connection> db, audit::Log& log, std::unique_ptr<GroupSealer> sealer)
      : db_(std::move(db)), log_(log), sealer_(std::move(sealer)) {}
  void enqueue(Request& request);
  std::size_t group_size() const;
  void run();
  bool wait_for_work(std::unique_lock<std::mutex>& lock, Group& group);
  void commit_group(Group& group);
  Result<void> write_group(Group& group);
  Result<void> apply(Request& request, TouchedRows& touched);
  Result<void> run_job(const Request& request);
  Result<void> add_to_outbox(Request& request);
  void chain_group(const Group& group);
  Result<void> align_outbox();
  Result<void> drain_outbox();
  Result<void> remove_chained();
  Result<void> transaction(const std::function<Result<void>()>& body);
  void tidy();
  void note_store(const Result<void>& result);
  void note_audit(const Result<void>& result);

  // Of the writer thread:
  std::unique_ptr<Connection> db_;
  audit::Log& log_;
  const std::unique_ptr<GroupSealer> sealer_;
  std::uint64_t chained_id_ = 0;  // rows up to here are in the log and can go
  bool has_chained_rows_ = false;
  bool undrained_ = false;  // the outbox holds events that could not be chained
  bool store_failed_ = false;

  std::mutex queue_mutex_;
  std::condition_variable queue_filled_;
  std::vector<Request*> queue_;  // requests live on their callers' stacks
  bool stopping_ = false;

  mutable std::mutex health_mutex_;
  Result<void> store_health_;
  Result<void> audit_health_;
  std::thread thread_;
};

}  // namespace keyhaven::store
