// tke cryptounit-cp-btc, cryptounit-cp-eddsa, cryptounit-cp-sig-other.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"
#include "tke/control_points.h"

namespace keyhaven::cli {
namespace {

Result<void> enable(Context& context, const UnitOptions& options,
                    const tke::ControlPoint& control_point) {
  UnitWork work = KH_TRY(start_work(context, options));
  KH_TRY(agree(context, options,
               "Set control point " + std::string(control_point.name) + " (" +
                   std::string(control_point.meaning) + ") in " +
                   std::to_string(work.units.size()) + " crypto units?"));
  std::size_t changed = 0;
  const auto enable_one = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::ControlPoints points = KH_TRY(unit.session.control_points());
    if (tke::has_control_point(points, control_point.bit)) return {};
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, work.administrators, attributes.signature_threshold));
    KH_TRY(unit.session.enable_control_points(tke::control_point_mask(control_point.bit), signers));
    ++changed;
    return {};
  };
  KH_TRY(each_unit(context, work.units, "set control point", enable_one));
  return show_done(context,
                   "Control point " + std::string(control_point.name) + " is set in all " +
                       std::to_string(work.units.size()) + " crypto units.",
                   {{"control_point", control_point.name},
                    {"crypto_units", work.units.size()},
                    {"changed", changed}});
}

}  // namespace

void add_tke_control_point_verbs(CLI::App& tke, Context& context) {
  for (const tke::ControlPoint& control_point : tke::control_point_table()) {
    if (control_point.verb.empty()) continue;
    CLI::App* verb = tke.add_subcommand("cryptounit-cp-" + std::string(control_point.verb),
                                        "set the control point " + std::string(control_point.name) +
                                            ": " + std::string(control_point.meaning));
    auto options = std::make_shared<UnitOptions>();
    add_trust_options(*verb, *options);
    add_signer_options(*verb, *options);
    add_yes_option(*verb, *options);
    on(*verb, context,
       [&context, options, control_point] { return enable(context, *options, control_point); });
  }
}

}  // namespace keyhaven::cli
