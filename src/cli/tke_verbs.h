// The groups of `keyhaven tke`, each adding its verbs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ceremony.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

void add_tke_sigkey_verbs(CLI::App& tke, Context& context);  // sigkey-*, sigkeys
void add_tke_file_verbs(CLI::App& tke, Context& context);    // mk-add, mk-rm, mks
void add_tke_paper_verbs(CLI::App& tke, Context& context);   // mk-print
void add_tke_drill_verb(CLI::App& tke, Context& context);    // drill
void add_tke_share_verbs(CLI::App& tke, Context& context);   // mk-share, mk-shares, mk-combine
void add_tke_unit_verbs(CLI::App& tke, Context& context);    // cryptounits, -add, -rm, attestation
void add_tke_admin_verbs(CLI::App& tke, Context& context);  // cryptounit-admin*, cryptounit-thrhld*
void add_tke_register_verbs(CLI::App& tke, Context& context);       // cryptounit-mk*
void add_tke_compare_verb(CLI::App& tke, Context& context);         // cryptounit-compare
void add_tke_zeroize_verb(CLI::App& tke, Context& context);         // cryptounit-zeroize, zeroize
void add_tke_init_verb(CLI::App& tke, Context& context);            // init
void add_tke_imprint_verb(CLI::App& tke, Context& context);         // cryptounit-exit-impr
void add_tke_control_point_verbs(CLI::App& tke, Context& context);  // cryptounit-cp-*
void add_tke_auto_init_verb(CLI::App& tke, Context& context);       // auto-init
void add_tke_recover_verbs(CLI::App& tke, Context& context);    // auto-mk-recover, failover-enable
void add_tke_propose_verb(CLI::App& tke, Context& context);     // propose
void add_tke_proposal_verbs(CLI::App& tke, Context& context);   // proposals, proposal, proposal-*
void add_tke_records_verb(CLI::App& tke, Context& context);     // records-accept
void add_tke_transcript_verb(CLI::App& tke, Context& context);  // transcript
// auto-mk-rotate, cryptounit-mk-rotate, rotation, rotation-abandon
void add_tke_rotate_verbs(CLI::App& tke, Context& context);

// Options of every verb that speaks to crypto units.
struct UnitOptions {
  TrustOptions trust;
  std::vector<std::string> signers;  // --signer
  bool yes = false;                  // --yes
};
void add_trust_options(CLI::App& verb, UnitOptions& options);
void add_signer_options(CLI::App& verb, UnitOptions& options);
void add_yes_option(CLI::App& verb, UnitOptions& options);

// What a verb on crypto units starts with.
struct UnitWork {
  Ceremony ceremony;
  std::vector<CeremonyUnit> units;
  std::vector<Administrator> administrators;  // opened --signer choices
};
Result<UnitWork> start_work(Context& context, const UnitOptions& options);

// An administrator who is named by 64 hex digits, else by a signature key file, else by the name
// that a unit's certificate has. Errors: InvalidArgument.
Result<tke::Ski> ski_of_choice(UnitWork& work, const std::string& choice);

// Asks unless --yes; without a terminal --yes is required. Errors: InvalidArgument (nobody to ask),
// Forbidden (no).
Result<void> agree(Context& context, const UnitOptions& options, const std::string& question);

// Removes a file of the ceremony after a yes (or `yes`): the only copy of an administrator or of a
// part may be in it. `what`: "key part NAME". Errors: as agree; Io.
Result<void> remove_key_file(Context& context, const CeremonyFiles& files, const std::string& path,
                             const std::string& what, bool yes);

// Does `step` for each unit; an error names the unit and how many were done before it.
Result<void> each_unit(Context& context, std::vector<CeremonyUnit>& units, const std::string& label,
                       const std::function<Result<void>(CeremonyUnit&)>& step);

}  // namespace keyhaven::cli
