#include "iam/token_cache.h"

#include <algorithm>
#include <cstring>

#include "crypto/hash.h"

namespace keyhaven::iam {
namespace {

constexpr std::string_view kScheme = "bearer";

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
  });
}

}  // namespace

Result<std::string_view> bearer_token(std::string_view authorization) {
  const std::size_t blank = authorization.find(' ');
  if (blank == std::string_view::npos ||
      !equals_ignoring_case(authorization.substr(0, blank), kScheme)) {
    return Error{Reason::BearerSubExtraction, "the Authorization header must be \"Bearer <token>\"",
                 "Authorization"};
  }
  std::string_view token = authorization.substr(blank);
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  token = token.substr(0, token.find_last_not_of(' ') + 1);
  if (token.empty()) {
    return Error{Reason::BearerSubExtraction, "the Authorization header holds no token",
                 "Authorization"};
  }
  return token;
}

std::size_t TokenCache::TokenHash::operator()(const Digest& digest) const noexcept {
  std::size_t value;  // any eight bytes of a SHA-256 value are a hash
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

TokenCache::TokenCache(const Authority& authority, const Clock& clock, std::size_t limit)
    : authority_(authority),
      clock_(clock),
      generation_limit_(std::max<std::size_t>(limit / 2, 1)) {}

Result<CallerPtr> TokenCache::authenticate(std::string_view authorization) {
  const std::string_view token = KH_TRY(bearer_token(authorization));
  if (token.size() > kMaxTokenBytes) return authority_.caller_for(token);
  const Digest digest = crypto::sha256(as_bytes(token));
  if (CallerPtr caller = find(digest)) return caller;
  CallerPtr caller = KH_TRY(authority_.caller_for(token));
  keep(digest, caller);
  return caller;
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
