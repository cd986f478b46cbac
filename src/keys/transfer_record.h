// What a server says of a key that it sends to another deployment: the `record` of a
// unit::TransferKey. The crypto units bind the key's material to it and do not read it.
//
// It comes from somebody else's server, so decoding is total and bounded, and what it may say is
// held against the same rules as what a caller of the API may say (check_transfer_record).
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "keys/instance_rules.h"
#include "keys/key_record.h"
#include "keys/registration.h"
#include "unit/key_transfer.h"

namespace keyhaven::keys {

struct TransferRecord {
  KeyRecord key;  // revision 0, versions with empty blobs; of the source's instance
  std::vector<Registration> registrations;  // of that key
};

// The canonical encoding, versioned: docs/protocols/transfer-record.md. Revision and blobs of the
// key are left out. What does not fit kMaxTransferRecordBytes is for the caller to leave out; at
// most 65,535 registrations.
Bytes encode(const TransferRecord& record);
// decode(encode(x)) == x without the revision and the blobs; no other bytes decode. Errors:
// InvalidField.
Result<TransferRecord> decode_transfer_record(ByteView bytes);

// Whether what the record says can be a key of ours: texts, dates, state, policies, registrations.
// Errors: InvalidField, AliasLimit and RegistrationLimit (of `limits`).
Result<void> check_transfer_record(const TransferRecord& record, const Limits& limits);
// Whether the unit opened just the versions that the record tells of, each with its material.
// Errors: InvalidField.
Result<void> check_transfer_versions(const KeyRecord& record, const unit::TransferKey& opened);

}  // namespace keyhaven::keys
