#include "migrate/planner.h"

#include <algorithm>
#include <set>

#include "client/secure_import.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxAliases = 5;

Result<std::set<std::string>> aliases_of(client::ApiClient& api) {
  std::set<std::string> taken;
  for (const client::Key& key : KH_TRY(read_keys(api)))
    taken.insert(key.aliases.begin(), key.aliases.end());
  return taken;
}

// Policies and registrations of the source's key, and what of them is not carried.
void plan_policies(PlannedKey& out, const SourceKey& source) {
  const client::Key& key = source.key;
  out.registrations = source.registrations;
  for (client::Registration& one : out.registrations) one.key_id.clear();
  if (key.dual_auth_delete) out.policies.dual_auth_delete = true;
  if (key.set_for_deletion) {
    out.lost.emplace_back(
        "the authorization of its deletion by one person: it is usable in the target, authorize "
        "it there again if it is to be deleted");
  }
  if (!key.rotation) return;
  if (key.rotation->months >= 1 && key.rotation->months <= 12) {
    out.policies.rotation = key.rotation;
  } else {
    out.lost.emplace_back("policy rotation without an interval: set it again in the target");
  }
}

}  // namespace

// The remedy always ends with the action that was meant, for the reviewer to set.
void block(PlannedKey& key, const std::string& why) {
  if (key.action != KeyAction::Blocked) {
    key.blocked = why + "; then set action to " + std::string(name_of(key.action));
    key.action = KeyAction::Blocked;
  } else {
    key.blocked = why + "; and " + key.blocked;
  }
}

KeyIndex::KeyIndex(const Plan& plan) {
  for (std::size_t i = 0; i < plan.keys.size(); ++i) by_name_.emplace(plan.keys[i].source, i);
  for (std::size_t i = 0; i < plan.keys.size(); ++i) {
    by_name_.emplace(plan.keys[i].crn, i);
    for (const std::string& alias : plan.keys[i].aliases) by_name_.emplace(alias, i);
  }
}

std::optional<std::size_t> KeyIndex::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

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
  plan_policies(out, source);
  const std::size_t all_aliases = out.aliases.size();
  std::erase_if(out.aliases, [](const std::string& alias) {
    return alias.starts_with(kTemporaryAliasPrefix);  // of a migration into the source
  });
  if (out.aliases.size() < all_aliases) out.lost.emplace_back("a temporary alias of a migration");
  const bool is_import = out.root && key.imported && material > 0;
  out.action = !out.root ? KeyAction::Copy : is_import ? KeyAction::Import : KeyAction::Generate;
  out.material_versions = is_import ? std::min(material, out.versions) : 0;
  if (out.policies.rotation && out.action != KeyAction::Generate) {  // no service has both
    out.policies.rotation.reset();
    out.lost.emplace_back("policy rotation: a key with material of its owner cannot have it");
  }
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

std::string what_is_forbidden(const PlannedKey& key,
                              const std::vector<client::Policy>& target_policies) {
  if (!key.is_made()) return {};
  for (const client::Policy& policy : target_policies) {
    if (policy.type != "keyCreateImportAccess" || !policy.enabled) continue;
    const auto is_set = [&policy](std::string_view name, bool absent) {
      for (const auto& [known, value] : policy.access) {
        if (known == name) return value;
      }
      return absent;
    };
    const bool imports = key.action == KeyAction::Import || key.action == KeyAction::Copy;
    const std::string right =
        std::string(imports ? "import_" : "create_") + (key.root ? "root_key" : "standard_key");
    if (!is_set(right, true)) {
      return "the target's policy keyCreateImportAccess forbids it (" + right +
             " is false); allow it there until the migration is done";
    }
    if (key.action == KeyAction::Copy && is_set("enforce_token", false)) {
      return "the target's policy keyCreateImportAccess asks for an import token, which standard "
             "keys cannot use; set enforce_token to false there until the migration is done";
    }
  }
  return {};
}

bool is_in_force(const client::InstancePolicyChange& wanted, const client::Policy& found) {
  const bool has_interval =
      !wanted.interval_month || *wanted.interval_month == found.interval_month;
  const bool has_rights =
      std::all_of(wanted.access.begin(), wanted.access.end(), [&found](const auto& right) {
        return std::find(found.access.begin(), found.access.end(), right) != found.access.end();
      });
  return wanted.type == found.type && wanted.enabled == found.enabled &&
         wanted.allowed_network == found.allowed_network && wanted.allowed_ip == found.allowed_ip &&
         has_interval && has_rights;
}

