// What has been begun and done: intent before each act, result after it, both fsynced. It holds ids
// and names, no secret.
//
// Writes of several threads that wait at the same time become durable together, in one transaction:
// with many keys at work the disk is asked once for all of them.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

struct sqlite3;

namespace keyhaven::migrate {

struct JournalStep {
  std::string key;     // source key id, or "ring:NAME"
  std::string step;    // "create", "version:2", "alias:NAME", "release", "disable" ...
  std::string intent;  // what was begun: of "create" the action
  bool done = false;
  std::string detail;  // of "create": the target's key id
};

struct JournalNote {
  std::string key;   // source key id
  std::string kind;  // "failed", "verified"
  std::string text;
};

// The last result of a whole run of a verb.
struct JournalRun {
  std::string json;
  Timestamp at;
};

// Whom a journal belongs to: its ids mean nothing between two other instances.
struct JournalOwner {
  std::string plan;    // id
  std::string source;  // instance id
  std::string target;
};

// Thread-safe. Another process using the same journal is refused at open. Errors of every call:
// StoreUnavailable.
class Journal {
 public:
  // Opens or makes `path` (0600) for the owner and holds its lock. Errors: Conflict when it belongs
  // to another plan or to other instances, AlreadyExists when another process holds it, Io.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, const JournalOwner& owner);
  // For status, without the lock: null when there is none yet.
  static Result<std::unique_ptr<Journal>> open_existing(const std::string& path,
                                                        const JournalOwner& owner);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  Result<std::optional<JournalStep>> find(std::string_view key, std::string_view step);
  // Durable before it returns: the act may begin.
  Result<void> intend(std::string_view key, std::string_view step, std::string_view intent = {});
  // Durable before it returns: the act is never done again.
  Result<void> finish(std::string_view key, std::string_view step, std::string_view detail);
  // Several results of one act (step and detail) and the intent of the next, all or none.
  using Finished = std::pair<std::string, std::string>;
  Result<void> finish_all(std::string_view key, const std::vector<Finished>& steps,
                          std::string_view next = {});
  Result<std::vector<JournalStep>> steps();
  // Last word on a key, by kind ("failed", "verified"); an empty text removes it. Not an intent:
  // only for people.
  Result<void> note(const std::vector<JournalNote>& notes);
  Result<std::vector<JournalNote>> notes();
  // Last result of a whole run, as JSON: kind "rewrap" or "verify".
  Result<void> record_run(std::string_view kind, std::string_view json, Timestamp at);
  Result<std::optional<std::string>> last_run(std::string_view kind);
  Result<std::optional<JournalRun>> last_run_with_time(std::string_view kind);

  // `probe` is called before and after each durable write of steps, by one thread at a time. A
  // test ends the process there. Set it before other threads use the journal.
  enum class WritePoint : std::uint8_t { Before, After };
  void set_write_probe(std::function<void(WritePoint)> probe) { probe_ = std::move(probe); }

 private:
  class Statement;
  struct Row;
  struct Batch;
  Journal(sqlite3* database, int lock) : database_(database), lock_(lock) {}
  static Result<int> take_lock(const std::string& path);
  Result<void> prepare(const JournalOwner& owner);
  // False: there is no owner yet.
  Result<bool> check_owner(const std::string& path, const JournalOwner& owner);
  Result<void> write(std::vector<Row> rows);
  Result<void> commit(const std::vector<Row>& rows);
  Result<void> insert(const std::vector<Row>& rows);
  Result<void> execute(const char* sql, const char* what);
  Error failure(const char* what) const;
  std::mutex batch_mutex_;  // of the two below
  std::condition_variable written_;
  std::shared_ptr<Batch> open_;  // collects rows while another batch is being written
  bool is_writing_ = false;
  std::mutex mutex_;  // of the database
  sqlite3* database_;
  int lock_;
  std::function<void(WritePoint)> probe_;
};

}  // namespace keyhaven::migrate
