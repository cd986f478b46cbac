#include "tke/key_part.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "tke/der.h"

namespace keyhaven::tke {

namespace {

constexpr std::size_t kComparedPatternBytes = 28;
constexpr std::size_t kWrappedBytes = 40;
constexpr std::uint8_t kVersion3[] = {3};
constexpr std::uint8_t kOidEcPublicKey[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
constexpr std::uint8_t kOidStdDhSha256Kdf[] = {0x06, 0x06, 0x2B, 0x81, 0x04, 0x01, 0x0B, 0x01};
// AlgorithmIdentifier content: OID 2.16.840.1.101.3.4.1.45 (aes256-wrap), NULL.
constexpr std::uint8_t kAes256Wrap[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                        0x03, 0x04, 0x01, 0x2D, 0x05, 0x00};
constexpr std::uint32_t kKeyBits = 256;

Error malformed(const char* what) {
  return {Reason::InvalidArgument, std::string("encrypted key part: ") + what, {}};
}

// ECC-CMS-SharedInfo, RFC 5753 section 7.2: key algorithm, UKM, key length in bits.
Bytes shared_info(ByteView ukm) {
  return der::sequence(
      {der::element(der::kSequence, kAes256Wrap),
       der::constructed(der::kContext0Constructed, {der::octet_string(ukm)}),
       der::constructed(der::kContext2Constructed, {der::octet_string_u32(kKeyBits)})});
}

Bytes encode_recipient_info(const crypto::P521Point& originator, ByteView ukm, const Ski& importer,
                            ByteView wrapped) {
  const Bytes key = der::sequence({kOidEcPublicKey, der::bit_string(originator)});
  const Bytes algorithm =
      der::sequence({kOidStdDhSha256Kdf, der::element(der::kSequence, kAes256Wrap)});
  const Bytes recipient =
      der::sequence({der::constructed(der::kContext0Constructed, {der::octet_string(importer)}),
                     der::octet_string(wrapped)});
  return der::sequence({der::element(der::kInteger, kVersion3),
                        der::constructed(der::kContext0Constructed,
                                         {der::constructed(der::kContext1Constructed, {key})}),
                        der::constructed(der::kContext1Constructed, {der::octet_string(ukm)}),
                        algorithm, der::sequence({recipient})});
}

struct RecipientInfo {
  ByteView originator;
  ByteView ukm;
  ByteView importer;
  ByteView wrapped;
};

Result<RecipientInfo> parse_recipient_info(ByteView bytes) {
  RecipientInfo out;
  DerReader outer(bytes);
  DerReader fields = outer.enter(der::kSequence);
  fields.expect(der::kInteger, kVersion3);
  DerReader choice = fields.enter(der::kContext0Constructed);
  DerReader key_tag = choice.enter(der::kContext1Constructed);
  DerReader key = key_tag.enter(der::kSequence);
  key.expect(der::kObjectIdentifier, ByteView(kOidEcPublicKey).subspan(2));
  out.originator = key.bit_string();
  DerReader ukm = fields.enter(der::kContext1Constructed);
  out.ukm = ukm.octet_string();
  DerReader algorithm = fields.enter(der::kSequence);
  algorithm.expect(der::kObjectIdentifier, ByteView(kOidStdDhSha256Kdf).subspan(2));
  algorithm.expect(der::kSequence, kAes256Wrap);
  DerReader recipients = fields.enter(der::kSequence);
  DerReader recipient = recipients.enter(der::kSequence);
  DerReader importer = recipient.enter(der::kContext0Constructed);
  out.importer = importer.octet_string(Ski{}.size());
  out.wrapped = recipient.octet_string();
  for (const DerReader* r : {&outer, &fields, &choice, &key_tag, &key, &ukm, &algorithm,
                             &recipients, &recipient, &importer}) {
    if (!r->at_end()) {
      return malformed("not a P-521 recipient structure");
    }
  }
  return out;
}

bool names(ByteView identifier, const Ski& ski) {
  return std::equal(identifier.begin(), identifier.end(), ski.begin(), ski.end());
}

}  // namespace

VerificationPattern verification_pattern(const SecretBytes& key) {
  KH_ASSERT(key.size() == kMasterKeySize);
  constexpr std::uint8_t kPrefix[] = {0x01};
  VerificationPattern out = crypto::sha256({ByteView(kPrefix), key.expose()});
  std::fill(out.begin() + kComparedPatternBytes, out.end(), std::uint8_t{0});
  return out;
}

bool same_pattern(const VerificationPattern& a, const VerificationPattern& b) noexcept {
  return std::equal(a.begin(), a.begin() + kComparedPatternBytes, b.begin());
}

std::string pattern_text(const VerificationPattern& pattern) { return to_hex(pattern); }

VerificationPattern key_part_hash(const SecretBytes& part) { return verification_pattern(part); }

Result<SecretBytes> combine_key_parts(const std::vector<const SecretBytes*>& parts) {
  if (parts.empty() || parts.size() > kMaxKeyParts) {
    return Error{Reason::InvalidArgument, "a master key is made of 1 to 16 key parts", {}};
  }
  SecretBytes out(kMasterKeySize);
  for (const SecretBytes* part : parts) {
    if (part->size() != kMasterKeySize) {
      return Error{Reason::InvalidArgument, "a key part has 32 bytes", {}};
    }
    for (std::size_t i = 0; i < kMasterKeySize; ++i) out.expose_mutable()[i] ^= part->expose()[i];
  }
  return out;
}

Result<Bytes> seal_key_part(const SecretBytes& part, const crypto::P521PublicKey& importer) {
  std::array<std::uint8_t, kUkmSize> ukm{};
  crypto::random_bytes(ukm);
  return seal_key_part_for_vectors(part, importer, crypto::P521PrivateKey::generate(), ukm);
}

Result<Bytes> seal_key_part_for_vectors(const SecretBytes& part,
                                        const crypto::P521PublicKey& importer,
                                        const crypto::P521PrivateKey& ephemeral, ByteView ukm) {
  if (part.size() != kMasterKeySize) {
    return Error{Reason::InvalidArgument, "a key part has 32 bytes", {}};
  }
  KH_ASSERT(ukm.size() == kUkmSize);
  const SecretBytes shared = KH_TRY(ephemeral.ecdh(importer));
  const SecretBytes kek = crypto::x963_kdf_sha256(shared, shared_info(ukm), kKeyBits / 8);
  const Bytes wrapped = KH_TRY(crypto::aes_kw_wrap(kek, part));
  Bytes out = encode_recipient_info(ephemeral.public_key().point(), ukm,
                                    short_ski_of(importer.point()), wrapped);
  KH_ASSERT(out.size() == kRecipientInfoSize);
  return out;
}

Result<SecretBytes> open_key_part(ByteView recipient_info, const crypto::P521PrivateKey& importer,
                                  ReasonCode* why) {
  const auto refuse = [&](ReasonCode code, Error error) {
    if (why != nullptr) *why = code;
    return error;
  };
  auto info = parse_recipient_info(recipient_info);
  if (!info) return refuse(kRecipientInfoFault, std::move(info).error());
  const crypto::P521Point& own = importer.public_key().point();
  if (!names(info->importer, short_ski_of(own)) && !names(info->importer, ski_of(own))) {
    return refuse(kRecipientInfoFault, malformed("made for another importer key"));
  }
  if (info->ukm.size() != kUkmSize) return refuse(kSharedInfoFault, malformed("size of the UKM"));
  if (info->wrapped.size() != kWrappedBytes) {
    return refuse(ReasonCode::kWrappedPartSize, malformed("size of the wrapped key"));
  }
  auto originator = crypto::P521PublicKey::from_point(info->originator);
  if (!originator) return refuse(kOriginatorPoint, std::move(originator).error());
  const SecretBytes shared = KH_TRY(importer.ecdh(*originator));
  const SecretBytes kek = crypto::x963_kdf_sha256(shared, shared_info(info->ukm), kKeyBits / 8);
  auto part = crypto::aes_kw_unwrap(kek, info->wrapped);
  if (!part) return refuse(kRecipientInfoDoesNotOpen, std::move(part).error());
  return part;
}

}  // namespace keyhaven::tke
