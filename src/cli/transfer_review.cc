#include "cli/transfer_review.h"

#include <algorithm>
#include <boost/json.hpp>

#include "crypto/hash.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

Error forged(const std::string& what) {
  return {Reason::Forbidden,
          what + ". Do not use it, and ask the other deployment's administrators",
          {}};
}

Result<void> same(bool is_same, const char* what) {
  if (is_same) return {};
  return forged(std::string("the bundle is not what its source signed: ") + what);
}

}  // namespace

Result<OfferReview> review_offer(ByteView encoded, const tke::AttestationRoot& target_root) {
  const auto verified = tke::verify_offer(encoded, target_root);
  if (!verified) {
    return Error{verified.error().reason,
                 "the offer, held against the root of the target's deployment " +
                     to_hex(target_root.ski) + ": " + verified.error().message,
                 "offer"};
  }
  return OfferReview{verified->content, target_root.ski, tke::ski_of(verified->module_key.point()),
                     crypto::sha256(encoded)};
}

Result<void> check_for_source(const OfferReview& review, const InstanceId& source,
                              const tke::AttestationRoot& source_root, Timestamp now) {
  const tke::TransferOffer& offer = review.offer;
  if (offer.source != source) {
    return Error{Reason::Forbidden,
                 "the offer takes keys of instance " + offer.source.text() + ", not of " +
                     source.text() + ": choose that instance, or ask for an offer for this one",
                 "offer"};
  }
  if (offer.source_root != source_root.ski) {
    return Error{Reason::Forbidden,
                 "the offer takes keys of the deployment with attestation root " +
                     to_hex(offer.source_root) + "; this one has " + to_hex(source_root.ski) +
                     ": the target's administrators were given another root",
                 "offer"};
  }
  if (offer.expires <= now) {
    return Error{Reason::Conflict,
                 "the offer ended at " + time_text(offer.expires) +
                     ": the target's administrators make a new one with \"keyhaven transfer "
                     "offer\"",
                 "offer"};
  }
  return {};
}

Result<BundleReview> review_bundle(const migrate::BundleSummary& bundle,
                                   const tke::AttestationRoot& source_root) {
  const auto verified = tke::verify_manifest(bundle.manifest, source_root);
  if (!verified) {
    return Error{verified.error().reason,
                 "the bundle's manifest, held against the root of the source's deployment " +
                     to_hex(source_root.ski) + ": " + verified.error().message,
                 "bundle"};
  }
  const tke::TransferManifest& manifest = verified->content;
  const migrate::BundleHead& head = bundle.head;
  KH_TRY(same(manifest.id == head.transfer && manifest.source == head.source &&
                  manifest.target == head.target,
              "it names another transfer, or other instances"));
  KH_TRY(same(manifest.offer == crypto::sha256(head.offer), "it was made for another offer"));
  KH_TRY(
      same(std::ranges::equal(manifest.chunks, bundle.chunks, {}, {}, &client::ChunkProof::digest),
           "its chunks are others"));
  KH_TRY(same(manifest.keys == bundle.keys.size(), "it lists another number of keys"));
  return BundleReview{manifest, source_root.ski, tke::ski_of(verified->module_key.point()),
                      crypto::sha256(bundle.manifest)};
}

Result<void> check_for_target(const OfferReview& offer, const BundleReview& bundle,
                              const InstanceId& target) {
  if (offer.offer.target != target) {
    return Error{Reason::Forbidden,
                 "the bundle is for instance " + offer.offer.target.text() + ", not for " +
                     target.text() + ": choose that instance",
                 "bundle"};
  }
  if (offer.offer.source_root != bundle.root) {
    return forged("the offer takes keys of the deployment with attestation root " +
                  to_hex(offer.offer.source_root) + ", the bundle comes from " +
                  to_hex(bundle.root));
  }
  if (bundle.manifest.id != offer.offer.id || bundle.manifest.source != offer.offer.source ||
      bundle.manifest.target != offer.offer.target || bundle.manifest.offer != offer.digest)
    return forged("the bundle was not made for the offer that is in it");
  return {};
}

void add_offer_rows(Table& table, const OfferReview& review) {
  const tke::TransferOffer& offer = review.offer;
  table.add({"transfer", offer.id.text()});
  table.add({"keys go to instance", offer.target.text()});
  table.add({"of the deployment with root", to_hex(review.root)});
  table.add({"offer signed by the module", to_hex(review.module)});
  table.add({"import key", to_hex(tke::ski_of(offer.import_key))});
  table.add({"keys come from instance", offer.source.text()});
  table.add({"of the deployment with root", to_hex(offer.source_root)});
  table.add({"the offer ends", time_text(offer.expires)});
  table.add({"offer SHA-256", to_hex(review.digest)});
}

void add_bundle_rows(Table& table, const BundleReview& review) {
  table.add({"transfer", review.manifest.id.text()});
  table.add({"keys come from instance", review.manifest.source.text()});
  table.add({"of the deployment with root", to_hex(review.root)});
  table.add({"manifest signed by the module", to_hex(review.module)});
  table.add({"keys go to instance", review.manifest.target.text()});
  table.add({"keys", std::to_string(review.manifest.keys)});
  table.add({"chunks", std::to_string(review.manifest.chunks.size())});
  table.add({"offer SHA-256", to_hex(review.manifest.offer)});
  table.add({"manifest SHA-256", to_hex(review.digest)});
}

json::object offer_json(const OfferReview& review) {
  const tke::TransferOffer& offer = review.offer;
  return {{"transfer", offer.id.text()},         {"target", offer.target.text()},
          {"target_root", to_hex(review.root)},  {"module", to_hex(review.module)},
          {"source", offer.source.text()},       {"source_root", to_hex(offer.source_root)},
          {"expires", time_text(offer.expires)}, {"offer_sha256", to_hex(review.digest)}};
}

json::object bundle_json(const BundleReview& review) {
  return {
      {"transfer", review.manifest.id.text()},   {"source", review.manifest.source.text()},
      {"source_root", to_hex(review.root)},      {"module", to_hex(review.module)},
      {"target", review.manifest.target.text()}, {"key_count", review.manifest.keys},
      {"chunks", review.manifest.chunks.size()}, {"offer_sha256", to_hex(review.manifest.offer)},
      {"manifest_sha256", to_hex(review.digest)}};
}

Table key_table(const migrate::BundleSummary& bundle) {
  Table table({"KEY", "KIND", "VERSIONS", "NAME"});
  for (const client::TransferredKey& key : bundle.keys)
    table.add({key.id.text(), key.kind, std::to_string(key.versions), key.name});
  return table;
}

Table left_out_table(const migrate::BundleSummary& bundle) {
  Table table({"LEFT OUT", "NAME", "CODE", "WHY"});
  for (const client::LeftOutKey& key : bundle.left_out)
    table.add({key.id.text(), key.name, key.code, key.reason});
  return table;
}

json::array keys_json(const migrate::BundleSummary& bundle) {
  json::array out;
  for (const client::TransferredKey& key : bundle.keys) {
    out.push_back(json::object{
        {"id", key.id.text()}, {"name", key.name}, {"kind", key.kind}, {"versions", key.versions}});
  }
  return out;
}

json::array left_out_json(const migrate::BundleSummary& bundle) {
  json::array out;
  for (const client::LeftOutKey& key : bundle.left_out) {
    out.push_back(json::object{
        {"id", key.id.text()}, {"name", key.name}, {"code", key.code}, {"reason", key.reason}});
  }
  return out;
}

}  // namespace keyhaven::cli
