// Units as plans see them, by short names.
#pragma once

#include <string>
#include <vector>

#include "cli/unit_facts.h"

namespace keyhaven::cli {

inline tke::Ski ski_named(char name) {
  tke::Ski out{};
  out.fill(static_cast<std::uint8_t>(name));
  return out;
}

inline std::vector<tke::Ski> skis_named(const std::string& names) {
  std::vector<tke::Ski> out;
  for (const char name : names) out.push_back(ski_named(name));
  return out;
}

// The verification pattern of the key with this number.
inline tke::VerificationPattern key_numbered(std::uint8_t number) {
  tke::VerificationPattern out{};
  out.fill(number);
  return out;
}

// "recovery", "operational", "waiting" (an operational unit that has not joined) or "failover";
// keys by number, 0 for an empty register.
inline UnitFacts unit_of(const std::string& kind, const std::string& administrators,
                         std::uint32_t threshold, std::uint8_t current, std::uint8_t pending = 0,
                         bool committed = false) {
  UnitFacts out;
  out.type = kind == "recovery"   ? client::UnitType::Recovery
             : kind == "failover" ? client::UnitType::Failover
                                  : client::UnitType::Operational;
  out.joined = kind == "operational";
  out.location = "[" + kind + "]";
  out.attributes.signature_threshold = threshold;
  out.attributes.revocation_threshold = threshold;
  for (const char name : administrators)
    out.administrators.push_back({ski_named(name), std::string(1, name)});
  if (current != 0) out.current = key_numbered(current);
  if (pending != 0) out.pending = key_numbered(pending);
  out.pending_committed = committed;
  return out;
}

}  // namespace keyhaven::cli
