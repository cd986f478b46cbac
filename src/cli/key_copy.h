// Carrying a master key from a recovery unit into other units. Each step looks at the unit first
// and does nothing when it is done already: a tool that was stopped anywhere just does all steps
// again. The key is never outside units: it is encrypted from unit to unit.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ceremony.h"

namespace keyhaven::cli {

// Gives the unit the permissions of its type if it has others: a recovery unit may make and export
// keys, every unit may take a key in one part. Signed by the signature threshold.
Result<void> configure_for_type(CeremonyUnit& unit,
                                const std::vector<Administrator>& administrators);

// A random key in a recovery unit: its current register when that is empty, else its new one.
Result<tke::VerificationPattern> make_random_key(CeremonyUnit& source,
                                                 const std::vector<Administrator>& administrators);

// The new register of `target` gets the key that `source` has in `which`; another key in that
// register is cleared first. Errors: from the units; UnitsDiffer when the target does not hold the
// key after all.
Result<void> copy_key(CeremonyUnit& source, tke::KeyRegister which,
                      const tke::VerificationPattern& pattern, CeremonyUnit& target,
                      const std::vector<Administrator>& administrators);

// Commits the new register, which must hold `pattern`.
Result<void> commit_key(CeremonyUnit& unit, const tke::VerificationPattern& pattern,
                        const std::vector<Administrator>& administrators);
// Makes the committed `pattern` the current master key.
Result<void> set_key_immediate(CeremonyUnit& unit, const tke::VerificationPattern& pattern,
                               const std::vector<Administrator>& administrators);
// Empties the new register.
Result<void> clear_new_key(CeremonyUnit& unit, const std::vector<Administrator>& administrators);

}  // namespace keyhaven::cli
