// tke cryptounits, cryptounit-add, cryptounit-rm, attestation.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"
#include "cli/unit_facts.h"

namespace keyhaven::cli {
namespace {

// A unit of the list, and what the file of the working set does not hold.
struct ListedUnit {
  WorkingUnit unit;
  std::string membership;  // of operational units
};

bool is_selected(const std::vector<WorkingUnit>& before, const WorkingUnit& unit) {
  return std::any_of(before.begin(), before.end(), [&](const WorkingUnit& other) {
    return other.selected && other.hsm_id == unit.hsm_id;
  });
}

// All units the caller may see, numbered, with the selection of the file; of --instance only, when
// it is given.
Result<std::vector<ListedUnit>> all_units(Context& context, Ceremony& ceremony) {
  const auto before = KH_TRY(ceremony.files().working_set());
  const auto instances = KH_TRY(ceremony.service().instances());
  std::vector<ListedUnit> out;
  for (const InstanceName& instance : instances) {
    if (!context.options.instance.empty() && instance.guid != context.options.instance) continue;
    const auto entries = KH_TRY(ceremony.service().units(instance.guid));
    for (const client::CryptoUnitEntry& entry : entries) {
      WorkingUnit unit;
      unit.domain_num = static_cast<std::uint32_t>(out.size() + 1);
      unit.hsm_id = entry.hsm_id;
      unit.instance = instance.guid;
      unit.location = entry.location;
      unit.serial_number = entry.serial_number;
      unit.type = text_of(entry.type);
      unit.selected = is_selected(before, unit);
      const bool operational = entry.type == client::UnitType::Operational;
      out.push_back({std::move(unit), !operational ? "-" : entry.joined ? "joined" : "waiting"});
    }
  }
  return out;
}

Result<void> show_units(Context& context, const std::vector<ListedUnit>& units) {
  Table table(
      {"CRYPTO UNIT NUM", "SELECTED", "TYPE", "LOCATION", "SERIAL", "MEMBERSHIP", "INSTANCE"});
  boost::json::array json;
  for (const auto& [unit, membership] : units) {
    std::string type = unit.type;
    std::transform(type.begin(), type.end(), type.begin(), [](char letter) {
      return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
    });
    table.add({std::to_string(unit.domain_num), unit.selected ? "true" : "false", type,
               unit.location, unit.serial_number, membership, unit.instance});
    json.push_back(boost::json::object{{"number", unit.domain_num},
                                       {"selected", unit.selected},
                                       {"type", unit.type},
                                       {"location", unit.location},
                                       {"serial_number", unit.serial_number},
                                       {"hsm_id", unit.hsm_id},
                                       {"membership", membership},
                                       {"instance", unit.instance}});
  }
  KH_TRY(show(context, table, boost::json::object{{"crypto_units", json}}));
  if (!context.wants_json()) {
    context.out() << (units.empty()
                          ? "No service instances were found.\n"
                          : "\nAll crypto units of an instance must be configured the same.\n");
  }
  return {};
}

Result<void> list(Context& context) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, {}));
  const auto units = KH_TRY(all_units(context, ceremony));
  return show_units(context, units);
}

Result<void> select(Context& context, const std::vector<std::size_t>& numbers, bool selected) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, {}));
  auto units = KH_TRY(all_units(context, ceremony));
  for (const std::size_t number : numbers) {
    if (number < 1 || number > units.size()) {
      return Error{Reason::InvalidArgument,
                   "there is no crypto unit number " + std::to_string(number) +
                       ": see \"keyhaven tke cryptounits\"",
                   {}};
    }
    units[number - 1].unit.selected = selected;
  }
  std::vector<WorkingUnit> working_set;
  for (const ListedUnit& listed : units) working_set.push_back(listed.unit);
  KH_TRY(ceremony.files().save_working_set(working_set));
  return show_units(context, units);
}

void add_selection(CLI::App& tke, Context& context, const char* name, const char* help,
                   bool selected) {
  auto numbers = std::make_shared<std::vector<std::size_t>>();
  CLI::App* verb = tke.add_subcommand(name, help);
  verb->add_option("number", *numbers,
                   "CRYPTO UNIT NUM of \"cryptounits\" with the same --instance")
      ->required();
  on(*verb, context, [&context, numbers, selected] { return select(context, *numbers, selected); });
}

Result<void> attest(Context& context, const UnitOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.trust));
  const tke::AttestationRoot root = KH_TRY(ceremony.root());
  const auto units = KH_TRY(ceremony.units());
  Table table({"LOCATION", "SERIAL", "MODULE KEY", "CHAIN"});
  boost::json::array json;
  for (const CeremonyUnit& unit : units) {
    const std::string ski = to_hex(tke::ski_of(unit.session.module_key().point()));
    table.add({unit.entry.location, unit.entry.serial_number, ski, "verified"});
    json.push_back(boost::json::object{{"location", unit.entry.location},
                                       {"serial_number", unit.entry.serial_number},
                                       {"module_ski", ski},
                                       {"verified", true}});
  }
  if (!context.wants_json()) context.out() << "Attestation root\n" << root.text() << '\n';
  return show(context, table,
              boost::json::object{{"root_ski", to_hex(root.ski)}, {"crypto_units", json}});
}

}  // namespace

void add_tke_unit_verbs(CLI::App& tke, Context& context) {
  CLI::App* units = tke.add_subcommand("cryptounits", "list the crypto units of your instances");
  on(*units, context, [&context] { return list(context); });
  add_selection(tke, context, "cryptounit-add", "select crypto units for later verbs", true);
  add_selection(tke, context, "cryptounit-rm", "take crypto units out of the selection", false);
  auto options = std::make_shared<UnitOptions>();
  CLI::App* attestation = tke.add_subcommand(
      "attestation", "show the attestation root and prove that the units chain to it");
  add_trust_options(*attestation, *options);
  on(*attestation, context, [&context, options] { return attest(context, *options); });
}

}  // namespace keyhaven::cli
