// Carrying a master key from a recovery unit to another unit: what goes into the export command and
// what comes out of it.
//
// A parameter map is SEQUENCE OF OCTET STRING { tag (2), aux (4), data }, its entries in any order.
// The request names the importer key of the target in a "key part holder certificate", an unsigned
// record of 309 bytes; the answer is one RecipientInfo (key_part.h). Only whole keys are exported:
// one holder, one part. Source: instances-tke-iam.md 3.9; docs/protocols/tke.md.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ec.h"
#include "tke/codes.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxParameters = 16;
inline constexpr std::size_t kMaxParameterBytes = 4096;
inline constexpr std::size_t kKeyPartHolderSize = 309;

// Tags. An open set on the wire.
enum ParameterTag : std::uint16_t {
  kRecipientInfoParameter = 0x0019,
  kPartsNeededParameter = 0x001C,  // aux: how many parts make the key
  kKeyPartHolderParameter = 0x001D,
  kScopeParameter = 0x001F,  // aux: what the answer leaves out
};
inline constexpr std::uint32_t kScopeWithoutCertificates = 0x0C;

struct Parameter {
  std::uint16_t tag = 0;
  std::uint32_t aux = 0;
  Bytes data;
  bool operator==(const Parameter&) const = default;
};

Bytes encode_parameters(const std::vector<Parameter>& parameters);
// Errors: InvalidArgument (not DER, an entry of impossible size, too many, a tag with the same aux
// twice).
Result<std::vector<Parameter>> parse_parameters(ByteView der);

Bytes make_key_part_holder(const crypto::P521PublicKey& importer);
// Errors: InvalidArgument: any byte that make_key_part_holder() would not write, no point of P-521.
Result<crypto::P521PublicKey> parse_key_part_holder(ByteView certificate);

// Input of the commands export current and export pending master key.
Bytes make_export_request(const crypto::P521PublicKey& importer);
// The importer key that a request names. On failure `why`, if given, is what a unit answers.
Result<crypto::P521PublicKey> parse_export_request(ByteView der, Status* why = nullptr);

// Output of those commands.
Bytes make_export_answer(ByteView recipient_info);
Result<Bytes> parse_export_answer(ByteView der);  // the RecipientInfo. Errors: InvalidArgument

}  // namespace keyhaven::tke