namespace {

using Policies = std::vector<client::Policy>;

client::InstancePolicyChange change_of(const client::Policy& policy) {
  client::InstancePolicyChange change;
  change.type = policy.type;
  change.enabled = policy.enabled;
  change.allowed_network = policy.allowed_network;
  change.allowed_ip = policy.allowed_ip;
  if (policy.interval_month) change.interval_month = *policy.interval_month;
  change.access = policy.access;
  return change;
}

// Those of the source that are in force and that the target does not have; the network's last.
Result<void> plan_instance_policies(Plan& plan, client::ApiClient& from, const Policies& target) {
  const auto source = from.instance_policies();
  if (!source) {
    plan.lost.push_back("instance policies, unknown which: " + source.error().message);
    return {};
  }
  if (!*source) return {};
  for (const std::string_view type : {"dualAuthDelete", "rotation", "keyCreateImportAccess",
                                      "metrics", "allowedNetwork", "allowedIP"}) {
    for (const client::Policy& policy : **source) {
      if (policy.type != type || !policy.enabled) continue;
      const client::InstancePolicyChange wanted = change_of(policy);
      const bool is_there =
          std::any_of(target.begin(), target.end(),
                      [&wanted](const client::Policy& one) { return is_in_force(wanted, one); });
      if (!is_there) plan.instance_policies.push_back(wanted);
    }
  }
  return {};
}

// The vendor's rule where the target does not say its own.
constexpr std::uint32_t kHour = 3600;

std::uint32_t rotation_seconds(const Side& target, client::ApiClient& to) {
  const auto instance = to.get_instance(target.instance());
  if (!instance || !instance->rotation_interval_seconds) return kHour;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(*instance->rotation_interval_seconds, 0, 7 * 86'400));
}

Result<void> plan_rings(Plan& plan, client::ApiClient& from, client::ApiClient& to) {
  std::set<std::string> target_rings;
  for (const client::KeyRing& ring : KH_TRY(to.list_rings())) target_rings.insert(ring.id);
  for (const client::KeyRing& ring : KH_TRY(from.list_rings())) {
    if (ring.id != "default" && !target_rings.contains(ring.id)) plan.key_rings.push_back(ring.id);
  }
  return {};
}

PlannedKey plan_with_material(const SourceKey& source, const Material& material, Timestamp now) {
  std::vector<std::string> names = {source.key.id, source.key.crn};
  names.insert(names.end(), source.key.aliases.begin(), source.key.aliases.end());
  const auto found = material.find(names);
  const auto* versions = found ? *found : nullptr;
  PlannedKey planned =
      plan_key(source, versions == nullptr ? 0 : static_cast<std::uint32_t>(versions->size()), now);
  if (!found) block(planned, found.error().message + "; give it under one name");
  return planned;
}

}  // namespace

Result<Plan> make_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                       const EndpointRef& target_ref, const std::string& plan_id,
                       const InventoryCount& inventory, const Material& material, Timestamp now,
                       const PlanOptions& options) {
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
  plan.import_form = client::secure_import_of(target_ref.url) == client::SecureImport::Sha1Cbc
                         ? ImportForm::Sha1Cbc
                         : ImportForm::Sha256Gcm;
  KH_TRY(plan_rings(plan, from, to));
  const std::set<std::string> taken = KH_TRY(aliases_of(to));
  Policies target_policies;
  if (auto policies = to.instance_policies(); policies && *policies)
    target_policies = std::move(**policies);
  KH_TRY(plan_instance_policies(plan, from, target_policies));

  std::vector<SourceKey> keys = KH_TRY(read_source_keys(source, options.jobs));
  plan.keys.reserve(keys.size());
  for (SourceKey& one : keys) {
    PlannedKey planned = plan_with_material(one, material, now);
    planned.hold_aliases = options.hold_aliases && !planned.aliases.empty();
    for (const std::string& alias : planned.aliases) {
      if (planned.action != KeyAction::Report && taken.contains(alias)) {
        block(planned, "alias " + alias +
                           " is taken in the target; remove it from aliases here, or free it "
                           "there");
      }
    }
    if (const std::string why = what_is_forbidden(planned, target_policies); !why.empty())
      block(planned, why);
    plan.keys.push_back(std::move(planned));
    one = {};  // many keys need not be there in both forms
  }
  if (plan.seconds_of_imports() > 0) plan.rotation_seconds = rotation_seconds(target, to);
  count_deks(plan, inventory, material);
  return plan;
}

}  // namespace keyhaven::migrate
