// The group `transfer`: keys from one Keyhaven deployment to another, sealed from crypto unit to
// crypto unit. Exit status of its verbs: 0 done, and nothing was left out, refused or different; 1
// failed, or something was (the output says what); 2 usage.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/transfer_verbs.h"

namespace keyhaven::cli {

void add_transfer_commands(CLI::App& app, Context& context) {
  CLI::App* transfer = app.add_subcommand(
      "transfer", "move keys to another Keyhaven deployment, sealed between crypto units");
  transfer->require_subcommand(1);
  transfer->footer(
      "offer (target), export (source), consent, import (target), verify. Both quorums sign; each "
      "side\nholds the other's attestation root, which its administrators got from people and not "
      "from the network.\nAdministrators at different machines sign with \"keyhaven tke propose "
      "transfer-...\".");
  add_transfer_offer(*transfer, context);
  add_transfer_export(*transfer, context);
  add_transfer_show(*transfer, context);
  add_transfer_consent(*transfer, context);
  add_transfer_import(*transfer, context);
  add_transfer_verify(*transfer, context);
  add_transfer_status(*transfer, context);
}

}  // namespace keyhaven::cli
