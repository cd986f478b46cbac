// A drill: the whole recovery of an instance's master key, rehearsed in a scratch instance that the
// service makes, with the signers and key parts that a real recovery would use. Nothing of the live
// instance is changed; its crypto units are only asked.
//
// Proven, in this order: the signers are administrators of every live unit and as many as its
// signature threshold (each signs a fresh challenge that is verified with the certificate the unit
// answers); the parts are there; loaded, committed and set in a scratch unit they give the
// verification pattern that the live units hold.
//
// The scratch instance has a name that is the live instance's own (scratch_name). One that an
// interrupted drill left behind is found by it and cleared away first; if it has keys in it, it is
// nobody's scratch instance and is left alone.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ceremony.h"

namespace keyhaven::cli {

// "keyhaven-drill-" and the live instance's id.
std::string scratch_name(const std::string& instance);

struct LiveFacts {
  std::string instance;
  tke::VerificationPattern pattern{};
  bool pattern_signed = true;             // false: the units answer it only unsigned
  std::uint32_t signature_threshold = 0;  // the highest of the units
  std::uint32_t revocation_threshold = 0;
};
// Asks the live units, and proves the signers. Errors: Conflict (no master key, units differ),
// Forbidden (a signer is no administrator, or too few).
Result<LiveFacts> prove_signers(std::vector<CeremonyUnit>& units,
                                const std::vector<Administrator>& administrators);

// Rehearses in a scratch instance and clears it away, whatever happens. Errors: what failed; when
// the clearing fails too, its error is added to the message.
Result<void> rehearse(Context& context, Ceremony& ceremony, const LiveFacts& live,
                      const std::vector<Administrator>& administrators,
                      const std::vector<KeyPart>& parts, SameAdministrator same);

// Clears away what an interrupted drill of this instance left; whether there was something. Errors:
// Conflict when the instance of that name has keys.
Result<bool> clear_scratch(Context& context, Ceremony& ceremony, const std::string& instance,
                           const std::vector<Administrator>& administrators);

}  // namespace keyhaven::cli
