// tke auto-init: administrators, thresholds and a random master key for all crypto units of an
// instance. The key is made in a recovery unit and never exists outside crypto units.
//
// Nothing is remembered between runs: every run looks at the units and does what is left
// (init_plan.h, key_copy.h), so after an abort the same command is simply given again.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/init_plan.h"
#include "cli/key_copy.h"
#include "cli/output.h"
#include "cli/tke_questions.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

constexpr std::uint32_t kMaxRecoveryUnits = 2;
constexpr std::size_t kInstanceDigits = 8;

struct AutoInitOptions {
  UnitOptions unit;  // signers: the administrators to install
  std::uint32_t new_keys = 0;
  std::vector<std::string> password_files;  // of the new keys, in their order
  std::uint32_t signature = 0;              // 0: ask
  std::uint32_t revocation = 0;
  std::uint32_t add_recovery_units = 0;
};

struct AutoInit {
  Ceremony ceremony;
  std::string instance;
  std::vector<Administrator> administrators;
  std::vector<CeremonyUnit> units;
  InitWish wish;
};

Error needs(const char* option) {
  return {Reason::InvalidArgument,
          std::string("auto-init needs ") + option + " (there is no terminal to ask at)", option};
}

// New keys are named after the instance; those that an earlier run made are used again.
Result<void> make_keys(Context& context, const CeremonyFiles& files, const std::string& instance,
                       AutoInitOptions& options) {
  if (!options.password_files.empty() && options.password_files.size() != options.new_keys) {
    return Error{Reason::InvalidArgument,
                 "give one --new-key-password-file for each of the " +
                     std::to_string(options.new_keys) + " new keys",
                 "new-key-password-file"};
  }
  for (std::uint32_t number = 1; number <= options.new_keys; ++number) {
    const std::string name =
        instance.substr(0, kInstanceDigits) + "-admin" + std::to_string(number);
    const std::string file =
        options.password_files.empty() ? "" : options.password_files[number - 1];
    if (!files.find_signature_key(name)) {
      const SecretBytes password =
          KH_TRY(new_password_for(context, file, "the new signature key " + name));
      const SignatureKeyFile made = KH_TRY(files.add_signature_key(name, password));
      context.err() << "made " << made.path << '\n';
    }
    options.unit.signers.push_back(file.empty() ? name : name + ':' + file);
  }
  return {};
}

// Asks for what the options leave out.
Result<void> complete(Context& context, const CeremonyFiles& files, AutoInitOptions& options) {
  const bool can_ask = context.prompt().interactive();
  if (options.signature == 0) {
    if (!can_ask) return needs("--signature-threshold");
    options.signature = KH_TRY(ask_number(context, "Signature threshold", 1, tke::kMaxThreshold));
  }
  if (options.revocation == 0) {
    if (!can_ask) return needs("--revocation-threshold");
    options.revocation = KH_TRY(ask_number(context, "Revocation threshold", 1, tke::kMaxThreshold));
  }
  if (!options.unit.signers.empty()) return {};
  if (!can_ask) return needs("--signer [NAME=]KEY:PASSWORDFILE");
  const std::uint32_t fewest = std::max(options.signature, options.revocation);
  const std::uint32_t count =
      KH_TRY(ask_number(context, "How many administrators", fewest, tke::kMaxAdministrators));
  options.unit.signers = KH_TRY(ask_administrators(context, files, count));
  return {};
}

bool has_recovery_unit(const std::vector<CeremonyUnit>& units) {
  return std::any_of(units.begin(), units.end(), [](const CeremonyUnit& unit) {
    return unit.entry.type == client::UnitType::Recovery;
  });
}

// A random master key is made in a recovery unit: without one, offers to add some. A key that units
// have already cannot be copied to one that comes later.
Result<void> ensure_recovery_units(Context& context, AutoInit& work, std::vector<UnitFacts>& facts,
                                   const AutoInitOptions& options) {
  const bool has_key = std::any_of(facts.begin(), facts.end(),
                                   [](const UnitFacts& unit) { return unit.current.has_value(); });
  if (has_recovery_unit(work.units) || has_key) return {};
  std::uint32_t count = options.add_recovery_units;
  if (count == 0 && context.prompt().interactive()) {
    say(context,
        "The instance has no recovery units, in which the master key is made and kept for the "
        "other units.");
    count = KH_TRY(ask_number(context, "How many recovery units to add", 0, kMaxRecoveryUnits));
  }
  if (count == 0) return {};  // the plan says what that means
  client::UpdateInstance change;
  change.recovery_units = count;
  KH_TRY(work.ceremony.service().resize(work.instance, change));
  work.units = KH_TRY(all_units_of(context, work.ceremony, work.instance));
  facts = KH_TRY(facts_of_all(work.units));
  return {};
}

