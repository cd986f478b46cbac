// tke init: a whole ceremony in one command.
//
// Order: open every file and check every rule first, so that a typing error changes nothing; show
// the hash of each part and ask; then unit by unit administrators and thresholds, then the parts
// into every new register, compare the patterns over all units, and only then commit and set
// immediate. Units still in imprint mode are zeroized first, so that an interrupted init can simply
// be run again.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_questions.h"
#include "cli/tke_verbs.h"
#include "crypto/random.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMinParts = 2;

struct InitOptions {
  UnitOptions unit;
  std::vector<std::string> administrators;
  std::vector<std::string> parts;
  std::uint32_t signature = 0;   // 0: ask
  std::uint32_t revocation = 0;  // 0: ask
  bool allow_same = false;
};

// What the options and answers add up to, all files opened.
struct Plan {
  std::vector<Administrator> administrators;
  std::vector<KeyPart> parts;
  std::uint32_t signature = 0;
  std::uint32_t revocation = 0;
  SameAdministrator same = SameAdministrator::Refused;
};

Error needs(const std::string& option) {
  return {Reason::InvalidArgument, "init needs " + option + " (there is no terminal to ask at)",
          option};
}

Result<std::vector<std::string>> ask_parts(Context& context, const CeremonyFiles& files,
                                           std::uint32_t count) {
  std::vector<std::string> out;
  for (std::uint32_t number = 1; number <= count; ++number) {
    const std::string name =
        KH_TRY(context.prompt().line("Key part " + std::to_string(number) + ": "));
    if (!files.find_key_part(name)) {
      const SecretBytes password =
          KH_TRY(new_password_for(context, {}, "the new random key part " + name));
      const SecretBytes value = crypto::random_secret(tke::kMasterKeySize);
      const KeyPartFile made = KH_TRY(files.add_key_part(name, value, password));
      context.err() << "made " << made.path << '\n';
    }
    out.push_back(name);
  }
  return out;
}

// Asks for what the options leave out.
Result<void> complete(Context& context, const CeremonyFiles& files, InitOptions& options) {
  const bool can_ask = context.prompt().interactive();
  if (options.administrators.empty()) {
    if (!can_ask) return needs("--admin [NAME=]KEY:PASSWORDFILE");
    const std::uint32_t count =
        KH_TRY(ask_number(context, "How many administrators", 1, tke::kMaxAdministrators));
    options.administrators = KH_TRY(ask_administrators(context, files, count));
  }
  const auto most =
      static_cast<std::uint32_t>(std::min(options.administrators.size(), tke::kMaxAdministrators));
  if (options.signature == 0) {
    if (!can_ask) return needs("--signature-threshold");
    options.signature = KH_TRY(ask_number(context, "Signature threshold", 1, most));
  }
  if (options.revocation == 0) {
    if (!can_ask) return needs("--revocation-threshold");
    options.revocation = KH_TRY(ask_number(context, "Revocation threshold", 1, most));
  }
  if (options.parts.empty()) {
    if (!can_ask) return needs("--part KEY:PASSWORDFILE");
    const std::uint32_t count =
        KH_TRY(ask_number(context, "How many key parts", kMinParts, tke::kMaxAdministrators));
    options.parts = KH_TRY(ask_parts(context, files, count));
  }
  return {};
}

Result<void> check_rules(const InitOptions& options) {
  const std::size_t administrators = options.administrators.size();
  if (administrators > tke::kMaxAdministrators)
    return Error{Reason::InvalidArgument, "a crypto unit has at most 8 administrators", "admin"};
  if (options.signature > administrators || options.revocation > administrators) {
    return Error{Reason::InvalidArgument,
                 "thresholds of " + std::to_string(options.signature) + " and " +
                     std::to_string(options.revocation) + " need as many administrators; " +
                     std::to_string(administrators) + " are named",
                 "signature-threshold"};
  }
  if (options.parts.size() < kMinParts || options.parts.size() > tke::kMaxKeyParts) {
    return Error{Reason::InvalidArgument, "a master key is made of 2 to 16 parts (--part)", "part"};
  }
  if (options.parts.size() > administrators && !options.allow_same) {
    return Error{
        Reason::InvalidArgument,
        std::to_string(options.parts.size()) +
            " key parts need as many administrators, so that nobody loads two; name more with "
            "--admin, or give --allow-same-administrator",
        "admin"};
  }
  return {};
}

Result<Plan> open_plan(Context& context, const CeremonyFiles& files, const InitOptions& options) {
  Plan plan;
  plan.administrators = KH_TRY(open_administrators(context, files, options.administrators));
  plan.parts = KH_TRY(open_key_parts(context, files, options.parts));
  plan.signature = options.signature;
  plan.revocation = options.revocation;
  if (options.allow_same) plan.same = SameAdministrator::Allowed;
  return plan;
}

Result<void> check_imprint(std::vector<CeremonyUnit>& units) {
  for (CeremonyUnit& unit : units) {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    if (attributes.imprint()) continue;
    return Error{Reason::Conflict,
                 "crypto unit " + unit.entry.location +
                     " is not in imprint mode: it is initialised already, at least in part. To "
                     "start anew zeroize the units with "
                     "\"keyhaven tke cryptounit-zeroize\" (that erases their master key)",
                 {}};
  }
  return {};
}

void show_plan(Context& context, const Plan& plan, const std::vector<CeremonyUnit>& units) {
  std::ostream& err = context.err();
  err << "crypto units\n";
  for (const CeremonyUnit& unit : units)
    err << "  " << unit.entry.location << "  instance " << unit.instance << '\n';
  err << "administrators (signature threshold " << plan.signature << ", revocation threshold "
      << plan.revocation << ")\n";
  for (const Administrator& one : plan.administrators)
    err << "  " << one.name << "  " << to_hex(one.signer->ski()) << '\n';
  err << "key parts and their hashes; each custodian compares his own\n";
  for (const KeyPart& part : plan.parts)
    err << "  " << part.label << "  " << tke::pattern_text(part.hash) << '\n';
}

