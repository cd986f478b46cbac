// Master keys and their parts: verification patterns, part hashes, combination, and the
// RecipientInfo that carries a part to a unit's importer key. Source: instances-tke-iam.md 3.9
// and 3.12.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"
#include "tke/codes.h"
#include "tke/signer_info.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMasterKeySize = 32;
inline constexpr std::size_t kMaxKeyParts = 16;
inline constexpr std::size_t kUkmSize = 40;
inline constexpr std::size_t kRecipientInfoSize = 313;

// SHA-256(01 ‖ key) with the last four bytes zero. Safe to show. Old modules do not zero them:
// compare 28 bytes.
using VerificationPattern = std::array<std::uint8_t, 32>;
VerificationPattern verification_pattern(const SecretBytes& key);  // 32 bytes, asserted
bool same_pattern(const VerificationPattern& a,
                  const VerificationPattern& b) noexcept;      // first 28 bytes
std::string pattern_text(const VerificationPattern& pattern);  // 64 hexadecimal digits

// What custodians compare before a commit; the verification pattern of the part itself. Safe to
// show: a part is 256 random bits.
VerificationPattern key_part_hash(const SecretBytes& part);

// XOR of the parts. Errors: InvalidArgument for none, more than kMaxKeyParts or a size other
// than 32.
Result<SecretBytes> combine_key_parts(const std::vector<const SecretBytes*>& parts);

// Seals a part to an importer key: ephemeral ECDH P-521, X9.63 KDF with SHA-256 over
// ECC-CMS-SharedInfo (RFC 5753 section 7.2), AES-256 key wrap (RFC 3394). 313 bytes. The importer
// must have come in a verified signed answer. Errors: InvalidArgument (size of the part).
Result<Bytes> seal_key_part(const SecretBytes& part, const crypto::P521PublicKey& importer);
// Same with a given ephemeral key and UKM (40 bytes): for the worked example only.
Result<Bytes> seal_key_part_for_vectors(const SecretBytes& part,
                                        const crypto::P521PublicKey& importer,
                                        const crypto::P521PrivateKey& ephemeral, ByteView ukm);
// Both forms of the importer's identifier (with and without the 04 byte) are accepted.
// Errors: InvalidArgument (layout, foreign importer), DecryptFailed; `why`, if given, gets the
// unit's reason code.
Result<SecretBytes> open_key_part(ByteView recipient_info, const crypto::P521PrivateKey& importer,
                                  ReasonCode* why = nullptr);

}  // namespace keyhaven::tke
