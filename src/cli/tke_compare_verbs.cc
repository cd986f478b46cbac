// tke cryptounit-compare and cryptounit-zeroize.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/key_loss.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"
#include "cli/unit_facts.h"

namespace keyhaven::cli {
namespace {

// What must be equal in all units of an instance, as text per row; and what may differ.
struct Configuration {
  std::string location;
  std::string type;
  std::string membership;
  std::vector<std::pair<std::string, std::string>> rows;
};

std::string membership_of(const client::CryptoUnitEntry& entry) {
  if (entry.type != client::UnitType::Operational) return "-";
  return entry.joined ? "joined" : "waiting";
}

Result<Configuration> configuration_of(CeremonyUnit& unit) {
  const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
  const auto skis = KH_TRY(unit.session.administrator_skis());
  const auto control_points = KH_TRY(unit.session.control_points());
  const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
  std::vector<std::string> administrators;
  for (const tke::Ski& ski : skis) administrators.push_back(to_hex(ski).substr(0, 16));
  std::sort(administrators.begin(), administrators.end());
  Configuration out;
  out.location = unit.entry.location;
  out.type = text_of(unit.entry.type);
  out.membership = membership_of(unit.entry);
  out.rows = {{"signature threshold", std::to_string(attributes.signature_threshold)},
              {"revocation threshold", std::to_string(attributes.revocation_threshold)},
              {"administrators", join(administrators, " ")},
              {"new register", new_register_text(info)},
              {"new pattern", tke::pattern_text(info.pending_pattern)},
              {"current register", current_register_text(info)},
              {"current pattern", tke::pattern_text(info.current_pattern)}};
  for (const tke::ControlPoint& point : tke::control_point_table()) {
    out.rows.emplace_back(point.name,
                          tke::has_control_point(control_points, point.bit) ? "Set" : "Not set");
  }
  return out;
}

Result<void> compare(Context& context, const UnitOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options));
  std::vector<Configuration> all;
  for (CeremonyUnit& unit : work.units) {
    Configuration one = KH_TRY(configuration_of(unit));
    all.push_back(std::move(one));
  }
  Table table({"PROPERTY", "TYPE", "LOCATION", "VALUE", "EQUAL"});
  boost::json::array json;
  boost::json::array units;
  for (const Configuration& one : all) {
    table.add({"membership", one.type, one.location, one.membership, "-"});
    units.push_back(boost::json::object{
        {"location", one.location}, {"type", one.type}, {"membership", one.membership}});
  }
  std::size_t differences = 0;
  for (std::size_t row = 0; row < all.front().rows.size(); ++row) {
    const bool equal = std::all_of(all.begin(), all.end(), [&](const Configuration& other) {
      return other.rows[row].second == all.front().rows[row].second;
    });
    differences += equal ? 0 : 1;
    boost::json::array values;
    for (const Configuration& one : all) {
      table.add({one.rows[row].first, one.type, one.location, one.rows[row].second,
                 equal ? "yes" : "NO"});
      values.push_back(
          boost::json::object{{"location", one.location}, {"value", one.rows[row].second}});
    }
    json.push_back(boost::json::object{
        {"property", all.front().rows[row].first}, {"equal", equal}, {"values", values}});
  }
  KH_TRY(show(context, table,
              boost::json::object{
                  {"equal", differences == 0}, {"crypto_units", units}, {"properties", json}}));
  if (differences == 0) return {};
  return Error{Reason::Conflict,
               "the crypto units differ in " + std::to_string(differences) +
                   " properties; configure them the same",
               {}};
}

struct ZeroizeOptions {
  UnitOptions unit;
  KeyLossOption key_loss;
};

Result<void> zeroize(Context& context, const ZeroizeOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  for (const CeremonyUnit& unit : work.units)
    context.err() << unit.entry.location << "   instance " << unit.instance << '\n';
  const bool accepted = KH_TRY(accepts_key_loss(context, options.key_loss, work.units));
  work.ceremony.service().accept_key_loss(accepted);
  KH_TRY(agree(context, options.unit,
               "Zeroize these " + std::to_string(work.units.size()) +
                   " crypto units? Administrators and master keys are erased; without the key "
                   "parts all keys of the instance are lost."));
  const auto zeroize_one = [&](CeremonyUnit& unit) {
    return zeroize_unit(unit, work.administrators);
  };
  KH_TRY(each_unit(context, work.units, "zeroize", zeroize_one));
  return show_done(
      context,
      std::to_string(work.units.size()) + " crypto units are zeroized and in imprint mode.",
      {{"crypto_units", work.units.size()}});
}

}  // namespace

void add_tke_compare_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<UnitOptions>();
  CLI::App* verb = tke.add_subcommand("cryptounit-compare",
                                      "compare the crypto units; exit status 1 when they differ");
  add_trust_options(*verb, *options);
  on(*verb, context, [&context, options] { return compare(context, *options); });
}

void add_tke_zeroize_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<ZeroizeOptions>();
  CLI::App* verb = tke.add_subcommand(
      "cryptounit-zeroize", "erase administrators, thresholds and master keys of the units");
  verb->alias("zeroize");
  add_trust_options(*verb, options->unit);
  add_signer_options(*verb, options->unit);
  add_yes_option(*verb, options->unit);
  add_key_loss_option(*verb, options->key_loss);
  on(*verb, context, [&context, options] { return zeroize(context, *options); });
}

}  // namespace keyhaven::cli
