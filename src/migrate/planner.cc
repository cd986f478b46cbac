#include "migrate/planner.h"

#include <algorithm>
#include <set>

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxAliases = 5;

// Policies and registrations are read so that the plan can say what it does not carry; what cannot
// be read is said too.
void note_what_is_lost(SourceKey& source, client::ApiClient& api) {
  if (auto policies = api.key_policies(source.key.id); !policies) {
    source.lost.push_back("policies, unknown which: " + policies.error().message);
  } else if (*policies) {
    for (const client::Policy& policy : **policies) {
      source.lost.push_back("policy " + policy.type +
                            (policy.enabled ? " (enabled)" : " (disabled)") +
                            ": set it again in the target");
    }
  }
  if (auto registrations = api.registrations(source.key.id); !registrations) {
    source.lost.push_back("registrations, unknown which: " + registrations.error().message);
  } else if (*registrations) {
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

// The remedy always ends with the action that was meant, for the reviewer to set.
void block(PlannedKey& key, const std::string& why) {
  if (key.action != KeyAction::Blocked) {
    key.blocked = why + "; then set action to " + std::string(name_of(key.action));
    key.action = KeyAction::Blocked;
  } else {
    key.blocked = why + "; and " + key.blocked;
  }
}

// Where `name` (id, alias or CRN) stands in the plan's keys.
class KeyIndex {
 public:
  explicit KeyIndex(const Plan& plan) {
    for (std::size_t i = 0; i < plan.keys.size(); ++i) by_name_.emplace(plan.keys[i].source, i);
    for (std::size_t i = 0; i < plan.keys.size(); ++i) {
      by_name_.emplace(plan.keys[i].crn, i);
      for (const std::string& alias : plan.keys[i].aliases) by_name_.emplace(alias, i);
    }
  }
  std::optional<std::size_t> find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, std::size_t> by_name_;
};

void count_deks(Plan& plan, const InventoryCount& inventory, const Material& material) {
  const KeyIndex index(plan);
  for (const auto& [name, rows] : inventory.rows) {
    if (const auto known = index.find(name)) {
      plan.keys[*known].deks += rows;
    } else {
      plan.unknown_keys.push_back(name);
    }
  }
  if (inventory.others > 0) {
    plan.unknown_keys.push_back("(" + std::to_string(inventory.others) +
                                " rows of an inventory with too many different keys)");
  }
  for (const std::string& name : material.names()) {
    if (!index.find(name)) plan.unknown_keys.push_back(name);
  }
}

}  // namespace

Result<InventoryCount> count_inventory(const std::string& path) {
  InventoryCount count;
  const auto reader = KH_TRY(InventoryReader::open(path));
  while (true) {
    const std::optional<InventoryItem> item = KH_TRY(reader->next());
    if (!item) return count;
    if (!item->row) {
      ++count.bad;
    } else if (count.rows.size() < kMaxCountedNames || count.rows.contains(item->row->key)) {
      ++count.rows[item->row->key];
    } else {
      ++count.others;
    }
  }
}

Result<std::set<std::string>> names_in(const std::string& inventory) {
  const InventoryCount count = KH_TRY(count_inventory(inventory));
  std::set<std::string> names;
  for (const auto& [name, rows] : count.rows) names.insert(name);
  return names;
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
  const std::size_t all_aliases = out.aliases.size();
  std::erase_if(out.aliases, [](const std::string& alias) {
    return alias.starts_with(kTemporaryAliasPrefix);  // of a migration into the source
  });
  if (out.aliases.size() < all_aliases) out.lost.emplace_back("a temporary alias of a migration");
  const bool is_import = out.root && key.imported && material > 0;
  out.action = !out.root ? KeyAction::Copy : is_import ? KeyAction::Import : KeyAction::Generate;
  out.material_versions = is_import ? std::min(material, out.versions) : 0;
  if (out.root && key.imported && material == 0) {
    out.lost.emplace_back(
        "the imported material: supply it (--material) to keep old wrapped DEKs opening; otherwise "
        "the target gets a generated key and every DEK is re-wrapped");
  }
  if (is_import && material < out.versions) {
    out.lost.push_back("material of " + std::to_string(out.versions - material) +
                       " version(s): DEKs of those versions are re-wrapped");
  }
  if (out.action == KeyAction::Generate && out.versions > 1) {
    out.lost.push_back(std::to_string(out.versions - 1) +
                       " earlier version(s): DEKs of every version are re-wrapped");
  }
  if (key.dual_auth_delete)
    out.lost.emplace_back("dual authorization for deletion: set it in the target afterwards");
  if (key.state == client::kPreActive)
    out.lost.emplace_back("the date of activation: the key is active in the target at once");
  if (is_import && material > out.versions) {
    block(out, "more versions of material are supplied than the key has (" +
                   std::to_string(material) + " of " + std::to_string(out.versions) +
                   "); remove the wrong ones");
  }
  if (out.root && !key.imported && material > 0)
    block(out,
          "material is supplied, but the key was generated in the service: it is not this "
          "key's; remove it");
  if (!out.root && material > 0)
    block(out, "material is supplied for a standard key, which is copied without; remove it");
  const bool expired =
      key.state == client::kDeactivated || (key.expires.is_set() && key.expires <= now);
  if (expired) {
    out.when_expired = "undecided";
    block(out,
          "the key has expired and cannot be made with a past date; name another key in dek_target "
          "and set action to report, or set when_expired to without-expiration");
  }
  if (out.aliases.size() > kMaxAliases)
    block(out, "it has more than 5 aliases; remove some from aliases here");
  return out;
}

Result<Plan> make_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                       const EndpointRef& target_ref, const std::string& plan_id,
                       const InventoryCount& inventory, const Material& material, Timestamp now) {
  if (source_ref.url == target_ref.url && source_ref.instance == target_ref.instance) {
    return Error{Reason::InvalidArgument, "source and target are the same instance", "instance"};
  }
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
    one.key = std::move(key);
    if (one.key.state !=
        client::kDestroyed) {  // those are only reported; a service may refuse more
      one.versions = KH_TRY(count_versions(from, one.key));
      note_what_is_lost(one, from);
    }
    std::vector<std::string> names = {one.key.id, one.key.crn};
    names.insert(names.end(), one.key.aliases.begin(), one.key.aliases.end());
    const auto found = material.find(names);
    const auto* versions = found ? *found : nullptr;
    PlannedKey planned =
        plan_key(one, versions == nullptr ? 0 : static_cast<std::uint32_t>(versions->size()), now);
    if (!found) block(planned, found.error().message + "; give it under one name");
    for (const std::string& alias : planned.aliases) {
      if (planned.action != KeyAction::Report && taken.contains(alias)) {
        block(planned, "alias " + alias +
                           " is taken in the target; remove it from aliases here, or free it "
                           "there");
      }
    }
    plan.keys.push_back(std::move(planned));
  }
  count_deks(plan, inventory, material);
  return plan;
}

}  // namespace keyhaven::migrate
