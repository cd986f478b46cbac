// The effect of commands on a unit's administrators, attributes and control points, on a copy of
// its state; who may send them is decided before (command_processor.cc).
#pragma once

#include "tke/codes.h"
#include "unit/domain_state.h"

namespace keyhaven::unit {

// Each changes `domain` only when it returns kOk.
tke::Status add_administrator(DomainState& domain, ByteView certificate);
tke::Status remove_administrator(DomainState& domain, ByteView ski);
// `input` is the identifier of the one who goes and the certificate of the one who comes.
tke::Status replace_administrator(DomainState& domain, ByteView input);
tke::Status set_attributes(DomainState& domain, const tke::DomainAttributes& wanted);
tke::Status change_control_points(DomainState& domain, std::uint32_t command, ByteView mask);

}  // namespace keyhaven::unit
