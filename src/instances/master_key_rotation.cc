#include "instances/master_key_rotation.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "instances/administered_action.h"

namespace keyhaven::instances {
namespace {

using unit::BlobPattern;

constexpr double kMicrosecondsPerSecond = 1e6;

bool has_work(const MasterKeyRotation& rotation) noexcept {
  return rotation.phase == RotationPhase::Resealing || rotation.phase == RotationPhase::Reverting;
}

// Where the stored keys shall go in this phase.
BlobPattern target_of(const MasterKeyRotation& rotation) noexcept {
  return rotation.phase == RotationPhase::Reverting ? rotation.from : rotation.to;
}
BlobPattern source_of(const MasterKeyRotation& rotation) noexcept {
  return rotation.phase == RotationPhase::Reverting ? rotation.to : rotation.from;
}

std::size_t count_left(const StoredCensus& stored, const BlobPattern& target) noexcept {
  std::size_t left = 0;
  for (const StoredUnder& row : stored.rows) {
    if (row.master_key != target) left += row.keys;
  }
  return left;
}

// The vendor's words where users' scripts look for them (instances-tke-iam.md 2.5).
std::string message_of(const RotationStatus& status) {
  const std::string left = std::to_string(status.keys_left()) + " of " +
                           std::to_string(status.stored.keys) + " keys are left";
  switch (status.rotation.phase) {
    case RotationPhase::None:
      return "No master key rotation is under way";
    case RotationPhase::Resealing:
      return "Master key rotation started: the stored keys are being rewrapped, " + left;
    case RotationPhase::Resealed:
      return "KMS CRK rewrap successful, waiting on cryptounit-mk-setimm";
    case RotationPhase::Reverting:
      return "Master key rotation abandoned: the stored keys go back to the current master key, " +
             left;
  }
  fatal(__FILE__, __LINE__, "unknown RotationPhase");
}

void name_keys(audit::Event& event, const MasterKeyRotation& rotation) {
  event.details.emplace_back("requestData.currentVerificationPattern", to_hex(rotation.from));
  event.details.emplace_back("requestData.newVerificationPattern", to_hex(rotation.to));
}

// A step that nobody called for.
audit::Event own_event(std::string_view name, const MasterKeyRotation& rotation, Timestamp now) {
  audit::Event event;
  event.time = now;
  event.action = "hs-crypto.tke-master-key-rotation." + std::string(name);
  event.severity = "critical";
  event.outcome = audit::Outcome::Success;
  event.initiator_id = "keyhaven";
  event.initiator_name = "Keyhaven";
  name_keys(event, rotation);
  return event;
}

// Whether a frame may take a master key away, so that rules about stored keys apply.
bool takes_a_master_key(iam::Action action) noexcept {
  return action == iam::Action::TkeZeroize || action == iam::Action::TkeRegisterActivate ||
         action == iam::Action::TkeRegisterClear || action == iam::Action::TkeCurrentRegisterClear;
}

Result<void> check_frame(const AdministeredAction& asked, const Registers& registers,
                         const unit::UnitStatus& unit, Loss loss) {
  if (asked.action == iam::Action::TkeZeroize) return may_zeroize(registers, unit, loss);
  if (asked.action == iam::Action::TkeCurrentRegisterClear)
    return may_clear_current(registers, unit, loss);
  if (asked.action == iam::Action::TkeRegisterClear) return may_clear_pending(registers, unit);
  // Without a pattern the unit refuses it.
  if (asked.action != iam::Action::TkeRegisterActivate || !asked.master_key) return {};
  return may_finalize(registers, unit, *asked.master_key);
}

}  // namespace

std::size_t RotationStatus::keys_left() const noexcept {
  return count_left(stored, target_of(rotation));
}

Result<InstanceRecordPtr> MasterKeyRotations::require(const InstanceId& id) const {
  InstanceRecordPtr record = parts_.instances.find(id);
  if (!record) return Error{Reason::InstanceNotFound, "there is no such instance", "id"};
  return record;
}

// A frame whose answer did not come may be carried out later than the gate was held for it. The
// unit takes the calls of one channel in their order: when it has answered another, the frame is
// done or will never be.
Result<void> MasterKeyRotations::settle_frame(const InstanceId& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!unsettled_.contains(id)) return {};
  }
  KH_TRY(parts_.unit.list_units(id));
  const std::lock_guard lock(mutex_);
  unsettled_.erase(id);
  return {};
}

