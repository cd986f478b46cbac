// transfer show: an offer or a bundle in words, verified; asks no service.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxOfferFileBytes = 64 * 1024;

Error root_needed(const char* option, const char* what) {
  return {Reason::InvalidArgument,
          std::string(what) + " is verified with --" + option +
              " FILE, the attestation root of the deployment that signed it",
          option};
}

Result<void> show_offer(Context& context, const TransferArguments& arguments) {
  if (arguments.target_root.empty()) return root_needed("target-root", "an offer");
  const tke::AttestationRoot target = KH_TRY(read_root(arguments.target_root, "target-root"));
  const Bytes encoded = KH_TRY(read_offer(arguments.offer));
  const OfferReview review = KH_TRY(review_offer(encoded, target));
  if (!arguments.source_root.empty()) {
    const tke::AttestationRoot source = KH_TRY(read_root(arguments.source_root, "source-root"));
    KH_TRY(check_for_source(review, review.offer.source, source, SystemClock().now()));
  }
  Table table({"OFFER", "VERIFIED"});
  add_offer_rows(table, review);
  return show(context, table, offer_json(review));
}

Result<void> show_bundle(Context& context, const TransferArguments& arguments) {
  if (arguments.source_root.empty()) return root_needed("source-root", "a bundle");
  const tke::AttestationRoot source = KH_TRY(read_root(arguments.source_root, "source-root"));
  const migrate::BundleSummary bundle = KH_TRY(migrate::read_bundle(arguments.bundle));
  const BundleReview review = KH_TRY(review_bundle(bundle, source));
  Table table({"BUNDLE", "VERIFIED"});
  add_bundle_rows(table, review);
  json::object out = bundle_json(review);
  out["offer_verified"] = !arguments.target_root.empty();
  if (!arguments.target_root.empty()) {
    const tke::AttestationRoot target = KH_TRY(read_root(arguments.target_root, "target-root"));
    const OfferReview offer = KH_TRY(review_offer(bundle.head.offer, target));
    KH_TRY(check_for_target(offer, review, review.manifest.target));
    table.add({"for the deployment with root", to_hex(offer.root)});
    table.add({"the offer ends", time_text(offer.offer.expires)});
    out["target_root"] = to_hex(offer.root);
    out["expires"] = time_text(offer.offer.expires);
  } else {
    table.add({"the offer in it", "not verified: give --target-root"});
  }
  out["keys"] = keys_json(bundle);
  out["left_out"] = left_out_json(bundle);
  KH_TRY(show(context, table, out));
  if (context.wants_json()) return {};
  context.out() << "\nKeys as the source lists them:\n";
  key_table(bundle).print(context.out());
  if (!bundle.left_out.empty()) left_out_table(bundle).print(context.out());
  return {};
}

Result<void> run_show(Context& context, TransferArguments& arguments, const std::string& file) {
  const auto text = read_text(file, kMaxOfferFileBytes);
  if (text && is_offer_text(*text)) {
    arguments.offer = file;
    return show_offer(context, arguments);
  }
  arguments.bundle = file;
  return show_bundle(context, arguments);
}

}  // namespace

void add_transfer_show(CLI::App& transfer, Context& context) {
  auto arguments = std::make_shared<TransferArguments>();
  auto file = std::make_shared<std::string>();
  CLI::App* verb =
      transfer.add_subcommand("show", "verify an offer or a bundle and say what it is");
  verb->add_option("file", *file, "an offer or a bundle")->required();
  verb->add_option("--source-root", arguments->source_root,
                   "file with the attestation root of the source's deployment");
  verb->add_option("--target-root", arguments->target_root,
                   "file with the attestation root of the target's deployment");
  on(*verb, context, [&context, arguments, file] { return run_show(context, *arguments, *file); });
}

}  // namespace keyhaven::cli
