// transfer consent: the target's quorum says which bundle its crypto unit may open. Everything is
// verified here before anybody signs.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"

namespace keyhaven::cli {
namespace {

struct ConsentArguments {
  UnitOptions unit;
  TransferArguments transfer;
};

enum class Standing : std::uint8_t { Waits, Consented };

constexpr std::size_t kMostListed = 500;

Result<Standing> standing_of(Context& context, const Consent& consent) {
  client::ApiClient api =
      KH_TRY(transfer_api(context, consent.input.id, consent.offer.offer.target));
  const client::Transfers open = KH_TRY(api.transfers());
  const auto* incoming = open.find_incoming(consent.input.id);
  if (incoming == nullptr) {
    return Error{Reason::TransferNotAllowed,
                 "transfer " + consent.input.id.text() +
                     " is not open at the target: it has ended or was closed; begin with a new "
                     "offer",
                 "bundle"};
  }
  if (!incoming->manifest) return Standing::Waits;
  if (*incoming->manifest == consent.input.manifest) return Standing::Consented;
  return Error{Reason::TransferNotAllowed,
               "the quorum has consented to another bundle of this offer, with manifest SHA-256 " +
                   to_hex(*incoming->manifest) +
                   ". An offer takes one bundle: import that one, or begin with a new offer",
               "bundle"};
}

Result<void> run_consent(Context& context, const ConsentArguments& arguments) {
  TransferWork work = KH_TRY(start_transfer(context, arguments.unit));
  const Consent consent = KH_TRY(consent_of(arguments.transfer, work.side));
  const Standing standing = KH_TRY(standing_of(context, consent));
  if (consent.bundle.keys.size() <= kMostListed) {
    key_table(consent.bundle).print(context.err());
  } else {
    context.err() << "\"keyhaven transfer show\" lists the keys.\n";
  }
  if (!consent.bundle.left_out.empty()) left_out_table(consent.bundle).print(context.err());
  Table table({"WHAT IS SIGNED", ""});
  add_bundle_rows(table, consent.review);
  table.print(context.err());
  const std::string done =
      "The crypto unit may open the bundle: keyhaven transfer import --bundle " +
      arguments.transfer.bundle;
  boost::json::object about = bundle_json(consent.review);
  about["signed"] = standing == Standing::Waits;
  if (standing == Standing::Consented)
    return show_done(context, "The quorum had consented already. " + done, about);
  KH_TRY(agree(context, arguments.unit,
               "Take these " + std::to_string(consent.input.keys) + " keys into instance " +
                   work.side.instance.text() + "?"));
  const auto command = [&](tke::UnitSession& session,
                           const tke::Signers& signers) -> Result<Bytes> {
    KH_TRY(session.consent_transfer(consent.input, signers));
    return Bytes{};
  };
  const Bytes nothing = KH_TRY(tell_unit(work, command));
  static_cast<void>(nothing);
  return show_done(context, done, about);
}

}  // namespace

void add_transfer_consent(CLI::App& transfer, Context& context) {
  auto arguments = std::make_shared<ConsentArguments>();
  CLI::App* verb = transfer.add_subcommand(
      "consent", "at the target: verify a bundle and let the crypto unit open it");
  add_trust_options(*verb, arguments->unit);
  add_signer_options(*verb, arguments->unit);
  add_yes_option(*verb, arguments->unit);
  add_consent_options(*verb, arguments->transfer);
  on(*verb, context, [&context, arguments] { return run_consent(context, *arguments); });
}

}  // namespace keyhaven::cli
