// Why a repeat never makes a second key: the create call itself carries a temporary alias made from
// plan and source key; aliases are unique and set in the same transaction as the key. So a create
// whose answer was lost is refused when it is sent again, and the key is found by the alias. Only
// when the new id is journalled is the alias removed.
#include "migrate/apply.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

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
    KH_TRY(import_versions(key, id));
    KH_TRY(step(key, "release", [&] { return release(id, key); }));
    for (const std::string& alias : key.aliases) {
      KH_TRY(step(key, "alias:" + alias, [&] { return add_alias(id, alias); }));
    }
    if (key.state == client::kSuspended) {
      KH_TRY(step(key, "disable", [&] { return disable(id); }));
    }
    return {};
  }

 private:
  // Runs `act` once: intent, act, result. `act` looks before it repeats.
  template <class Act>
  Result<void> step(const PlannedKey& key, const std::string& name, Act act) {
    const auto known = KH_TRY(journal_.find(key.source, name));
    if (known && known->done) return {};
    if (!known) KH_TRY(journal_.intend(key.source, name));
    KH_TRY(act());
    return journal_.finish(key.source, name, "");
  }

  const std::vector<SecretBytes>* material_of(const PlannedKey& key) const {
    std::vector<std::string> names = {key.source, key.crn};
    names.insert(names.end(), key.aliases.begin(), key.aliases.end());
    return material_.find(names);
  }

  Result<std::string> create(const PlannedKey& key) {
    const auto known = KH_TRY(journal_.find(key.source, "create"));
    if (known && known->done) return known->detail;
    const std::string alias = temporary_alias(plan_.id, key.source);
    if (known) {  // begun before: look before repeating
      auto found = to_.get_metadata(alias);
      if (found) return journalled(key, found->id);
      if (found.error().reason != Reason::KeyNotFound) return std::move(found).error();
    } else {
      KH_TRY(journal_.intend(key.source, "create"));
    }
    client::CreateKey request = KH_TRY(request_for(key, alias));
    auto made = to_.create_key(request, client::Repeat::Safe);
    if (made) return journalled(key, made->id);
    if (made.error().reason != Reason::AliasNotUnique) return std::move(made).error();
    const client::Key existing = KH_TRY(to_.get_metadata(alias));
    return journalled(key, existing.id);
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
      const auto* versions = material_of(key);
      if (versions == nullptr || versions->size() < key.material_versions) {
        return Error{Reason::InvalidArgument,
                     "the material of key " + key.source +
                         " that the plan counts on is not supplied; give --material",
                     {}};
      }
      request.payload = versions->front().clone();
    }
    return request;
  }

  // Further versions, oldest first. How many the target has tells which are done: rotation has no
  // alias to find it by.
  Result<void> import_versions(const PlannedKey& key, const std::string& id) {
    for (std::uint32_t number = 2; number <= key.material_versions; ++number) {
      const std::string name = "version:" + std::to_string(number);
      KH_TRY(step(key, name, [&] { return import_version(key, id, number); }));
    }
    return {};
  }

  Result<void> import_version(const PlannedKey& key, const std::string& id, std::uint32_t number) {
    const auto* versions = material_of(key);
    if (versions == nullptr || versions->size() < number) {
      return Error{Reason::InvalidArgument,
                   "material of version " + std::to_string(number) + " is missing",
                   {}};
    }
    if (KH_TRY(to_.versions(id)).size() >= number) return {};
    auto rotated = to_.rotate_key(id, &(*versions)[number - 1]);
    if (rotated || !to_.last_failure().may_have_happened) return rotated;
    if (KH_TRY(to_.versions(id)).size() >= number) return {};
    return rotated;
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

  Result<void> disable(const std::string& id) {
    auto disabled = to_.disable_key(id);
    if (disabled) return {};
    const client::Key now = KH_TRY(to_.get_metadata(id));
    if (now.state == client::kSuspended) return {};
    return disabled;
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

bool is_carried(const PlannedKey& key) {
  return key.action != KeyAction::Report && key.action != KeyAction::Blocked;
}

}  // namespace

Result<std::string> target_of(Journal& journal, std::string_view source_key) {
  const auto step = KH_TRY(journal.find(source_key, "create"));
  return step && step->done ? step->detail : std::string();
}

Result<ApplyResult> apply(const Plan& plan, const Side& source, const Side& target,
                          Journal& journal, const Material& material, unsigned jobs,
                          Observer& observer) {
  KH_TRY(make_rings(plan, target, journal));
  ApplyResult result;
  std::vector<const PlannedKey*> work;
  for (const PlannedKey& key : plan.keys) {
    if (is_carried(key)) work.push_back(&key);
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
