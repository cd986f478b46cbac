// tke drill: proves that a quorum can still recover an instance's master key.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>

#include "cli/context.h"
#include "cli/drill.h"
#include "cli/output.h"
#include "cli/part_source.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

struct DrillOptions {
  UnitOptions unit;
  std::vector<std::string> parts;
  ShareChoices shares;
  bool allow_same = false;
  bool clean_up = false;
};

Result<void> check_parts(const std::vector<KeyPart>& parts, std::size_t administrators,
                         bool allow_same) {
  if (parts.size() < 2)
    return Error{Reason::InvalidArgument,
                 "a master key is made of at least two parts: give --part or --share", "part"};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (parts[i].hash == parts[j].hash)
        return Error{Reason::InvalidArgument,
                     "key parts " + parts[j].label + " and " + parts[i].label +
                         " are the same: they would cancel out",
                     "part"};
    }
  }
  if (parts.size() <= administrators || allow_same) return {};
  return Error{Reason::InvalidArgument,
               "each key part is signed by a different administrator: give one --signer per part, "
               "or --allow-same-administrator",
               "signer"};
}

// The live units' administrators are whom a transcript of shares is believed from.
Result<void> trust_administrators(std::vector<CeremonyUnit>& units, ShareChoices& shares) {
  for (CeremonyUnit& unit : units) {
    const auto skis = KH_TRY(unit.session.administrator_skis());
    for (const tke::Ski& ski : skis) shares.trusted.push_back(to_hex(ski));
  }
  return {};
}

Result<std::vector<KeyPart>> all_parts(Context& context, const CeremonyFiles& files,
                                       const DrillOptions& options) {
  auto parts = KH_TRY(open_parts_anywhere(context, files, options.parts));
  if (options.shares.shares.empty()) return parts;
  auto combined = KH_TRY(combine_sets(context, files, options.shares));
  for (KeyPart& part : combined) parts.push_back(std::move(part));
  return parts;
}

Result<void> report(Context& context, const LiveFacts& live, const UnitWork& work,
                    const std::vector<KeyPart>& parts, std::chrono::milliseconds took) {
  Table table({"PROVEN", "WHO OR WHAT", "IDENTIFIER"});
  boost::json::array signers;
  for (const Administrator& one : work.administrators) {
    table.add({"installed administrator", one.name, to_hex(one.signer->ski())});
    signers.push_back(boost::json::object{{"name", one.name}, {"ski", to_hex(one.signer->ski())}});
  }
  boost::json::array part_list;
  for (const KeyPart& part : parts) {
    table.add({"key part", part.label, tke::pattern_text(part.hash)});
    part_list.push_back(
        boost::json::object{{"name", part.label}, {"hash", tke::pattern_text(part.hash)}});
  }
  boost::json::array units;
  for (const CeremonyUnit& unit : work.units) {
    table.add({"same master key", unit.entry.location, tke::pattern_text(live.pattern)});
    units.push_back(boost::json::string(unit.entry.location));
  }
  KH_TRY(show(context, table,
              boost::json::object{{"ok", true},
                                  {"instance", live.instance},
                                  {"verification_pattern", tke::pattern_text(live.pattern)},
                                  {"pattern_signed", live.pattern_signed},
                                  {"signature_threshold", live.signature_threshold},
                                  {"signers", signers},
                                  {"parts", part_list},
                                  {"crypto_units", units},
                                  {"milliseconds", took.count()}}));
  if (!context.wants_json())
    context.out() << "The drill succeeded: with these the master key can be recovered.\n";
  return {};
}

Result<void> drill(Context& context, DrillOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  UnitWork work = KH_TRY(start_work(context, options.unit));
  if (options.clean_up) {
    const std::string instance = work.units.front().instance;
    const bool found = KH_TRY(clear_scratch(context, work.ceremony, instance, work.administrators));
    return show_done(context,
                     found ? "The scratch instance is cleared away."
                           : "No drill of this instance left anything.",
                     {{"cleared", found}});
  }
  const LiveFacts live = KH_TRY(prove_signers(work.units, work.administrators));
  KH_TRY(trust_administrators(work.units, options.shares));
  const auto parts = KH_TRY(all_parts(context, work.ceremony.files(), options));
  KH_TRY(check_parts(parts, work.administrators.size(), options.allow_same));
  KH_TRY(rehearse(context, work.ceremony, live, work.administrators, parts,
                  options.allow_same ? SameAdministrator::Allowed : SameAdministrator::Refused));
  return report(context, live, work, parts,
                std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::steady_clock::now() - start));
}

}  // namespace

void add_tke_drill_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<DrillOptions>();
  CLI::App* verb = tke.add_subcommand(
      "drill",
      "prove that these signers and key parts can recover the master key, in a scratch "
      "instance; the live one is only asked");
  add_trust_options(*verb, options->unit);
  add_signer_options(*verb, options->unit);
  verb->add_option(
      "--part", options->parts,
      "key part, KEY[:PASSWORDFILE] or paper[:FILE] (typed, or typed lines in a file); "
      "may be repeated");
  add_share_sources(*verb, options->shares);
  verb->add_flag("--allow-same-administrator", options->allow_same,
                 "one administrator may sign several parts");
  verb->add_flag("--clean-up", options->clean_up,
                 "only clear away what an interrupted drill of the instance left");
  on(*verb, context, [&context, options] { return drill(context, *options); });
}

}  // namespace keyhaven::cli
