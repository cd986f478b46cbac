// The effect of commands on a unit's master key registers, on a copy of its state; who may send
// them is decided before (command_processor.cc).
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

// Each changes `domain` and `output` only when it returns kOk.
tke::Status generate_importer(DomainState& domain, ByteView type, Bytes& output);
tke::Status import_key_parts(DomainState& domain, const std::vector<VerifiedKeyPart>& parts);
// Recovery units: into the empty current register at once, else into the empty new one.
tke::Status create_random_key(DomainState& domain, Bytes& output);
// Recovery units: `key` is one of the domain's registers.
tke::Status export_key(const DomainState& domain, const Register& key, tke::ReasonCode missing,
                       ByteView request, Bytes& output);
tke::Status commit_pending(DomainState& domain, ByteView pattern);
tke::Status finalize_pending(DomainState& domain, ByteView pattern);
tke::Status clear(Register& key) noexcept;

}  // namespace keyhaven::unit