// A new random key would leave them without theirs.
Error keys_need_another(const client::MasterKeyRotation::Stored& row) {
  return {Reason::Conflict,
          std::to_string(row.keys) + " stored keys are sealed under master key " +
              row.master_key.substr(0, kInstanceDigits) +
              ", which no crypto unit holds: a new random key would not open them. Load that key "
              "from its parts (\"keyhaven tke cryptounit-mk-load\"), or copy it from a recovery "
              "unit of another instance (\"keyhaven tke auto-mk-recover\")",
          {}};
}

Result<void> check_server(AutoInit& work, const InitPlan& plan) {
  if (!plan.random && plan.copy.empty()) return {};
  const auto rotation = work.ceremony.service().rotation(work.instance);
  if (!rotation) {
    // Another vendor's service has no such call, and looks after its keys itself.
    const Reason reason = rotation.error().reason;
    if (reason == Reason::NotSupported || reason == Reason::NotFound ||
        reason == Reason::RouteNotFound)
      return {};
    return rotation.error();
  }
  if (rotation->phase != client::RotationPhase::None) {
    return Error{Reason::MasterKeyRotationState,
                 "a master key rotation is under way: " + rotation->message,
                 {}};
  }
  if (plan.random && !rotation->stored.empty()) return keys_need_another(rotation->stored.front());
  return {};
}

Result<void> install(CeremonyUnit& unit, const AutoInit& work) {
  KH_TRY(unit.session.zeroize({}));  // what an earlier run left half done
  for (const Administrator& administrator : work.administrators) {
    const Bytes certificate =
        KH_TRY(tke::make_administrator_certificate(administrator.name, *administrator.signer));
    KH_TRY(unit.session.add_administrator(certificate, {}));
  }
  const tke::Signers signers =
      KH_TRY(signers_for(unit.session, work.administrators, work.wish.signature));
  return unit.session.configure(role_of(unit.entry.type), work.wish.signature, work.wish.revocation,
                                signers);
}

Error in_unit(const CeremonyUnit& unit, const Error& error, const char* step) {
  return {error.reason,
          std::string(step) + ", crypto unit " + unit.entry.location + ": " + error.message +
              ". Give the same command again to go on from here",
          error.target};
}

Result<void> install_all(Context& context, AutoInit& work, const InitPlan& plan) {
  std::size_t done = 0;
  for (const std::size_t index : plan.install) {
    const auto installed = install(work.units[index], work);
    if (!installed) return in_unit(work.units[index], installed.error(), "install administrators");
    say(context, progress_text("Administrators installed", ++done, plan.install.size()));
  }
  return pin_administrators(work.ceremony.files(), work.administrators);
}

Result<void> copy_all(Context& context, AutoInit& work, const InitPlan& plan,
                      const tke::VerificationPattern& pattern) {
  std::size_t done = 0;
  for (const std::size_t index : plan.copy) {
    CeremonyUnit& target = work.units[index];
    const auto copy = [&]() -> Result<void> {
      KH_TRY(copy_key(work.units[plan.source], tke::KeyRegister::Current, pattern, target,
                      work.administrators));
      KH_TRY(commit_key(target, pattern, work.administrators));
      return set_key_immediate(target, pattern, work.administrators);
    };
    const auto copied = copy();
    if (!copied) return in_unit(target, copied.error(), "copy master key");
    say(context, progress_text("Master key copied", ++done, plan.copy.size()));
  }
  return {};
}

// Signed answers of all units, once more: what is promised at the end is what they say then.
Result<std::vector<UnitFacts>> verified(AutoInit& work) {
  std::vector<UnitFacts> after = KH_TRY(facts_of_all(work.units));
  const InitPlan left = KH_TRY(plan_init(after, work.wish));
  if (left.nothing_to_do()) return after;
  return Error{Reason::UnitsDiffer,
               "not all crypto units hold the master key after all: give the same command again",
               {}};
}

Result<void> report(Context& context, const AutoInit& work, const std::vector<UnitFacts>& units,
                    bool changed) {
  Table table({"TYPE", "LOCATION", "CURRENT REGISTER", "VERIFICATION PATTERN"});
  boost::json::array list;
  const std::string pattern = tke::pattern_text(*units.front().current);
  for (std::size_t index = 0; index < units.size(); ++index) {
    table.add({std::string(text_of(units[index].type)), units[index].location, "Valid", pattern});
    list.push_back(boost::json::object{{"location", units[index].location},
                                       {"type", text_of(units[index].type)},
                                       {"hsm_id", work.units[index].entry.hsm_id}});
  }
  boost::json::array administrators;
  for (const Administrator& one : work.administrators) {
    administrators.push_back(
        boost::json::object{{"name", one.name}, {"ski", to_hex(one.signer->ski())}});
  }
  if (!changed) say(context, "All crypto units are initialised already; nothing was changed.");
  return show(context, table,
              boost::json::object{{"instance", work.instance},
                                  {"changed", changed},
                                  {"verification_pattern", pattern},
                                  {"signature_threshold", work.wish.signature},
                                  {"revocation_threshold", work.wish.revocation},
                                  {"crypto_units", list},
                                  {"administrators", administrators}});
}

