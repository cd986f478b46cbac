#include "cli/drill.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ostream>

#include "cli/context.h"
#include "crypto/random.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kChallengeDomain = "keyhaven drill challenge 1";
constexpr std::size_t kChallengeBytes = 32;

// While a scratch instance exists, an interrupt must not end the program before it is cleared away:
// the signal is noted, and the drill stops between two steps.
std::atomic<bool> interrupted{false};
void note_interrupt(int) { interrupted = true; }

class InterruptsNoted {
 public:
  InterruptsNoted() {
    interrupted = false;
    struct sigaction note {};
    note.sa_handler = note_interrupt;
    note.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &note, &saved_int_);
    ::sigaction(SIGTERM, &note, &saved_term_);
  }
  InterruptsNoted(const InterruptsNoted&) = delete;
  InterruptsNoted& operator=(const InterruptsNoted&) = delete;
  ~InterruptsNoted() {
    ::sigaction(SIGINT, &saved_int_, nullptr);
    ::sigaction(SIGTERM, &saved_term_, nullptr);
  }

 private:
  struct sigaction saved_int_ {};
  struct sigaction saved_term_ {};
};

Result<void> step(Context& context, const char* what) {
  if (interrupted) return Error{Reason::Forbidden, "the drill was interrupted", {}};
  context.err() << "drill: " << what << '\n';
  return {};
}

struct CurrentKey {
  tke::VerificationPattern pattern{};
  bool is_signed = true;
};

Result<CurrentKey> current_key(CeremonyUnit& unit) {
  const Error empty{Reason::Conflict,
                    "crypto unit " + unit.entry.location +
                        " holds no master key; there is nothing to compare a recovery with",
                    {}};
  auto pattern = unit.session.pattern(tke::KeyRegister::Current);
  if (pattern) {
    if (!pattern.value()) return empty;
    return CurrentKey{**pattern, true};
  }
  if (pattern.error().code() != Errc::NotSupported) return std::move(pattern).error();
  const tke::DomainInfo info = KH_TRY(unit.session.domain_info());
  if ((info.flags & tke::DomainInfo::kHasCurrent) == 0) return empty;
  return CurrentKey{info.current_pattern, false};
}

// The administrator signs fresh bytes; the unit's own certificate says whose signature it is.
Result<void> prove(const Administrator& administrator, CeremonyUnit& unit,
                   const std::vector<tke::AdministratorCertificate>& installed) {
  const auto found = std::find_if(installed.begin(), installed.end(), [&](const auto& one) {
    return one.ski == administrator.signer->ski();
  });
  if (found == installed.end()) {
    return Error{Reason::Forbidden,
                 administrator.name + " (" + to_hex(administrator.signer->ski()) +
                     ") is no administrator of crypto unit " + unit.entry.location,
                 "signer"};
  }
  Bytes challenge = to_bytes(as_bytes(kChallengeDomain));
  challenge.resize(challenge.size() + kChallengeBytes);
  crypto::random_bytes(std::span(challenge).last(kChallengeBytes));
  const Bytes signature = KH_TRY(administrator.signer->sign(challenge));
  if (found->key.verify(challenge, found->key.algorithm(), signature)) return {};
  return Error{Reason::Forbidden,
               "the signature of " + administrator.name +
                   " does not verify with the certificate in crypto unit " + unit.entry.location,
               "signer"};
}

Result<void> add_facts(CeremonyUnit& unit, bool is_first, LiveFacts& facts) {
  const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
  const CurrentKey key = KH_TRY(current_key(unit));
  if (!is_first && !tke::same_pattern(key.pattern, facts.pattern)) {
    return Error{Reason::UnitsDiffer,
                 "crypto unit " + unit.entry.location + " holds " + tke::pattern_text(key.pattern) +
                     ", another master key than the units before it",
                 {}};
  }
  facts.pattern = key.pattern;
  facts.pattern_signed = facts.pattern_signed && key.is_signed;
  facts.signature_threshold = std::max(facts.signature_threshold, attributes.signature_threshold);
  facts.revocation_threshold =
      std::max(facts.revocation_threshold, attributes.revocation_threshold);
  return {};
}

Result<void> install(CeremonyUnit& unit, const LiveFacts& live,
                     const std::vector<Administrator>& administrators) {
  for (const Administrator& one : administrators) {
    const Bytes certificate = KH_TRY(tke::make_administrator_certificate(one.name, *one.signer));
    KH_TRY(unit.session.add_administrator(certificate, {}));
  }
  const auto most = static_cast<std::uint32_t>(administrators.size());
  const tke::Signers signers =
      KH_TRY(signers_for(unit.session, administrators, live.signature_threshold));
  return unit.session.set_thresholds(live.signature_threshold,
                                     std::min(live.revocation_threshold, most), signers);
}

