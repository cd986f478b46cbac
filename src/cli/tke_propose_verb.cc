// tke propose COMMAND: makes command blocks here, from the verified state of the crypto units, and
// hands them to the service as proposals, where other administrators find and sign them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <functional>
#include <ostream>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/proposal_review.h"
#include "cli/tke_verbs.h"
#include "cli/transfer_session.h"
#include "crypto/hash.h"
#include "tke/control_points.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

struct ProposeOptions {
  UnitOptions unit;
  std::string note;
  std::uint32_t ahead = 0;
  std::vector<std::string> units;  // --unit: location or id
  std::string choice;              // of an administrator
  std::string pattern;
  std::string difference;
  std::vector<std::string> control_points;
  TransferArguments transfer;
  std::uint32_t signature = 0;
  std::uint32_t revocation = 0;
};

// The input of the command for one unit, whose state is `moment`.
using Input = std::function<Result<Bytes>(UnitWork&, CeremonyUnit&, const tke::UnitMoment& moment)>;

// --- Inputs ---

Result<Bytes> no_input(UnitWork&, CeremonyUnit&, const tke::UnitMoment&) { return Bytes{}; }

Result<Bytes> hex_of(const std::string& text, const char* option) {
  auto bytes = from_hex(text);
  if (bytes && bytes->size() == sizeof(Digest)) return std::move(*bytes);
  return Error{Reason::InvalidArgument, std::string("--") + option + " is 64 hex digits", option};
}

// The signed pattern of the unit's new register; the one given, if one is.
Result<Bytes> pending_pattern(CeremonyUnit& unit, const std::string& expected) {
  const auto pattern = KH_TRY(unit.session.pattern(tke::KeyRegister::Pending));
  if (!pattern) {
    return Error{Reason::Conflict,
                 "the new register of crypto unit " + unit.entry.location +
                     " is empty: load key parts first",
                 {}};
  }
  if (!expected.empty()) {
    const Bytes wanted = KH_TRY(hex_of(expected, "pattern"));
    if (!std::ranges::equal(wanted, *pattern)) {
      return Error{Reason::Conflict,
                   "the new register of crypto unit " + unit.entry.location + " holds " +
                       tke::pattern_text(*pattern) + ", not the pattern given",
                   "pattern"};
    }
  }
  return Bytes(pattern->begin(), pattern->end());
}

Result<Bytes> thresholds(const ProposeOptions& options, const tke::UnitMoment& moment) {
  tke::DomainAttributes wanted = moment.attributes;
  wanted.signature_threshold = options.signature;
  wanted.revocation_threshold = options.revocation;
  return tke::encode_for_set(wanted);
}

Result<Bytes> new_certificate(Context& context, UnitWork& work, const std::string& choice) {
  const auto added = KH_TRY(open_administrators(context, work.ceremony.files(), {choice}));
  return tke::make_administrator_certificate(added.front().name, *added.front().signer);
}

Result<Bytes> control_point_input(const std::vector<std::string>& verbs) {
  tke::ControlPoints mask{};
  for (const std::string& verb : verbs) {
    const auto point = tke::control_point_of_verb(verb);
    if (!point)
      return Error{Reason::InvalidArgument,
                   '"' + verb +
                       "\" is no control point: see \"keyhaven tke propose "
                       "control-points-on --help\"",
                   "control-point"};
    const tke::ControlPoints one = tke::control_point_mask(point->bit);
    for (std::size_t i = 0; i < mask.size(); ++i)
      mask[i] = static_cast<std::uint8_t>(mask[i] | one[i]);
  }
  return Bytes(mask.begin(), mask.end());
}

// This side of a transfer, as the proposal's unit stands for it.
Result<OwnSide> own_side(UnitWork& work, const CeremonyUnit& unit) {
  const InstanceId instance = KH_TRY(InstanceId::parse(unit.instance));
  tke::AttestationRoot root = KH_TRY(work.ceremony.root());
  return OwnSide{instance, std::move(root)};
}

Result<Bytes> offer_input(const ProposeOptions& options, UnitWork& work, CeremonyUnit& unit) {
  const OwnSide side = KH_TRY(own_side(work, unit));
  const OfferWish wish = KH_TRY(wish_for_offer(options.transfer, side, SystemClock().now()));
  return tke::encode(wish.input);
}

