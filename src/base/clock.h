// Time as the product sees it: microseconds since 1970-01-01T00:00:00Z inside, whole seconds at the
// edge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven {

struct Timestamp {
  std::int64_t us = 0;  // microseconds UTC; 0 means "not set" in optional dates of stored records

  auto operator<=>(const Timestamp&) const = default;
  bool is_set() const noexcept { return us != 0; }
  std::int64_t seconds() const noexcept { return us / 1'000'000; }
  static Timestamp from_seconds(std::int64_t seconds) noexcept { return {seconds * 1'000'000}; }
  Timestamp plus_seconds(std::int64_t seconds) const noexcept { return {us + seconds * 1'000'000}; }
};

// "YYYY-MM-DDTHH:MM:SSZ". Go clients parse strictly as RFC 3339, so no other form is ever emitted.
std::string format_rfc3339(Timestamp time);
void append_rfc3339(std::string& out, Timestamp time);

// RFC 3339 with optional fraction (up to nine digits, cut to microseconds) and numeric offset or Z.
// Errors: InvalidArgument.
Result<Timestamp> parse_rfc3339(std::string_view text);

// Injected wherever time decides something, so that tests own it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
};

// Set by hand; thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : us_(start.us) {}
  Timestamp now() const override { return {__atomic_load_n(&us_, __ATOMIC_SEQ_CST)}; }
  void advance_seconds(std::int64_t seconds) {
    __atomic_add_fetch(&us_, seconds * 1'000'000, __ATOMIC_SEQ_CST);
  }

 private:
  std::int64_t us_;
};

}  // namespace keyhaven
