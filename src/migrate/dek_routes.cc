#include "migrate/dek_routes.h"

#include <algorithm>

#include "migrate/apply.h"

namespace keyhaven::migrate {
namespace {

Result<DekRoute> route_of(const PlannedKey& key, Journal& journal) {
  DekRoute route;
  route.key = &key;
  if (!key.root) {
    route.refusal = "it is a standard key; only root keys wrap DEKs";
    return route;
  }
  route.target = key.dek_target.empty() ? KH_TRY(target_of(journal, key.source)) : key.dek_target;
  if (!route.target.empty()) return route;
  if (key.action == KeyAction::Blocked) {
    route.refusal = "the key is blocked in the plan: " + key.blocked;
  } else if (key.action == KeyAction::Report) {
    route.refusal = "the key is destroyed in the source or only reported; name a key in dek_target";
  } else {
    route.refusal = "the key has not been carried yet; run keyhaven migrate apply";
  }
  return route;
}

}  // namespace

Result<DekRoutes> DekRoutes::make(const Plan& plan, Journal& journal) {
  DekRoutes out;
  out.unknown_.refusal =
      "the plan has no such key; name it by id, alias or CRN of the source, or plan again";
  for (const PlannedKey& key : plan.keys) {
    const DekRoute route = KH_TRY(route_of(key, journal));
    out.routes_.emplace(key.source, route);
    if (!key.crn.empty()) out.routes_.emplace(key.crn, route);
    for (const std::string& alias : key.aliases) out.routes_.emplace(alias, route);
  }
  return out;
}

const DekRoute& DekRoutes::find(const std::string& key) const {
  const auto found = routes_.find(key);
  return found == routes_.end() ? unknown_ : found->second;
}

std::string DekRoutes::target_name(const DekRoute& route, const std::string& key) {
  const auto& aliases = route.key->aliases;
  const bool by_alias = std::find(aliases.begin(), aliases.end(), key) != aliases.end();
  return by_alias && route.key->dek_target.empty() ? key : route.target;
}

}  // namespace keyhaven::migrate
