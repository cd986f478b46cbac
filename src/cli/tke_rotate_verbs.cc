// tke auto-mk-rotate, cryptounit-mk-rotate, rotation, rotation-abandon.
//
// The server keeps the phase and refuses every order that would lose a key; the verbs look at phase
// and registers each time (rotation_plan.h) and do what is left. "cryptounit-mk-rotate" goes on
// from wherever any of them stopped.
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

using client::MasterKeyRotation;
using client::RotationPhase;

// Users' scripts look for these.
constexpr const char* kStarted = "Master key rotation started";
constexpr const char* kRewrapped = "KMS CRK rewrap successful, waiting on cryptounit-mk-setimm";
constexpr const char* kSuccessful = "Master key rotation successful";

// How long the work of the service may stand still: in looks, of which one counts for ten when the
// service does not answer or says what it waits for. Ten minutes, or one.
constexpr int kMaxStandstill = 1200;
constexpr int kKnownCause = 10;

struct Rotate {
  Ceremony ceremony;
  std::string instance;
  std::vector<Administrator> administrators;
  std::vector<CeremonyUnit> units;
  MasterKeyRotation rotation;
  std::vector<UnitFacts> facts;
};

Result<Rotate> prepare(Context& context, const UnitOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.trust));
  const std::string instance = KH_TRY(chosen_instance(context, ceremony.service()));
  std::vector<Administrator> administrators =
      KH_TRY(open_administrators(context, ceremony.files(), options.signers));
  std::vector<CeremonyUnit> units = KH_TRY(all_units_of(context, ceremony, instance));
  MasterKeyRotation rotation = KH_TRY(ceremony.service().rotation(instance));
  std::vector<UnitFacts> facts = KH_TRY(facts_of_all(units));
  return Rotate{std::move(ceremony), instance,        std::move(administrators), std::move(units),
                std::move(rotation), std::move(facts)};
}

Error in_unit(const CeremonyUnit& unit, const Error& error, const char* step) {
  return {error.reason,
          std::string(step) + ", crypto unit " + unit.entry.location + ": " + error.message,
          error.target};
}

void show_participants(Context& context, const Rotate& work, const Participants& participants) {
  context.err() << "crypto units of instance " << work.instance << '\n';
  show_facts(context, work.facts);
  for (const std::size_t index : participants.left_out) {
    context.err() << "left out: " << work.facts[index].name()
                  << ", which does not hold the instance's master key\n";
  }
}

bool is_passing(const Error& error) {
  return error.reason == Reason::UnitUnavailable || error.reason == Reason::StoreUnavailable ||
         error.reason == Reason::ShuttingDown || error.reason == Reason::Io ||
         error.reason == Reason::DeadlineExceeded;
}

Error stands_still(const std::string& why) {
  return {Reason::MasterKeyRotationState,
          "the rewrap of the stored keys does not go on: " + why +
              ". Nothing is lost; when the cause is removed, \"keyhaven tke cryptounit-mk-rotate\" "
              "goes on",
          {}};
}

// Looks until all stored keys are sealed under the new master key. A service that restarts, or a
// cause that passes, is waited out.
Result<void> wait_for_rewrap(Context& context, UnitService& service, const std::string& instance) {
  std::optional<Progress> progress;
  std::uint64_t left_before = 0;
  std::string cause;
  for (int standstill = 0; standstill < kMaxStandstill; service.pause()) {
    const auto rotation = service.rotation(instance);
    if (!rotation) {
      if (!is_passing(rotation.error())) return rotation.error();
      cause = rotation.error().message;
      standstill += kKnownCause;
      continue;
    }
    if (rotation->phase == RotationPhase::Reverting)
      return Error{Reason::MasterKeyRotationState, "somebody abandoned the rotation", {}};
    if (rotation->phase != RotationPhase::Resealing) return {};
    if (!progress) progress.emplace(context, "rewrap keys", rotation->keys_total);
    progress->advance(rotation->keys_total - std::min(rotation->keys_total, rotation->keys_left));
    cause = rotation->waiting_for.empty() ? rotation->message : rotation->waiting_for;
    if (rotation->keys_left != left_before) standstill = 0;
    standstill += rotation->waiting_for.empty() ? 1 : kKnownCause;
    left_before = rotation->keys_left;
  }
  return stands_still(cause);
}

Result<void> report(Context& context, Rotate& work) {
  work.facts = KH_TRY(facts_of_all(work.units));
  Table table({"TYPE", "LOCATION", "CURRENT REGISTER", "VERIFICATION PATTERN"});
  boost::json::array list;
  for (std::size_t index = 0; index < work.facts.size(); ++index) {
    const UnitFacts& unit = work.facts[index];
    const std::string pattern = unit.current ? tke::pattern_text(*unit.current) : "-";
    table.add({std::string(text_of(unit.type)), unit.location, unit.current ? "Valid" : "Empty",
               pattern});
    list.push_back(boost::json::object{{"location", unit.location},
                                       {"type", text_of(unit.type)},
                                       {"hsm_id", work.units[index].entry.hsm_id},
                                       {"current_pattern", pattern}});
  }
  return show(context, table,
              boost::json::object{{"instance", work.instance}, {"crypto_units", list}});
}