Result<UnitGate::Hold> MasterKeyRotations::pass(const InstanceId& id) {
  UnitGate::Hold held = parts_.gate.share(id);
  KH_TRY(settle_frame(id));
  const InstanceRecordPtr record = parts_.instances.find(id);
  if (!record || record->rotation.phase == RotationPhase::None) return held;
  return Error{
      Reason::MasterKeyRotationInProgress,
      "the master key of the instance is being rotated; keys are created and rotated again "
      "when that is done",
      {}};
}

// With the gate excluded: what they say stays so.
Result<std::vector<unit::UnitStatus>> MasterKeyRotations::units_at_rest(const InstanceId& id) {
  KH_TRY(settle_frame(id));
  return parts_.instances.units_of(id);
}

Result<void> MasterKeyRotations::commit(const InstanceRecord& record, RotationPhase phase,
                                        audit::Event event) {
  MasterKeyRotation rotation = record.rotation;
  rotation.phase = phase;
  KH_TRY(parts_.instances.set_rotation(record.id, rotation, std::move(event)));
  return {};
}

Result<RotationStatus> MasterKeyRotations::start(const InstanceId& id, audit::Event event,
                                                 bool& recorded) {
  {
    const UnitGate::Hold held = parts_.gate.exclude(id);
    const std::vector<unit::UnitStatus> units = KH_TRY(units_at_rest(id));
    const InstanceRecordPtr record = KH_TRY(require(id));
    if (record->rotation.phase == RotationPhase::Reverting) {
      return Error{
          Reason::MasterKeyRotationState,
          "an abandoned master key rotation is being undone; start again when that is done",
          {}};
    }
    if (record->rotation.phase == RotationPhase::None) {
      const StoredCensus stored = parts_.stored.census(id);
      const MasterKeyPair pair = KH_TRY(may_begin({units, record->rotation, stored}));
      InstanceRecord next = *record;
      next.rotation = {RotationPhase::None, pair.from, pair.to, event.initiator_id,
                       parts_.clock.now()};
      name_keys(event, next.rotation);
      KH_TRY(commit(next, RotationPhase::Resealing, std::move(event)));
      recorded = true;
    }
  }
  wake_(id);
  return status(id);
}

Result<RotationStatus> MasterKeyRotations::abandon(const InstanceId& id, audit::Event event,
                                                   bool& recorded) {
  {
    const UnitGate::Hold held = parts_.gate.exclude(id);
    const std::vector<unit::UnitStatus> units = KH_TRY(units_at_rest(id));
    const InstanceRecordPtr record = KH_TRY(require(id));
    const RotationPhase phase = record->rotation.phase;
    if (phase == RotationPhase::Resealing || phase == RotationPhase::Resealed) {
      const StoredCensus stored = parts_.stored.census(id);
      KH_TRY(may_abandon({units, record->rotation, stored}));
      name_keys(event, record->rotation);
      KH_TRY(commit(*record, RotationPhase::Reverting, std::move(event)));
      recorded = true;
    }
  }
  wake_(id);
  return status(id);
}

Result<void> MasterKeyRotations::finish_if_switched(const InstanceId& id) {
  const InstanceRecordPtr record = KH_TRY(require(id));
  if (record->rotation.phase != RotationPhase::Resealed) return {};
  const std::vector<unit::UnitStatus> units = KH_TRY(units_at_rest(id));
  const StoredCensus stored = parts_.stored.census(id);
  if (!all_switched({units, record->rotation, stored})) return {};
  // First, so that a crash in between only makes one more key. Conflict: the unit keeps no more
  // keys because records that are not authentic hold on to the older ones; that must not hold up
  // this.
  if (parts_.seals.begin_renewal) {
    const Result<void> begun = parts_.seals.begin_renewal(id);
    if (!begun && begun.error().reason != Reason::Conflict) return begun;
  }
  KH_TRY(commit(*record, RotationPhase::None,
                own_event("finish", record->rotation, parts_.clock.now())));
  if (parts_.seals.renew) renew_seals(id);
  return {};
}

