// transfer offer: the target's quorum names a source; its crypto unit makes an import key and signs
// an offer for it, which goes into a file that may be mailed.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <ostream>

#include "base/file.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/proposal_review.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"
#include "tke/transcript_entry.h"

namespace keyhaven::cli {
namespace {

struct OfferArguments {
  UnitOptions unit;
  TransferArguments transfer;
  std::string out;
  std::string proposal;
};

// The quorum has signed: what their unit answered must not be lost for a full disk.
Result<void> save_offer(Context& context, const std::string& path, ByteView offer) {
  const std::string text = offer_text(offer);
  const auto saved = create_file(path, as_bytes(text), 0644);
  if (saved) return {};
  context.err() << text;
  return Error{saved.error().reason,
               saved.error().message + ". The offer is above: put it into a file", "out"};
}

Result<void> finish(Context& context, const TransferWork& work, const std::string& path,
                    ByteView offer) {
  const OfferReview review = KH_TRY(review_offer(offer, work.side.root));
  if (review.offer.target != work.side.instance) {
    return Error{Reason::Forbidden, "the crypto unit made an offer for another instance", {}};
  }
  KH_TRY(save_offer(context, path, offer));
  Table table({"PROPERTY", "VALUE"});
  add_offer_rows(table, review);
  table.print(context.err());
  boost::json::object done = offer_json(review);
  done["file"] = path;
  return show_done(context,
                   "The offer is in " + path +
                       ". Give it to the source's administrators, and this deployment's "
                       "attestation root (" +
                       to_hex(review.root) + ") by a way that nobody can forge.",
                   done);
}

Result<void> make_offer(Context& context, const OfferArguments& arguments) {
  TransferWork work = KH_TRY(start_transfer(context, arguments.unit));
  const OfferWish wish = KH_TRY(wish_for_offer(arguments.transfer, work.side, SystemClock().now()));
  Table table({"WHAT IS SIGNED", ""});
  table.add({"keys are taken by instance", work.side.instance.text()});
  table.add({"of this deployment with root", to_hex(work.side.root.ski)});
  table.add({"only from instance", wish.input.source.text()});
  table.add({"of the deployment with root", to_hex(wish.source_root.ski)});
  table.add({"until", time_text(wish.input.expires)});
  table.print(context.err());
  KH_TRY(agree(context, arguments.unit, "Offer to take these keys?"));
  const auto command = [&](tke::UnitSession& session, const tke::Signers& signers) {
    return session.offer_transfer(wish.input, signers);
  };
  const Bytes offer = KH_TRY(tell_unit(work, command));
  return finish(context, work, arguments.out, offer);
}

// The offer that a proposal's command gave, out of the unit's signed answer.
Result<void> fetch_offer(Context& context, const OfferArguments& arguments) {
  TransferWork work = KH_TRY(start_transfer(context, arguments.unit));
  const ProposalReview review =
      KH_TRY(review_proposal(work.ceremony, work.side.instance.text(), arguments.proposal));
  if (review.block.text.block.command != tke::kOfferTransfer) {
    return Error{Reason::InvalidArgument,
                 "proposal " + arguments.proposal +
                     " is no offer to take keys, but: " + review.block.text.command,
                 "proposal"};
  }
  if (review.proposal.state != "sent") {
    return Error{Reason::ProposalState,
                 "the proposal is " + review.proposal.state +
                     ": send it with \"keyhaven tke proposal-send " + arguments.proposal + '"',
                 "proposal"};
  }
  KH_TRY(check_answer(review, review.proposal.response));
  tke::TranscriptEntry entry;
  entry.response = review.proposal.response;
  const tke::ReadEntry read = tke::read_entry(entry);
  return finish(context, work, arguments.out, read.answer.output);
}

Result<void> run_offer(Context& context, const OfferArguments& arguments) {
  if (std::filesystem::exists(arguments.out)) {
    return Error{Reason::InvalidArgument, arguments.out + " is there already; name another file",
                 "out"};
  }
  const bool is_new = !arguments.transfer.source_root.empty();
  if (is_new == !arguments.proposal.empty() ||
      is_new == arguments.transfer.source_instance.empty()) {
    return Error{Reason::InvalidArgument,
                 "give --source-root and --source-instance, or the --proposal that has made the "
                 "offer",
                 "source-root"};
  }
  return is_new ? make_offer(context, arguments) : fetch_offer(context, arguments);
}

}  // namespace

void add_transfer_offer(CLI::App& transfer, Context& context) {
  auto arguments = std::make_shared<OfferArguments>();
  CLI::App* verb = transfer.add_subcommand(
      "offer", "at the target: have the crypto unit offer to take keys of one instance");
  add_trust_options(*verb, arguments->unit);
  add_signer_options(*verb, arguments->unit);
  add_yes_option(*verb, arguments->unit);
  add_offer_options(*verb, arguments->transfer);
  verb->get_option("--source-root")->required(false);
  verb->get_option("--source-instance")->required(false);
  verb->add_option("--proposal", arguments->proposal,
                   "fetch the offer that this sent proposal (tke propose transfer-offer) has made");
  verb->add_option("--out", arguments->out, "the offer; never overwritten")->required();
  on(*verb, context, [&context, arguments] { return run_offer(context, *arguments); });
}

}  // namespace keyhaven::cli