// From the committed new registers to the end.
Result<void> rotate(Context& context, Rotate& work, const SwitchPlan& plan) {
  UnitService& service = work.ceremony.service();
  if (plan.begin) {
    const MasterKeyRotation begun = KH_TRY(service.start_rotation(work.instance));
    static_cast<void>(begun);
  }
  say(context, kStarted);
  KH_TRY(wait_for_rewrap(context, service, work.instance));
  say(context, kRewrapped);
  std::size_t done = 0;
  for (const std::size_t index : plan.set_immediate) {
    const auto set = set_key_immediate(work.units[index], plan.to, work.administrators);
    if (!set) return in_unit(work.units[index], set.error(), "set immediate");
    say(context, progress_text("Set immediate", ++done, plan.set_immediate.size()));
  }
  const MasterKeyRotation after = KH_TRY(service.rotation(work.instance));
  if (after.phase != RotationPhase::None)
    return Error{Reason::MasterKeyRotationState, after.message, {}};
  say(context, kSuccessful);
  return report(context, work);
}

Result<void> manual_rotate(Context& context, const UnitOptions& options) {
  Rotate work = KH_TRY(prepare(context, options));
  const SwitchPlan plan = KH_TRY(plan_switch(work.facts, work.rotation));
  show_participants(context, work, plan.participants);
  if (plan.set_immediate.empty() && !plan.begin) {
    say(context, kSuccessful);
    return report(context, work);
  }
  KH_TRY(check_quorum(work.facts, plan.participants.units, skis_of(work.administrators), 1));
  KH_TRY(agree(context, options,
               work.rotation.phase == RotationPhase::None && plan.begin
                   ? "Rotate the master key to " + tke::pattern_text(plan.to) +
                         "? The stored keys are sealed under it; then it is set immediate."
                   : "Go on with the rotation to master key " + tke::pattern_text(plan.to) + '?'));
  return rotate(context, work, plan);
}

// Makes the new key, or takes the one of an earlier try, and commits it everywhere.
Result<void> load_new_key(Context& context, Rotate& work, const NewKeyPlan& plan) {
  for (const std::size_t index : plan.clear) {
    const auto cleared = clear_new_key(work.units[index], work.administrators);
    if (!cleared) return in_unit(work.units[index], cleared.error(), "clear new register");
  }
  CeremonyUnit& source = work.units[plan.source];
  tke::VerificationPattern pattern{};
  if (plan.pattern) {
    pattern = *plan.pattern;
  } else {
    const auto made = make_random_key(source, work.administrators);
    if (!made) return in_unit(source, made.error(), "make new master key");
    pattern = *made;
    say(context, "A random new master key is made in " + work.facts[plan.source].name() + '.');
  }
  const std::vector<std::size_t>& taking_part = plan.participants.units;
  std::size_t done = 0;
  for (const std::size_t index : taking_part) {
    if (index == plan.source) continue;
    const auto copied = copy_key(source, tke::KeyRegister::Pending, pattern, work.units[index],
                                 work.administrators);
    if (!copied) return in_unit(work.units[index], copied.error(), "copy new master key");
    say(context, progress_text("New master key copied", ++done, taking_part.size() - 1));
  }
  for (const std::size_t index : taking_part) {
    const auto committed = commit_key(work.units[index], pattern, work.administrators);
    if (!committed) return in_unit(work.units[index], committed.error(), "commit");
  }
  return {};
}

Result<void> auto_rotate(Context& context, const UnitOptions& options) {
  Rotate work = KH_TRY(prepare(context, options));
  const NewKeyPlan plan = KH_TRY(plan_new_key(work.facts, work.rotation.phase));
  KH_TRY(check_quorum(work.facts, plan.participants.units, skis_of(work.administrators), 0));
  show_participants(context, work, plan.participants);
  if (!plan.clear.empty()) {
    context.err() << "the new registers hold different keys, which are cleared first\n";
  }
  KH_TRY(agree(context, options,
               plan.pattern ? "Rotate the master key to " + tke::pattern_text(*plan.pattern) +
                                  ", which an earlier try made?"
                            : "Rotate the master key to a new random one?"));
  KH_TRY(load_new_key(context, work, plan));
  work.facts = KH_TRY(facts_of_all(work.units));
  work.rotation = KH_TRY(work.ceremony.service().rotation(work.instance));
  const SwitchPlan next = KH_TRY(plan_switch(work.facts, work.rotation));
  return rotate(context, work, next);
}

const char* phase_text(RotationPhase phase) {
  switch (phase) {
    case RotationPhase::None:
      return "none";
    case RotationPhase::Resealing:
      return "resealing";
    case RotationPhase::Resealed:
      return "resealed";
    case RotationPhase::Reverting:
      return "reverting";
  }
  return "none";
}

