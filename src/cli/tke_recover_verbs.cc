// tke auto-mk-recover, failover-enable.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/key_copy.h"
#include "cli/output.h"
#include "cli/rotation_plan.h"
#include "cli/tke_questions.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

struct RecoverOptions {
  UnitOptions unit;
  std::string source;
  std::vector<std::string> targets;
  std::vector<std::string> instances;  // all units of these too
};

struct Recover {
  Ceremony ceremony;
  std::vector<Administrator> administrators;
  std::vector<CeremonyUnit> units;  // of all instances that are named
  std::vector<UnitFacts> facts;
};

bool is_named(const CeremonyUnit& unit, const std::string& name) {
  return unit.entry.location == name || unit.entry.hsm_id == name;
}

Error unknown_unit(const std::string& name) {
  return {Reason::InvalidArgument,
          '"' + name +
              "\" is none of the crypto units here: name one by its location or id (\"keyhaven tke "
              "cryptounits\")",
          {}};
}

Result<Recover> prepare(Context& context, const RecoverOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.unit.trust));
  std::vector<Administrator> administrators =
      KH_TRY(open_administrators(context, ceremony.files(), options.unit.signers));
  std::vector<CeremonyUnit> units = KH_TRY(ceremony.units());
  for (const std::string& instance : options.instances) {
    auto more = KH_TRY(all_units_of(context, ceremony, instance));
    for (CeremonyUnit& unit : more) {
      const bool is_there = std::any_of(units.begin(), units.end(), [&](const CeremonyUnit& other) {
        return other.entry.hsm_id == unit.entry.hsm_id;
      });
      if (!is_there) units.push_back(std::move(unit));
    }
  }
  std::vector<UnitFacts> facts = KH_TRY(facts_of_all(units));
  return Recover{std::move(ceremony), std::move(administrators), std::move(units),
                 std::move(facts)};
}

// --source, else the only recovery unit with a master key, else any when all of those are equal,
// else a question.
Result<std::size_t> choose_source(Context& context, const Recover& work,
                                  const RecoverOptions& options) {
  std::vector<std::size_t> candidates;
  for (std::size_t index = 0; index < work.units.size(); ++index) {
    if (!options.source.empty()) {
      if (is_named(work.units[index], options.source)) return index;
    } else if (work.facts[index].type == client::UnitType::Recovery && work.facts[index].current) {
      candidates.push_back(index);
    }
  }
  if (!options.source.empty()) return unknown_unit(options.source);
  if (candidates.empty()) {
    return Error{Reason::Conflict, "none of the crypto units is a recovery unit with a master key",
                 "source"};
  }
  const UnitFacts& first = work.facts[candidates.front()];
  const bool all_equal = std::all_of(candidates.begin(), candidates.end(), [&](std::size_t index) {
    return work.facts[index].holds_current(*first.current);
  });
  if (all_equal) return candidates.front();
  if (!context.prompt().interactive()) {
    return Error{Reason::InvalidArgument,
                 "the recovery units hold different master keys: say with --source which is copied",
                 "source"};
  }
  for (std::size_t number = 0; number < candidates.size(); ++number) {
    const UnitFacts& unit = work.facts[candidates[number]];
    context.err() << number + 1 << "  " << unit.name() << "  " << tke::pattern_text(*unit.current)
                  << '\n';
  }
  const std::uint32_t chosen = KH_TRY(ask_number(context, "Recovery unit to copy from", 1,
                                                 static_cast<std::uint32_t>(candidates.size())));
  return candidates[chosen - 1];
}

Result<std::vector<std::size_t>> choose_targets(const Recover& work, std::size_t source,
                                                const RecoverOptions& options) {
  std::vector<std::size_t> out;
  if (options.targets.empty()) {
    for (std::size_t index = 0; index < work.units.size(); ++index) {
      if (index != source) out.push_back(index);
    }
    return out;
  }
  for (const std::string& name : options.targets) {
    const auto found = std::find_if(work.units.begin(), work.units.end(),
                                    [&](const CeremonyUnit& unit) { return is_named(unit, name); });
    if (found == work.units.end()) return unknown_unit(name);
    const auto index = static_cast<std::size_t>(found - work.units.begin());
    if (index == source) {
      return Error{Reason::InvalidArgument, name + " is the source itself", "target"};
    }
    out.push_back(index);
  }
  return out;
}

Result<void> report(Context& context, Recover& work, const RecoverPlan& plan, std::size_t copied) {
  work.facts = KH_TRY(facts_of_all(work.units));
  Table table({"TYPE", "LOCATION", "INSTANCE", "CURRENT REGISTER", "VERIFICATION PATTERN"});
  boost::json::array list;
  for (std::size_t index = 0; index < work.facts.size(); ++index) {
    const UnitFacts& unit = work.facts[index];
    const std::string pattern = unit.current ? tke::pattern_text(*unit.current) : "-";
    table.add({std::string(text_of(unit.type)), unit.location, work.units[index].instance,
               unit.current ? "Valid" : "Empty", pattern});
    list.push_back(boost::json::object{{"location", unit.location},
                                       {"type", text_of(unit.type)},
                                       {"instance", work.units[index].instance},
                                       {"hsm_id", work.units[index].entry.hsm_id},
                                       {"current_pattern", pattern}});
  }
  return show(context, table,
              boost::json::object{{"verification_pattern", tke::pattern_text(plan.pattern)},
                                  {"copied", copied},
                                  {"crypto_units", list}});
}

