// Makes a plan: reads both sides and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "migrate/inventory_count.h"
#include "migrate/material.h"
#include "migrate/plan.h"
#include "migrate/source_reader.h"

namespace keyhaven::migrate {

// Decides how one key is carried. Pure. `material`: versions supplied, 0 for none.
PlannedKey plan_key(const SourceKey& source, std::uint32_t material, Timestamp now);

// What an instance policy of the target forbids the migration to do with this key; empty: nothing.
// Pure.
std::string what_is_forbidden(const PlannedKey& key,
                              const std::vector<client::Policy>& target_policies);

// Whether a policy that an instance has is the wanted one; rights that `wanted` does not name do
// not count. Pure.
bool is_in_force(const client::InstancePolicyChange& wanted, const client::Policy& found);

struct PlanOptions {
  unsigned jobs = 4;          // 1 to 32
  bool hold_aliases = false;  // see PlannedKey
};

// Errors: those of the client, InvalidArgument when both sides are one instance; unknown keys in
// inventory or material end up in the plan, not in an error.
Result<Plan> make_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                       const EndpointRef& target_ref, const std::string& plan_id,
                       const InventoryCount& inventory, const Material& material, Timestamp now,
                       const PlanOptions& options = {});

// Where `name` (id, alias or CRN) stands in a plan's keys. Immutable.
class KeyIndex {
 public:
  explicit KeyIndex(const Plan& plan);
  std::optional<std::size_t> find(const std::string& name) const;

 private:
  std::map<std::string, std::size_t> by_name_;
};

// Adds the rows of an inventory to the keys they name, and the names that no key has to
// plan.unknown_keys.
void count_deks(Plan& plan, const InventoryCount& inventory, const Material& material);

// Blocks a key for one more reason; the remedy ends with the action to set. Pure.
void block(PlannedKey& key, const std::string& why);

}  // namespace keyhaven::migrate
