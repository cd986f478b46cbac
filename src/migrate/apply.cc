// Why a repeat never makes a second key: the create call itself carries a temporary alias made from
// plan and source key; aliases are unique and set in the same transaction as the key. So a create
// whose answer was lost is refused when it is sent again, and the key is found by the alias. Only
// when the new id is journalled is the alias removed.
#include "migrate/apply.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "migrate/enabled_keys.h"

namespace keyhaven::migrate {
namespace {

// One worker's connections, and the steps of one key.
class Carrier {
 public:
  Carrier(const Plan& plan, Journal& journal, const Material& material, client::ApiClient from,
          client::ApiClient to)
      : plan_(plan),
        journal_(journal),
        material_(material),
        from_(std::move(from)),
        to_(std::move(to)) {}

  Result<void> carry(const PlannedKey& key) {
    const std::string id = KH_TRY(create(key));
    for (std::uint32_t number = 2; number <= key.imports(); ++number) {
      KH_TRY(step(key, "version:" + std::to_string(number),
                  [&](bool begun) { return import_version(key, id, number, begun); }));
    }
    KH_TRY(step(key, "release", [&](bool) { return release(id, key); }));
    for (const std::string& alias : key.aliases)
      KH_TRY(step(key, "alias:" + alias, [&](bool) { return add_alias(id, alias); }));
    if (key.state == client::kSuspended)
      KH_TRY(step(key, "disable", [&](bool) { return disable_in(to_, id); }));
    return {};
  }

 private:
  // Runs `act` once: intent, act, result. `act` is told whether an earlier run has begun it, and
  // looks before it repeats.
  template <class Act>
  Result<void> step(const PlannedKey& key, const std::string& name, Act act) {
    const auto known = KH_TRY(journal_.find(key.source, name));
    if (known && known->done) return {};
    if (!known) KH_TRY(journal_.intend(key.source, name));
    KH_TRY(act(known.has_value()));
    return journal_.finish(key.source, name, "");
  }

  Result<const std::vector<SecretBytes>*> material_of(const PlannedKey& key) const {
    std::vector<std::string> names = {key.source, key.crn};
    names.insert(names.end(), key.aliases.begin(), key.aliases.end());
    const auto* versions = KH_TRY(material_.find(names));
    if (versions == nullptr || versions->size() < key.material_versions) {
      return Error{Reason::InvalidArgument,
                   "the plan counts on " + std::to_string(key.material_versions) +
                       " version(s) of material of this key; give them with --material",
                   {}};
    }
    return versions;
  }

  Result<std::string> create(const PlannedKey& key) {
    const std::string action(name_of(key.action));
    const auto known = KH_TRY(journal_.find(key.source, "create"));
    if (known && known->intent != action) {
      return Error{Reason::Conflict,
                   "this migration has begun to " + known->intent + " the key" +
                       (known->done ? " as " + known->detail : "") + ", the plan now says " +
                       action + "; set action back, or make a new plan",
                   {}};
    }
    if (known && known->done) return known->detail;
    const std::string alias = temporary_alias(plan_.id, key.source);
    if (known) {  // begun before: look before repeating
      auto found = to_.get_metadata(alias);
      if (found) return adopt(key, *found);
      if (found.error().code() != Errc::NotFound) return std::move(found).error();
    }
    const client::CreateKey request = KH_TRY(request_for(key, alias));
    if (!known) KH_TRY(journal_.intend(key.source, "create", action));
    auto made = to_.create_key(request, client::Repeat::Safe);
    if (made) return journalled(key, made->id);
    // A lost answer: its key holds the alias now, and the repeat was refused for that.
    if (made.error().code() != Errc::Conflict) return std::move(made).error();
    auto existing = to_.get_metadata(alias);
    if (!existing) return std::move(made).error();
    return adopt(key, *existing);
  }

  // The key that an earlier try made, found by the temporary alias. Only a key as planned is taken
  // for that one: the alias can be guessed by whoever reads the plan.
  Result<std::string> adopt(const PlannedKey& key, const client::Key& found) {
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
    return journalled(key, found.id);
  }

  Result<std::string> journalled(const PlannedKey& key, const std::string& id) {
    KH_TRY(journal_.finish(key.source, "create", id));
    return id;
  }

