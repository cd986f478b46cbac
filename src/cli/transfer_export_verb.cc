// transfer export: the source's quorum allows its keys to leave for an offer; its crypto unit seals
// them, chunk by chunk, into a bundle. A run that ends in the middle is gone on with by the same
// command; signatures are asked for once, as long as the permission stands.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <ostream>

#include "cli/context.h"
#include "cli/migrate_session.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::BundleHead;
using migrate::BundleSummary;
using migrate::BundleWriter;

struct ExportArguments {
  UnitOptions unit;
  TransferArguments transfer;
};

Result<void> authorize(Context& context, const ExportArguments& arguments, TransferWork& work,
                       const Authorization& authorization) {
  Table table({"WHAT IS SIGNED", ""});
  add_offer_rows(table, authorization.offer);
  table.add({"keys may leave until", time_text(authorization.input.expires)});
  table.print(context.err());
  KH_TRY(agree(
      context, arguments.unit,
      "Let all keys of instance " + work.side.instance.text() + " leave for that deployment?"));
  const auto command = [&](tke::UnitSession& session,
                           const tke::Signers& signers) -> Result<Bytes> {
    KH_TRY(session.authorize_transfer(authorization.input, signers));
    return Bytes{};
  };
  const Bytes nothing = KH_TRY(tell_unit(work, command));
  static_cast<void>(nothing);
  return {};
}

// What is in PATH.partial must be of this offer: another's is not thrown away.
Result<std::optional<BundleSummary>> earlier_run(const std::string& path, const BundleHead& head) {
  auto found = KH_TRY(BundleWriter::unfinished(path));
  if (found && found->head != head) {
    return Error{Reason::AlreadyExists,
                 path + ".partial is the unfinished bundle of transfer " +
                     found->head.transfer.text() + ": remove it, or name another --bundle",
                 "bundle"};
  }
  return found;
}

Result<BundleWriter> open_writer(Context& context, const std::string& path, const BundleHead& head,
                                 bool was_open, const std::optional<BundleSummary>& earlier) {
  if (!earlier) return BundleWriter::begin(path, head);
  if (was_open) {
    context.err() << "going on behind " << earlier->chunks.size()
                  << " chunk(s) of an earlier run\n";
    return BundleWriter::resume(path);
  }
  // Another permission, another key agreement: the chunks of the earlier one fit it no more.
  context.err() << "the permission of the earlier run has ended; its chunks are made again\n";
  return BundleWriter::begin(path, head);
}

Result<void> fill(Context& context, client::ApiClient& api, BundleWriter& writer) {
  Reporter reporter(context, "keys", 0);
  while (!writer.summary().has_all_keys) {
    const BundleSummary& so_far = writer.summary();
    const auto step = KH_TRY(api.export_chunk(
        so_far.head.transfer, static_cast<std::uint32_t>(so_far.chunks.size()), so_far.next));
    KH_TRY(writer.add(step));
    reporter.progress(so_far.keys.size(), 0);
  }
  return {};
}

// The manifest must be this deployment's, and list what is in the bundle: else the target would
// refuse it after its quorum was asked.
Result<void> finish(client::ApiClient& api, BundleWriter& writer,
                    const tke::AttestationRoot& own_root) {
  BundleSummary bundle = writer.summary();
  if (bundle.chunks.empty()) {
    return Error{Reason::Conflict,
                 "the instance has no key that can be transferred; no bundle was made",
                 {}};
  }
  auto manifest = api.sign_manifest(bundle.head.transfer,
                                    static_cast<std::uint32_t>(bundle.keys.size()), bundle.chunks);
  if (!manifest && manifest.error().reason == Reason::Forbidden) {
    return Error{Reason::Conflict,
                 manifest.error().message +
                     ". The bundle belongs to an earlier permission: remove its .partial file and "
                     "run the same command again",
                 {}};
  }
  if (!manifest) return std::move(manifest).error();
  bundle.manifest = std::move(*manifest);
  const BundleReview review = KH_TRY(review_bundle(bundle, own_root));
  static_cast<void>(review);
  return writer.finish(bundle.manifest);
}

Result<void> report(Context& context, const std::string& path, const tke::AttestationRoot& root) {
  const BundleSummary bundle = KH_TRY(migrate::read_bundle(path));
  const BundleReview review = KH_TRY(review_bundle(bundle, root));
  json::object done = bundle_json(review);
  done["bundle"] = path;
  done["keys"] = keys_json(bundle);
  done["left_out"] = left_out_json(bundle);
  const std::string what = std::to_string(bundle.keys.size()) + " key(s) in " +
                           std::to_string(bundle.chunks.size()) + " chunk(s) are in " + path +
                           ". The target's administrators compare its manifest: SHA-256 " +
                           to_hex(review.digest);
  if (bundle.left_out.empty()) return show_done(context, what + ".", done);
  left_out_table(bundle).print(context.err());
  if (context.wants_json()) {
    done["ok"] = false;
    print_json(context, done);
  }
  return failed(what + ", but " + std::to_string(bundle.left_out.size()) +
                " key(s) were left out, see above");
}

Result<void> check_finished(const std::string& path, const BundleHead& head) {
  const BundleSummary bundle = KH_TRY(migrate::read_bundle(path));
  if (bundle.head == head) return {};
  return Error{Reason::AlreadyExists,
               path + " is the bundle of transfer " + bundle.head.transfer.text() +
                   ": name another --bundle",
               "bundle"};
}

Result<void> run_export(Context& context, const ExportArguments& arguments) {
  const std::string& path = arguments.transfer.bundle;
  TransferWork work = KH_TRY(start_transfer(context, arguments.unit));
  const Authorization authorization =
      KH_TRY(authorization_of(arguments.transfer, work.side, SystemClock().now()));
  const tke::TransferOffer& offer = authorization.offer.offer;
  const BundleHead head{offer.id, offer.source, offer.target, authorization.input.offer};
  if (std::filesystem::exists(path)) {
    KH_TRY(check_finished(path, head));
    return report(context, path, work.side.root);
  }
  const auto earlier = KH_TRY(earlier_run(path, head));
  client::ApiClient api = KH_TRY(transfer_api(context, offer.id, work.side.instance));
  const client::Transfers open = KH_TRY(api.transfers());
  const auto* permission = open.find_outgoing(offer.id);
  const bool was_open = permission != nullptr && permission->expires > SystemClock().now();
  if (!was_open) KH_TRY(authorize(context, arguments, work, authorization));
  BundleWriter writer = KH_TRY(open_writer(context, path, head, was_open, earlier));
  KH_TRY(fill(context, api, writer));
  KH_TRY(finish(api, writer, work.side.root));
  return report(context, path, work.side.root);
}

}  // namespace

void add_transfer_export(CLI::App& transfer, Context& context) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* verb = transfer.add_subcommand(
      "export", "at the source: seal all keys of the instance for an offer, into a bundle");
  add_trust_options(*verb, arguments->unit);
  add_signer_options(*verb, arguments->unit);
  add_yes_option(*verb, arguments->unit);
  add_authorize_options(*verb, arguments->transfer);
  verb->add_option("--bundle", arguments->transfer.bundle,
                   "the bundle; while it is made, FILE.partial")
      ->required();
  on(*verb, context, [&context, arguments] { return run_export(context, *arguments); });
}

}  // namespace keyhaven::cli
