#include "tke/transfer.h"

#include <algorithm>
#include <string>

#include "base/wire.h"

namespace keyhaven::tke {
namespace {

// What is signed begins with its kind, so no document passes for another, nor for a command block
// (which begins with 30).
constexpr std::string_view kOfferMagic = "keyhaven transfer offer 1\n";
constexpr std::string_view kManifestMagic = "keyhaven transfer manifest 1\n";
constexpr std::uint8_t kInputVersion = 1;
constexpr std::size_t kSpkiSize = 158;
constexpr std::size_t kMaxSignatureBytes = 144;  // DER of two integers of 66 bytes

Error malformed(std::string_view what) {
  return {Reason::InvalidArgument, "transfer of keys: " + std::string(what), {}};
}

void write(Writer& w, const TransferOffer& offer) {
  w.uuid(offer.id);
  w.uuid(offer.target.uuid);
  w.uuid(offer.source.uuid);
  w.raw(offer.source_root);
  w.i64(offer.expires.us);
  w.raw(offer.import_key);
}

void read(Reader& r, TransferOffer& offer) {
  offer.id = r.uuid();
  offer.target = InstanceId{r.uuid()};
  offer.source = InstanceId{r.uuid()};
  r.into(offer.source_root);
  offer.expires = Timestamp{r.i64()};
  r.into(offer.import_key);
}

void write(Writer& w, const TransferManifest& manifest) {
  KH_ASSERT(manifest.chunks.size() <= kMaxTransferChunks);
  w.raw(manifest.offer);
  w.uuid(manifest.id);
  w.uuid(manifest.source.uuid);
  w.uuid(manifest.target.uuid);
  w.raw(manifest.ephemeral);
  w.u32(manifest.keys);
  w.u32(static_cast<std::uint32_t>(manifest.chunks.size()));
  for (const Digest& chunk : manifest.chunks) w.raw(chunk);
}

void read(Reader& r, TransferManifest& manifest) {
  r.into(manifest.offer);
  manifest.id = r.uuid();
  manifest.source = InstanceId{r.uuid()};
  manifest.target = InstanceId{r.uuid()};
  r.into(manifest.ephemeral);
  manifest.keys = r.u32();
  const std::uint32_t chunks = r.u32();
  if (!r.ok() || chunks == 0 || chunks > kMaxTransferChunks ||
      chunks * sizeof(Digest) > r.remaining()) {
    return r.fail();
  }
  manifest.chunks.resize(chunks);
  for (Digest& chunk : manifest.chunks) r.into(chunk);
}

template <class T>
Bytes sign(std::string_view magic, const T& content, ByteView certificate,
           const crypto::P521PrivateKey& module_key) {
  Bytes out;
  Writer w(out);
  w.raw(as_bytes(magic));
  w.bytes32(certificate);
  write(w, content);
  const Bytes signature = module_key.sign_sha512_der(out);
  w.bytes32(signature);
  return out;
}

template <class T>
Result<Signed<T>> verify(std::string_view magic, std::size_t limit, ByteView encoded,
                         const AttestationRoot& root) {
  if (encoded.size() > limit)
    return Error{Reason::TooLarge, "transfer of keys: a document is larger than it may be", {}};
  Reader r(encoded);
  if (as_text(r.raw(magic.size())) != magic)
    return malformed("this is no such document, or one of another version");
  Signed<T> out;
  out.certificate = to_bytes(r.bytes32(kMaxOaCertificateBytes));
  read(r, out.content);
  const std::size_t signed_size = encoded.size() - r.remaining();
  const Bytes signature = to_bytes(r.bytes32(kMaxSignatureBytes));
  if (!r.at_end()) return malformed("a document is truncated or has trailing bytes");
  out.module_key = KH_TRY(verify_chain({out.certificate}, root));
  if (!out.module_key.verify_sha512_der(encoded.first(signed_size), signature)) {
    return Error{Reason::Forbidden,
                 "transfer of keys: the document is not signed by the module that it names; it was "
                 "altered, or is a forgery",
                 {}};
  }
  return out;
}

// What is left out or added would be signed and not read.
Result<void> at_end(const Reader& r, std::string_view what) {
  if (!r.at_end()) return malformed(what);
  return {};
}

}  // namespace

Bytes encode_signed(const TransferOffer& offer, ByteView certificate,
                    const crypto::P521PrivateKey& module_key) {
  return sign(kOfferMagic, offer, certificate, module_key);
}

Bytes encode_signed(const TransferManifest& manifest, ByteView certificate,
                    const crypto::P521PrivateKey& module_key) {
  return sign(kManifestMagic, manifest, certificate, module_key);
}

Result<Signed<TransferOffer>> verify_offer(ByteView encoded, const AttestationRoot& root) {
  auto out = KH_TRY(verify<TransferOffer>(kOfferMagic, kMaxOfferBytes, encoded, root));
  KH_TRY(crypto::P521PublicKey::from_point(out.content.import_key));
  return out;
}

Result<Signed<TransferManifest>> verify_manifest(ByteView encoded, const AttestationRoot& root) {
  auto out = KH_TRY(verify<TransferManifest>(kManifestMagic, kMaxManifestBytes, encoded, root));
  KH_TRY(crypto::P521PublicKey::from_point(out.content.ephemeral));
  return out;
}

Bytes encode(const OfferInput& input) {
  Bytes out;
  Writer w(out);
  w.u8(kInputVersion);
  w.bytes32(input.source_root.spki());
  w.uuid(input.source.uuid);
  w.uuid(input.target.uuid);
  w.i64(input.expires.us);
  return out;
}

Bytes encode(const AuthorizeInput& input) {
  Bytes out;
  Writer w(out);
  w.u8(kInputVersion);
  w.bytes32(input.target_root.spki());
  w.uuid(input.source.uuid);
  w.i64(input.expires.us);
  w.bytes32(input.offer);
  return out;
}

Bytes encode(const ConsentInput& input) {
  Bytes out;
  Writer w(out);
  w.u8(kInputVersion);
  w.uuid(input.id);
  w.raw(input.manifest);
  w.u32(input.keys);
  return out;
}

Result<OfferInput> parse_offer_input(ByteView bytes) {
  Reader r(bytes);
  OfferInput out;
  if (r.u8() != kInputVersion) return malformed("an offer of another version");
  const ByteView root = r.bytes32(kSpkiSize);
  out.source = InstanceId{r.uuid()};
  out.target = InstanceId{r.uuid()};
  out.expires = Timestamp{r.i64()};
  KH_TRY(at_end(r, "what is offered is malformed"));
  out.source_root = KH_TRY(crypto::P521PublicKey::from_spki(root));
  return out;
}

Result<AuthorizeInput> parse_authorize_input(ByteView bytes) {
  Reader r(bytes);
  AuthorizeInput out;
  if (r.u8() != kInputVersion) return malformed("a permission of another version");
  const ByteView root = r.bytes32(kSpkiSize);
  out.source = InstanceId{r.uuid()};
  out.expires = Timestamp{r.i64()};
  out.offer = to_bytes(r.bytes32(kMaxOfferBytes));
  KH_TRY(at_end(r, "what is authorized is malformed"));
  out.target_root = KH_TRY(crypto::P521PublicKey::from_spki(root));
  return out;
}

Result<ConsentInput> parse_consent_input(ByteView bytes) {
  Reader r(bytes);
  ConsentInput out;
  if (r.u8() != kInputVersion) return malformed("a consent of another version");
  out.id = r.uuid();
  r.into(out.manifest);
  out.keys = r.u32();
  KH_TRY(at_end(r, "what is consented to is malformed"));
  return out;
}

}  // namespace keyhaven::tke
