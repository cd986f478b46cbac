// tke cryptounit-exit-impr: how units once left imprint mode, with both thresholds 1.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

constexpr std::uint32_t kOldThreshold = 1;

Result<void> leave_imprint_mode(Context& context, const UnitOptions& options) {
  context.err() << "cryptounit-exit-impr is deprecated: one administrator then decides alone. "
                   "\"keyhaven tke cryptounit-thrhld-set\" sets thresholds of your choice.\n";
  UnitWork work = KH_TRY(start_work(context, options));
  const auto leave = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    if (!attributes.imprint()) return Error{Reason::Conflict, "it is not in imprint mode", {}};
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, work.administrators, kOldThreshold));
    return unit.session.set_thresholds(kOldThreshold, kOldThreshold, signers);
  };
  KH_TRY(each_unit(context, work.units, "leave imprint mode", leave));
  return show_done(
      context,
      std::to_string(work.units.size()) + " crypto units left imprint mode; both thresholds are 1.",
      {{"crypto_units", work.units.size()}});
}

}  // namespace

void add_tke_imprint_verb(CLI::App& tke, Context& context) {
  CLI::App* verb = tke.add_subcommand("cryptounit-exit-impr",
                                      "deprecated: leave imprint mode with both thresholds 1");
  auto options = std::make_shared<UnitOptions>();
  add_trust_options(*verb, *options);
  add_signer_options(*verb, *options);
  on(*verb, context, [&context, options] { return leave_imprint_mode(context, *options); });
}

}  // namespace keyhaven::cli
