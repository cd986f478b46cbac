#include "migrate/reversible.h"

#include "migrate/progress.h"

namespace keyhaven::migrate {
namespace {

constexpr std::string_view kDo = "do";
constexpr std::string_view kUndo = "undo";

}  // namespace

Result<void> do_once(Journal& journal, const ReversibleAct& act) {
  const auto known = KH_TRY(journal.find(act.key, act.step));
  const bool is_begun = known && !known->done;
  if (known && known->done && known->detail != kUndone) return {};
  const bool is_set = KH_TRY(act.is_set());
  if (!is_begun && is_set) return journal.finish(act.key, act.step, kWasSo);
  // A begun undo is turned round too: whatever of it is done, setting the state is right again.
  if (!is_begun || known->intent != kDo) KH_TRY(journal.intend(act.key, act.step, kDo));
  if (!is_set) KH_TRY(act.set());
  return journal.finish(act.key, act.step, kDone);
}

Result<Undone> undo_once(Journal& journal, const ReversibleAct& act) {
  const auto known = KH_TRY(journal.find(act.key, act.step));
  if (!known || (known->done && known->detail != kDone)) return Undone::Nothing;
  if (!act.unset) return Undone::Kept;
  if (known->done || known->intent != kUndo) KH_TRY(journal.intend(act.key, act.step, kUndo));
  const bool is_set = KH_TRY(act.is_set());
  if (is_set) KH_TRY(act.unset());
  KH_TRY(journal.finish(act.key, act.step, kUndone));
  return Undone::TakenBack;
}

}  // namespace keyhaven::migrate
