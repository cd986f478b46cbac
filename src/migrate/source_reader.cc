#include "migrate/source_reader.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "migrate/share_out.h"

namespace keyhaven::migrate {
namespace {

constexpr int kPasses = 5;
constexpr std::size_t kMostKeys = 5'000'000;  // an endless list does not fill the memory

using KeysById = std::map<std::string, client::Key>;

// Pages until an empty one: a service may answer with fewer keys than were asked for.
Result<KeysById> read_once(client::ApiClient& api) {
  client::KeyQuery query;
  query.states = {0, 1, 2, 3, 5};
  query.limit = 1000;
  KeysById keys;
  while (true) {
    client::KeyPage page = KH_TRY(api.list_keys(query));
    if (page.keys.empty()) return keys;
    query.offset += page.keys.size();
    if (query.offset > kMostKeys)
      return Error{Reason::TooLarge, "the service never ends its list of keys", {}};
    for (client::Key& key : page.keys) keys.insert_or_assign(key.id, std::move(key));
  }
}

std::vector<std::string> ids_of(const KeysById& keys) {
  std::vector<std::string> out;
  out.reserve(keys.size());
  for (const auto& [id, key] : keys) out.push_back(id);
  return out;
}

// Emptied on the way: many keys need not be there twice.
std::vector<client::Key> take_all(KeysById&& keys) {
  std::vector<client::Key> out;
  out.reserve(keys.size());
  while (!keys.empty()) out.push_back(std::move(keys.extract(keys.begin()).mapped()));
  return out;
}

// A key that was never rotated has the one version that bears its own id.
bool has_one_version(const client::Key& key) {
  return !key.is_root() || (key.version && key.version->id == key.id && !key.rotated.is_set());
}

std::string unknown(const char* what, const Error& error) {
  return std::string(what) + ", unknown which: " + error.message;
}

Result<void> read_versions(client::ApiClient& api, SourceKey& key) {
  const auto versions = KH_TRY(api.versions(key.key.id));
  key.versions = static_cast<std::uint32_t>(std::max<std::size_t>(versions.size(), 1));
  return {};
}

void read_registrations(client::ApiClient& api, SourceKey& key) {
  auto registrations = api.registrations(key.key.id);
  if (!registrations) {
    key.lost.push_back(unknown("registrations", registrations.error()));
  } else if (*registrations) {
    key.registrations = std::move(**registrations);
  }
}

// From the list of all of them; false when the service has no such list.
Result<bool> read_all_registrations(client::ApiClient& api, std::vector<SourceKey>& keys) {
  auto all = api.all_registrations();
  if (!all) {
    const Errc code = all.error().code();
    if (code != Errc::PermissionDenied && code != Errc::Unauthenticated)
      return std::move(all).error();
    for (SourceKey& key : keys) {
      if (key.key.is_root()) key.lost.push_back(unknown("registrations", all.error()));
    }
    return true;
  }
  if (!*all) return false;
  std::unordered_map<std::string, SourceKey*> by_id;
  for (SourceKey& key : keys) by_id.emplace(key.key.id, &key);
  for (client::Registration& one : **all) {
    const auto found = by_id.find(one.key_id);
    if (found != by_id.end()) found->second->registrations.push_back(std::move(one));
  }
  return true;
}

}  // namespace

Result<std::vector<client::Key>> read_keys(client::ApiClient& api) {
  std::vector<std::string> before;  // ids of the pass before
  for (int pass = 1; pass <= kPasses; ++pass) {
    KeysById now = KH_TRY(read_once(api));
    std::vector<std::string> ids = ids_of(now);
    if (pass > 1 && ids == before) return take_all(std::move(now));
    before = std::move(ids);
  }
  return Error{Reason::Conflict,
               "the list of keys changes while it is read; stop what makes or purges keys there, "
               "and run the command again",
               {}};
}

Result<std::vector<SourceKey>> read_source_keys(const Side& side, unsigned jobs) {
  std::vector<client::ApiClient> workers;
  for (unsigned i = 0; i < std::clamp(jobs, 1U, 32U); ++i) {
    client::ApiClient api = KH_TRY(side.connect());
    workers.push_back(std::move(api));
  }
  std::vector<client::Key> listed = KH_TRY(read_keys(workers[0]));
  std::vector<SourceKey> keys;
  keys.reserve(listed.size());
  for (client::Key& key : listed) {
    SourceKey one;
    one.key = std::move(key);
    keys.push_back(std::move(one));
  }
  std::vector<client::Key>().swap(listed);
  const bool has_registrations = KH_TRY(read_all_registrations(workers[0], keys));
  std::mutex mutex;
  Result<void> outcome;
  share_out(workers, keys.size(), [&](client::ApiClient& api, std::size_t i) {
    // Destroyed keys are only reported; a service may refuse more.
    if (keys[i].key.state == client::kDestroyed || !keys[i].key.is_root()) return;
    if (!has_registrations) read_registrations(api, keys[i]);
    if (has_one_version(keys[i].key)) return;
    const Result<void> read = read_versions(api, keys[i]);
    if (read) return;
    const std::lock_guard lock(mutex);
    if (outcome) outcome = read.error();
  });
  if (!outcome) return outcome.error();
  return keys;
}

}  // namespace keyhaven::migrate