  Result<client::CreateKey> request_for(const PlannedKey& key, const std::string& alias) {
    client::CreateKey request;
    request.name = key.name;
    request.description = key.description;
    request.tags = key.tags;
    request.aliases = {alias};
    request.extractable = !key.root;
    if (key.when_expired != "without-expiration") request.expires = key.expires;
    request.key_ring = key.key_ring == "default" ? "" : key.key_ring;
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
  Result<void> import_version(const PlannedKey& key, const std::string& id, std::uint32_t number,
                              bool begun) {
    const auto* material = KH_TRY(material_of(key));
    const std::size_t have = KH_TRY(to_.versions(id)).size();
    if (have == number && begun) return {};
    if (have != number - 1) return foreign_versions(id, have, number);
    auto rotated = to_.rotate_key(id, &(*material)[number - 1]);
    if (!rotated && !to_.last_failure().may_have_happened) return rotated;
    const std::size_t now = KH_TRY(to_.versions(id)).size();
    if (now > number) return foreign_versions(id, now, number);
    return rotated || now == number ? Result<void>() : rotated;
  }

  static Error foreign_versions(const std::string& id, std::size_t have, std::uint32_t number) {
    return Error{Reason::Conflict,
                 "key " + id + " of the target has " + std::to_string(have) +
                     " version(s) where version " + std::to_string(number) +
                     " was to follow: somebody else has rotated it; delete it there and make a new "
                     "plan",
                 {}};
  }

  Result<void> release(const std::string& id, const PlannedKey& key) {
    auto removed = to_.delete_alias(id, temporary_alias(plan_.id, key.source));
    if (removed) return {};
    const client::Key now = KH_TRY(to_.get_metadata(id));  // gone already?
    const std::string alias = temporary_alias(plan_.id, key.source);
    if (std::find(now.aliases.begin(), now.aliases.end(), alias) == now.aliases.end()) return {};
    return removed;
  }

  Result<void> add_alias(const std::string& id, const std::string& alias) {
    auto added = to_.create_alias(id, alias);
    if (added) return {};
    auto owner = to_.get_metadata(alias);
    if (owner && owner->id == id) return {};
    return std::move(added).error();
  }

  const Plan& plan_;
  Journal& journal_;
  const Material& material_;
  client::ApiClient from_;
  client::ApiClient to_;
};

Result<void> make_rings(const Plan& plan, const Side& target, Journal& journal) {
  client::ApiClient to = KH_TRY(target.connect());
  for (const std::string& ring : plan.key_rings) {
    const std::string key = "ring:" + ring;
    const auto known = KH_TRY(journal.find(key, "create"));
    if (known && known->done) continue;
    if (!known) KH_TRY(journal.intend(key, "create"));
    auto made = to.create_ring(ring);
    if (!made) {
      const auto rings = KH_TRY(to.list_rings());
      const bool there = std::any_of(rings.begin(), rings.end(),
                                     [&](const client::KeyRing& one) { return one.id == ring; });
      if (!there) return made;
    }
    KH_TRY(journal.finish(key, "create", ring));
  }
  return {};
}

}  // namespace

Result<ApplyResult> apply(const Plan& plan, const Side& source, const Side& target,
                          Journal& journal, const Material& material, unsigned jobs,
                          Observer& observer) {
  KH_TRY(make_rings(plan, target, journal));
  ApplyResult result;
  std::vector<const PlannedKey*> work;
  for (const PlannedKey& key : plan.keys) {
    if (key.is_carried()) work.push_back(&key);
    result.reported += key.action == KeyAction::Report;
    result.blocked += key.action == KeyAction::Blocked;
  }
  std::vector<Carrier> carriers;
  const std::size_t threads = std::clamp<std::size_t>(
      jobs, 1, std::min<std::size_t>(32, std::max<std::size_t>(work.size(), 1)));
  for (std::size_t i = 0; i < threads; ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    carriers.emplace_back(plan, journal, material, std::move(from), std::move(to));
  }
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  const auto run = [&](Carrier& carrier) {
    for (std::size_t i = next++; i < work.size(); i = next++) {
      const Result<void> carried = carrier.carry(*work[i]);
      const std::lock_guard lock(mutex);
      ++(carried ? result.carried : result.failed);
      if (!carried)
        observer.note("FAILED " + work[i]->source + " (" + work[i]->name +
                      "): " + carried.error().message);
      observer.progress(result.carried + result.failed, work.size());
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < carriers.size(); ++i)
    others.emplace_back([&run, &carriers, i] { run(carriers[i]); });
  run(carriers[0]);
  for (std::thread& thread : others) thread.join();
  return result;
}

}  // namespace keyhaven::migrate
