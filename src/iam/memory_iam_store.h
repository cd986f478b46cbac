// An IamStore in memory, for tests of whatever needs an Authority. Keeps the events it was given.
#pragma once

#include <map>
#include <mutex>

#include "iam/iam_store.h"

namespace keyhaven::iam {

class MemoryIamStore final : public IamStore {
 public:
  Result<Everything> load_iam() override {
    const std::lock_guard lock(mutex_);
    Everything out;
    for (const auto& [id, identity] : identities_) out.identities.push_back(identity);
    for (const auto& [id, key] : api_keys_) out.api_keys.push_back(key);
    for (const auto& [id, grant] : grants_) out.grants.push_back(grant);
    for (const auto& [digest, expires] : ended_tokens_)
      out.ended_tokens.push_back({digest, expires});
    return out;
  }
  Result<void> commit_iam(const IamChange& change, const audit::Event& event) override {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    for (const Identity& identity : change.put_identities) identities_[identity.iam_id] = identity;
    for (const ApiKey& key : change.put_api_keys) api_keys_[key.id] = key;
    for (const Grant& grant : change.put_grants) grants_[grant.id] = grant;
    for (const std::string& id : change.remove_api_keys) api_keys_.erase(id);
    for (const std::string& id : change.remove_grants) grants_.erase(id);
    for (const std::string& iam_id : change.remove_identities) {
      identities_.erase(iam_id);
      std::erase_if(api_keys_, [&](const auto& entry) { return entry.second.iam_id == iam_id; });
      std::erase_if(grants_, [&](const auto& entry) { return entry.second.iam_id == iam_id; });
    }
    for (const EndedToken& token : change.end_tokens) ended_tokens_[token.digest] = token.expires;
    for (const Digest& digest : change.forget_tokens) ended_tokens_.erase(digest);
    events_.push_back(event);
    return {};
  }
  // Every commit fails with `error` until it is cleared.
  void fail_with(std::optional<Error> error) { failure_ = std::move(error); }
  const std::vector<audit::Event>& events() const { return events_; }

 private:
  std::mutex mutex_;
  std::map<std::string, Identity> identities_;
  std::map<std::string, ApiKey> api_keys_;
  std::map<std::string, Grant> grants_;
  std::map<Digest, Timestamp> ended_tokens_;
  std::vector<audit::Event> events_;
  std::optional<Error> failure_;
};

}  // namespace keyhaven::iam
