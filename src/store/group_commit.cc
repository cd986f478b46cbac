#include "store/group_commit.h"

#include <algorithm>
#include <chrono>

#include "store/rows.h"

namespace keyhaven::store {
namespace {

constexpr std::size_t kMaxGroup = 256;
constexpr std::size_t kDrainRows = 1000;
constexpr int kMaxWalPages = 8192;  // 32 MiB; beyond it the log is moved even when there is work
constexpr std::chrono::milliseconds kQuiet{200};
constexpr std::chrono::milliseconds kRetry{1000};  // after a failure, without anybody asking

}  // namespace

Result<std::unique_ptr<GroupCommit>> GroupCommit::start(std::unique_ptr<Connection> db,
                                                        audit::Log& log,
                                                        std::unique_ptr<GroupSealer> sealer) {
  std::unique_ptr<GroupCommit> writer(new GroupCommit(std::move(db), log, std::move(sealer)));
  KH_TRY(writer->align_outbox());
  const Result<void> drained = writer->drain_outbox();
  if (!drained && drained.error().reason != Reason::AuditUnavailable) return drained.error();
  writer->note_audit(drained);
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

GroupCommit::~GroupCommit() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  sealer_->stop();
  queue_filled_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<void> GroupCommit::submit(const Change& change, std::string event_json) {
  Request request;
  request.change = &change;
  request.event_json = std::move(event_json);
  enqueue(request);
  return std::move(request.result);
}

Result<void> GroupCommit::run_between(const std::function<Result<void>()>& job) {
  Request request;
  request.between = &job;
  enqueue(request);
  return std::move(request.result);
}

// Returns when the request is done.
void GroupCommit::enqueue(Request& request) {
  std::future<void> done = request.done.get_future();
  {
    const std::lock_guard lock(queue_mutex_);
    KH_ASSERT(!stopping_);
    queue_.push_back(&request);
  }
  queue_filled_.notify_one();
  done.wait();
}

Result<void> GroupCommit::health() const {
  {
    const std::lock_guard lock(health_mutex_);
    if (!audit_health_) return audit_health_;
    if (!store_health_) return store_health_;
  }
  return sealer_->health();
}

void GroupCommit::note_store(const Result<void>& result) {
  // A unit that is away is no failure of the store, and is shown as its own part.
  if (!result && result.error().reason == Reason::UnitUnavailable) return;
  if (result && !store_failed_) return;
  store_failed_ = !result;
  const std::lock_guard lock(health_mutex_);
  store_health_ = result;
}

void GroupCommit::note_audit(const Result<void>& result) {
  if (result && !undrained_) return;
  undrained_ = !result;
  const std::lock_guard lock(health_mutex_);
  audit_health_ = result;
}

void GroupCommit::run() {
  std::unique_lock lock(queue_mutex_);
  Group group;
  while (wait_for_work(lock, group)) {
    lock.unlock();
    commit_group(group);
    if (db_->wal_pages() > kMaxWalPages) note_store(db_->checkpoint_wal());
    lock.lock();
  }
  lock.unlock();
  tidy();
}

// Fills `group`; false when the thread is to end. In quiet moments it tidies up.
bool GroupCommit::wait_for_work(std::unique_lock<std::mutex>& lock, Group& group) {
  group.clear();
  while (queue_.empty()) {
    if (stopping_) return false;
    const bool failing = undrained_ || store_failed_ || sealer_->is_waiting();
    if (!failing && !has_chained_rows_ && db_->wal_pages() == 0) {
      queue_filled_.wait(lock);
    } else if (queue_filled_.wait_for(lock, failing ? kRetry : kQuiet) == std::cv_status::timeout &&
               queue_.empty() && !stopping_) {
      lock.unlock();
      tidy();
      lock.lock();
    }
  }
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(group_size());
  group.assign(queue_.begin(), end);
  queue_.erase(queue_.begin(), end);
  return true;
}

// A job between groups is a group of its own.
std::size_t GroupCommit::group_size() const {
  const auto job = std::find_if(queue_.begin(), queue_.end(),
                                [](const Request* each) { return each->between != nullptr; });
  if (job == queue_.begin()) return 1;
  return std::min(static_cast<std::size_t>(job - queue_.begin()), kMaxGroup);
}

Result<void> GroupCommit::run_job(const Request& request) {
  KH_TRY(sealer_->settle_waiting());
  return (*request.between)();
}

void GroupCommit::commit_group(Group& group) {
  if (group.front()->between != nullptr) {
    group.front()->result = run_job(*group.front());
    return group.front()->done.set_value();
  }
  if (undrained_) note_audit(drain_outbox());
  Result<void> result;
  if (undrained_) {
    result = Error{Reason::AuditUnavailable,
                   "the audit log cannot be written, so nothing is changed; see /readyz",
                   {}};
  } else {
    result = write_group(group);
    note_store(result);
  }
  if (result) {
    chain_group(group);
  } else {
    for (Request* request : group) request->result = result;
  }
  for (Request* request : group) request->done.set_value();  // the request may be gone after this
}

Result<void> GroupCommit::transaction(const std::function<Result<void>()>& body) {
  KH_TRY(db_->query("BEGIN IMMEDIATE").execute());
  Result<void> result = body();
  if (result) {
    const auto committed = db_->query("COMMIT").execute();
    if (!committed) result = committed.error();
  }
  // Some failures roll back by themselves.
  if (!result && db_->in_transaction()) KH_TRY(db_->query("ROLLBACK").execute());
  return result;
}

Result<void> GroupCommit::write_group(Group& group) {
  TouchedRows touched;
  Result<void> result = transaction([&]() -> Result<void> {
    KH_TRY(remove_chained());
    for (Request* request : group) {
      request->result = apply(*request, touched);
      if (!request->result && request->result.error().reason == Reason::StoreUnavailable) {
        return request->result;
      }
    }
    return sealer_->seal(*db_, touched);
  });
  sealer_->end(result.has_value());
  if (result) has_chained_rows_ = false;
  return result;
}

// Adds to `touched` what the change has touched, if it is not refused.
Result<void> GroupCommit::apply(Request& request, TouchedRows& touched) {
  KH_TRY(db_->query("SAVEPOINT one_change").execute());
  TouchedRows rows;
  Result<void> result = (*request.change)(*db_, rows);
  if (result && !request.event_json.empty()) result = add_to_outbox(request);
  if (!result) {
    if (result.error().reason == Reason::StoreUnavailable) return result;
    KH_TRY(db_->query("ROLLBACK TO one_change").execute());
  }
  KH_TRY(db_->query("RELEASE one_change").execute());
  if (result) touched.add(rows);
  return result;
}

Result<void> GroupCommit::add_to_outbox(Request& request) {
  const Checksum checksum = checksum_of("outbox", as_bytes(request.event_json));
  KH_TRY(db_->query("INSERT INTO outbox (event, checksum) VALUES (?, ?)")
             .text(request.event_json)
             .blob(checksum)
             .execute());
  request.outbox_id = db_->last_row_id();
  return {};
}

// The group is durable, its events too: what goes wrong from here on is no error of these callers.
void GroupCommit::chain_group(const Group& group) {
  std::vector<audit::Log::OutboxEntry> entries;
  for (Request* request : group) {
    if (request->result && !request->event_json.empty()) {
      entries.push_back({request->outbox_id, std::move(request->event_json)});
    }
  }
  if (entries.empty()) return;
  const Result<void> chained = log_.append_outbox(entries);
  if (chained) {
    chained_id_ = entries.back().outbox_id;
    has_chained_rows_ = true;
  }
  note_audit(chained);
}

Result<void> GroupCommit::remove_chained() {
  if (!has_chained_rows_) return {};
  KH_TRY(db_->query("DELETE FROM outbox WHERE id <= ?").number(chained_id_).execute());
  return {};
}

// Makes sure that no outbox id is given twice: a database restored from a backup would start below
// what the log has.
Result<void> GroupCommit::align_outbox() {
  chained_id_ = log_.last_outbox_id();
  if (chained_id_ == 0) return {};
  return transaction([&]() -> Result<void> {
    KH_TRY(db_->query("DELETE FROM outbox WHERE id <= ?").number(chained_id_).execute());
    KH_TRY(db_->query("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'outbox'")
               .number(chained_id_)
               .execute());
    if (db_->changed_rows() > 0) return {};
    KH_TRY(db_->query("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)")
               .number(chained_id_)
               .execute());
    return {};
  });
}

// Chains what is in the outbox, oldest first.
Result<void> GroupCommit::drain_outbox() {
  for (;;) {
    std::vector<audit::Log::OutboxEntry> entries;
    {
      Query query =
          db_->query("SELECT id, event, checksum FROM outbox WHERE id > ? ORDER BY id LIMIT ?");
      query.number(chained_id_).number(kDrainRows);
      while (KH_TRY(query.step())) {
        const std::uint64_t id = query.number_at(0);
        const Checksum expected = checksum_of("outbox", query.blob_at(1));
        if (!std::ranges::equal(query.blob_at(2), expected)) {
          return damaged_row("audit event", std::to_string(id), "checksum differs");
        }
        entries.push_back({id, std::string(query.text_at(1))});
      }
    }
    if (entries.empty()) return {};
    KH_TRY(log_.append_outbox(entries));
    chained_id_ = entries.back().outbox_id;
    has_chained_rows_ = true;
  }
}

// What can wait: chained outbox rows, the write-ahead log, and after a failure whether things work
// again.
void GroupCommit::tidy() {
  if (undrained_) note_audit(drain_outbox());
  (void)sealer_->settle_waiting();  // health() says what came of it
  Result<void> result;
  if (has_chained_rows_ || store_failed_) {
    result = transaction([&]() -> Result<void> {
      KH_TRY(remove_chained());
      if (!store_failed_) return {};
      KH_TRY(db_->query("INSERT OR REPLACE INTO settings (name, value, checksum) VALUES "
                        "('store.probe', '', x'')")
                 .execute());
      return {};
    });
    if (result) has_chained_rows_ = false;
  }
  if (result && db_->wal_pages() > 0) result = db_->checkpoint_wal();
  note_store(result);
}

}  // namespace keyhaven::store
