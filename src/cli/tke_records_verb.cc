// tke records-accept: the quorum's word on stored records that differ from what the units remember
// of them, e.g. after an older store was put back (docs/operations). One unit is enough: it tells
// the others of the instance.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

struct RecordsOptions {
  UnitOptions unit;
  std::string difference;
};

Result<void> accept(Context& context, const RecordsOptions& options) {
  const auto difference = from_hex(options.difference);
  if (!difference || difference->size() != sizeof(Digest))
    return Error{Reason::InvalidArgument, "--difference is 64 hex digits", "difference"};
  UnitWork work = KH_TRY(start_work(context, options.unit));
  CeremonyUnit& unit = work.units.front();
  const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
  const tke::Signers signers =
      KH_TRY(signers_for(unit.session, work.administrators, attributes.signature_threshold));
  KH_TRY(agree(context, options.unit,
               "Accept the stored records of instance " + unit.instance + " with difference " +
                   options.difference +
                   "? Whoever put them there decides which keys may be used."));
  Digest accepted{};
  std::copy(difference->begin(), difference->end(), accepted.begin());
  KH_TRY(unit.session.accept_records(accepted, signers));
  return show_done(context, "Crypto unit " + unit.entry.location + " accepts the stored records.",
                   {{"instance", unit.instance},
                    {"location", unit.entry.location},
                    {"difference", to_hex(*difference)}});
}

}  // namespace

void add_tke_records_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<RecordsOptions>();
  CLI::App* verb = tke.add_subcommand("records-accept",
                                      "accept stored records that differ from what the units "
                                      "remember; all signers at this machine");
  add_trust_options(*verb, options->unit);
  add_signer_options(*verb, options->unit);
  add_yes_option(*verb, options->unit);
  verb->add_option("--difference", options->difference,
                   "what \"keyhaven store verify\" names (64 hex digits)")
      ->required();
  on(*verb, context, [&context, options] { return accept(context, *options); });
}

}  // namespace keyhaven::cli
