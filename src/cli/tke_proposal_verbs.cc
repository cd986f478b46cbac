// tke proposals, proposal, proposal-sign, proposal-send, proposal-rm.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <ostream>

#include "cli/context.h"
#include "cli/key_loss.h"
#include "cli/output.h"
#include "cli/proposal_review.h"
#include "cli/tke_questions.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

struct ProposalOptions {
  UnitOptions unit;
  std::string id;
  bool all = false;
  bool sign_undecoded = false;
  KeyLossOption key_loss;
};

// --- The list ---

Result<void> list(Context& context, const ProposalOptions& options) {
  const auto service = KH_TRY(context.unit_service());
  const std::string instance = KH_TRY(chosen_instance(context, *service));
  const auto proposals = KH_TRY(service->proposals(instance));
  const auto units = KH_TRY(service->units(instance));
  std::map<std::string, std::string> locations;
  for (const client::CryptoUnitEntry& unit : units) locations[unit.hsm_id] = unit.location;
  Table table(
      {"PROPOSAL", "STATE", "COMMAND", "LOCATION", "SIGNED", "BEFORE IT", "CREATED", "NOTE"});
  json::array rows;
  for (const client::Proposal& one : proposals) {
    const bool open = one.state == "open" || one.state == "sending";
    if (!open && !options.all) continue;
    const auto location = locations.find(one.hsm_id);
    const std::string place = location == locations.end() ? one.hsm_id : location->second;
    const std::string needed =
        one.signatures_needed ? " of " + std::to_string(*one.signatures_needed) : std::string();
    table.add({one.id, one.state, one.command, place,
               std::to_string(one.signatures.size()) + needed,
               one.commands_before ? std::to_string(*one.commands_before) : "-",
               time_text(one.created), one.note});
    json::object row{{"id", one.id},
                     {"state", one.state},
                     {"cause", one.cause},
                     {"command", one.command},
                     {"hsm_id", one.hsm_id},
                     {"location", place},
                     {"note", one.note},
                     {"signatures", one.signatures.size()},
                     {"created_by", one.created_by},
                     {"created_at", time_text(one.created)},
                     {"block_sha512", one.block_sha512}};
    if (one.signatures_needed) row["signatures_needed"] = *one.signatures_needed;
    if (one.commands_before) row["commands_before"] = *one.commands_before;
    if (one.result) row["accepted"] = one.result->accepted;
    rows.push_back(std::move(row));
  }
  KH_TRY(show(context, table, json::object{{"proposals", rows}}));
  if (!context.wants_json()) {
    context.out() << "\nThis is what the service says. \"keyhaven tke proposal ID\" decodes the "
                     "block here.\n";
  }
  return {};
}

// --- One ---

struct Work {
  Ceremony ceremony;
  std::string instance;
  ProposalReview review;
};

Result<Work> start(Context& context, const ProposalOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.unit.trust));
  const std::string instance = KH_TRY(chosen_instance(context, ceremony.service()));
  ProposalReview review = KH_TRY(review_proposal(ceremony, instance, options.id));
  return Work{std::move(ceremony), instance, std::move(review)};
}

Result<void> show_one(Context& context, const ProposalOptions& options) {
  const Work work = KH_TRY(start(context, options));
  KH_TRY(show(context, review_table(work.review), review_json(work.review)));
  if (work.review.block.contradictions.empty()) return {};
  return Error{Reason::Forbidden,
               "the service describes the proposal falsely: " +
                   join(work.review.block.contradictions, "; ") +
                   ". Sign nothing, and tell the other administrators",
               "proposal"};
}

// --- Sign ---

bool has_signed(const ProposalReview& review, const Administrator& administrator) {
  return std::ranges::any_of(review.signatures, [&](const ReviewedSignature& each) {
    return each.verified && each.signer == administrator.signer->ski();
  });
}

Result<void> sign(Context& context, const ProposalOptions& options) {
  if (options.unit.signers.empty())
    return Error{Reason::InvalidArgument, "name who signs: --signer KEY[:PASSWORDFILE]", "signer"};
  Work work = KH_TRY(start(context, options));
  const auto administrators =
      KH_TRY(open_administrators(context, work.ceremony.files(), options.unit.signers));
  review_table(work.review).print(context.err());
  KH_TRY(require_sound(work.review));
  if (!work.review.block.text.understood && !options.sign_undecoded) {
    return Error{Reason::Forbidden,
                 "this version cannot decode all of the block, see above: use a newer one, or give "
                 "--sign-undecoded when you know from elsewhere what the bytes mean",
                 "sign-undecoded"};
  }
  KH_TRY(check_signers(*work.review.unit, administrators));
  std::string names;
  for (const Administrator& one : administrators) names += (names.empty() ? "" : ", ") + one.name;
  KH_TRY(agree(context, options.unit, "Sign this command as " + names + '?'));
  std::size_t given = work.review.signatures.size();
  std::vector<std::string> signed_by;
  for (const Administrator& one : administrators) {
    if (has_signed(work.review, one)) {
      context.err() << one.name << " has signed it already\n";
      continue;
    }
    const Bytes info = KH_TRY(tke::sign_block(work.review.proposal.block, {one.signer.get()}));
    const auto after =
        KH_TRY(work.ceremony.service().sign_proposal(work.instance, options.id, info));
    given = after.signatures.size();
    signed_by.push_back(one.name);
  }
  const std::size_t needed = work.review.needed;
  const std::string next =
      given >= needed ? " It can be sent: keyhaven tke proposal-send " + options.id : std::string();
  json::array who;
  for (const std::string& name : signed_by) who.emplace_back(name);
  return show_done(context,
                   "Proposal " + options.id + " has " + std::to_string(given) + " of " +
                       std::to_string(needed) + " signatures." + next,
                   json::object{{"id", options.id},
                                {"signed_by", who},
                                {"signatures", given},
                                {"signatures_needed", needed},
                                {"block_sha512", work.review.block.sha512}});
}

