// k-of-n shares of a key part (never of a master key), for recovery: each share committed to in a
// transcript that administrators sign, so that a wrong, repeated or foreign share is named before
// anything is put together.
//
// The transcript is text in one form only, so that its bytes can be signed and shown alike:
//
//   keyhaven share transcript 1
//   set 00112233445566aa               identifier of the set, 8 random bytes
//   part alice-part1                   label of the part, 1 to 30 printable characters
//   hash <64 hex digits>               verification pattern of the part
//   made 2026-11-26T10:00:00Z
//   shares 3 of 5
//   commitment 1 <64 hex digits>       one line for each share
//   ...
//   signature <hex: SubjectPublicKeyInfo> <hex: signature> NAME      one or more
//
// A commitment is SHA-256 over a domain name, set, label, k, n, x, a random blinding and the share.
// Signatures are those of administrators' keys (administrator_key.h) over a domain name and
// everything above them. Who may sign is for the
// reader to say: the transcript proves what the signers saw, not that they are administrators.
//
// Nothing of a transcript is secret. Source: docs/protocols/key-shares.md.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/key_part.h"
#include "tke/shamir.h"
#include "tke/signer_info.h"

namespace keyhaven::tke {

inline constexpr std::size_t kShareSetIdSize = 8;
inline constexpr std::size_t kShareBlindingSize = 16;
inline constexpr std::size_t kMaxPartLabelBytes = 30;
inline constexpr std::size_t kMaxTranscriptBytes = 12 * 1024;
inline constexpr std::size_t kMaxTranscriptSignatures = 8;

using ShareSetId = std::array<std::uint8_t, kShareSetIdSize>;

struct TranscriptSignature {
  std::string name;  // of the administrator, 1 to 30 printable characters
  AdministratorKey key;
  Bytes signature;  // over transcript_message, by the algorithm of the key
};

struct ShareTranscript {
  ShareSetId set{};
  std::string label;  // of the part
  VerificationPattern part_hash{};
  std::string made;  // RFC 3339, UTC, seconds
  unsigned threshold = 0;
  std::vector<Digest> commitments;  // of shares 1 to n
  std::vector<TranscriptSignature> signatures;
  unsigned share_count() const noexcept { return static_cast<unsigned>(commitments.size()); }
};

// A share with its blinding: what a custodian keeps.
struct KeyShare {
  ShareSetId set{};
  unsigned threshold = 0;
  unsigned share_count = 0;
  ShamirShare share;     // 32 bytes
  SecretBytes blinding;  // kShareBlindingSize
};

// What a signature covers.
Bytes transcript_message(const ShareTranscript& transcript);
std::string encode_transcript(const ShareTranscript& transcript);
// Errors: InvalidArgument: another form, limits, a key off the curve. Signatures are not verified.
Result<ShareTranscript> parse_transcript(std::string_view text);

struct MadeShares {
  ShareTranscript transcript;  // without signatures yet
  std::vector<KeyShare> shares;
};
// Errors: InvalidArgument (threshold, label), InvalidField (the part has not 32 bytes).
Result<MadeShares> make_key_shares(const SecretBytes& part, const std::string& label,
                                   const std::string& made, unsigned threshold,
                                   unsigned share_count);

// Signs as `name`. Errors: TooLarge, InvalidArgument (the same key twice), what the signer gives.
Result<void> sign_transcript(ShareTranscript& transcript, const std::string& name,
                             const Signer& signer);

// Every signature verifies, there is at least one, and one is by a key that `trusted` holds.
// Errors: Forbidden, which names the signers.
Result<void> verify_transcript(const ShareTranscript& transcript, const std::vector<Ski>& trusted);

// One share against the commitment of its number. Errors: Conflict, which names the share: of
// another set, a number that the set does not have, or wrong.
Result<void> check_key_share(const ShareTranscript& transcript, const KeyShare& share);

// The part. Every share is checked first; with a wrong, repeated or foreign share, or too few,
// nothing is put together. Errors: Conflict (names the share, or how many are missing). The
// transcript must have been verified.
Result<SecretBytes> combine_key_shares(const ShareTranscript& transcript,
                                       const std::vector<const KeyShare*>& shares);

}  // namespace keyhaven::tke
