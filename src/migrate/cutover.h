// The switch from source to target, and the way back: final aliases, dual authorization, migration
// intents, keys of the source disabled, policies of the instance. Nothing in the source is deleted
// but the intents that this migration has made. Each act is journalled like those of `apply`.
#pragma once

#include "migrate/journal.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

struct CutoverOptions {
  unsigned jobs = 4;                   // keys at a time, 1 to 32
  bool intents = false;                // tell the source's services where to move to
  bool disable_source = false;         // root keys; needs a verify that found nothing wrong
  bool unverified = false;             // disable without one
  bool despite_registrations = false;  // disable keys of which services are still registered
};

struct CutoverResult {
  std::uint64_t done = 0;         // keys whose every act is done
  std::uint64_t not_carried = 0;  // planned, but apply has not finished them
  std::uint64_t held_back = 0;    // not disabled: services are still registered with the source
  std::uint64_t failed = 0;       // see the notes
  std::uint64_t disabled = 0;     // keys of the source that are disabled, by whomever
  std::uint64_t intents = 0;      // keys of the source with an intent to the target's key
  std::uint64_t no_intents = 0;   // the source does not offer them
  std::uint64_t policies = 0;     // of the instance, now in force; set when every key is through
  bool is_complete() const noexcept { return not_carried + held_back + failed == 0; }
};

// A key that fails does not stop the others; run again to go on. Errors: Conflict when the source
// is to be disabled and no verify has found everything equal; those of journal and set-up.
Result<CutoverResult> cutover(const Plan& plan, const Side& source, const Side& target,
                              Journal& journal, const CutoverOptions& options, Observer& observer);

struct UndoResult {
  std::uint64_t enabled = 0;  // keys of the source that cutover had disabled
  std::uint64_t intents = 0;  // removed
  std::uint64_t aliases = 0;  // taken from keys of the target
  std::uint64_t failed = 0;   // see the notes
  std::uint64_t kept = 0;     // dual authorization and instance policies stay as they are
};

// Takes back what cutover did, and no more: a key that was disabled before stays so. Errors: as
// cutover.
Result<UndoResult> undo_cutover(const Plan& plan, const Side& source, const Side& target,
                                Journal& journal, unsigned jobs, Observer& observer);

// A carried key on both sides.
struct KeyPair {
  std::string source;
  std::string source_crn;
  std::string target;
  std::string target_crn;
  std::string name;
};
// The keys that are carried completely, in the plan's order. Errors: those of client and journal.
Result<std::vector<KeyPair>> mapping(const Plan& plan, const Side& target, Journal& journal);
// As a file: CSV with the header source_id,source_crn,target_id,target_crn,name; and the vendor's
// pair file: source CRN, target CRN, no header.
std::string mapping_csv(const std::vector<KeyPair>& pairs);
std::string pairs_csv(const std::vector<KeyPair>& pairs);

// What a run of verify said (JSON, of the journal) is that everything was equal, and every DEK that
// the plan counted was looked at. Pure.
bool proves_all(const Plan& plan, std::string_view verify_json);

}  // namespace keyhaven::migrate
