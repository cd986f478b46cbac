#include "instances/rotation_worker.h"

#include <algorithm>

namespace keyhaven::instances {
namespace {

constexpr std::chrono::seconds kIdle{60};  // woken earlier when there is work

}  // namespace

RotationWorker::RotationWorker(InstanceService& instances, MasterKeyRotations& rotations, Pace pace)
    : instances_(instances), rotations_(rotations), pace_(pace) {
  rotations_.set_wake([this](const InstanceId& instance) { wake(instance); });
  thread_ = std::thread([this] { run(); });
}

void RotationWorker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RotationWorker::wake(const InstanceId& instance) {
  {
    const std::lock_guard lock(mutex_);
    woken_.insert(instance);
  }
  changed_.notify_all();
}

bool RotationWorker::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void RotationWorker::run() {
  while (!is_stopping()) {
    const Steady::time_point next = round();
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, next, [this] { return stopping_ || !woken_.empty(); });
  }
}

RotationWorker::Turn RotationWorker::next_turn(const Turn& last, MasterKeyRotations::Work work,
                                               Steady::duration took) const {
  const Steady::time_point now = Steady::now();
  if (work == MasterKeyRotations::Work::More)
    return {now + std::chrono::duration_cast<Steady::duration>(took * pace_.rest), {}};
  const auto wait = std::clamp(2 * last.wait, pace_.least_wait, pace_.most_wait);
  return {now + wait, wait};
}

// Instances with work, and those that had some in the last round.
std::map<InstanceId, RotationWorker::Turn> RotationWorker::take_turns() {
  std::map<InstanceId, Turn> out;
  for (const InstanceRecordPtr& record : instances_.list()) {
    const bool has_work = record->rotation.phase == RotationPhase::Resealing ||
                          record->rotation.phase == RotationPhase::Reverting ||
                          rotations_.is_renewing_seals(record->id);
    if (has_work) out.emplace(record->id, Turn{});
  }
  std::set<InstanceId> woken;
  {
    const std::lock_guard lock(mutex_);
    woken.swap(woken_);
  }
  for (const InstanceId& id : woken) turns_.erase(id);  // at once, whatever it waits for
  for (const auto& [id, turn] : turns_) out[id] = turn;
  return out;
}

RotationWorker::Steady::time_point RotationWorker::round() {
  Steady::time_point next = Steady::now() + kIdle;
  for (const auto& [id, last] : take_turns()) {
    if (is_stopping()) return next;
    if (last.at > Steady::now()) {
      next = std::min(next, last.at);
      continue;
    }
    const Steady::time_point began = Steady::now();
    const MasterKeyRotations::Work work = rotations_.work(id);
    if (work == MasterKeyRotations::Work::None) {
      turns_.erase(id);
      continue;
    }
    const Turn turn = next_turn(last, work, Steady::now() - began);
    turns_[id] = turn;
    next = std::min(next, turn.at);
  }
  return next;
}

}  // namespace keyhaven::instances
