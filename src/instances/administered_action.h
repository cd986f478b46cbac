// What an administration frame asks of a crypto unit, read for authorisation and audit only: the
// frame goes on to the unit unaltered, which alone judges it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iam/action.h"
#include "unit/crypto_unit.h"

namespace keyhaven::instances {

using Details = std::vector<std::pair<std::string, std::string>>;

struct AdministeredAction {
  iam::Action action = iam::Action::TkeUnknown;
  // Of commands and queries that parse (tke::Command).
  std::optional<std::uint32_t> command;
  // requestData.command, .signers (identifiers of the keys that claim to have signed) and, by
  // command, .adminId, .adminName, .signatureThreshold, .revocationSignatureThreshold, .keyParts,
  // .verificationPattern. Never key material: key parts are sealed to the unit and only counted.
  Details details;
  // Of commit and set immediate: the master key they are about.
  std::optional<unit::BlobPattern> master_key;
};

// Total: what does not parse is TkeUnknown. At most kMaxFrameCharacters are looked at.
AdministeredAction administered_action(std::string_view request);

// responseData.returnCode, .reasonCode and reason.reasonForFailure of a unit's answer when it
// refused; nothing when it agreed.
Details administered_outcome(std::string_view response);

}  // namespace keyhaven::instances
