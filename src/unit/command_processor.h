// The rules of a crypto unit: which administrative command is accepted in which state, signed by
// whom.
//
// A pure function from the unit's state and one HTPRequest to an HTPResponse and, for accepted
// commands, the next state. Nothing is changed in place, so the caller can save first and answer
// then. Source: instances-tke-iam.md 2.2, 2.3, 3.4 to 3.9, 3.11; docs/protocols/tke.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tke/codes.h"
#include "unit/domain_state.h"

namespace keyhaven::unit {

struct CommandOutcome {
  std::string answer;               // HTPResponse text
  std::optional<DomainState> next;  // set: save this before `answer` is given out
  bool used_fresh_instance = false;
  // Answer to give instead when `next` cannot be saved: signed, return code "internal error".
  std::string unsaved_answer;
  // Set: this difference of the instance's records is accepted before `next` is saved.
  std::optional<Digest> accepted_records;
};

// fresh_instance   a domain instance id never used before, taken by zeroize.
// request          any text; at most tke::kMaxFrameCharacters are looked at.
// instance         the service instance that the unit is of.
// difference       what the last check of the instance's stored records found, if it found any.
CommandOutcome process_command(const Module& module, const DomainState& domain,
                               std::uint32_t fresh_instance, std::string_view request,
                               const std::optional<Digest>& difference = std::nullopt,
                               const InstanceId& instance = {});

}  // namespace keyhaven::unit
