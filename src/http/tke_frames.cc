#include "http/tke_frames.h"

#include <algorithm>
#include <utility>

namespace keyhaven::http {
namespace {

using instances::InstanceRecordPtr;
using unit::UnitStatus;

// The unit as audit events name it (instances-tke-iam.md 6.2). Queries do without: they are many,
// and change nothing.
Result<void> describe_unit(const FrameFront& front, Call& call, const InstanceRecordPtr& record,
                           const UnitId& unit) {
  const std::vector<UnitStatus> units = KH_TRY(front.service.units_of(record->id));
  const auto found = std::find_if(units.begin(), units.end(),
                                  [&](const UnitStatus& status) { return status.id == unit; });
  if (found == units.end())
    return Error{Reason::UnitNotFound, "the instance has no such crypto unit", "hsm_id"};
  call.detail("requestData.location", found->location);
  return {};
}

// Whether a frame of this action may end the use of a master key.
bool ends_a_master_key(iam::Action action) noexcept {
  return action == iam::Action::TkeZeroize || action == iam::Action::TkeRegisterActivate ||
         action == iam::Action::TkeRegisterClear || action == iam::Action::TkeCurrentRegisterClear;
}

// Why there is no entry; empty when there is.
std::string write_transcript(Call& call, const FrameFront& front, const InstanceRecordPtr& record,
                             const UnitId& unit, const std::string& frame,
                             const std::string& answer) {
  const auto recorded =
      front.transcript.record(record->id, unit, call.caller()->iam_id, frame, answer);
  if (recorded) return {};
  const std::string fault =
      "the crypto unit has answered, but the transcript has no entry of it: " +
      recorded.error().message;
  call.detail("responseData.transcript", fault);
  return fault;
}

}  // namespace

Result<instances::Loss> accepted_loss(Call& call) {
  const bool accepted = KH_TRY(call.query_bool("accept_key_loss", false));
  return accepted ? instances::Loss::Accept : instances::Loss::Refuse;
}

Result<PassedFrame> pass_frame(Call& call, const FrameFront& front, const InstanceRecordPtr& record,
                               const UnitId& unit, const std::string& frame,
                               const instances::AdministeredAction& asked, instances::Loss loss) {
  call.set_action(asked.action);
  call.set_target(front.service.crn_of(*record) + "hsm:" + unit.text());
  for (const auto& [name, value] : asked.details) call.detail(name, value);
  if (loss == instances::Loss::Accept) call.detail("requestData.acceptKeyLoss", "true");
  if (asked.action != iam::Action::TkeQuery) KH_TRY(describe_unit(front, call, record, unit));

  const bool kept = instances::Transcript::covers(asked);
  auto answer = front.rotations.administer(record->id, unit, frame, loss);
  if (!answer) {
    // It may have been carried out.
    if (kept && answer.error().code() == Errc::Unavailable)
      write_transcript(call, front, record, unit, frame, {});
    return std::move(answer).error();
  }
  if (front.forget && ends_a_master_key(asked.action)) {
    if (const Result<void> forgotten = front.forget(); !forgotten)
      call.detail("responseData.openedKeysWiped", "later: " + forgotten.error().message);
  }
  for (const auto& [name, value] : instances::administered_outcome(*answer))
    call.detail(name, value);
  PassedFrame out;
  if (kept) out.transcript_fault = write_transcript(call, front, record, unit, frame, *answer);
  out.answer = std::move(*answer);
  return out;
}

}  // namespace keyhaven::http
