// How far each key of a plan is, by the journal.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "migrate/journal.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

// Detail of a finished step that was taken back again.
inline constexpr std::string_view kUndone = "undone";

struct KeyProgress {
  std::string target;  // key id in the target, once it is journalled
  std::set<std::string, std::less<>> done;
  std::set<std::string, std::less<>> begun;  // without a result yet

  // Whether every step of `key` is done.
  bool is_carried(const PlannedKey& key) const;
};

// The steps that carry `key`, in their order; none for a key that is only reported or blocked.
std::vector<std::string> steps_of(const PlannedKey& key);

// By source key id; a key that the journal does not know has no entry.
std::map<std::string, KeyProgress, std::less<>> progress_of(const std::vector<JournalStep>& steps);

}  // namespace keyhaven::migrate