Result<void> install_administrators(CeremonyUnit& unit, const Plan& plan) {
  KH_TRY(unit.session.zeroize({}));
  for (const Administrator& administrator : plan.administrators) {
    const Bytes certificate =
        KH_TRY(tke::make_administrator_certificate(administrator.name, *administrator.signer));
    KH_TRY(unit.session.add_administrator(certificate, {}));
  }
  const tke::Signers signers =
      KH_TRY(signers_for(unit.session, plan.administrators, plan.signature));
  return unit.session.set_thresholds(plan.signature, plan.revocation, signers);
}

Result<void> check_current(std::vector<CeremonyUnit>& units,
                           const tke::VerificationPattern& pattern) {
  for (CeremonyUnit& unit : units) {
    const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
    const bool is_valid = (info.flags & tke::DomainInfo::kHasCurrent) != 0 &&
                          tke::same_pattern(info.current_pattern, pattern);
    if (is_valid) continue;
    return Error{Reason::UnitsDiffer,
                 "crypto unit " + unit.entry.location + " does not hold the master key after all",
                 {}};
  }
  return {};
}

Result<void> report(Context& context, const Plan& plan, const std::vector<CeremonyUnit>& units,
                    const tke::VerificationPattern& pattern) {
  Table table({"LOCATION", "CURRENT REGISTER", "VERIFICATION PATTERN"});
  boost::json::array unit_list;
  for (const CeremonyUnit& unit : units) {
    table.add({unit.entry.location, "Valid", tke::pattern_text(pattern)});
    unit_list.push_back(boost::json::object{{"location", unit.entry.location},
                                            {"hsm_id", unit.entry.hsm_id},
                                            {"instance", unit.instance}});
  }
  boost::json::array administrators;
  for (const Administrator& one : plan.administrators) {
    administrators.push_back(
        boost::json::object{{"name", one.name}, {"ski", to_hex(one.signer->ski())}});
  }
  boost::json::array parts;
  for (const KeyPart& part : plan.parts) {
    parts.push_back(
        boost::json::object{{"name", part.label}, {"hash", tke::pattern_text(part.hash)}});
  }
  return show(context, table,
              boost::json::object{{"verification_pattern", tke::pattern_text(pattern)},
                                  {"signature_threshold", plan.signature},
                                  {"revocation_threshold", plan.revocation},
                                  {"crypto_units", unit_list},
                                  {"administrators", administrators},
                                  {"parts", parts}});
}

Result<void> init(Context& context, InitOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.unit.trust));
  KH_TRY(complete(context, ceremony.files(), options));
  KH_TRY(check_rules(options));
  const Plan plan = KH_TRY(open_plan(context, ceremony.files(), options));
  std::vector<CeremonyUnit> units = KH_TRY(ceremony.units());
  KH_TRY(check_imprint(units));
  show_plan(context, plan, units);
  KH_TRY(agree(context, options.unit,
               "Initialise " + std::to_string(units.size()) + " crypto units with these?"));

  const auto install = [&](CeremonyUnit& unit) { return install_administrators(unit, plan); };
  KH_TRY(each_unit(context, units, "install administrators", install));
  KH_TRY(pin_administrators(ceremony.files(), plan.administrators));
  tke::VerificationPattern pattern{};
  const auto load_one = [&](CeremonyUnit& unit) -> Result<void> {
    pattern = KH_TRY(load_parts(unit, plan.parts, plan.administrators,
                                plan.same));  // the same for all: checked against the parts
    return {};
  };
  KH_TRY(each_unit(context, units, "load key parts", load_one));
  context.err() << "verification pattern of the new master key, equal in all units: "
                << tke::pattern_text(pattern) << '\n';
  KH_TRY(agree(context, options.unit, "Commit this master key?"));
  const auto commit_one = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, plan.administrators, plan.signature));
    return unit.session.commit_pending(pattern, signers);
  };
  KH_TRY(each_unit(context, units, "commit", commit_one));
  const auto finalize = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::Signers signers = KH_TRY(signers_for(unit.session, plan.administrators, 1));
    return unit.session.finalize_pending(pattern, signers);
  };
  KH_TRY(each_unit(context, units, "set immediate", finalize));
  KH_TRY(check_current(units, pattern));
  return report(context, plan, units, pattern);
}

}  // namespace

void add_tke_init_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* verb = tke.add_subcommand(
      "init", "initialise an instance's crypto units: administrators, thresholds, master key");
  verb->footer(
      "What is not given is asked for at the terminal; key files that do not exist are made.");
  verb->add_option("--admin", options->administrators,
                   "administrator, [NAME=]KEY[:PASSWORDFILE] (KEY: name, KEYNUM or path of a "
                   "signature key); may be repeated");
  verb->add_option(
      "--part", options->parts,
      "key part, KEY[:PASSWORDFILE]; two or more; part i is signed by administrator i");
  verb->add_option("--signature-threshold", options->signature,
                   "signatures for most commands, 1 to 8")
      ->check(CLI::Range(1, 8));
  verb->add_option("--revocation-threshold", options->revocation,
                   "signatures for removing an administrator, 1 to 8")
      ->check(CLI::Range(1, 8));
  verb->add_flag("--allow-same-administrator", options->allow_same,
                 "one administrator may sign several key parts");
  add_trust_options(*verb, options->unit);
  add_yes_option(*verb, options->unit);
  on(*verb, context, [&context, options] { return init(context, *options); });
}

}  // namespace keyhaven::cli