void MasterKeyRotations::renew_seals(const InstanceId& id) {
  {
    const std::lock_guard lock(mutex_);
    renewing_.insert(id);
  }
  wake_(id);
}

bool MasterKeyRotations::is_renewing_seals(const InstanceId& id) const {
  const std::lock_guard lock(mutex_);
  return renewing_.contains(id);
}

Result<RotationStatus> MasterKeyRotations::status(const InstanceId& id) {
  const InstanceRecordPtr seen = KH_TRY(require(id));
  if (seen->rotation.phase == RotationPhase::Resealed) {
    const UnitGate::Hold held = parts_.gate.exclude(id);
    (void)finish_if_switched(id);  // else the next look does it
  }
  return describe(id);
}

Result<RotationStatus> MasterKeyRotations::describe(const InstanceId& id) {
  RotationStatus out;
  auto units = parts_.instances.units_of(id);
  const InstanceRecordPtr record = KH_TRY(require(id));
  out.rotation = record->rotation;
  out.stored = parts_.stored.census(id);
  if (has_work(out.rotation)) {
    const std::lock_guard lock(mutex_);
    if (const auto found = progress_.find(id); found != progress_.end()) {
      out.waiting_for = found->second.waiting_for;
      out.unopened = found->second.unopened;
      out.unopened_total = found->second.unopened_total;
      out.keys_per_second = found->second.keys_per_second;
    }
  }
  if (units) {
    out.units = std::move(units).value();
  } else if (out.waiting_for.empty()) {
    out.waiting_for = units.error().message;
  }
  out.message = message_of(out);
  return out;
}

Result<std::string> MasterKeyRotations::administer(const InstanceId& id, const UnitId& unit_id,
                                                   const std::string& frame, Loss loss) {
  const AdministeredAction asked = administered_action(frame);
  if (!takes_a_master_key(asked.action)) return parts_.instances.administer(id, unit_id, frame);

  const UnitGate::Hold held = parts_.gate.exclude(id);
  const std::vector<unit::UnitStatus> units = KH_TRY(units_at_rest(id));
  const InstanceRecordPtr record = KH_TRY(require(id));
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const auto& each) { return each.id == unit_id; });
  if (unit == units.end())
    return Error{Reason::UnitNotFound, "the instance has no such crypto unit", "hsm_id"};
  const StoredCensus stored = parts_.stored.census(id);
  KH_TRY(check_frame(asked, {units, record->rotation, stored}, *unit, loss));

  auto answer = parts_.instances.administer(id, unit_id, frame);
  if (!answer && answer.error().code() == Errc::Unavailable) {
    const std::lock_guard lock(mutex_);
    unsettled_.insert(id);
  }
  (void)finish_if_switched(id);  // the answer counts; else the next look does it
  return answer;
}

// --- The worker ---

// Seals the next batch anew; true when the run has found nothing more.
Result<bool> MasterKeyRotations::run_batch(const InstanceId& id, Running& running) {
  const UnitGate::Hold held = parts_.gate.share(id);
  KH_TRY(settle_frame(id));
  const InstanceRecordPtr record = KH_TRY(require(id));
  if (record->rotation != running.rotation) return false;  // turned round meanwhile
  if (!running.run) {
    running.run = parts_.stored.begin(id, source_of(running.rotation), target_of(running.rotation));
    running.unopened.clear();
    running.unopened_total = 0;
  }
  StoredKeys::Run::Step step = KH_TRY(running.run->step());
  running.unopened_total += step.unopened.size();
  for (UnopenedBlob& blob : step.unopened) {
    if (running.unopened.size() < kShownUnopened) running.unopened.push_back(std::move(blob));
  }
  if (step.finished) running.run.reset();
  return step.finished;
}

