// Makes a plan: reads both sides and changes nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "migrate/inventory.h"
#include "migrate/material.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

// How many rows of an inventory name each key (as written there), and how many rows are bad. Only
// the first kMaxCountedNames names are kept apart: an inventory may be hostile, memory stays flat.
inline constexpr std::size_t kMaxCountedNames = 100'000;
struct InventoryCount {
  std::map<std::string, std::uint64_t> rows;
  std::uint64_t others = 0;  // rows of further names
  std::uint64_t bad = 0;
};
Result<InventoryCount> count_inventory(const std::string& path);
// The different names of keys in an inventory; as many as count_inventory keeps apart.
Result<std::set<std::string>> names_in(const std::string& inventory);

// What the API says about one key of the source; the rest of the plan is decided from that.
struct SourceKey {
  client::Key key;
  std::uint32_t versions = 1;
  std::vector<std::string> lost;
};

// Decides how one key is carried. Pure. `material`: versions supplied, 0 for none.
PlannedKey plan_key(const SourceKey& source, std::uint32_t material, Timestamp now);

// Errors: those of the client, InvalidArgument when both sides are one instance; unknown keys in
// inventory or material end up in the plan, not in an error.
Result<Plan> make_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                       const EndpointRef& target_ref, const std::string& plan_id,
                       const InventoryCount& inventory, const Material& material, Timestamp now);

}  // namespace keyhaven::migrate