// --- Send, remove ---

Result<void> require_complete(const ProposalReview& review, const std::string& id) {
  KH_TRY(require_sound(review));
  if (review.standing && review.standing->commands_before > 0) {
    return Error{Reason::ProposalState,
                 std::to_string(review.standing->commands_before) +
                     " other commands must be sent to the crypto unit before it: see \"keyhaven "
                     "tke proposals\"",
                 "proposal"};
  }
  const auto good = std::ranges::count_if(
      review.signatures, [](const ReviewedSignature& each) { return each.verified; });
  if (static_cast<std::size_t>(good) >= review.needed) return {};
  return Error{Reason::ProposalState,
               "the proposal has " + std::to_string(good) + " of " + std::to_string(review.needed) +
                   " signatures; others sign it with \"keyhaven tke proposal-sign " + id + '"',
               "proposal"};
}

Result<void> send(Context& context, const ProposalOptions& options) {
  Work work = KH_TRY(start(context, options));
  review_table(work.review).print(context.err());
  KH_TRY(require_complete(work.review, options.id));
  std::vector<CeremonyUnit> unit;
  unit.push_back(std::move(*work.review.unit));
  const bool accepted = KH_TRY(accepts_key_loss(context, options.key_loss, unit));
  work.review.unit = std::move(unit.front());
  work.ceremony.service().accept_key_loss(accepted);
  KH_TRY(agree(context, options.unit, "Send this command to the crypto unit?"));
  const client::Proposal sent =
      KH_TRY(work.ceremony.service().send_proposal(work.instance, options.id));
  for (const std::string& fault : {sent.transcript_fault, sent.record_fault}) {
    if (!fault.empty()) context.err() << "WARNING: " << fault << '\n';
  }
  KH_TRY(check_answer(work.review, sent.response));
  return show_done(context,
                   "Crypto unit " + work.review.unit->entry.location +
                       " has carried out the command; its signed answer is verified.",
                   json::object{{"id", options.id},
                                {"location", work.review.unit->entry.location},
                                {"command", work.review.block.text.command},
                                {"counter", to_hex(work.review.block.text.block.counter)},
                                {"transcript_fault", sent.transcript_fault}});
}

Result<void> remove(Context& context, const ProposalOptions& options) {
  const auto service = KH_TRY(context.unit_service());
  const std::string instance = KH_TRY(chosen_instance(context, *service));
  const client::Proposal proposal = KH_TRY(service->proposal(instance, options.id));
  KH_TRY(agree(context, options.unit,
               "Delete proposal " + options.id + " (" + proposal.command + ", " + proposal.state +
                   ") with its signatures?"));
  KH_TRY(service->delete_proposal(instance, options.id));
  return show_done(context, "Proposal " + options.id + " is deleted.",
                   json::object{{"id", options.id}});
}

std::shared_ptr<ProposalOptions> options_with_id(CLI::App& verb) {
  auto options = std::make_shared<ProposalOptions>();
  verb.add_option("id", options->id, "id of the proposal")->required();
  return options;
}

}  // namespace

void add_tke_proposal_verbs(CLI::App& tke, Context& context) {
  CLI::App* list_verb =
      tke.add_subcommand("proposals", "list the commands that wait for signatures");
  auto listed = std::make_shared<ProposalOptions>();
  list_verb->add_flag("--all", listed->all, "also those that were sent or have lapsed");
  on(*list_verb, context, [&context, listed] { return list(context, *listed); });

  CLI::App* show_verb = tke.add_subcommand(
      "proposal",
      "show a proposal, its block decoded here and compared with what the service says");
  auto shown = options_with_id(*show_verb);
  add_trust_options(*show_verb, shown->unit);
  on(*show_verb, context, [&context, shown] { return show_one(context, *shown); });

  CLI::App* sign_verb = tke.add_subcommand("proposal-sign", "sign a proposal after looking at it");
  auto signed_one = options_with_id(*sign_verb);
  add_trust_options(*sign_verb, signed_one->unit);
  add_signer_options(*sign_verb, signed_one->unit);
  add_yes_option(*sign_verb, signed_one->unit);
  sign_verb->add_flag("--sign-undecoded", signed_one->sign_undecoded,
                      "sign although this version cannot decode the whole block");
  on(*sign_verb, context, [&context, signed_one] { return sign(context, *signed_one); });

  CLI::App* send_verb =
      tke.add_subcommand("proposal-send", "send a signed proposal to its crypto unit, once");
  auto sent = options_with_id(*send_verb);
  add_trust_options(*send_verb, sent->unit);
  add_yes_option(*send_verb, sent->unit);
  add_key_loss_option(*send_verb, sent->key_loss);
  on(*send_verb, context, [&context, sent] { return send(context, *sent); });

  CLI::App* remove_verb = tke.add_subcommand("proposal-rm", "delete a proposal");
  auto removed = options_with_id(*remove_verb);
  add_yes_option(*remove_verb, removed->unit);
  on(*remove_verb, context, [&context, removed] { return remove(context, *removed); });
}

}  // namespace keyhaven::cli
