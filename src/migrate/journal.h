// What has been begun and done: intent before each act, result after it, both fsynced. It holds ids
// and names, no secret.
#pragma once

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
  std::string key;   // source key id, or "ring:NAME"
  std::string step;  // "create", "version:2", "alias:NAME", "release", "disable"
  bool done = false;
  std::string detail;  // of "create": the target's key id
};

// Thread-safe. Another process using the same journal is refused at open. Errors of every call:
// StoreUnavailable.
class Journal {
 public:
  // Opens or makes `path` (0600) for the plan. Errors: Conflict when it belongs to another plan,
  // AlreadyExists when another process holds it, Io.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, const std::string& plan_id);
  // For status: null when there is none yet.
  static Result<std::unique_ptr<Journal>> open_existing(const std::string& path,
                                                        const std::string& plan_id);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  Result<std::optional<JournalStep>> find(std::string_view key, std::string_view step);
  // Durable before it returns: the act may begin.
  Result<void> intend(std::string_view key, std::string_view step);
  // Durable before it returns: the act is never done again.
  Result<void> finish(std::string_view key, std::string_view step, std::string_view detail);
  Result<std::vector<JournalStep>> steps();
  // Last result of a whole run, as JSON: kind "rewrap" or "verify".
  Result<void> record_run(std::string_view kind, std::string_view json, Timestamp at);
  Result<std::optional<std::string>> last_run(std::string_view kind);

 private:
  class Statement;
  Journal(sqlite3* database, int lock) : database_(database), lock_(lock) {}
  static Result<std::unique_ptr<Journal>> prepare(const std::string& path,
                                                  const std::string& plan_id, bool create);
  Result<void> put(std::string_view key, std::string_view step, bool done, std::string_view detail);
  Error failure(const char* what) const;
  std::mutex mutex_;
  sqlite3* database_;
  int lock_;
};

}  // namespace keyhaven::migrate
