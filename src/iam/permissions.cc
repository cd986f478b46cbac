#include "iam/permissions.h"

#include <algorithm>
#include <map>
#include <utility>

namespace keyhaven::iam {
namespace {

// The table's rows that one of `roles` may do: Caller::may for all actions at once, so that the
// grants are walked once and not per action.
Actions actions_of(RoleSet roles) {
  Actions out;
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const auto action = static_cast<Action>(index);
    const ActionInfo& row = info(action);
    if (row.access == Access::Roles && (row.roles & roles) != 0) out.push_back(action);
  }
  return out;
}

// In order of first mention; at most kMaxGrantsPerIdentity.
std::vector<Place> places_of(const Caller& caller, const InstanceId& instance) {
  std::vector<Place> out;
  for (const Grant& grant : caller.grants) {
    if (grant.instance && *grant.instance != instance) continue;
    const Place place{grant.key_ring, grant.key};
    if (place.key_ring.empty() && !place.key) continue;
    if (std::find(out.begin(), out.end(), place) == out.end()) out.push_back(place);
  }
  return out;
}

}  // namespace

Actions actions_on(const Caller& caller, const Scope& scope) {
  return actions_of(caller.roles_on(scope));
}

std::vector<Part> parts_of(const Caller& caller, const InstanceId& instance) {
  std::map<RoleSet, std::vector<Place>> by_roles;
  for (const Place& place : places_of(caller, instance)) {
    const Scope scope{.instance = &instance,
                      .key_ring = place.key_ring,
                      .key = place.key ? &*place.key : nullptr};
    by_roles[caller.roles_on(scope)].push_back(place);
  }
  std::vector<Part> out;
  for (auto& [roles, places] : by_roles) out.push_back({actions_of(roles), std::move(places)});
  return out;
}

std::vector<Requirement> requirements() {
  std::map<RoleSet, Actions> by_roles;
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const auto action = static_cast<Action>(index);
    const ActionInfo& row = info(action);
    if (row.access == Access::Roles) by_roles[row.roles].push_back(action);
  }
  std::vector<Requirement> out;
  for (auto& [roles, actions] : by_roles) out.push_back({roles, std::move(actions)});
  return out;
}

}  // namespace keyhaven::iam