boost::json::object to_json(const MasterKeyRotation& rotation) {
  boost::json::object out{
      {"phase", phase_text(rotation.phase)},         {"message", rotation.message},
      {"keys_total", rotation.keys_total},           {"keys_left", rotation.keys_left},
      {"keys_per_second", rotation.keys_per_second}, {"waiting_for", rotation.waiting_for},
      {"unopened_total", rotation.unopened_total}};
  if (!rotation.from.empty()) {
    out["from"] = rotation.from;
    out["to"] = rotation.to;
    out["started"] = time_text(rotation.started);
    out["started_by"] = rotation.started_by;
  }
  boost::json::array stored;
  for (const MasterKeyRotation::Stored& row : rotation.stored) {
    stored.push_back(boost::json::object{{"master_key", row.master_key},
                                         {"keys", row.keys},
                                         {"key_versions", row.key_versions},
                                         {"import_token", row.import_token}});
  }
  out["stored"] = stored;
  boost::json::array unopened;
  for (const MasterKeyRotation::Unopened& one : rotation.unopened) {
    unopened.push_back(boost::json::object{
        {"key_id", one.key_id}, {"version_id", one.version_id}, {"cause", one.cause}});
  }
  out["unopened"] = unopened;
  return out;
}

Result<void> show_rotation(Context& context, const MasterKeyRotation& rotation) {
  Table table({"FIELD", "VALUE"});
  table.add({"phase", phase_text(rotation.phase)});
  table.add({"message", rotation.message});
  if (!rotation.from.empty()) {
    table.add({"from master key", rotation.from});
    table.add({"to master key", rotation.to});
    table.add({"started", time_text(rotation.started)});
    table.add({"started by", rotation.started_by});
  }
  table.add({"keys", std::to_string(rotation.keys_total)});
  if (rotation.phase != RotationPhase::None) {
    table.add({"keys left", std::to_string(rotation.keys_left)});
    table.add({"keys per second", std::to_string(rotation.keys_per_second)});
  }
  if (!rotation.waiting_for.empty()) table.add({"waiting for", rotation.waiting_for});
  for (const MasterKeyRotation::Stored& row : rotation.stored) {
    table.add({"under master key " + row.master_key,
               std::to_string(row.keys) + " keys, " + std::to_string(row.key_versions) +
                   " versions" + (row.import_token ? ", the import token" : "")});
  }
  for (const MasterKeyRotation::Unopened& one : rotation.unopened)
    table.add({"does not open", one.key_id + ": " + one.cause});
  return show(context, table, to_json(rotation));
}

// Needs neither signature keys nor a verified unit.
Result<void> look(Context& context) {
  const auto service = KH_TRY(context.unit_service());
  const std::string instance = KH_TRY(chosen_instance(context, *service));
  const MasterKeyRotation rotation = KH_TRY(service->rotation(instance));
  return show_rotation(context, rotation);
}

Result<void> abandon(Context& context, const UnitOptions& options) {
  const auto service = KH_TRY(context.unit_service());
  const std::string instance = KH_TRY(chosen_instance(context, *service));
  KH_TRY(agree(context, options,
               "Turn back, so that the stored keys are sealed under the old master key again?"));
  const MasterKeyRotation rotation = KH_TRY(service->abandon_rotation(instance));
  return show_rotation(context, rotation);
}

}  // namespace

void add_tke_rotate_verbs(CLI::App& tke, Context& context) {
  CLI::App* automatic = tke.add_subcommand(
      "auto-mk-rotate", "rotate the master key to a new random one from a recovery unit");
  automatic->footer(
      "Stopped before the rotation started, the same command goes on; stopped later, "
      "cryptounit-mk-rotate does.");
  auto random = std::make_shared<UnitOptions>();
  add_trust_options(*automatic, *random);
  add_signer_options(*automatic, *random);
  add_yes_option(*automatic, *random);
  on(*automatic, context, [&context, random] { return auto_rotate(context, *random); });

  CLI::App* manual = tke.add_subcommand(
      "cryptounit-mk-rotate",
      "rotate the master key to the one in the committed new registers, or go on with a rotation");
  auto options = std::make_shared<UnitOptions>();
  add_trust_options(*manual, *options);
  add_signer_options(*manual, *options);
  add_yes_option(*manual, *options);
  on(*manual, context, [&context, options] { return manual_rotate(context, *options); });

  CLI::App* state =
      tke.add_subcommand("rotation", "show how far the rotation of the master key is");
  on(*state, context, [&context] { return look(context); });

  CLI::App* back = tke.add_subcommand(
      "rotation-abandon",
      "turn back from a rotation that no crypto unit has set immediate: the old key stays");
  auto answer = std::make_shared<UnitOptions>();
  add_yes_option(*back, *answer);
  on(*back, context, [&context, answer] { return abandon(context, *answer); });
}

}  // namespace keyhaven::cli
