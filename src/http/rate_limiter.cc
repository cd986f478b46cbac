#include "http/rate_limiter.h"

#include <algorithm>

namespace keyhaven::http {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kKnownPerLoop = 4096;
constexpr std::size_t kFirstTidy = 16'384;

}  // namespace

RateLimiter::RateLimiter(unsigned loops) : known_(loops), tidy_at_(kFirstTidy) {}
RateLimiter::~RateLimiter() = default;

std::size_t RateLimiter::Hash::operator()(const KeyView& key) const noexcept {
  return UuidHash{}(key.instance) ^ std::hash<std::string_view>{}(key.caller);
}

bool RateLimiter::admit(unsigned loop, std::string_view caller, const InstanceId& instance,
                        const Rate& rate, Timestamp now) {
  if (rate.per_second == 0) return true;
  const std::int64_t now_ns = now.us * 1000;
  std::atomic<std::int64_t>& full_at = bucket(loop, KeyView{instance, caller}, now_ns).full_at_ns;
  const std::int64_t token_ns = kSecondNs / static_cast<std::int64_t>(rate.per_second);
  const std::int64_t bucket_ns =
      token_ns * static_cast<std::int64_t>(std::max<std::uint64_t>(rate.burst, 1));
  std::int64_t seen = full_at.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(seen, now_ns) + token_ns;
    if (next <= now_ns + bucket_ns) {
      if (full_at.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
      continue;
    }
    // Further ahead than a bucket is deep: the clock was set back, or the burst made smaller.
    if (seen > now_ns + bucket_ns) {
      full_at.compare_exchange_strong(seen, now_ns + bucket_ns, std::memory_order_relaxed);
    }
    return false;
  }
}

RateLimiter::Bucket& RateLimiter::bucket(unsigned loop, const KeyView& key, std::int64_t now_ns) {
  Buckets& known = known_.at(loop);
  if (const auto found = known.find(key); found != known.end()) return *found->second;
  if (known.size() >= kKnownPerLoop) known.clear();
  const std::lock_guard lock(mutex_);
  auto found = all_.find(key);
  if (found == all_.end()) {
    if (all_.size() >= tidy_at_) drop_full_ones(now_ns);
    found =
        all_.emplace(Key{key.instance, std::string(key.caller)}, std::make_shared<Bucket>()).first;
  }
  known.emplace(found->first, found->second);
  return *found->second;
}

// A full bucket is as good as a new one, unless a loop still holds it: then the two would both give
// tokens.
void RateLimiter::drop_full_ones(std::int64_t now_ns) {
  std::erase_if(all_, [&](const auto& entry) {
    return entry.second.use_count() == 1 &&
           entry.second->full_at_ns.load(std::memory_order_relaxed) <= now_ns;
  });
  tidy_at_ = std::max(kFirstTidy, all_.size() * 2);
}

std::size_t RateLimiter::buckets() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

}  // namespace keyhaven::http
