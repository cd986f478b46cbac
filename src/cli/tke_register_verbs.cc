// tke cryptounit-mk, -mk-load, -mk-commit, -mk-setimm, -mk-clrnew, -mk-clrcur.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>
#include <set>

#include "cli/context.h"
#include "cli/key_loss.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"
#include "cli/unit_facts.h"

namespace keyhaven::cli {
namespace {

struct RegisterOptions {
  UnitOptions unit;
  std::vector<std::string> parts;
  bool allow_same = false;
  std::string pattern;
  KeyLossOption key_loss;
};

std::string pattern_or_dash(bool present, const tke::VerificationPattern& pattern) {
  return present ? tke::pattern_text(pattern) : "-";
}

Result<void> show_registers(Context& context, UnitWork& work) {
  Table table({"LOCATION", "REGISTER", "STATUS", "VERIFICATION PATTERN"});
  boost::json::array json;
  for (CeremonyUnit& unit : work.units) {
    const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
    const bool has_new = (info.flags & tke::DomainInfo::kHasPending) != 0;
    const bool has_current = (info.flags & tke::DomainInfo::kHasCurrent) != 0;
    table.add({unit.entry.location, "new", new_register_text(info),
               pattern_or_dash(has_new, info.pending_pattern)});
    table.add({unit.entry.location, "current", current_register_text(info),
               pattern_or_dash(has_current, info.current_pattern)});
    json.push_back(boost::json::object{
        {"location", unit.entry.location},
        {"new_status", new_register_text(info)},
        {"new_pattern", pattern_or_dash(has_new, info.pending_pattern)},
        {"current_status", current_register_text(info)},
        {"current_pattern", pattern_or_dash(has_current, info.current_pattern)}});
  }
  return show(context, table, boost::json::object{{"crypto_units", json}});
}

// The units at hand are held against all units of their instances that have left imprint mode: one
// that is chosen alone may be the one that somebody else administers.
Result<void> check_administration(Context& context, UnitWork& work) {
  std::set<std::string> instances;
  for (const CeremonyUnit& unit : work.units) instances.insert(unit.instance);
  for (const std::string& instance : instances) {
    auto units = KH_TRY(all_units_of(context, work.ceremony, instance));
    std::vector<UnitFacts> facts = KH_TRY(facts_of_all(units));
    std::erase_if(facts, [](const UnitFacts& unit) { return unit.attributes.imprint(); });
    for (const UnitFacts& unit : facts) KH_TRY(check_alike(unit, facts.front()));
  }
  return {};
}

Result<void> load(Context& context, const RegisterOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  const auto parts = KH_TRY(open_key_parts(context, work.ceremony.files(), options.parts));
  if (parts.size() < 2)
    return Error{Reason::InvalidArgument, "a master key is loaded from at least two parts (--part)",
                 "part"};
  if (work.administrators.size() < parts.size() && !options.allow_same) {
    return Error{
        Reason::InvalidArgument,
        "each key part is signed by a different administrator: give one --signer per --part, or "
        "--allow-same-administrator if one person may load several",
        "signer"};
  }
  if (work.administrators.empty()) return Error{Reason::InvalidArgument, "give --signer", "signer"};
  KH_TRY(check_administration(context, work));
  for (const KeyPart& part : parts)
    context.err() << "key part " << part.label << "   " << tke::pattern_text(part.hash) << '\n';
  KH_TRY(agree(context, options.unit,
               "Load these parts into the new registers of " + std::to_string(work.units.size()) +
                   " crypto units?"));
  const auto same = options.allow_same ? SameAdministrator::Allowed : SameAdministrator::Refused;
  const auto load_one = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::VerificationPattern pattern =
        KH_TRY(load_parts(unit, parts, work.administrators, same));
    static_cast<void>(pattern);
    return {};
  };
  KH_TRY(each_unit(context, work.units, "load key parts", load_one));
  return show_registers(context, work);
}

// The pattern that all units have in their new register. Errors: Conflict when one is empty or
// differs.
Result<tke::VerificationPattern> common_pattern(UnitWork& work, const std::string& expected) {
  std::optional<tke::VerificationPattern> common;
  for (CeremonyUnit& unit : work.units) {
    const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
    if ((info.flags & tke::DomainInfo::kHasPending) == 0) {
      return Error{Reason::Conflict,
                   "the new register of crypto unit " + unit.entry.location +
                       " is empty: load key parts first",
                   {}};
    }
    if (common && !tke::same_pattern(*common, info.pending_pattern)) {
      return Error{Reason::UnitsDiffer,
                   "the new registers hold different keys: " + tke::pattern_text(*common) +
                       " and, in " + unit.entry.location + ", " +
                       tke::pattern_text(info.pending_pattern),
                   {}};
    }
    common = info.pending_pattern;
  }
  if (!expected.empty()) {
    const auto bytes = from_hex(expected);
    tke::VerificationPattern wanted{};
    if (!bytes || bytes.value().size() != wanted.size()) {
      return Error{Reason::InvalidArgument, "--pattern is 64 hex digits", "pattern"};
    }
    std::copy(bytes.value().begin(), bytes.value().end(), wanted.begin());
    if (!tke::same_pattern(wanted, *common)) {
      return Error{
          Reason::Conflict,
          "the new registers hold " + tke::pattern_text(*common) + ", not the pattern given",
          {}};
    }
  }
  return *common;
}

Result<void> commit(Context& context, const RegisterOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  const tke::VerificationPattern pattern = KH_TRY(common_pattern(work, options.pattern));
  KH_TRY(agree(context, options.unit,
               "Commit the key with verification pattern " + tke::pattern_text(pattern) + '?'));
  const auto commit_one = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, work.administrators, attributes.signature_threshold));
    return unit.session.commit_pending(pattern, signers);
  };
  KH_TRY(each_unit(context, work.units, "commit", commit_one));
  return show_registers(context, work);
}

