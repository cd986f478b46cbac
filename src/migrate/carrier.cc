#include "migrate/carrier.h"

#include <algorithm>

#include "migrate/enabled_keys.h"
#include "migrate/look_and_repeat.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMostAliases = 5;

Error foreign_versions(const std::string& id, std::size_t have, std::uint32_t number) {
  return Error{Reason::Conflict,
               "key " + id + " of the target has " + std::to_string(have) +
                   " version(s) where version " + std::to_string(number) +
                   " was to follow: somebody else has rotated it; delete it there and make a new "
                   "plan",
               {}};
}

// Whether a service does not know the call at all.
bool is_missing(const Error& error) {
  return error.reason == Reason::RouteNotFound || error.reason == Reason::NotFound ||
         error.reason == Reason::MethodNotAllowed || error.reason == Reason::NotSupported;
}

bool has_alias(const client::Key& key, const std::string& alias) {
  return std::find(key.aliases.begin(), key.aliases.end(), alias) != key.aliases.end();
}

}  // namespace

bool CarrierShare::may_register() const {
  const std::lock_guard lock(mutex_);
  return why_.empty();
}

void CarrierShare::note_refused_registrations(std::uint64_t count, const std::string& why) {
  const std::lock_guard lock(mutex_);
  refused_ += count;
  if (why_.empty()) why_ = why;
}

std::uint64_t CarrierShare::refused_registrations() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::string CarrierShare::why_refused() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

Result<void> give_alias(client::ApiClient& to, const std::string& id, const std::string& alias) {
  return act_or_find(
      to, [&] { return to.create_alias(id, alias); },
      [&]() -> Result<bool> {
        auto owner = to.get_metadata(alias);
        if (owner) return owner->id == id;
        if (owner.error().code() == Errc::NotFound) return false;
        return std::move(owner).error();
      });
}

std::string Carrier::alias_of(const PlannedKey& key) const {
  return temporary_alias(share_->plan.id, key.source);
}

// Runs `act` once: intent, act, result. `act` is told whether an earlier run has begun it, and
// looks before it repeats.
template <class Act>
Result<void> Carrier::step(const PlannedKey& key, const std::string& name, Act act) {
  const auto known = KH_TRY(share_->journal.find(key.source, name));
  if (known && known->done) return {};
  if (!known) KH_TRY(share_->journal.intend(key.source, name));
  KH_TRY(act(known.has_value()));
  return share_->journal.finish(key.source, name, "");
}

Result<void> Carrier::carry(const PlannedKey& key) {
  if (key.action == KeyAction::Existing) {
    KH_TRY(take_over(key));
    return {};
  }
  const std::string id = KH_TRY(create(key));
  for (std::uint32_t number = 2; number <= key.imports(); ++number) {
    KH_TRY(step(key, "version:" + std::to_string(number),
                [&](bool begun) { return import_version(key, id, number, begun); }));
  }
  KH_TRY(step(key, "release", [&](bool) { return release(id, key); }));
  if (!key.hold_aliases) {
    for (const std::string& alias : key.aliases)
      KH_TRY(step(key, "alias:" + alias, [&](bool) { return give_alias(to_, id, alias); }));
  }
  if (const client::RotationPolicy* rotation = key.rotation())
    KH_TRY(step(key, "policy:rotation", [&](bool) { return set_rotation(id, *rotation); }));
  KH_TRY(register_services(key, id));
  if (key.state == client::kSuspended)
    KH_TRY(step(key, "disable", [&](bool) { return disable_in(to_, id); }));
  return {};
}

Result<Timestamp> Carrier::due(const PlannedKey& key) {
  const auto created = KH_TRY(share_->journal.find(key.source, "create"));
  const client::Key now = KH_TRY(to_.get_metadata(created ? created->detail : std::string()));
  const Timestamp last = now.rotated.is_set() ? now.rotated : now.created;
  return last.plus_seconds(share_->plan.rotation_seconds);
}

Result<const std::vector<SecretBytes>*> Carrier::material_of(const PlannedKey& key) const {
  std::vector<std::string> names = {key.source, key.crn};
  names.insert(names.end(), key.aliases.begin(), key.aliases.end());
  const auto* versions = KH_TRY(share_->material.find(names));
  if (versions == nullptr || versions->size() < key.material_versions) {
    return Error{Reason::InvalidArgument,
                 "the plan counts on " + std::to_string(key.material_versions) +
                     " version(s) of material of this key; give them with --material",
                 {}};
  }
  return versions;
}