Result<Bytes> authorize_input(const ProposeOptions& options, UnitWork& work, CeremonyUnit& unit) {
  const OwnSide side = KH_TRY(own_side(work, unit));
  const Authorization made = KH_TRY(authorization_of(options.transfer, side, SystemClock().now()));
  return tke::encode(made.input);
}

Result<Bytes> consent_input(const ProposeOptions& options, UnitWork& work, CeremonyUnit& unit) {
  const OwnSide side = KH_TRY(own_side(work, unit));
  const Consent made = KH_TRY(consent_of(options.transfer, side));
  return tke::encode(made.input);
}

// --- The walk ---

// The chosen units: --unit of those that the other verbs act on.
Result<void> keep_chosen(std::vector<CeremonyUnit>& units, const std::vector<std::string>& chosen) {
  for (const std::string& name : chosen) {
    const bool known = std::ranges::any_of(units, [&](const CeremonyUnit& unit) {
      return unit.entry.location == name || unit.entry.hsm_id == name;
    });
    if (!known)
      return Error{Reason::InvalidArgument,
                   '"' + name + "\" is none of the crypto units: see \"keyhaven tke cryptounits\"",
                   "unit"};
  }
  if (chosen.empty()) return {};
  std::erase_if(units, [&](const CeremonyUnit& unit) {
    return std::ranges::find(chosen, unit.entry.location) == chosen.end() &&
           std::ranges::find(chosen, unit.entry.hsm_id) == chosen.end();
  });
  return {};
}

struct Prepared {
  Bytes der;
  tke::BlockText text;
};

Result<Prepared> prepare(UnitWork& work, CeremonyUnit& unit, std::uint32_t command,
                         const ProposeOptions& options, const Input& input) {
  const tke::UnitMoment moment = KH_TRY(unit.session.moment());
  const Bytes content = KH_TRY(input(work, unit, moment));
  Prepared out;
  out.der = tke::encode(
      tke::make_block(moment, unit.session.target().domain_index, command, content, options.ahead));
  out.text = KH_TRY(tke::describe_block(out.der));
  return out;
}

Result<client::Proposal> post(UnitWork& work, const CeremonyUnit& unit, const Prepared& prepared,
                              const std::string& note) {
  UnitService& service = work.ceremony.service();
  client::Proposal proposal =
      KH_TRY(service.propose(unit.instance, unit.entry.hsm_id, prepared.der, note));
  if (proposal.block_sha512 != to_hex(crypto::sha512(prepared.der))) {
    return Error{Reason::Forbidden,
                 "the service keeps another block than the one it was given, as proposal " +
                     proposal.id + ". Sign nothing there",
                 {}};
  }
  for (const Administrator& administrator : work.administrators) {
    const Bytes info = KH_TRY(tke::sign_block(prepared.der, {administrator.signer.get()}));
    proposal = KH_TRY(service.sign_proposal(unit.instance, proposal.id, info));
  }
  return proposal;
}

void show_words(Context& context, const CeremonyUnit& unit, const tke::BlockText& text) {
  Table table({"PROPERTY", unit.entry.location});
  add_block_rows(table, text);
  table.print(context.err());
}

Result<void> propose(Context& context, const ProposeOptions& options, std::uint32_t command,
                     const Input& input, bool one_unit) {
  UnitWork work = KH_TRY(start_work(context, options.unit));
  KH_TRY(keep_chosen(work.units, options.units));
  if (one_unit && work.units.size() > 1) work.units.erase(work.units.begin() + 1, work.units.end());
  std::vector<Prepared> prepared;
  for (CeremonyUnit& unit : work.units) {
    KH_TRY(check_signers(unit, work.administrators));
    Prepared one = KH_TRY(prepare(work, unit, command, options, input));
    show_words(context, unit, one.text);
    prepared.push_back(std::move(one));
  }
  if (!work.administrators.empty()) KH_TRY(agree(context, options.unit, "Propose and sign this?"));
  Table table({"PROPOSAL", "LOCATION", "COMMAND", "SIGNED", "BLOCK SHA-512"});
  json::array rows;
  std::size_t number = 0;
  const auto post_one = [&](CeremonyUnit& unit) -> Result<void> {
    const Prepared& one = prepared[number++];
    const client::Proposal proposal = KH_TRY(post(work, unit, one, options.note));
    const std::string needed =
        proposal.signatures_needed ? std::to_string(*proposal.signatures_needed) : "?";
    table.add({proposal.id, unit.entry.location, one.text.command,
               std::to_string(proposal.signatures.size()) + " of " + needed,
               proposal.block_sha512});
    json::object row = block_json(one.text);
    row["id"] = proposal.id;
    row["location"] = unit.entry.location;
    row["hsm_id"] = unit.entry.hsm_id;
    row["block_sha512"] = proposal.block_sha512;
    row["signatures"] = proposal.signatures.size();
    rows.push_back(std::move(row));
    return {};
  };
  const auto posted = each_unit(context, work.units, "propose", post_one);
  if (!rows.empty()) KH_TRY(show(context, table, json::object{{"proposals", rows}}));
  return posted;
}