Result<void> set_immediate(Context& context, const RegisterOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  const tke::VerificationPattern pattern = KH_TRY(common_pattern(work, options.pattern));
  KH_TRY(agree(context, options.unit,
               "Accept the new master key " + tke::pattern_text(pattern) +
                   "? Keys stored under another master key can no longer be used."));
  const auto finalize = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::Signers signers = KH_TRY(signers_for(unit.session, work.administrators, 1));
    return unit.session.finalize_pending(pattern, signers);
  };
  KH_TRY(each_unit(context, work.units, "set immediate", finalize));
  return show_registers(context, work);
}

using Clear = Result<void> (tke::UnitSession::*)(const tke::Signers&);
Result<void> clear(Context& context, const RegisterOptions& options, const char* label,
                   const char* question, Clear what) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  const bool accepted = KH_TRY(accepts_key_loss(context, options.key_loss, work.units));
  work.ceremony.service().accept_key_loss(accepted);
  KH_TRY(agree(context, options.unit, question));
  const auto clear_one = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::Signers signers = KH_TRY(signers_for(unit.session, work.administrators, 1));
    return (unit.session.*what)(signers);
  };
  KH_TRY(each_unit(context, work.units, label, clear_one));
  return show_registers(context, work);
}

std::shared_ptr<RegisterOptions> options_of(CLI::App& verb) {
  auto options = std::make_shared<RegisterOptions>();
  add_trust_options(verb, options->unit);
  add_signer_options(verb, options->unit);
  add_yes_option(verb, options->unit);
  return options;
}

void add_commit_verbs(CLI::App& tke, Context& context) {
  CLI::App* commit_verb = tke.add_subcommand(
      "cryptounit-mk-commit", "commit the new register; all units must hold the same key");
  auto committed = options_of(*commit_verb);
  commit_verb->add_option("--pattern", committed->pattern,
                          "refuse unless the verification pattern is this one (64 hex digits)");
  on(*commit_verb, context, [&context, committed] { return commit(context, *committed); });
  CLI::App* immediate =
      tke.add_subcommand("cryptounit-mk-setimm", "make the committed key the current master key");
  auto set = options_of(*immediate);
  immediate->add_option("--pattern", set->pattern,
                        "refuse unless the verification pattern is this one (64 hex digits)");
  on(*immediate, context, [&context, set] { return set_immediate(context, *set); });
  CLI::App* clear_new = tke.add_subcommand("cryptounit-mk-clrnew", "clear the new register");
  auto cleared = options_of(*clear_new);
  on(*clear_new, context, [&context, cleared] {
    return clear(context, *cleared, "clear new register", "Clear the new registers?",
                 &tke::UnitSession::clear_pending);
  });
  CLI::App* clear_current =
      tke.add_subcommand("cryptounit-mk-clrcur",
                         "clear the current register: no key can be used until it is loaded again");
  auto gone = options_of(*clear_current);
  add_key_loss_option(*clear_current, gone->key_loss);
  on(*clear_current, context, [&context, gone] {
    return clear(
        context, *gone, "clear current register",
        "Clear the current master key? Without its parts all keys of the instance are lost.",
        &tke::UnitSession::clear_current);
  });
}

}  // namespace

void add_tke_register_verbs(CLI::App& tke, Context& context) {
  CLI::App* shown_verb = tke.add_subcommand("cryptounit-mk", "show both master key registers");
  shown_verb->alias("cryptounit-mks");
  auto shown = std::make_shared<RegisterOptions>();
  add_trust_options(*shown_verb, shown->unit);
  on(*shown_verb, context, [&context, shown]() -> Result<void> {
    UnitWork work = KH_TRY(start_work(context, shown->unit));
    return show_registers(context, work);
  });
  CLI::App* load_verb = tke.add_subcommand(
      "cryptounit-mk-load", "load key parts into the new register, sealed to each unit");
  auto loaded = options_of(*load_verb);
  load_verb
      ->add_option("--part", loaded->parts,
                   "key part, KEY[:PASSWORDFILE] (KEY: name, KEYNUM or path); two or more")
      ->required();
  load_verb->add_flag("--allow-same-administrator", loaded->allow_same,
                      "one administrator may sign several parts");
  on(*load_verb, context, [&context, loaded] { return load(context, *loaded); });
  add_commit_verbs(tke, context);
}

}  // namespace keyhaven::cli
