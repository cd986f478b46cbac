// The group `tke` and what its verbs share.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {

void add_trust_options(CLI::App& verb, UnitOptions& options) {
  auto* root = verb.add_option(
      "--attestation-root", options.trust.root_file,
      "file with the deployment's attestation root (SKI, X, Y) as printed at installation");
  verb.add_flag("--trust-on-first-use", options.trust.trust_on_first_use,
                "at first contact trust and remember the root that the service claims")
      ->excludes(root);
}

void add_signer_options(CLI::App& verb, UnitOptions& options) {
  verb.add_option("--signer", options.signers,
                  "administrator who signs, KEY[:PASSWORDFILE] (KEY: name, KEYNUM or path), "
                  "pkcs11:token=...;object=...?module-path=... or service:KEYNAME[:TOKENFILE]; may "
                  "be repeated");
}

void add_yes_option(CLI::App& verb, UnitOptions& options) {
  verb.add_flag("--yes,-y", options.yes, "do not ask for confirmation");
}

Result<UnitWork> start_work(Context& context, const UnitOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.trust));
  std::vector<Administrator> administrators =
      KH_TRY(open_administrators(context, ceremony.files(), options.signers));
  std::vector<CeremonyUnit> units = KH_TRY(ceremony.units());
  return UnitWork{std::move(ceremony), std::move(units), std::move(administrators)};
}

Result<void> agree(Context& context, const UnitOptions& options, const std::string& question) {
  if (options.yes) return {};
  if (!context.prompt().interactive()) {
    return Error{Reason::InvalidArgument, question + " Nobody can be asked here: give --yes",
                 "yes"};
  }
  const bool agreed = KH_TRY(confirm(context.prompt(), question));
  if (agreed) return {};
  return Error{Reason::Forbidden, "not confirmed; nothing was changed", {}};
}

Result<void> remove_key_file(Context& context, const CeremonyFiles& files, const std::string& path,
                             const std::string& what, bool yes) {
  UnitOptions answer;
  answer.yes = yes;
  KH_TRY(agree(context, answer, "Remove " + what + " for good?"));
  KH_TRY(files.remove(path));
  return show_done(context, "The " + what + " is removed.", boost::json::object{{"name", what}});
}

Result<void> each_unit(Context& context, std::vector<CeremonyUnit>& units, const std::string& label,
                       const std::function<Result<void>(CeremonyUnit&)>& step) {
  Progress progress(context, label, units.size());
  for (std::size_t index = 0; index < units.size(); ++index) {
    const auto done = step(units[index]);
    if (!done) {
      Error error = done.error();
      error.message = label + ", crypto unit " + units[index].entry.location + " (" +
                      std::to_string(index) + " of " + std::to_string(units.size()) +
                      " done before): " + error.message;
      return error;
    }
    progress.advance(index + 1);
  }
  return {};
}

void add_tke_commands(CLI::App& app, Context& context) {
  CLI::App* tke =
      app.add_subcommand("tke", "crypto units: administrators, master keys, ceremonies");
  tke->require_subcommand(1);
  tke->footer(
      "Signature keys and key parts are files in the directory CLOUDTKEFILES, sealed by "
      "passwords;\n"
      "signature keys may also be in PKCS#11 tokens or at a signing service (TKE_SIGNSERV_URL).\n"
      "Verbs act on all crypto units of --instance, else on those selected with cryptounit-add.");
  add_tke_init_verb(*tke, context);
  add_tke_sigkey_verbs(*tke, context);
  add_tke_file_verbs(*tke, context);
  add_tke_paper_verbs(*tke, context);
  add_tke_share_verbs(*tke, context);
  add_tke_drill_verb(*tke, context);
  add_tke_unit_verbs(*tke, context);
  add_tke_admin_verbs(*tke, context);
  add_tke_register_verbs(*tke, context);
  add_tke_compare_verb(*tke, context);
  add_tke_zeroize_verb(*tke, context);
  add_tke_imprint_verb(*tke, context);
  add_tke_control_point_verbs(*tke, context);
  add_tke_auto_init_verb(*tke, context);
  add_tke_recover_verbs(*tke, context);
  add_tke_rotate_verbs(*tke, context);
  add_tke_propose_verb(*tke, context);
  add_tke_proposal_verbs(*tke, context);
  add_tke_records_verb(*tke, context);
  add_tke_transcript_verb(*tke, context);
}

}  // namespace keyhaven::cli
