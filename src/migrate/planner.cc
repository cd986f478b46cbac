#include "migrate/planner.h"

#include <algorithm>
#include <set>

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxAliases = 5;

// Policies and registrations are read so that the plan can say what it does not carry.
void note_what_is_lost(SourceKey& source, client::ApiClient& api) {
  if (auto policies = api.key_policies(source.key.id); policies && *policies) {
    for (const client::Policy& policy : **policies) {
      source.lost.push_back("policy " + policy.type +
                            (policy.enabled ? " (enabled)" : " (disabled)") +
                            ": set it again in the target");
    }
  }
  if (auto registrations = api.registrations(source.key.id); registrations && *registrations) {
    if (const std::size_t count = (**registrations).size(); count > 0) {
      source.lost.push_back(std::to_string(count) +
                            " registration(s): only services may write them");
    }
  }
}

Result<std::uint32_t> count_versions(client::ApiClient& api, const client::Key& key) {
  if (!key.is_root()) return std::uint32_t{1};
  const auto versions = KH_TRY(api.versions(key.id));
  return static_cast<std::uint32_t>(std::max<std::size_t>(versions.size(), 1));
}

Result<std::set<std::string>> aliases_of(client::ApiClient& api) {
  client::KeyQuery query;
  query.states = {0, 1, 2, 3, 5};
  query.limit = 1000;
  std::set<std::string> taken;
  for (const client::Key& key : KH_TRY(api.list_all_keys(query)))
    taken.insert(key.aliases.begin(), key.aliases.end());
  return taken;
}

void block(PlannedKey& key, std::string why) {
  key.action = KeyAction::Blocked;
  key.blocked = std::move(why);
}

}  // namespace

Result<InventoryCount> count_inventory(const std::string& path) {
  InventoryCount count;
  const auto reader = KH_TRY(InventoryReader::open(path));
  while (true) {
    const std::optional<InventoryItem> item = KH_TRY(reader->next());
    if (!item) return count;
    if (item->row) {
      ++count.rows[item->row->key];
    } else {
      ++count.bad;
    }
  }
}

PlannedKey plan_key(const SourceKey& source, std::uint32_t material, Timestamp now) {
  const client::Key& key = source.key;
  PlannedKey out;
  out.source = key.id;
  out.crn = key.crn;
  out.name = key.name;
  out.description = key.description;
  out.tags = key.tags;
  out.aliases = key.aliases;
  out.key_ring = key.key_ring;
  out.root = key.is_root();
  out.imported = key.imported;
  out.state = key.state;
  out.expires = key.expires;
  out.versions = source.versions;
  out.lost = source.lost;
  if (key.state == client::kDestroyed) {
    out.action = KeyAction::Report;
    return out;
  }
  out.action = !out.root ? KeyAction::Copy : material > 0 ? KeyAction::Import : KeyAction::Generate;
  out.material_versions = out.action == KeyAction::Import ? material : 0;
  if (out.root && key.imported && material == 0) {
    out.lost.emplace_back(
        "the imported material: supply it (--material) to keep old wrapped DEKs opening; otherwise "
        "the "
        "target gets a generated key and every DEK is re-wrapped");
  }
  if (out.action == KeyAction::Import && material < out.versions) {
    out.lost.push_back("material of " + std::to_string(out.versions - material) +
                       " version(s): DEKs of those versions are re-wrapped");
  }
  if (out.action == KeyAction::Generate && out.versions > 1) {
    out.lost.push_back(std::to_string(out.versions - 1) +
                       " earlier version(s): DEKs of every version are re-wrapped");
  }
  if (key.dual_auth_delete)
    out.lost.emplace_back("dual authorization for deletion: set it in the target afterwards");
  const bool expired =
      key.state == client::kDeactivated || (key.expires.is_set() && key.expires <= now);
  if (expired) {
    out.when_expired = "undecided";
    block(out,
          "the key has expired and cannot be made with a past date; set when_expired to "
          "without-expiration and "
          "action to " +
              std::string(name_of(out.action)) +
              ", or name another key in dek_target and set action "
              "to report");
  }
  return out;
}

Result<Plan> make_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                       const EndpointRef& target_ref, const std::string& plan_id,
                       const InventoryCount& inventory, const Material& material, Timestamp now) {
  client::ApiClient from = KH_TRY(source.connect());
  client::ApiClient to = KH_TRY(target.connect());
  Plan plan;
  plan.id = plan_id;
  plan.made = now;
  plan.source = source_ref;
  plan.target = target_ref;

  std::set<std::string> target_rings;
  for (const client::KeyRing& ring : KH_TRY(to.list_rings())) target_rings.insert(ring.id);
  for (const client::KeyRing& ring : KH_TRY(from.list_rings())) {
    if (ring.id != "default" && !target_rings.contains(ring.id)) plan.key_rings.push_back(ring.id);
  }
  const std::set<std::string> taken = KH_TRY(aliases_of(to));

  client::KeyQuery query;
  query.states = {0, 1, 2, 3, 5};
  query.limit = 1000;
  for (client::Key& key : KH_TRY(from.list_all_keys(query))) {
    SourceKey one;
    one.versions = KH_TRY(count_versions(from, key));
    one.key = std::move(key);
    note_what_is_lost(one, from);
    std::vector<std::string> names = {one.key.id, one.key.crn};
    names.insert(names.end(), one.key.aliases.begin(), one.key.aliases.end());
    const auto* versions = material.find(names);
    PlannedKey planned =
        plan_key(one, versions == nullptr ? 0 : static_cast<std::uint32_t>(versions->size()), now);
    for (const std::string& alias : planned.aliases) {
      if (planned.action != KeyAction::Report && planned.action != KeyAction::Blocked &&
          taken.contains(alias)) {
        block(planned,
              "alias " + alias +
                  " is taken in the target; remove it from aliases here, or free it there");
      }
    }
    if (planned.aliases.size() > kMaxAliases)
      block(planned, "it has more than 5 aliases; remove some from aliases here");
    plan.keys.push_back(std::move(planned));
  }
  for (const auto& [name, rows] : inventory.rows) {
    const PlannedKey* known = plan.find(name);
    if (known == nullptr) {
      plan.unknown_keys.push_back(name);
    } else {
      plan.keys[static_cast<std::size_t>(known - plan.keys.data())].deks += rows;
    }
  }
  for (const std::string& name : material.names()) {
    if (plan.find(name) == nullptr) plan.unknown_keys.push_back(name);
  }
  return plan;
}

}  // namespace keyhaven::migrate
