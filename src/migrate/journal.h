// What has been begun and done: intent before each act, result after it, both fsynced. It holds ids
// and names, no secret.
#pragma once

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
  Result<std::vector<JournalStep>> steps();
  // Last result of a whole run, as JSON: kind "rewrap" or "verify".
  Result<void> record_run(std::string_view kind, std::string_view json, Timestamp at);
  Result<std::optional<std::string>> last_run(std::string_view kind);

  // `probe` is called before and after each durable write of a step, under the journal's lock. A
  // test ends the process there. Set it before other threads use the journal.
  enum class WritePoint : std::uint8_t { Before, After };
  void set_write_probe(std::function<void(WritePoint)> probe) { probe_ = std::move(probe); }

 private:
  class Statement;
  Journal(sqlite3* database, int lock) : database_(database), lock_(lock) {}
  static Result<int> take_lock(const std::string& path);
  Result<void> prepare(const JournalOwner& owner);
  // False: there is no owner yet.
  Result<bool> check_owner(const std::string& path, const JournalOwner& owner);
  Result<void> write(Statement& statement);
  Error failure(const char* what) const;
  std::mutex mutex_;
  sqlite3* database_;
  int lock_;
  std::function<void(WritePoint)> probe_;
};

}  // namespace keyhaven::migrate
