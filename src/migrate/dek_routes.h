// For each name an inventory may use: which source key it is and under which target key its DEKs
// go.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "migrate/journal.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

struct DekRoute {
  const PlannedKey* key = nullptr;
  std::string target;   // id of the completely carried key in the target, or the plan's dek_target
  std::string refusal;  // why its DEKs cannot be moved; empty if they can
};

// Immutable after make; thread-safe.
class DekRoutes {
 public:
  // `plan` must outlive the object. Errors: those of the journal.
  static Result<DekRoutes> make(const Plan& plan, Journal& journal);
  // Never null: an unknown name gives a route with a refusal.
  const DekRoute& find(const std::string& key) const;
  // What stands in the key column of the new inventory: the alias if the row used one that is
  // carried, else the target's id.
  static std::string target_name(const DekRoute& route, const std::string& key);
  // The target's key that new DEKs of `key` are under: of a name in the source, or of a target key
  // itself. Null: the plan carries no such key.
  const std::string* target_of(const std::string& key) const;
  // SHA-256, hexadecimal, of where every key's DEKs go: another digest, another result of rewrap.
  std::string digest() const;

 private:
  std::unordered_map<std::string, DekRoute> routes_;
  std::unordered_set<std::string> targets_;
  DekRoute unknown_;
};

}  // namespace keyhaven::migrate
