// Offers and bundles of sealed transfers as those must see them who sign: verified here, down to
// the other deployment's attestation root, which was pinned out of band. Whoever carries the files
// is not trusted. Pure.
#pragma once

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "cli/output.h"
#include "migrate/transfer_bundle.h"
#include "tke/transfer.h"

namespace keyhaven::cli {

struct OfferReview {
  tke::TransferOffer offer;
  tke::Ski root{};    // of the target's deployment
  tke::Ski module{};  // that made and signed it
  Digest digest{};    // SHA-256 of the encoded offer
};
// Errors: those of tke::verify_offer.
Result<OfferReview> review_offer(ByteView encoded, const tke::AttestationRoot& target_root);
// Whether the offer takes keys of `source` in the deployment of `source_root`, now. Errors:
// Forbidden (made for others), Conflict (it has ended).
Result<void> check_for_source(const OfferReview& review, const InstanceId& source,
                              const tke::AttestationRoot& source_root, Timestamp now);

struct BundleReview {
  tke::TransferManifest manifest;
  tke::Ski root{};    // of the source's deployment
  tke::Ski module{};  // that signed the manifest
  Digest digest{};    // SHA-256 of the encoded manifest: what the target's quorum signs
};
// The manifest is of `source_root`'s deployment, and names exactly this bundle: its offer, its
// chunks in order, as many keys as it lists. The chunks themselves: migrate::read_bundle. Errors:
// those of tke::verify_manifest; Forbidden.
Result<BundleReview> review_bundle(const migrate::BundleSummary& bundle,
                                   const tke::AttestationRoot& source_root);
// Whether offer and bundle belong together, and to the instance `target`. Errors: Forbidden.
Result<void> check_for_target(const OfferReview& offer, const BundleReview& bundle,
                              const InstanceId& target);

// Rows "PROPERTY VALUE", and the same for programs.
void add_offer_rows(Table& table, const OfferReview& review);
void add_bundle_rows(Table& table, const BundleReview& review);
boost::json::object offer_json(const OfferReview& review);
boost::json::object bundle_json(const BundleReview& review);
// Keys as the bundle lists them: the source's words.
Table key_table(const migrate::BundleSummary& bundle);
Table left_out_table(const migrate::BundleSummary& bundle);
boost::json::array keys_json(const migrate::BundleSummary& bundle);
boost::json::array left_out_json(const migrate::BundleSummary& bundle);

}  // namespace keyhaven::cli