// --- Registration ---

struct Verb {
  const char* name;
  const char* help;
  std::uint32_t command;
};

class Registrar {
 public:
  Registrar(CLI::App& group, Context& context) : group_(group), context_(context) {}

  // `input` gets the options that `more` added.
  CLI::App* add(const Verb& verb, const std::function<Input(const ProposeOptions&)>& input,
                const std::function<void(CLI::App&, ProposeOptions&)>& more = {},
                bool one_unit = false) {
    CLI::App* app = group_.add_subcommand(verb.name, verb.help);
    auto options = std::make_shared<ProposeOptions>();
    add_trust_options(*app, options->unit);
    add_signer_options(*app, options->unit);
    add_yes_option(*app, options->unit);
    app->add_option("--note", options->note, "for the other administrators, up to 240 characters");
    app->add_option("--ahead", options->ahead,
                    "how many other commands come before it, to sign a series at once")
        ->check(CLI::Range(std::uint32_t{0}, tke::kMaxCommandsAhead));
    app->add_option("--unit", options->units,
                    "only this crypto unit, location or id; may be repeated");
    if (more) more(*app, *options);
    Context& context = context_;
    const std::uint32_t command = verb.command;
    on(*app, context, [&context, options, command, input, one_unit] {
      return propose(context, *options, command, input(*options), one_unit);
    });
    return app;
  }

 private:
  CLI::App& group_;
  Context& context_;
};

void add_register_commands(Registrar& registrar) {
  const auto plain = [](const ProposeOptions&) -> Input { return no_input; };
  const auto pattern = [](const ProposeOptions& options) -> Input {
    return [&options](UnitWork&, CeremonyUnit& unit, const tke::UnitMoment&) {
      return pending_pattern(unit, options.pattern);
    };
  };
  const auto pattern_option = [](CLI::App& verb, ProposeOptions& options) {
    verb.add_option("--pattern", options.pattern,
                    "refuse unless the new register has this verification pattern (64 hex digits)");
  };
  registrar.add({"commit", "commit the key in the new register", tke::kCommitPending}, pattern,
                pattern_option);
  registrar.add(
      {"activate", "make the committed key the current master key", tke::kFinalizePending}, pattern,
      pattern_option);
  registrar.add({"clear-new", "clear the new register", tke::kClearPending}, plain);
  registrar.add({"clear-current", "clear the current register", tke::kClearCurrent}, plain);
  registrar.add({"zeroize", "erase administrators, thresholds and master keys", tke::kZeroize},
                plain);
}

void add_people_commands(Registrar& registrar, Context& context) {
  registrar.add(
      {"thresholds", "set both thresholds", tke::kSetAttributes},
      [](const ProposeOptions& options) -> Input {
        return [&options](UnitWork&, CeremonyUnit&, const tke::UnitMoment& moment) {
          return thresholds(options, moment);
        };
      },
      [](CLI::App& verb, ProposeOptions& options) {
        verb.add_option("--signature-threshold", options.signature,
                        "signatures for most commands, 1 to 8")
            ->required()
            ->check(CLI::Range(1, 8));
        verb.add_option("--revocation-threshold", options.revocation,
                        "signatures for removing an administrator, 1 to 8")
            ->required()
            ->check(CLI::Range(1, 8));
      });
  registrar.add(
      {"admin-add", "install an administrator: proposed where the new key is",
       tke::kAddAdministrator},
      [&context](const ProposeOptions& options) -> Input {
        // One certificate for all units: making it opens the key, which may ask for a password.
        auto made = std::make_shared<Bytes>();
        return [&context, &options, made](UnitWork& work, CeremonyUnit&,
                                          const tke::UnitMoment&) -> Result<Bytes> {
          if (made->empty()) *made = KH_TRY(new_certificate(context, work, options.choice));
          return *made;
        };
      },
      [](CLI::App& verb, ProposeOptions& options) {
        verb.add_option("admin", options.choice,
                        "[NAME=]KEY[:PASSWORDFILE] of the new administrator, as --signer takes it")
            ->required();
      });
  registrar.add(
      {"admin-rm", "remove an administrator", tke::kRemoveAdministrator},
      [](const ProposeOptions& options) -> Input {
        return [&options](UnitWork& work, CeremonyUnit&, const tke::UnitMoment&) -> Result<Bytes> {
          const tke::Ski ski = KH_TRY(ski_of_choice(work, options.choice));
          return Bytes(ski.begin(), ski.end());
        };
      },
      [](CLI::App& verb, ProposeOptions& options) {
        verb.add_option("admin", options.choice,
                        "subject key identifier, signature key or administrator name")
            ->required();
      });
}

