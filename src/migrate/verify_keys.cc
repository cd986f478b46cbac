#include "migrate/verify_keys.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "migrate/progress.h"

namespace keyhaven::migrate {
namespace {

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

Result<void> verify_key(client::ApiClient& source, client::ApiClient& target, const PlannedKey& key,
                        const std::string& id, const SecretBytes& hmac_key, VerifyResult& result,
                        Observer& observer) {
  const std::string label = key.source + " (" + key.name + ")";
  if (!key.root) ++result.standard_keys;
  const client::Key before = KH_TRY(source.get_metadata(key.source));
  const client::Key after = KH_TRY(target.get_metadata(id));
  ++result.keys_compared;
  std::vector<std::string> differences = metadata_differences(key, before, after);
  if (key.imports() > 1) {
    const auto versions = KH_TRY(target.versions(id));
    if (versions.size() < key.imports()) differences.emplace_back("versions are missing");
  }
  for (const std::string& difference : differences) {
    ++result.metadata_differences;
    observer.note(label + ": " + difference);
  }
  for (const std::string& decision : plan_decisions(key, before))
    observer.note(label + ": for your information: " + decision);
  if (key.root) return {};
  const client::Key from = KH_TRY(source.get_key(key.source));
  const client::Key to = KH_TRY(target.get_key(id));
  const Digest source_mac = crypto::hmac_sha256(hmac_key.expose(), from.payload.expose());
  const Digest target_mac = crypto::hmac_sha256(hmac_key.expose(), to.payload.expose());
  if (!from.payload.empty() && crypto::equal_constant_time(source_mac, target_mac)) {
    ++result.standard_equal;
  } else {
    observer.note(label + ": the payloads differ");
  }
  return {};
}

}  // namespace

Result<void> verify_keys(const Plan& plan, client::ApiClient& source, client::ApiClient& target,
                         Journal& journal, VerifyResult& result, Observer& observer) {
  const SecretBytes hmac_key = crypto::random_secret(32);
  const auto progress = progress_of(KH_TRY(journal.steps()));
  for (const PlannedKey& key : plan.keys) {
    if (!key.is_carried()) continue;
    const auto found = progress.find(key.source);
    if (found == progress.end() || !found->second.is_carried(key)) {
      ++result.keys_missing;
      observer.note(key.source + " (" + key.name + "): not carried, or not completely");
      continue;
    }
    const std::string& id = found->second.target;
    if (auto checked = verify_key(source, target, key, id, hmac_key, result, observer); !checked) {
      ++result.metadata_differences;
      observer.note(key.source + " (" + key.name + "): " + checked.error().message);
    }
  }
  return {};
}

std::vector<std::string> metadata_differences(const PlannedKey& plan, const client::Key& source,
                                              const client::Key& target) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* field, bool equal) {
    if (!equal) out.push_back(std::string(field) + " differs");
  };
  compare("name", plan.name == target.name);
  compare("description", plan.description == target.description);
  compare("tags", sorted(plan.tags) == sorted(target.tags));
  compare("kind", source.extractable == target.extractable && plan.root == target.is_root());
  compare("aliases", sorted(plan.aliases) == sorted(target.aliases));
  compare("key ring", plan.key_ring == target.key_ring);
  if (plan.root) compare("origin", target.imported == (plan.action == KeyAction::Import));
  const bool lives_on = plan.when_expired == "without-expiration";
  compare("expiration date", target.expires == (lives_on ? Timestamp() : plan.expires));
  // The source may have been disabled after the migration; what counts is what was carried. A key
  // that was not active yet, or no longer, is active in the target.
  const int carried = plan.state == client::kSuspended ? client::kSuspended : client::kActive;
  compare("state", target.state == carried || (!lives_on && target.state == source.state));
  return out;
}

std::vector<std::string> plan_decisions(const PlannedKey& plan, const client::Key& source) {
  std::vector<std::string> out;
  const auto compare = [&out](const char* field, bool equal) {
    if (!equal) out.push_back(std::string("the plan has another ") + field + " than the source");
  };
  compare("name", plan.name == source.name);
  compare("description", plan.description == source.description);
  compare("list of tags", sorted(plan.tags) == sorted(source.tags));
  compare("list of aliases", sorted(plan.aliases) == sorted(source.aliases));
  compare("key ring", plan.key_ring == source.key_ring);
  compare("expiration date",
          plan.expires == source.expires && plan.when_expired != "without-expiration");
  return out;
}

}  // namespace keyhaven::migrate
