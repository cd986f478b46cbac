#include "migrate/dek_routes.h"

#include <algorithm>
#include <map>

#include "crypto/hash.h"
#include "migrate/progress.h"

namespace keyhaven::migrate {
namespace {

DekRoute route_of(const PlannedKey& key, const KeyProgress* progress) {
  DekRoute route;
  route.key = &key;
  if (!key.root) {
    route.refusal = "it is a standard key; only root keys wrap DEKs";
  } else if (key.action == KeyAction::Blocked) {
    route.refusal = "the key is blocked in the plan: " + key.blocked;
  } else if (!key.dek_target.empty()) {
    route.target = key.dek_target;
  } else if (key.action == KeyAction::Report) {
    route.refusal = "the key is only reported, not carried; name a key of the target in dek_target";
  } else if (progress == nullptr || !progress->is_carried(key)) {
    route.refusal = "the key is not carried, or not completely; run keyhaven migrate apply";
  } else {
    route.target = progress->target;
  }
  return route;
}

}  // namespace

Result<DekRoutes> DekRoutes::make(const Plan& plan, Journal& journal) {
  DekRoutes out;
  out.unknown_.refusal =
      "the plan has no such key; name it by id, alias or CRN of the source, or plan again";
  const auto progress = progress_of(KH_TRY(journal.steps()));
  std::vector<DekRoute> routes;
  for (const PlannedKey& key : plan.keys) {
    const auto found = progress.find(key.source);
    routes.push_back(route_of(key, found == progress.end() ? nullptr : &found->second));
  }
  for (const DekRoute& route : routes)
    if (route.refusal.empty()) out.targets_.insert(route.target);
  // Ids of every key before any alias: an alias that looks like an id must not catch its DEKs.
  for (const DekRoute& route : routes) out.routes_.emplace(route.key->source, route);
  for (const DekRoute& route : routes) {
    if (!route.key->crn.empty()) out.routes_.emplace(route.key->crn, route);
    for (const std::string& alias : route.key->aliases) out.routes_.emplace(alias, route);
  }
  return out;
}

const DekRoute& DekRoutes::find(const std::string& key) const {
  const auto found = routes_.find(key);
  return found == routes_.end() ? unknown_ : found->second;
}

const std::string* DekRoutes::target_of(const std::string& key) const {
  const DekRoute& route = find(key);
  if (route.key != nullptr) return route.refusal.empty() ? &route.target : nullptr;
  const auto found = targets_.find(key);
  return found == targets_.end() ? nullptr : &*found;
}

std::string DekRoutes::digest() const {
  std::string text;
  for (const auto& [name, route] : std::map(routes_.begin(), routes_.end())) {
    for (const std::string& part : {name, route.target, route.refusal})
      text += std::to_string(part.size()) + ":" + part;
  }
  return to_hex(crypto::sha256(as_bytes(text)));
}

std::string DekRoutes::target_name(const DekRoute& route, const std::string& key) {
  const auto& aliases = route.key->aliases;
  const bool by_alias = std::find(aliases.begin(), aliases.end(), key) != aliases.end();
  // An alias that waits for cutover, or a key of the target that has its own, is not found by it.
  const bool is_given = route.key->is_made() && !route.key->hold_aliases;
  return by_alias && is_given && route.key->dek_target.empty() ? key : route.target;
}

}  // namespace keyhaven::migrate