void add_other_commands(Registrar& registrar) {
  const auto mask = [](const ProposeOptions& options) -> Input {
    return [&options](UnitWork&, CeremonyUnit&, const tke::UnitMoment&) {
      return control_point_input(options.control_points);
    };
  };
  const auto names = [](CLI::App& verb, ProposeOptions& options) {
    std::string known;
    for (const tke::ControlPoint& point : tke::control_point_table()) {
      if (!point.verb.empty()) known += (known.empty() ? "" : ", ") + std::string(point.verb);
    }
    verb.add_option("control-point", options.control_points, "one or more of " + known)->required();
  };
  registrar.add({"control-points-on", "switch control points on", tke::kEnableControlPoints}, mask,
                names);
  registrar.add({"control-points-off", "switch control points off", tke::kDisableControlPoints},
                mask, names);
  registrar.add(
      {"records-accept",
       "accept stored records that differ from what the units remember; one unit "
       "of the instance is told",
       tke::kAcceptRecords},
      [](const ProposeOptions& options) -> Input {
        return [&options](UnitWork&, CeremonyUnit&, const tke::UnitMoment&) {
          return hex_of(options.difference, "difference");
        };
      },
      [](CLI::App& verb, ProposeOptions& options) {
        verb.add_option("--difference", options.difference,
                        "what \"keyhaven store verify\" names (64 hex digits)")
            ->required();
      },
      true);
}

// Of sealed transfers; one unit of the instance is told.
void add_transfers(Registrar& registrar) {
  using Make = Result<Bytes> (*)(const ProposeOptions&, UnitWork&, CeremonyUnit&);
  const auto input = [](Make make) {
    return [make](const ProposeOptions& options) -> Input {
      return [make, &options](UnitWork& work, CeremonyUnit& unit, const tke::UnitMoment&) {
        return make(options, work, unit);
      };
    };
  };
  const auto more = [](void (*add)(CLI::App&, TransferArguments&)) {
    return [add](CLI::App& verb, ProposeOptions& options) { add(verb, options.transfer); };
  };
  registrar.add({"transfer-offer",
                 "at the target: offer to take keys of an instance of another deployment; "
                 "\"keyhaven transfer offer --proposal ID\" fetches the offer",
                 tke::kOfferTransfer},
                input(offer_input), more(add_offer_options), true);
  registrar.add(
      {"transfer-authorize", "at the source: let keys leave for an offer, which is verified here",
       tke::kAuthorizeTransfer},
      input(authorize_input), more(add_authorize_options), true);
  registrar.add({"transfer-consent",
                 "at the target: let the crypto unit that made the offer open a bundle, which is "
                 "verified here",
                 tke::kConsentTransfer},
                input(consent_input), more(add_consent_options), true);
}

}  // namespace

void add_tke_propose_verb(CLI::App& tke, Context& context) {
  CLI::App* group = tke.add_subcommand(
      "propose", "make a command that several administrators sign, each at a machine of their own");
  group->require_subcommand(1);
  group->footer(
      "One proposal is made for each crypto unit. --signer signs it at once; the others "
      "find it with\n\"keyhaven tke proposals\" and sign it with \"keyhaven tke "
      "proposal-sign ID\".");
  Registrar registrar(*group, context);
  add_register_commands(registrar);
  add_people_commands(registrar, context);
  add_other_commands(registrar);
  add_transfers(registrar);
}

}  // namespace keyhaven::cli
