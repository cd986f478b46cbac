// The effect of each accepted command on a copy of the unit's state; who may send it is decided
// before (command_processor.cc).
#pragma once

#include <vector>

#include "tke/codes.h"
#include "unit/domain_state.h"

namespace keyhaven::unit {

// One inner block of an import after its signatures were verified.
struct VerifiedKeyPart {
  Bytes recipient_info;
  std::vector<tke::Ski> signers;
};

// Each changes `domain` only when it returns kOk.
tke::Status add_administrator(DomainState& domain, ByteView certificate);
tke::Status remove_administrator(DomainState& domain, ByteView ski);
tke::Status set_attributes(DomainState& domain, const tke::DomainAttributes& wanted);
tke::Status generate_importer(DomainState& domain, ByteView type, Bytes& output);
tke::Status import_key_parts(DomainState& domain, const std::vector<VerifiedKeyPart>& parts);
tke::Status commit_pending(DomainState& domain, ByteView pattern);
tke::Status finalize_pending(DomainState& domain, ByteView pattern);
tke::Status change_control_points(DomainState& domain, std::uint32_t command, ByteView mask);

}  // namespace keyhaven::unit
