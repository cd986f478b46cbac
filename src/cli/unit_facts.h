// What a tool knows about a crypto unit before it decides what to do: read once, in signed answers
// but for one bit, and then judged by pure functions (init_plan.h, rotation_plan.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/ceremony.h"

namespace keyhaven::cli {

struct InstalledAdministrator {
  tke::Ski ski{};
  std::string name;
  bool operator==(const InstalledAdministrator&) const = default;
};

struct UnitFacts {
  std::string location;
  client::UnitType type = client::UnitType::Operational;
  bool joined = true;  // as the service says: whether the instance's keys depend on it
  tke::DomainAttributes attributes;
  std::vector<InstalledAdministrator> administrators;
  std::optional<tke::VerificationPattern> current;  // nothing: empty
  std::optional<tke::VerificationPattern> pending;  // the new register
  // Not in a signed answer. Falsely told, a command that relies on it is refused by the unit.
  bool pending_committed = false;

  // "recovery unit [eu-de].[AZ1-CS1].[07].[00]", "crypto unit ...", "failover unit ...".
  std::string name() const;
  bool has_administrator(const tke::Ski& ski) const;
  bool holds_current(const tke::VerificationPattern& pattern) const;
  bool holds_new(const tke::VerificationPattern& pattern) const;
};

Result<UnitFacts> facts_of(CeremonyUnit& unit);
Result<std::vector<UnitFacts>> facts_of_all(std::vector<CeremonyUnit>& units);

// Who administers a unit may take its master key away, or out of it where exports are permitted:
// all that get one key must have the same administrators and thresholds. Errors: Conflict (names
// two units, what differs and the remedy).
Result<void> check_alike(const UnitFacts& one, const UnitFacts& other);

tke::UnitRole role_of(client::UnitType type) noexcept;
// "operational", "recovery", "failover".
std::string_view text_of(client::UnitType type) noexcept;
// The first eight hexadecimal digits, as messages name a master key.
std::string short_text(const tke::VerificationPattern& pattern);
// "name (SKI)", comma-separated.
std::string text_of(const std::vector<InstalledAdministrator>& administrators);

// All units of one instance, whatever is selected.
Result<std::vector<CeremonyUnit>> all_units_of(Context& context, Ceremony& ceremony,
                                               const std::string& instance);

}  // namespace keyhaven::cli