// A key of the target takes over: it must be there, and fit.
Result<std::string> Carrier::take_over(const PlannedKey& key) {
  const auto known = KH_TRY(share_->journal.find(key.source, "create"));
  if (known && known->done && known->detail == key.target) return known->detail;
  if (known && known->done) {
    return Error{Reason::Conflict,
                 "this migration has moved to key " + known->detail + ", the plan now names " +
                     key.target + "; set target back, or make a new plan",
                 {}};
  }
  const client::Key target = KH_TRY(to_.get_metadata(key.target));
  if (!target.is_root() || target.state != client::kActive) {
    return Error{Reason::Conflict,
                 "key " + key.target + " of the target is " +
                     (target.is_root() ? "not active" : "no root key") +
                     "; name an active root key",
                 {}};
  }
  KH_TRY(share_->journal.finish(key.source, "create", target.id));
  return target.id;
}

Result<std::string> Carrier::create(const PlannedKey& key) {
  Journal& journal = share_->journal;
  const std::string action(name_of(key.action));
  const auto known = KH_TRY(journal.find(key.source, "create"));
  if (known && known->intent != action) {
    return Error{Reason::Conflict,
                 "this migration has begun to " + known->intent + " the key" +
                     (known->done ? " as " + known->detail : "") + ", the plan now says " + action +
                     "; set action back, or make a new plan",
                 {}};
  }
  if (known && known->done) return known->detail;
  if (known) {  // begun before: look before repeating
    auto found = to_.get_metadata(alias_of(key));
    if (found) return adopt(key, *found);
    if (found.error().code() != Errc::NotFound) return std::move(found).error();
  }
  client::CreateKey request = KH_TRY(request_for(key));
  if (!known) KH_TRY(journal.intend(key.source, "create", action));
  return make_or_find(key, std::move(request));
}

// As act_or_find, for an act that has an answer. The temporary alias makes the key unique: a create
// that was lost on the way is repeated, one whose answer was lost is found by the alias.
Result<std::string> Carrier::make_or_find(const PlannedKey& key, client::CreateKey request) {
  for (unsigned number = 1;; ++number) {
    auto made = send_create(key, request);
    if (made) return journalled(key, *made);
    const bool is_open = to_.last_failure().may_have_happened;
    // A conflict, too: the client's own repeat of a lost answer is refused for the alias.
    if (!is_open && made.error().code() != Errc::Conflict) return std::move(made).error();
    auto found = to_.get_metadata(alias_of(key));
    if (found) return adopt(key, *found);
    const bool is_absent = found.error().code() == Errc::NotFound;
    if (!is_open || !is_absent || number == kMostActs) return std::move(made).error();
    request = KH_TRY(request_for(key));  // its material was given away
  }
}

// Encrypts the material for the target's import token, and once more when the token is refused.
Result<client::Key> Carrier::send_create(const PlannedKey& key, client::CreateKey& request) {
  if (key.action != KeyAction::Import || share_->import_tokens.is_plain()) {
    auto made = to_.create_key(request, client::Repeat::Safe);
    const bool is_offered = made || !is_missing(made.error());
    if (is_offered || !request.exact_policies || share_->exact_policies) return made;
    request.exact_policies.reset();  // an older service: the policy gets a step of its own
    return to_.create_key(request, client::Repeat::Safe);
  }
  const SecretBytes material = std::move(request.payload);
  request.payload = {};
  request.encrypted = KH_TRY(share_->import_tokens.encrypt(to_, material));
  auto made = to_.create_key(request, client::Repeat::Safe);
  if (made || !share_->import_tokens.was_refused(made.error())) return made;
  request.encrypted = KH_TRY(share_->import_tokens.encrypt(to_, material));
  return to_.create_key(request, client::Repeat::Safe);
}

// The key that an earlier try made, found by the temporary alias. Only a key as planned is taken
// for that one: the alias can be guessed by whoever reads the plan.
Result<std::string> Carrier::adopt(const PlannedKey& key, const client::Key& found) {
  const bool is_ours = found.name == key.name && found.is_root() == key.root &&
                       found.key_ring == key.key_ring && found.state == client::kActive &&
                       (!key.root || found.imported == (key.action == KeyAction::Import));
  if (!is_ours) {
    return Error{Reason::Conflict,
                 "key " + found.id +
                     " of the target holds the temporary alias of this key but is not what was "
                     "to be made; find out whose it is, remove that alias and run again",
                 {}};
  }
  return journalled(key, found);
}

// Aliases and the policy that came with the key need no step of their own.
Result<std::string> Carrier::journalled(const PlannedKey& key, const client::Key& made) {
  std::vector<Journal::Finished> steps = {{"create", made.id}};
  if (!key.hold_aliases) {
    for (const std::string& alias : key.aliases) {
      if (has_alias(made, alias)) steps.emplace_back("alias:" + alias, "");
    }
  }
  if (key.rotation() != nullptr && made.rotation == *key.rotation())
    steps.emplace_back("policy:rotation", "");
  // What comes next is known where there is one version only: one write less for each key.
  KH_TRY(share_->journal.finish_all(key.source, steps, key.imports() > 1 ? "" : "release"));
  return made.id;
}

