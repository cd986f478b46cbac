// Sealed transfers of keys between two deployments: the calls that export and import the chunks
// once the quorums of both sides have allowed it (unit/key_transfer.h, docs/protocols/transfer.md).
#pragma once

#include "http/route.h"
#include "keys/transfer_export.h"
#include "keys/transfer_import.h"
#include "unit/key_transfer.h"

namespace keyhaven::http {

// Built by server/; lives as long as the Api.
struct TransferFront {
  unit::KeyTransfer& unit;
  keys::TransferExport& exporter;
  keys::TransferImport& importer;
};

// With the header Bluemix-Instance; api/transfer.json describes them.
//
//   GET    /v1/transfers                what is open in the instance's crypto units
//   POST   /v1/transfers/{id}/chunks    source: seals the next keys as one chunk
//   POST   /v1/transfers/{id}/manifest  source: signs the list of all chunks
//   POST   /v1/transfers/{id}/import    target: takes the keys of one chunk
//   DELETE /v1/transfers/{id}           both: nothing of it is sealed or opened any more
Routes transfer_routes(TransferFront& front);

}  // namespace keyhaven::http
