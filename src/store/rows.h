// What a row holds besides its index columns: the canonical encoding of its object and a checksum.
//
// checksum = first 8 bytes of SHA-256(table name ‖ 00 ‖ record). It tells damage from a bug; what
// protects against somebody who can write the file is the crypto unit's seal (sealed_rows.h).
#pragma once

#include <array>

#include "base/bytes.h"
#include "iam/iam_store.h"
#include "keys/key_record.h"

namespace keyhaven::store {

using Checksum = std::array<std::uint8_t, 8>;
Checksum checksum_of(std::string_view table, ByteView record);

struct StoredRow {
  Bytes record;
  Checksum checksum{};
};
StoredRow make_row(std::string_view table, Bytes record);
// Settings have two columns instead of a record.
Checksum setting_checksum(std::string_view name, std::string_view value);

// Canonical encodings of what has none elsewhere: format byte 1, then the fields in declaration
// order, big-endian, texts and bytes with a 32-bit length, absent ids as one byte 0, present ones
// as 1 and 16 bytes. Identities have format 2, those with a link to an OpenID provider
// format 3; format 1, which is still read, had no service CRN.
Bytes encode(const keys::KeyRing& ring);
Bytes encode(const iam::Identity& identity);
Bytes encode(const iam::ApiKey& key);
Bytes encode(const iam::Grant& grant);

// Errors: Internal (damaged).
Result<keys::KeyRing> decode_ring(ByteView record);
Result<iam::Identity> decode_identity(ByteView record);
Result<iam::ApiKey> decode_api_key(ByteView record);
Result<iam::Grant> decode_grant(ByteView record);

// Internal, "key <id>: the stored row is damaged ...".
Error damaged_row(std::string_view kind, std::string_view id, std::string_view what);

}  // namespace keyhaven::store