Result<void> rehearse_in(Context& context, CeremonyUnit& unit, const LiveFacts& live,
                         const std::vector<Administrator>& administrators,
                         const std::vector<KeyPart>& parts, SameAdministrator same) {
  KH_TRY(step(context, "installing the administrators in the scratch unit"));
  KH_TRY(install(unit, live, administrators));
  KH_TRY(step(context, "loading the key parts"));
  const tke::VerificationPattern loaded = KH_TRY(load_parts(unit, parts, administrators, same));
  if (!tke::same_pattern(loaded, live.pattern)) {
    return Error{Reason::Conflict,
                 "these key parts give a master key with verification pattern " +
                     tke::pattern_text(loaded) + "; the live units hold " +
                     tke::pattern_text(live.pattern) +
                     ". They could not recover the instance: a part is missing, or one is of "
                     "another key",
                 "part"};
  }
  KH_TRY(step(context, "committing and setting the master key"));
  const tke::Signers quorum =
      KH_TRY(signers_for(unit.session, administrators, live.signature_threshold));
  KH_TRY(unit.session.commit_pending(loaded, quorum));
  KH_TRY(unit.session.finalize_pending(loaded, {quorum.front()}));
  const CurrentKey set = KH_TRY(current_key(unit));
  if (tke::same_pattern(set.pattern, live.pattern)) return {};
  return Error{Reason::Conflict, "the scratch unit does not hold the master key after all", {}};
}

// The ids of all instances with the scratch name. Names are not unique.
Result<std::vector<std::string>> scratch_instances(Ceremony& ceremony,
                                                   const std::string& instance) {
  const auto all = KH_TRY(ceremony.service().instances());
  std::vector<std::string> out;
  for (const InstanceName& one : all) {
    if (one.name == scratch_name(instance) && one.guid != instance) out.push_back(one.guid);
  }
  return out;
}

Result<void> clear_one(Ceremony& ceremony, const std::string& scratch,
                       const std::vector<Administrator>& administrators) {
  const std::uint64_t keys = KH_TRY(ceremony.service().count_keys(scratch));
  if (keys != 0) {
    return Error{Reason::Conflict,
                 "instance " + scratch + " has the name of a drill's scratch instance, but holds " +
                     std::to_string(keys) + " keys: it is left alone; rename it",
                 {}};
  }
  const tke::AttestationRoot root = KH_TRY(ceremony.root());
  std::vector<CeremonyUnit> units = KH_TRY(ceremony.units_of(scratch, root));
  for (CeremonyUnit& unit : units) KH_TRY(zeroize_unit(unit, administrators));
  return ceremony.service().delete_instance(scratch);
}

}  // namespace

std::string scratch_name(const std::string& instance) { return "keyhaven-drill-" + instance; }

Result<LiveFacts> prove_signers(std::vector<CeremonyUnit>& units,
                                const std::vector<Administrator>& administrators) {
  LiveFacts facts;
  facts.instance = units.front().instance;
  for (CeremonyUnit& unit : units) {
    if (unit.instance != facts.instance)
      return Error{Reason::InvalidArgument, "a drill is of one instance: give --instance ID",
                   "instance"};
    KH_TRY(add_facts(unit, &unit == units.data(), facts));
    const auto installed = KH_TRY(unit.session.administrators());
    for (const Administrator& one : administrators) KH_TRY(prove(one, unit, installed));
  }
  if (administrators.size() >= facts.signature_threshold) return facts;
  return Error{Reason::Forbidden,
               "a recovery takes the signatures of " + std::to_string(facts.signature_threshold) +
                   " administrators; " + std::to_string(administrators.size()) +
                   " are given with --signer",
               "signer"};
}

Result<bool> clear_scratch(Context& context, Ceremony& ceremony, const std::string& instance,
                           const std::vector<Administrator>& administrators) {
  const auto found = KH_TRY(scratch_instances(ceremony, instance));
  for (const std::string& scratch : found) {
    context.err() << "drill: clearing away the scratch instance " << scratch << '\n';
    KH_TRY(clear_one(ceremony, scratch, administrators));
  }
  return !found.empty();
}

Result<void> rehearse(Context& context, Ceremony& ceremony, const LiveFacts& live,
                      const std::vector<Administrator>& administrators,
                      const std::vector<KeyPart>& parts, SameAdministrator same) {
  const InterruptsNoted noted;
  const bool left = KH_TRY(clear_scratch(context, ceremony, live.instance, administrators));
  static_cast<void>(left);
  const auto run = [&]() -> Result<void> {
    KH_TRY(step(context, "making a scratch instance"));
    const std::string scratch =
        KH_TRY(ceremony.service().create_instance(scratch_name(live.instance)));
    const tke::AttestationRoot root = KH_TRY(ceremony.root());
    std::vector<CeremonyUnit> units = KH_TRY(ceremony.units_of(scratch, root));
    return rehearse_in(context, units.front(), live, administrators, parts, same);
  };
  const auto rehearsed = run();
  const auto cleared = clear_scratch(context, ceremony, live.instance, administrators);
  if (cleared) return rehearsed;
  Error error = rehearsed ? cleared.error() : rehearsed.error();
  error.message += (rehearsed ? std::string(" (the rehearsal itself succeeded)")
                              : "; moreover: " + cleared.error().message) +
                   ". The scratch instance " + scratch_name(live.instance) +
                   " is still there: run \"keyhaven tke drill --clean-up\" with the same signers";
  return error;
}

}  // namespace keyhaven::cli
