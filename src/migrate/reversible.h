// Acts that can be taken back: a state of a service that is set and unset. The journal knows which
// of them this migration has made, so that undo takes back those and no others.
#pragma once

#include <functional>
#include <string>

#include "migrate/journal.h"

namespace keyhaven::migrate {

// One such state. All three are safe to repeat.
struct ReversibleAct {
  std::string key;   // of the journal
  std::string step;  // likewise
  std::function<Result<bool>()> is_set;
  std::function<Result<void>()> set;
  std::function<Result<void>()> unset;  // empty: cannot be taken back
};

// How a finished step ended, in the journal's detail.
inline constexpr std::string_view kDone = "done";     // by this migration
inline constexpr std::string_view kWasSo = "was so";  // before it
// kUndone of progress.h: it was, and is taken back

// Sets the state unless it is set. A state that an earlier try of this migration may have set, and
// whose result was lost, counts as set by it. Errors: those of the functions and the journal.
Result<void> do_once(Journal& journal, const ReversibleAct& act);

enum class Undone : std::uint8_t { Nothing, TakenBack, Kept };
// Unsets a state that this migration has set, or may have. Errors: as do_once.
Result<Undone> undo_once(Journal& journal, const ReversibleAct& act);

}  // namespace keyhaven::migrate
