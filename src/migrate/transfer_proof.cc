#include "migrate/transfer_proof.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "migrate/share_out.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kDekBytes = 32;

using Registrations = std::multimap<std::string, client::Registration, std::less<>>;

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

struct Worker {
  client::ApiClient from;
  client::ApiClient to;
};

Result<Registrations> registrations_of(client::ApiClient& api) {
  Registrations out;
  auto all = KH_TRY(api.all_registrations());
  for (client::Registration& one : all.value_or(std::vector<client::Registration>())) {
    std::string key = one.key_id;
    out.emplace(std::move(key), std::move(one));
  }
  return out;
}

using RegistrationText = std::tuple<std::string, std::string, bool>;
std::vector<RegistrationText> texts_of(const Registrations& all, const std::string& key) {
  std::vector<RegistrationText> out;
  const auto [begin, end] = all.equal_range(key);
  for (auto at = begin; at != end; ++at) {
    const client::Registration& one = at->second;
    out.emplace_back(one.resource_crn, one.description, one.prevent_key_deletion);
  }
  return sorted(std::move(out));
}

// Type, whether enabled, interval: in a key, no two are of one type.
using PolicyText = std::tuple<std::string, bool, int>;
std::vector<PolicyText> texts_of(const std::optional<std::vector<client::Policy>>& policies) {
  std::vector<PolicyText> out;
  for (const client::Policy& one : policies.value_or(std::vector<client::Policy>()))
    out.emplace_back(one.type, one.enabled, one.interval_month.value_or(0));
  return sorted(std::move(out));
}

bool same_versions(const std::vector<client::KeyVersion>& a,
                   const std::vector<client::KeyVersion>& b) {
  return std::ranges::equal(a, b, [](const client::KeyVersion& x, const client::KeyVersion& y) {
    return x.id == y.id && x.created == y.created;
  });
}

// What cannot be read of a destroyed key counts as empty on both sides.
template <class T>
Result<T> or_empty(Result<T> answer, bool is_destroyed) {
  if (!answer && is_destroyed) return T{};
  return answer;
}

// A fresh DEK that `one` wraps opens at `other`. Errors: those of both.
Result<bool> opens_at(client::ApiClient& one, client::ApiClient& other, const std::string& key) {
  const SecretBytes dek = crypto::random_secret(kDekBytes);
  const client::WrapResult wrapped = KH_TRY(one.wrap(key, dek, {}));
  const client::UnwrapResult opened = KH_TRY(other.unwrap(key, wrapped.ciphertext, {}));
  return opened.plaintext == dek;
}

class Prover {
 public:
  Prover(const Registrations& before, const Registrations& after)
      : before_(before), after_(after), hmac_key_(crypto::random_secret(32)) {}

  KeyProof prove(Worker& worker, const client::TransferredKey& key) const {
    KeyProof out{key.id, key.name, KeyVerdict::Different, "-", {}};
    const auto done = look(worker, out);
    if (!done) out.differences.push_back(done.error().message);
    if (!out.differences.empty()) out.verdict = KeyVerdict::Different;
    return out;
  }

 private:
  Result<void> look(Worker& worker, KeyProof& out) const {
    const std::string id = out.id.text();
    const auto before = worker.from.get_metadata(id);
    if (!before) return at("source", before.error());
    const auto after = worker.to.get_metadata(id);
    if (!after) return at("target", after.error());
    out.differences = key_differences(*before, *after);
    KH_TRY(look_at_lists(worker, *before, out));
    return before->is_root() ? try_root(worker, *before, *after, out)
                             : try_standard(worker, *before, *after, out);
  }

  Result<void> look_at_lists(Worker& worker, const client::Key& key, KeyProof& out) const {
    const std::string& id = key.id;
    const bool is_destroyed = key.state == client::kDestroyed;
    if (key.is_root()) {  // the API tells no versions of standard keys: they have one
      const auto versions = KH_TRY(or_empty(worker.from.versions(id), is_destroyed));
      const auto taken = KH_TRY(or_empty(worker.to.versions(id), is_destroyed));
      if (!same_versions(versions, taken)) out.differences.emplace_back("the versions differ");
    }
    const auto policies = KH_TRY(or_empty(worker.from.key_policies(id), is_destroyed));
    const auto policies_taken = KH_TRY(or_empty(worker.to.key_policies(id), is_destroyed));
    if (texts_of(policies) != texts_of(policies_taken))
      out.differences.emplace_back("the policies differ");
    if (texts_of(before_, id) != texts_of(after_, id))
      out.differences.emplace_back("the registrations differ");
    return {};
  }

