// tke cryptounit-admins, cryptounit-admin-add, cryptounit-admin-rm, cryptounit-thrhlds,
// cryptounit-thrhld-set.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/tke_verbs.h"

namespace keyhaven::cli {
namespace {

struct AdminOptions {
  UnitOptions unit;
  std::string choice;
  std::uint32_t signature = 0;
  std::uint32_t revocation = 0;
};

Result<void> list_administrators(Context& context, const AdminOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  Table table({"LOCATION", "ADMIN NAME", "SUBJECT KEY IDENTIFIER"});
  boost::json::array json;
  for (CeremonyUnit& unit : work.units) {
    const auto administrators = KH_TRY(unit.session.administrators());
    boost::json::array names;
    for (const tke::AdministratorCertificate& administrator : administrators) {
      table.add({unit.entry.location, administrator.name, to_hex(administrator.ski)});
      names.push_back(
          boost::json::object{{"name", administrator.name}, {"ski", to_hex(administrator.ski)}});
    }
    if (administrators.empty()) table.add({unit.entry.location, "-", "-"});
    json.push_back(
        boost::json::object{{"location", unit.entry.location}, {"administrators", names}});
  }
  return show(context, table, boost::json::object{{"crypto_units", json}});
}

Result<void> add_administrator(Context& context, const AdminOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  auto added = KH_TRY(open_administrators(context, work.ceremony.files(), {options.choice}));
  const Administrator& administrator = added.front();
  const Bytes certificate =
      KH_TRY(tke::make_administrator_certificate(administrator.name, *administrator.signer));
  const auto add = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, work.administrators, attributes.signature_threshold));
    return unit.session.add_administrator(certificate, signers);
  };
  KH_TRY(each_unit(context, work.units, "add administrator", add));
  KH_TRY(pin_administrators(work.ceremony.files(), added));
  return show_done(context,
                   "Administrator " + administrator.name + " is added to " +
                       std::to_string(work.units.size()) + " crypto units.",
                   {{"name", administrator.name},
                    {"ski", to_hex(administrator.signer->ski())},
                    {"crypto_units", work.units.size()}});
}

Result<void> remove_administrator(Context& context, const AdminOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  const tke::Ski ski = KH_TRY(ski_of_choice(work, options.choice));
  KH_TRY(agree(context, options.unit,
               "Remove administrator " + to_hex(ski) + " from " +
                   std::to_string(work.units.size()) + " crypto units?"));
  const auto remove = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, work.administrators, attributes.revocation_threshold));
    return unit.session.remove_administrator(ski, signers);
  };
  KH_TRY(each_unit(context, work.units, "remove administrator", remove));
  return show_done(context, "Administrator " + to_hex(ski) + " is removed.",
                   {{"ski", to_hex(ski)}});
}

Result<void> show_thresholds(Context& context, UnitWork& work) {
  Table table({"LOCATION", "SIGNATURE THRESHOLD", "REVOCATION THRESHOLD", "IMPRINT MODE"});
  boost::json::array json;
  for (CeremonyUnit& unit : work.units) {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    table.add({unit.entry.location, std::to_string(attributes.signature_threshold),
               std::to_string(attributes.revocation_threshold),
               attributes.imprint() ? "yes" : "no"});
    json.push_back(boost::json::object{{"location", unit.entry.location},
                                       {"signature_threshold", attributes.signature_threshold},
                                       {"revocation_threshold", attributes.revocation_threshold},
                                       {"imprint", attributes.imprint()}});
  }
  return show(context, table, boost::json::object{{"crypto_units", json}});
}

Result<void> set_thresholds(Context& context, const AdminOptions& options) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  const auto set = [&](CeremonyUnit& unit) -> Result<void> {
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    // Leaving imprint mode takes as many signatures as the new threshold says, later the current
    // one.
    const std::uint32_t needed =
        attributes.imprint() ? options.signature : attributes.signature_threshold;
    const tke::Signers signers = KH_TRY(signers_for(unit.session, work.administrators, needed));
    return unit.session.set_thresholds(options.signature, options.revocation, signers);
  };
  KH_TRY(each_unit(context, work.units, "set thresholds", set));
  return show_thresholds(context, work);
}

std::shared_ptr<AdminOptions> options_of(CLI::App& verb) {
  auto options = std::make_shared<AdminOptions>();
  add_trust_options(verb, options->unit);
  return options;
}

void add_threshold_verbs(CLI::App& tke, Context& context) {
  CLI::App* list =
      tke.add_subcommand("cryptounit-thrhlds", "show the signature and revocation thresholds");
  auto shown = options_of(*list);
  on(*list, context, [&context, shown]() -> Result<void> {
    UnitWork work = KH_TRY(start_work(context, shown->unit));
    return show_thresholds(context, work);
  });
  CLI::App* set = tke.add_subcommand(
      "cryptounit-thrhld-set", "set both thresholds; the first time this leaves imprint mode");
  auto options = options_of(*set);
  add_signer_options(*set, options->unit);
  set->add_option("--signature-threshold", options->signature,
                  "signatures for most commands, 1 to 8")
      ->required()
      ->check(CLI::Range(1, 8));
  set->add_option("--revocation-threshold", options->revocation,
                  "signatures for removing an administrator, 1 to 8")
      ->required()
      ->check(CLI::Range(1, 8));
  on(*set, context, [&context, options] { return set_thresholds(context, *options); });
}

}  // namespace

Result<tke::Ski> ski_of_choice(UnitWork& work, const std::string& choice) {
  if (const auto bytes = from_hex(choice);
      bytes && bytes.value().size() == std::tuple_size_v<tke::Ski>) {
    tke::Ski ski{};
    std::copy(bytes.value().begin(), bytes.value().end(), ski.begin());
    return ski;
  }
  if (const auto file = work.ceremony.files().find_signature_key(choice))
    return file.value().info.ski;
  for (CeremonyUnit& unit : work.units) {
    const auto administrators = KH_TRY(unit.session.administrators());
    for (const tke::AdministratorCertificate& one : administrators) {
      if (one.name == choice) return one.ski;
    }
  }
  return Error{Reason::InvalidArgument,
               '"' + choice +
                   "\" is no signature key and no administrator of the crypto units: see "
                   "\"keyhaven tke cryptounit-admins\"",
               {}};
}

void add_tke_admin_verbs(CLI::App& tke, Context& context) {
  CLI::App* list =
      tke.add_subcommand("cryptounit-admins", "list the administrators of the crypto units");
  auto listed = options_of(*list);
  on(*list, context, [&context, listed] { return list_administrators(context, *listed); });
  CLI::App* add = tke.add_subcommand("cryptounit-admin-add", "install an administrator");
  auto added = options_of(*add);
  add->add_option("admin", added->choice,
                  "[NAME=]KEY[:PASSWORDFILE]; KEY: name, KEYNUM or path of a signature key")
      ->required();
  add_signer_options(*add, added->unit);
  on(*add, context, [&context, added] { return add_administrator(context, *added); });
  CLI::App* remove = tke.add_subcommand("cryptounit-admin-rm", "remove an administrator");
  auto removed = options_of(*remove);
  remove
      ->add_option("admin", removed->choice,
                   "subject key identifier, signature key or administrator name")
      ->required();
  add_signer_options(*remove, removed->unit);
  add_yes_option(*remove, removed->unit);
  on(*remove, context, [&context, removed] { return remove_administrator(context, *removed); });
  add_threshold_verbs(tke, context);
}

}  // namespace keyhaven::cli