// The end of Resealing or Reverting, if nothing is left; false when something is.
Result<bool> MasterKeyRotations::complete(const InstanceId& id) {
  const UnitGate::Hold held = parts_.gate.exclude(id);
  KH_TRY(settle_frame(id));
  const InstanceRecordPtr record = KH_TRY(require(id));
  const MasterKeyRotation& rotation = record->rotation;
  if (!has_work(rotation)) return true;
  if (!all_under(parts_.stored.census(id), target_of(rotation))) return false;
  // A call that was decided with an old blob is answered before a unit may give up its key.
  KH_TRY(parts_.barrier());
  const bool forward = rotation.phase == RotationPhase::Resealing;
  KH_TRY(commit(*record, forward ? RotationPhase::Resealed : RotationPhase::None,
                own_event(forward ? "rewrapped" : "undone", rotation, parts_.clock.now())));
  return true;
}

void MasterKeyRotations::note(const InstanceId& id, const Running& running,
                              std::string waiting_for) {
  const std::size_t left = count_left(parts_.stored.census(id), target_of(running.rotation));
  const Timestamp now = parts_.clock.now();
  const std::lock_guard lock(mutex_);
  Progress& progress = progress_[id];
  progress.waiting_for = std::move(waiting_for);
  progress.unopened = running.unopened;
  progress.unopened_total = running.unopened_total;
  if (!progress.since.is_set() || left > progress.keys_left_then) {
    progress.since = now;
    progress.keys_left_then = left;
  }
  const auto elapsed_us = static_cast<double>(now.us - progress.since.us);
  if (elapsed_us > 0) {
    progress.keys_per_second =
        static_cast<double>(progress.keys_left_then - left) * kMicrosecondsPerSecond / elapsed_us;
  }
}

MasterKeyRotations::Work MasterKeyRotations::work_on_seals(const InstanceId& id) {
  const Result<void> renewed = parts_.seals.renew(id);
  const std::lock_guard lock(mutex_);
  if (!renewed) {
    progress_[id].waiting_for = "new seals of the stored records: " + renewed.error().message;
    return Work::Waiting;
  }
  renewing_.erase(id);
  progress_.erase(id);
  return Work::More;
}

MasterKeyRotations::Work MasterKeyRotations::work(const InstanceId& id) {
  if (is_renewing_seals(id)) return work_on_seals(id);
  const InstanceRecordPtr record = parts_.instances.find(id);
  if (!record || !has_work(record->rotation)) {
    running_.erase(id);
    const std::lock_guard lock(mutex_);
    progress_.erase(id);
    return Work::None;
  }
  Running& running = running_[id];
  if (running.rotation != record->rotation) {
    running = {record->rotation, nullptr, {}, 0};
    const std::lock_guard lock(mutex_);
    progress_.erase(id);
  }
  const auto finished = run_batch(id, running);
  if (!finished) {
    note(id, running, finished.error().message);
    return Work::Waiting;
  }
  note(id, running, "");
  if (!*finished) return Work::More;
  const auto completed = complete(id);
  if (!completed) {
    note(id, running, completed.error().message);
    return Work::Waiting;
  }
  if (*completed || running.unopened_total == 0) return Work::More;
  note(id, running,
       std::to_string(running.unopened_total) +
           " stored key versions cannot be sealed under the new master key; see \"unopened\"");
  return Work::Waiting;
}

Result<void> MasterKeyRotations::health() const {
  const std::lock_guard lock(mutex_);
  std::size_t stopped = 0;
  std::string first;
  for (const auto& [id, progress] : progress_) {
    if (progress.waiting_for.empty()) continue;
    if (stopped++ == 0) first = progress.waiting_for;
  }
  if (stopped == 0) return {};
  return Error{
      Reason::MasterKeyRotationState,
      "the master key rotation of " + std::to_string(stopped) + " instances waits: " + first,
      {}};
}

}  // namespace keyhaven::instances