Result<client::CreateKey> Carrier::request_for(const PlannedKey& key) {
  client::CreateKey request;
  request.name = key.name;
  request.description = key.description;
  request.tags = key.tags;
  request.aliases = {alias_of(key)};
  if (!key.hold_aliases) {
    const std::size_t most = std::min(key.aliases.size(), kMostAliases - 1);
    request.aliases.insert(request.aliases.end(), key.aliases.begin(),
                           key.aliases.begin() + static_cast<std::ptrdiff_t>(most));
  }
  request.extractable = !key.root;
  if (key.when_expired != "without-expiration") request.expires = key.expires;
  request.key_ring = key.key_ring == "default" ? "" : key.key_ring;
  if (share_->exact_policies || key.rotation() != nullptr) {
    request.exact_policies = client::KeyPolicies();
    if (key.rotation() != nullptr) request.exact_policies->rotation = *key.rotation();
  }
  if (key.action == KeyAction::Copy) {
    client::Key source = KH_TRY(from_.get_key(key.source));
    if (source.payload.empty()) {
      return Error{Reason::InvalidField,
                   "the source did not return a payload for standard key " + key.source,
                   {}};
    }
    request.payload = std::move(source.payload);
  } else if (key.action == KeyAction::Import) {
    const auto* versions = KH_TRY(material_of(key));
    request.payload = versions->front().clone();
  }
  return request;
}

// Rotation has no alias to find it by; how many versions the target's key has tells what is done.
Result<void> Carrier::import_version(const PlannedKey& key, const std::string& id,
                                     std::uint32_t number, bool begun) {
  const auto* material = KH_TRY(material_of(key));
  const std::size_t have = KH_TRY(to_.versions(id)).size();
  if (have == number && begun) return {};
  if (have != number - 1) return foreign_versions(id, have, number);
  auto rotated = rotate(id, (*material)[number - 1]);
  if (!rotated && !to_.last_failure().may_have_happened) return rotated;
  const std::size_t now = KH_TRY(to_.versions(id)).size();
  if (now > number) return foreign_versions(id, now, number);
  return rotated || now == number ? Result<void>() : rotated;
}

Result<void> Carrier::rotate(const std::string& id, const SecretBytes& material) {
  ImportTokens& tokens = share_->import_tokens;
  if (tokens.is_plain()) return to_.rotate_key(id, &material);
  const client::EncryptedMaterial first = KH_TRY(tokens.encrypt(to_, material));
  auto rotated = to_.rotate_key(id, first);
  if (rotated || !tokens.was_refused(rotated.error())) return rotated;
  const client::EncryptedMaterial second = KH_TRY(tokens.encrypt(to_, material));
  return to_.rotate_key(id, second);
}

Result<void> Carrier::release(const std::string& id, const PlannedKey& key) {
  const std::string alias = alias_of(key);
  auto removed = to_.delete_alias(id, alias);
  if (removed) return {};
  const client::Key now = KH_TRY(to_.get_metadata(id));  // gone already?
  return has_alias(now, alias) ? removed : Result<void>();
}

// Setting what is set changes nothing, so this is safe to repeat.
Result<void> Carrier::set_rotation(const std::string& id, const client::RotationPolicy& policy) {
  KH_TRY(to_.set_key_policies(id, {policy, std::nullopt}));
  return {};
}

// Registrations are the services' own; what they may not be carried by us does not hold up the key.
Result<void> Carrier::register_services(const PlannedKey& key, const std::string& id) {
  std::uint64_t left = key.registrations.size();
  for (const client::Registration& one : key.registrations) {
    const std::string name = "registration:" + one.resource_crn;
    const auto known = KH_TRY(share_->journal.find(key.source, name));
    if (known && known->done) {
      --left;
      continue;
    }
    if (!share_->may_register()) break;
    if (!known) KH_TRY(share_->journal.intend(key.source, name));
    const Result<void> registered = register_service(id, one);
    if (!registered) {
      if (registered.error().code() != Errc::PermissionDenied) return registered;
      share_->note_refused_registrations(0, registered.error().message);
      break;
    }
    KH_TRY(share_->journal.finish(key.source, name, ""));
    --left;
  }
  if (left > 0) share_->note_refused_registrations(left, {});
  return {};
}

Result<void> Carrier::register_service(const std::string& id, const client::Registration& wanted) {
  return act_or_find(
      to_, [&] { return to_.create_registration(id, wanted); },
      [&]() -> Result<bool> {
        const auto now = KH_TRY(to_.registrations(id));
        return now && std::any_of(now->begin(), now->end(), [&](const auto& one) {
                 return one.resource_crn == wanted.resource_crn;
               });
      });
}

}  // namespace keyhaven::migrate