Result<void> agree_to_plan(Context& context, const RecoverOptions& options, const Recover& work,
                           const UnitFacts& source, const std::vector<std::size_t>& targets,
                           const RecoverPlan& plan) {
  context.err() << "master key " << tke::pattern_text(plan.pattern) << " of " << source.name()
                << " is copied to\n";
  for (const std::size_t index : plan.copy) {
    const std::size_t target = targets[index];
    context.err() << "  " << work.facts[target].name() << "  instance "
                  << work.units[target].instance << '\n';
  }
  for (const std::size_t index : plan.replaced) {
    const UnitFacts& unit = work.facts[targets[index]];
    context.err() << "CAUTION: it replaces master key " << tke::pattern_text(*unit.current)
                  << " of " << unit.name() << '\n';
  }
  return agree(context, options.unit, "Copy the master key to these crypto units?");
}

Result<void> recover(Context& context, const RecoverOptions& options) {
  Recover work = KH_TRY(prepare(context, options));
  const std::size_t source = KH_TRY(choose_source(context, work, options));
  const std::vector<std::size_t> targets = KH_TRY(choose_targets(work, source, options));
  std::vector<UnitFacts> target_facts;
  for (const std::size_t index : targets) target_facts.push_back(work.facts[index]);
  const RecoverPlan plan =
      KH_TRY(plan_recovery(work.facts[source], target_facts, skis_of(work.administrators)));
  if (plan.copy.empty()) {
    say(context, "All these crypto units hold the master key already; nothing was changed.");
    return report(context, work, plan, 0);
  }
  KH_TRY(agree_to_plan(context, options, work, work.facts[source], targets, plan));
  std::size_t done = 0;
  for (const std::size_t index : plan.copy) {
    CeremonyUnit& target = work.units[targets[index]];
    const auto copy = [&]() -> Result<void> {
      KH_TRY(copy_key(work.units[source], tke::KeyRegister::Current, plan.pattern, target,
                      work.administrators));
      KH_TRY(commit_key(target, plan.pattern, work.administrators));
      return set_key_immediate(target, plan.pattern, work.administrators);
    };
    const auto copied = copy();
    if (!copied) {
      return Error{
          copied.error().reason,
          "copy master key, crypto unit " + target.entry.location + ": " + copied.error().message,
          copied.error().target};
    }
    say(context, progress_text("Master key copied", ++done, plan.copy.size()));
  }
  return report(context, work, plan, done);
}

Result<void> enable_failover(Context& context, const UnitOptions& options,
                             std::optional<std::uint32_t> number) {
  const auto service = KH_TRY(context.unit_service());
  const std::string instance = KH_TRY(chosen_instance(context, *service));
  const auto units = KH_TRY(service->units(instance));
  const auto count_of = [&](client::UnitType type) {
    return static_cast<std::uint32_t>(std::count_if(
        units.begin(), units.end(), [&](const auto& unit) { return unit.type == type; }));
  };
  const std::uint32_t operational = count_of(client::UnitType::Operational);
  const std::uint32_t before = count_of(client::UnitType::Failover);
  if (!number) {
    if (!context.prompt().interactive())
      return Error{Reason::InvalidArgument, "how many failover units in all: give --units",
                   "units"};
    number = KH_TRY(ask_number(context, "Failover units in all", before, operational));
  }
  if (*number > operational || *number < before) {
    return Error{Reason::InvalidArgument,
                 "the instance has " + std::to_string(operational) + " operational and " +
                     std::to_string(before) +
                     " failover crypto units: as many failover units as operational ones are "
                     "possible; fewer than there are, with \"keyhaven instance update "
                     "--failover-units\"",
                 "units"};
  }
  KH_TRY(agree(context, options,
               "Have " + std::to_string(*number) + " failover crypto units instead of " +
                   std::to_string(before) + "? Each needs the room of an operational one."));
  client::UpdateInstance change;
  change.failover_units = *number;
  KH_TRY(service->resize(instance, change));
  return show_done(context,
                   "The instance has " + std::to_string(*number) +
                       " failover crypto units. Initialise new ones like the others, with the same "
                       "administrators and thresholds: \"keyhaven tke auto-init\".",
                   {{"instance", instance}, {"failover_units", *number}});
}

}  // namespace

void add_tke_recover_verbs(CLI::App& tke, Context& context) {
  CLI::App* verb = tke.add_subcommand(
      "auto-mk-recover",
      "copy a recovery unit's master key to other crypto units, also of other instances");
  verb->alias("auto-recover");
  verb->footer(
      "Acts on the crypto units of --instance (else the selected ones) and of each "
      "--target-instance.\nUnits that hold the key already are left alone.");
  auto options = std::make_shared<RecoverOptions>();
  verb->add_option("--source", options->source, "recovery unit to copy from: location or id");
  verb->add_option("--target", options->targets,
                   "crypto unit to copy to: location or id; may be repeated (default: all others)");
  verb->add_option("--target-instance", options->instances,
                   "another instance whose crypto units get the master key too; may be repeated");
  add_trust_options(*verb, options->unit);
  add_signer_options(*verb, options->unit);
  add_yes_option(*verb, options->unit);
  on(*verb, context, [&context, options] { return recover(context, *options); });

  CLI::App* failover = tke.add_subcommand(
      "failover-enable", "give the instance failover crypto units, which stand by with its key");
  auto answer = std::make_shared<UnitOptions>();
  auto number = std::make_shared<std::optional<std::uint32_t>>();
  failover->add_option("--units", *number,
                       "failover units in all, at most as many as operational ones");
  add_yes_option(*failover, *answer);
  on(*failover, context,
     [&context, answer, number] { return enable_failover(context, *answer, *number); });
}

}  // namespace keyhaven::cli
