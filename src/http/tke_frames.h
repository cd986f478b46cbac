// The one way of an administration frame from a call to its crypto unit, whether a client sent the
// frame itself or a proposal is sent: same rules, same record, same transcript.
#pragma once

#include <functional>
#include <string>

#include "http/call.h"
#include "instances/administered_action.h"
#include "instances/master_key_rotation.h"
#include "instances/transcript.h"

namespace keyhaven::http {

// Built by server/; lives as long as the Api.
struct FrameFront {
  instances::InstanceService& service;
  // Refuses frames that would take away a master key that stored keys need.
  instances::MasterKeyRotations& rotations;
  instances::Transcript& transcript;
  // Called after a frame that may have ended the use of a master key (zeroize, clear, set
  // immediate): every engine of the unit wipes what it still holds opened. An engine never uses
  // such a copy again by itself; this only makes sure that it is gone. May be empty.
  std::function<Result<void>()> forget;
};

struct PassedFrame {
  std::string answer;            // HTPResponse
  std::string transcript_fault;  // why the transcript has no entry of it; empty: it has
};

// The query parameter accept_key_loss. Errors: InvalidQueryParam.
Result<instances::Loss> accepted_loss(Call& call);

// Passes the frame on for a caller who may: the call is recorded as the command that the frame
// holds, and a command gets its entry in the transcript. When that entry cannot be stored the unit
// has acted all the same, so the answer is the unit's, and says so beside it. Errors: those of
// MasterKeyRotations::administer.
Result<PassedFrame> pass_frame(Call& call, const FrameFront& front,
                               const instances::InstanceRecordPtr& record, const UnitId& unit,
                               const std::string& frame, const instances::AdministeredAction& asked,
                               instances::Loss loss);

}  // namespace keyhaven::http