  Result<void> try_root(Worker& worker, const client::Key& before, const client::Key& after,
                        KeyProof& out) const {
    if (before.state != client::kActive || after.state != client::kActive)
      return not_provable(before, out);
    out.how = "a DEK wrapped by each side opens at the other";
    const bool there = KH_TRY(opens_at(worker.from, worker.to, before.id));
    const bool back = KH_TRY(opens_at(worker.to, worker.from, before.id));
    if (!there) out.differences.emplace_back("the target opens the source's DEK to other bytes");
    if (!back) out.differences.emplace_back("the source opens the target's DEK to other bytes");
    out.verdict = KeyVerdict::Equal;
    return {};
  }

  Result<void> try_standard(Worker& worker, const client::Key& before, const client::Key& after,
                            KeyProof& out) const {
    if (before.state == client::kDestroyed || before.state == client::kSuspended)
      return not_provable(before, out);
    const client::Key from = KH_TRY(worker.from.get_key(before.id));
    const client::Key to = KH_TRY(worker.to.get_key(after.id));
    out.how = "payloads by a keyed digest";
    const Digest mac = crypto::hmac_sha256(hmac_key_.expose(), from.payload.expose());
    const Digest taken = crypto::hmac_sha256(hmac_key_.expose(), to.payload.expose());
    if (from.payload.empty() || !crypto::equal_constant_time(mac, taken))
      out.differences.emplace_back("the payloads differ");
    out.verdict = KeyVerdict::Equal;
    return {};
  }

  static Result<void> not_provable(const client::Key& key, KeyProof& out) {
    out.how = "none: it is " + std::string(client::state_name(key.state));
    out.verdict = KeyVerdict::NotProvable;
    return {};
  }

  static Error at(const char* side, const Error& error) {
    return {error.reason, std::string(side) + ": " + error.message, error.target};
  }

  const Registrations& before_;
  const Registrations& after_;
  SecretBytes hmac_key_;
};

}  // namespace

std::string_view name_of(KeyVerdict verdict) noexcept {
  switch (verdict) {
    case KeyVerdict::Equal:
      return "equal";
    case KeyVerdict::Different:
      return "different";
    case KeyVerdict::NotProvable:
      return "not provable";
  }
  return {};
}

std::uint64_t TransferProof::count(KeyVerdict verdict) const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count(keys, verdict, &KeyProof::verdict));
}

Result<TransferProof> prove_transfer(const std::vector<client::TransferredKey>& keys,
                                     const Side& source, const Side& target, unsigned jobs,
                                     Observer& observer) {
  std::vector<Worker> workers;
  for (unsigned i = 0; i < std::clamp(jobs, 1U, 32U); ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    workers.push_back({std::move(from), std::move(to)});
  }
  const Registrations before = KH_TRY(registrations_of(workers[0].from));
  const Registrations after = KH_TRY(registrations_of(workers[0].to));
  const Prover prover(before, after);
  TransferProof out;
  out.keys.resize(keys.size());
  std::mutex mutex;
  std::uint64_t done = 0;
  share_out(workers, keys.size(), [&](Worker& worker, std::size_t i) {
    out.keys[i] = prover.prove(worker, keys[i]);
    const std::lock_guard lock(mutex);
    observer.progress(++done, keys.size());
  });
  return out;
}

std::vector<std::string> key_differences(const client::Key& source, const client::Key& target) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* field, bool equal) {
    if (!equal) out.push_back(std::string(field) + " differs");
  };
  compare("id", source.id == target.id);
  compare("name", source.name == target.name);
  compare("description", source.description == target.description);
  compare("kind", source.extractable == target.extractable);
  compare("state", source.state == target.state);
  compare("origin", source.imported == target.imported);
  compare("size", source.algorithm_bits == target.algorithm_bits);
  compare("list of aliases", sorted(source.aliases) == sorted(target.aliases));
  compare("list of tags", sorted(source.tags) == sorted(target.tags));
  compare("key ring", source.key_ring == target.key_ring);
  compare("creator", source.created_by == target.created_by);
  compare("date of creation", source.created == target.created);
  compare("date of the last rotation", source.rotated == target.rotated);
  compare("expiration date", source.expires == target.expires);
  compare("date of deletion", source.deletion == target.deletion);
  const auto version = [](const client::Key& key) {
    return key.version ? key.version->id : std::string();
  };
  compare("newest version", version(source) == version(target));
  compare("dual authorization", source.dual_auth_delete == target.dual_auth_delete);
  compare("authorization of a deletion", source.set_for_deletion == target.set_for_deletion);
  compare("rotation policy", source.rotation == target.rotation);
  return out;
}

}  // namespace keyhaven::migrate
