// How far a migration is, per key and in all: from the journal, and, when asked, from both sides.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "migrate/journal.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

enum class KeyStage : std::uint8_t {
  Planned,   // nothing is begun
  Begun,     // some steps are done
  Done,      // carried
  Verified,  // carried, and the last verify found it equal
  Failed,    // the last apply failed, or verify found a difference; `why` says it
  Blocked,
  Reported,
};
inline constexpr KeyStage kStages[] = {KeyStage::Planned,  KeyStage::Begun,  KeyStage::Done,
                                       KeyStage::Verified, KeyStage::Failed, KeyStage::Blocked,
                                       KeyStage::Reported};
std::string_view name_of(KeyStage stage) noexcept;

struct KeyStatus {
  const PlannedKey* key = nullptr;
  std::string target;  // id, once it is known
  KeyStage stage = KeyStage::Planned;
  std::vector<std::string> open;  // steps that are begun and have no result
  std::string why;
  bool is_source_disabled = false;  // by cutover
  bool has_intent = false;          // set by cutover
  // Services registered with the key on each side, when the sides were asked.
  std::optional<std::uint64_t> source_registrations;
  std::optional<std::uint64_t> target_registrations;
};

// One for each key of the plan, in its order. `plan` must outlive them. Errors: the journal's.
// `journal` may be null: nothing is begun.
Result<std::vector<KeyStatus>> status_of(const Plan& plan, Journal* journal);

// Adds how many services are registered on both sides. A side that does not offer the lists leaves
// its counts unset. Errors: those of the client.
Result<void> add_registrations(std::vector<KeyStatus>& keys, const Side& source,
                               const Side& target);

std::map<KeyStage, std::uint64_t> totals_of(const std::vector<KeyStatus>& keys);

}  // namespace keyhaven::migrate
