#include "unit/transfer_rules.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "tke/oa_certificate.h"
#include "tke/transfer.h"
#include "unit/transfer_seal.h"

namespace keyhaven::unit {

namespace {

using tke::Status;

constexpr Status kMalformed{tke::kInvalidData, tke::kTransferInputFault};
constexpr Status kOtherInstance{tke::kInconsistent, tke::kTransferOtherInstance};

Status check_serving(const DomainState& domain, unsigned control_point) {
  if (!domain.joined || !domain.current.full()) return {tke::kNotAllowed, tke::kNotAServingUnit};
  if (!tke::has_control_point(domain.control_points, control_point))
    return {tke::kNotAllowed, tke::kTransferSwitchedOff};
  return {};
}

// The root of this unit's own deployment, from the certificate that it signed.
std::optional<tke::Ski> own_root(const Module& module) {
  const auto certificate = tke::parse_oa_certificate(module.certificate);
  if (!certificate) return std::nullopt;
  return certificate->signer;
}

}  // namespace

Status offer_transfer(const Module& module, DomainState& domain, const InstanceId& instance,
                      ByteView input, Bytes& output) {
  if (const Status status = check_serving(domain, tke::kControlPointTransferIn); !status.ok())
    return status;
  const auto asked = tke::parse_offer_input(input);
  if (!asked) return kMalformed;
  if (asked->target != instance || asked->source == instance) return kOtherInstance;

  IncomingTransfer made;
  made.id = crypto::random_uuid();
  made.source = asked->source;
  made.source_root = asked->source_root;
  made.expires = asked->expires;
  made.import_key = crypto::P521PrivateKey::generate();
  tke::TransferOffer offer;
  offer.id = made.id;
  offer.target = instance;
  offer.source = made.source;
  offer.source_root = tke::ski_of(made.source_root.point());
  offer.expires = made.expires;
  offer.import_key = made.import_key.public_key().point();
  output = tke::encode_signed(offer, module.certificate, module.key);
  made.offer = crypto::sha256(output);
  domain.incoming = std::move(made);
  return {};
}

Status authorize_transfer(const Module& module, DomainState& domain, const InstanceId& instance,
                          ByteView input) {
  if (const Status status = check_serving(domain, tke::kControlPointTransferOut); !status.ok())
    return status;
  const auto asked = tke::parse_authorize_input(input);
  if (!asked) return kMalformed;
  const auto offer = tke::verify_offer(asked->offer, tke::AttestationRoot::of(asked->target_root));
  if (!offer) {
    const bool forged = offer.error().reason == Reason::Forbidden;
    return forged ? Status{tke::kSignatureInvalid, tke::kTransferOtherDeployment} : kMalformed;
  }
  const tke::TransferOffer& content = offer->content;
  if (asked->source != instance || content.source != instance || content.target == instance)
    return kOtherInstance;
  if (own_root(module) != content.source_root)
    return {tke::kInconsistent, tke::kTransferOtherDeployment};

  OutgoingTransfer made;
  made.id = content.id;
  made.target = content.target;
  made.expires = std::min(asked->expires, content.expires);
  made.offer = crypto::sha256(asked->offer);
  const auto ephemeral = crypto::P521PrivateKey::generate();
  made.ephemeral = ephemeral.public_key().point();
  const auto peer = crypto::P521PublicKey::from_point(content.import_key);
  if (!peer) return kMalformed;
  auto key = agree_transfer_key(ephemeral, *peer, made.offer, made.ephemeral, content.import_key);
  if (!key) return kMalformed;
  made.key = std::move(key).value();
  domain.outgoing = std::move(made);
  return {};
}

Status consent_transfer(DomainState& domain, ByteView input) {
  if (const Status status = check_serving(domain, tke::kControlPointTransferIn); !status.ok())
    return status;
  const auto asked = tke::parse_consent_input(input);
  if (!asked) return kMalformed;
  if (!domain.incoming || domain.incoming->id != asked->id)
    return {tke::kNotFound, tke::kTransferNotOpen};
  std::optional<Digest>& manifest = domain.incoming->manifest;
  if (manifest && *manifest != asked->manifest) return {tke::kInconsistent, tke::kTransferBound};
  manifest = asked->manifest;
  return {};
}

}  // namespace keyhaven::unit
