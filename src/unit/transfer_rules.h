// The three commands with which quorums allow a transfer of keys (tke/transfer.h): what a unit
// checks, and what it then remembers.
//
// Each may come to any unit that serves the instance (is joined and holds its master key): whoever
// adds units could install administrators of his own in a new one. Signatures were checked before.
#pragma once

#include "tke/codes.h"
#include "unit/domain_state.h"

namespace keyhaven::unit {

// Makes an import key and puts an offer in the place of the one before. `output`: the signed offer.
tke::Status offer_transfer(const Module& module, DomainState& domain, const InstanceId& instance,
                           ByteView input, Bytes& output);
// Agrees on a key with the offer, in the place of the transfer before.
tke::Status authorize_transfer(const Module& module, DomainState& domain,
                               const InstanceId& instance, ByteView input);
// Binds the offer to one manifest, for good.
tke::Status consent_transfer(DomainState& domain, ByteView input);

}  // namespace keyhaven::unit
