// The messages of a signing service: a server that holds administrators' P-521 keys and signs for
// whoever shows the key's token.
//
//   GET  /keys/{name}   {"publickey": base64 of DER SEQUENCE { INTEGER X, INTEGER Y }}
//   POST /sign/{name}   {"hash_algorithm": "sha2-512", "input": base64}
//                       {"signature": base64 of DER SEQUENCE { INTEGER r, INTEGER s }}
// The service hashes the input. Pure functions over texts; nothing in an answer is believed before
// it was checked. Source: instances-tke-iam.md 3.7; docs/protocols/key-files.md.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ec.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxSigningAnswerBytes = 8 * 1024;
inline constexpr std::size_t kMaxSigningKeyNameBytes = 128;

// 1 to 128 unreserved characters (letters, digits, '-', '.', '_', '~'), and not "." or "..".
bool is_signing_key_name(std::string_view name) noexcept;

// Errors: InvalidArgument: too large, not such an object, not DER, not a point of P-521.
Result<crypto::P521PublicKey> parse_signing_key_answer(std::string_view json);

// The DER signature: two positive, minimal integers of at most 66 bytes. Whether it is anybody's
// signature only the public key tells. Errors: InvalidArgument.
Result<Bytes> parse_signature_answer(std::string_view json);

std::string signing_request(ByteView input);

}  // namespace keyhaven::tke
