// How many requests one caller may make to one instance: a token bucket per pair
// (key-management-api.md 3.5), shared by all loops and taken from without a lock.
//
// A bucket is one atomic number, the moment at which it is full again (the generic cell rate
// algorithm; ITU-T I.371 annex A): a request moves it on by the time that one token takes to come
// back, and is refused when it would lie further ahead than the burst allows. Each loop keeps the
// buckets it uses; the table they share is locked only when a loop meets a pair for the first time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace keyhaven::http {

struct Rate {
  std::uint64_t per_second = 0;  // at most a million; 0: no limit
  std::uint64_t burst = 1;       // tokens of a full bucket
};

class RateLimiter {
 public:
  explicit RateLimiter(unsigned loops);
  ~RateLimiter();
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  // Takes a token. False: there is none now; the next one comes within a second. On the thread of
  // `loop` only. A changed rate holds from the next call on. A clock that is set back costs the
  // caller at most one burst.
  bool admit(unsigned loop, std::string_view caller, const InstanceId& instance, const Rate& rate,
             Timestamp now);

  std::size_t buckets() const;  // in the shared table

 private:
  struct Key {
    InstanceId instance;
    std::string caller;
    bool operator==(const Key&) const = default;
  };
  struct KeyView {
    const InstanceId& instance;
    std::string_view caller;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const KeyView& key) const noexcept;
    std::size_t operator()(const Key& key) const noexcept {
      return (*this)(KeyView{key.instance, key.caller});
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return a.instance == b.instance && std::string_view(a.caller) == std::string_view(b.caller);
    }
  };
  // Shared by the loops that use it and the table.
  struct alignas(64) Bucket {
    std::atomic<std::int64_t> full_at_ns{0};
  };
  using Buckets = std::unordered_map<Key, std::shared_ptr<Bucket>, Hash, Equal>;

  Bucket& bucket(unsigned loop, const KeyView& key, std::int64_t now_ns);
  void drop_full_ones(std::int64_t now_ns);

  std::vector<Buckets> known_;  // by loop
  mutable std::mutex mutex_;
  Buckets all_;
  std::size_t tidy_at_;  // size of all_ at which full buckets are dropped
};

}  // namespace keyhaven::http
