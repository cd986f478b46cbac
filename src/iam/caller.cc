#include "iam/caller.h"

namespace keyhaven::iam {
namespace {

bool covers(const Grant& grant, const Scope& scope) noexcept {
  if (grant.instance && (scope.instance == nullptr || *grant.instance != *scope.instance))
    return false;
  if (!grant.key_ring.empty() && grant.key_ring != scope.key_ring) return false;
  return !grant.key || (scope.key != nullptr && *grant.key == *scope.key);
}

}  // namespace

RoleSet Caller::roles_on(const Scope& scope) const noexcept {
  RoleSet roles = 0;
  for (const Grant& grant : grants) {
    if (covers(grant, scope)) roles = static_cast<RoleSet>(roles | grant.roles);
  }
  return roles;
}

bool Caller::may(Action action, const Scope& scope) const noexcept {
  const ActionInfo& row = info(action);
  switch (row.access) {
    case Access::Open:
    case Access::AnyCaller:
      return true;
    case Access::Roles:
      return (roles_on(scope) & row.roles) != 0;
  }
  return false;
}

}  // namespace keyhaven::iam
