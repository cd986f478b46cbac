// Sealed transfer of keys between two deployments: the documents that two crypto units exchange,
// and the inputs of the three commands with which the quorums of both sides allow it.
//
//   target's quorum   kOfferTransfer       names the source's deployment root and instance; the
//   unit
//                                          makes an import key and signs an offer
//   source's quorum   kAuthorizeTransfer   names the target's deployment root and that offer; the
//                                          unit will seal its keys for it
//   (the source's unit seals keys into chunks and signs a manifest of them)
//   target's quorum   kConsentTransfer     names the manifest; the unit opens its chunks, no others
//
// Offer and manifest are signed by the module that made them (P-521, SHA-512) and carry its
// certificate, so that whoever has the other deployment's root, pinned out of band, verifies them.
// Nothing in them is secret. See docs/protocols/transfer.md and docs/adr/0029-sealed-transfer.md.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "crypto/ec.h"
#include "tke/oa_certificate.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxOfferBytes = 2048;
inline constexpr std::size_t kMaxTransferChunks = 4096;
inline constexpr std::size_t kMaxManifestBytes = 2048 + kMaxTransferChunks * sizeof(Digest);
inline constexpr std::int64_t kMaxTransferSeconds = 7 * 24 * 3600;

// An offer of the target's unit to take keys.
struct TransferOffer {
  Uuid id;            // of the transfer, on both sides
  InstanceId target;  // the instance that takes them
  InstanceId source;  // the only one whose keys it takes
  Ski source_root{};  // of the only deployment they come from
  Timestamp expires;  // the unit opens nothing afterwards
  crypto::P521Point import_key{};
};

// What the source's unit made for an offer.
struct TransferManifest {
  Digest offer{};  // SHA-256 of the encoded offer
  Uuid id;         // the offer's
  InstanceId source;
  InstanceId target;
  crypto::P521Point ephemeral{};  // the source's half of the key agreement
  std::uint32_t keys = 0;
  std::vector<Digest> chunks;  // SHA-256 of each, in order; at most kMaxTransferChunks
};

// A document with who signed it.
template <class T>
struct Signed {
  T content;
  Bytes certificate;  // OA2, of the module
  crypto::P521PublicKey module_key;
};

// Signed by `module_key`; `certificate` is that module's.
Bytes encode_signed(const TransferOffer& offer, ByteView certificate,
                    const crypto::P521PrivateKey& module_key);
Bytes encode_signed(const TransferManifest& manifest, ByteView certificate,
                    const crypto::P521PrivateKey& module_key);
// Errors: InvalidArgument (no such document, other version, trailing bytes, sizes), TooLarge;
// Forbidden: the certificate is not of `root`'s deployment, or the signature is not the module's.
Result<Signed<TransferOffer>> verify_offer(ByteView encoded, const AttestationRoot& root);
Result<Signed<TransferManifest>> verify_manifest(ByteView encoded, const AttestationRoot& root);

// --- Inputs of the commands; what a quorum signs ---
struct OfferInput {
  crypto::P521PublicKey source_root;
  InstanceId source;
  InstanceId target;  // the instance of the unit that is told: it stands in the offer
  Timestamp expires;  // seconds; at most kMaxTransferSeconds from now, as the unit's clock judges
};
struct AuthorizeInput {
  crypto::P521PublicKey target_root;
  InstanceId source;  // the instance of the unit that is told
  Timestamp expires;  // of this permission
  Bytes offer;        // encoded
};
struct ConsentInput {
  Uuid id;            // of the offer
  Digest manifest{};  // SHA-256 of the encoded manifest
  std::uint32_t keys = 0;
};
Bytes encode(const OfferInput& input);
Bytes encode(const AuthorizeInput& input);
Bytes encode(const ConsentInput& input);
// Errors: InvalidArgument.
Result<OfferInput> parse_offer_input(ByteView bytes);
Result<AuthorizeInput> parse_authorize_input(ByteView bytes);
Result<ConsentInput> parse_consent_input(ByteView bytes);

}  // namespace keyhaven::tke
