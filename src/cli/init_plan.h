// What auto-init does with the units of an instance: pure functions of their state.
//
// Every step can be the last one of a run. So a plan is made from what the units hold, not from
// what an earlier run remembers; a unit that has everything is left alone.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "cli/unit_facts.h"

namespace keyhaven::cli {

struct InitWish {
  std::vector<tke::Ski> administrators;
  std::uint32_t signature = 0;  // thresholds
  std::uint32_t revocation = 0;
};

struct InitPlan {
  std::vector<std::size_t> install;  // units in imprint mode
  std::size_t source = 0;            // the recovery unit that has or gets the master key
  bool random = false;               // no unit has a master key yet
  std::vector<std::size_t> copy;     // units without the master key
  bool nothing_to_do() const noexcept { return install.empty() && !random && copy.empty(); }
};

// The rules that hold before any unit is looked at. Errors: InvalidArgument.
Result<void> check_wish(const InitWish& wish);

// Errors: Conflict (a unit is initialised, or being initialised, by other administrators or with
// other thresholds; no recovery unit, or none with the master key that others have), UnitsDiffer.
Result<InitPlan> plan_init(const std::vector<UnitFacts>& units, const InitWish& wish);

}  // namespace keyhaven::cli