Result<AutoInit> prepare(Context& context, AutoInitOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.unit.trust));
  const std::string instance = KH_TRY(chosen_instance(context, ceremony.service()));
  KH_TRY(make_keys(context, ceremony.files(), instance, options));
  KH_TRY(complete(context, ceremony.files(), options));
  std::vector<Administrator> administrators =
      KH_TRY(open_administrators(context, ceremony.files(), options.unit.signers));
  const InitWish wish{skis_of(administrators), options.signature, options.revocation};
  KH_TRY(check_wish(wish));
  std::vector<CeremonyUnit> units = KH_TRY(all_units_of(context, ceremony, instance));
  return AutoInit{std::move(ceremony), instance, std::move(administrators), std::move(units), wish};
}

void show_plan(Context& context, const AutoInit& work, const std::vector<UnitFacts>& before,
               const InitPlan& plan) {
  std::ostream& err = context.err();
  err << "crypto units of instance " << work.instance << '\n';
  show_facts(context, before);
  err << "administrators (signature threshold " << work.wish.signature << ", revocation threshold "
      << work.wish.revocation << ")\n";
  for (const Administrator& one : work.administrators)
    err << "  " << one.name << "  " << to_hex(one.signer->ski()) << '\n';
  if (!plan.copy.empty() || plan.random) {
    err << (plan.random ? "a random master key is made in " : "the master key is copied from ")
        << before[plan.source].name() << '\n';
  }
}

Result<void> auto_init(Context& context, AutoInitOptions& options) {
  AutoInit work = KH_TRY(prepare(context, options));
  std::vector<UnitFacts> before = KH_TRY(facts_of_all(work.units));
  KH_TRY(ensure_recovery_units(context, work, before, options));
  const InitPlan plan = KH_TRY(plan_init(before, work.wish));
  if (plan.nothing_to_do()) return report(context, work, before, false);
  KH_TRY(check_server(work, plan));
  show_plan(context, work, before, plan);
  KH_TRY(agree(context, options.unit,
               "Initialise " + std::to_string(work.units.size()) + " crypto units with these?"));
  KH_TRY(install_all(context, work, plan));
  tke::VerificationPattern pattern{};
  if (plan.random) {
    const auto made = make_random_key(work.units[plan.source], work.administrators);
    if (!made) return in_unit(work.units[plan.source], made.error(), "make master key");
    pattern = *made;
    say(context, "A random master key is made in " + before[plan.source].name() + '.');
  } else if (!plan.copy.empty()) {
    pattern = *before[plan.source].current;
  }
  KH_TRY(copy_all(context, work, plan, pattern));
  const std::vector<UnitFacts> after = KH_TRY(verified(work));
  return report(context, work, after, true);
}

}  // namespace

void add_tke_auto_init_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<AutoInitOptions>();
  CLI::App* verb = tke.add_subcommand(
      "auto-init",
      "initialise all crypto units of an instance with a random master key from a recovery unit");
  verb->footer(
      "The key never exists outside crypto units. Stopped anywhere, the same command goes on.\n"
      "What is not given is asked for at the terminal.");
  verb->add_option(
      "--signer,--admin", options->unit.signers,
      "administrator to install, [NAME=]KEY[:PASSWORDFILE] (KEY: name, KEYNUM or path), "
      "[NAME=]pkcs11:... or [NAME=]service:KEYNAME[:TOKENFILE]; may be repeated");
  verb->add_option("--new-keys", options->new_keys,
                   "make this many signature keys, called after the instance, and install them")
      ->check(CLI::Range(1, 8));
  verb->add_option("--new-key-password-file", options->password_files,
                   "password of a new key; once per key, in their order");
  verb->add_option("--signature-threshold", options->signature,
                   "signatures for most commands, 1 to 8")
      ->check(CLI::Range(1, 8));
  verb->add_option("--revocation-threshold", options->revocation,
                   "signatures for removing an administrator, 1 to 8")
      ->check(CLI::Range(1, 8));
  verb->add_option("--add-recovery-units", options->add_recovery_units,
                   "if the instance has no recovery units, add 1 or 2")
      ->check(CLI::Range(1, 2));
  add_trust_options(*verb, options->unit);
  add_yes_option(*verb, options->unit);
  on(*verb, context, [&context, options] { return auto_init(context, *options); });
}

}  // namespace keyhaven::cli
