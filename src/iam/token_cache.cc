#include "iam/token_cache.h"

#include <algorithm>
#include <cstring>

#include "crypto/hash.h"

namespace keyhaven::iam {

std::size_t TokenCache::TokenHash::operator()(const Digest& digest) const noexcept {
  std::size_t value;  // any eight bytes of a SHA-256 value are a hash
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

TokenCache::TokenCache(const Authority& authority, const Clock& clock, std::size_t limit)
    : authority_(authority),
      clock_(clock),
      generation_limit_(std::max<std::size_t>(limit / 2, 1)),
      seen_ended_(authority.ended_count()) {}

Result<CallerPtr> TokenCache::authenticate(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return authority_.caller_for(token);
  const Digest digest = crypto::sha256(as_bytes(token));
  drop_ended();
  if (CallerPtr caller = find(digest)) return caller;
  CallerPtr caller = KH_TRY(authority_.caller_for(token));
  keep(digest, caller);
  return caller;
}

// What ends while an entry is made for it is dropped by the next call: the count was read before.
void TokenCache::drop_ended() {
  const std::uint64_t count = authority_.ended_count();
  if (count == seen_ended_) return;
  if (const auto ended = authority_.ended_since(seen_ended_)) {
    for (const Digest& digest : *ended) {
      young_.erase(digest);
      old_.erase(digest);
    }
  } else {
    young_.clear();
    old_.clear();
  }
  seen_ended_ = count;
}

CallerPtr TokenCache::find(const Digest& digest) {
  Entries* where = &young_;
  auto found = young_.find(digest);
  if (found == young_.end()) {
    where = &old_;
    found = old_.find(digest);
    if (found == old_.end()) return nullptr;
  }
  CallerPtr caller = found->second;
  const bool good = caller->revocation_epoch == authority_.revocation_epoch() &&
                    clock_.now() < caller->token_expires;
  if (good && where == &young_) return caller;
  where->erase(found);
  if (!good) return nullptr;
  keep(digest, caller);
  return caller;
}

void TokenCache::keep(const Digest& digest, CallerPtr caller) {
  if (young_.size() >= generation_limit_) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(digest, std::move(caller));
}

}  // namespace keyhaven::iam
