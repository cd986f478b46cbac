// What each event loop asks before it verifies a token: callers already verified, by SHA-256 of the
// whole token.
#pragma once

#include <unordered_map>

#include "base/bytes.h"
#include "iam/authority.h"

namespace keyhaven::iam {

// An entry is good until its token expires or is ended, or the revocation epoch moves. Bounded: two
// generations of half the limit each; when the young one is full, the old one is forgotten, so what
// is in use stays and floods of foreign tokens cannot grow it (they never verify, so they never get
// in). One per loop; not thread-safe.
class TokenCache {
 public:
  TokenCache(const Authority& authority, const Clock& clock, std::size_t limit = 10'000);

  // The caller of a bearer token. About 1 us when warm. Errors: those of Authority::caller_for.
  Result<CallerPtr> authenticate(std::string_view token);

  std::size_t size() const noexcept { return young_.size() + old_.size(); }

 private:
  struct TokenHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  using Entries = std::unordered_map<Digest, CallerPtr, TokenHash>;

  void drop_ended();
  CallerPtr find(const Digest& digest);
  void keep(const Digest& digest, CallerPtr caller);

  const Authority& authority_;
  const Clock& clock_;
  const std::size_t generation_limit_;
  std::uint64_t seen_ended_;  // Authority::ended_count() that this cache has followed
  Entries young_;
  Entries old_;
};

}  // namespace keyhaven::iam
