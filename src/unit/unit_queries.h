// What a crypto unit tells anybody who asks: information queries (unsigned answers) and
// administrative queries (answers signed by the module, request not). Nothing here changes state.
#pragma once

#include "tke/admin.h"
#include "tke/codes.h"
#include "unit/domain_state.h"

namespace keyhaven::unit {

tke::InfoResponse answer_info(const Module& module, const DomainState& domain,
                              const tke::InfoRequest& request);

// The output of a query, or of a re-encryption, which needs no signature either.
tke::Status answer_query(const Module& module, const DomainState& domain,
                         const tke::AdminBlock& block, Bytes& output);

// A key blob that the current master key seals, under the committed new one instead.
tke::Status reencrypt_blob(const DomainState& domain, ByteView blob, Bytes& output);

}  // namespace keyhaven::unit
