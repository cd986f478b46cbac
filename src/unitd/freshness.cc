#include "unitd/freshness.h"

namespace keyhaven::unitd {

Result<void> Freshness::check(std::uint64_t age) {
  const std::uint64_t value = KH_TRY(counter_.read());
  begin_at(value);
  if (age == value_) return {};
  if (age == value_ + 1) {  // the process ended between the file and the increment
    KH_TRY(counter_.increment());
    value_ = age;
    return {};
  }
  if (age < value_) {
    return Error{Reason::Conflict,
                 "it is an old copy: " + std::to_string(value_ - age) +
                     " newer one(s) were saved since; put the newest one back",
                 {}};
  }
  return Error{
      Reason::Conflict, "its counter is ahead of the device's, which was replaced or reset", {}};
}

void Freshness::begin_at(std::uint64_t value) noexcept {
  value_ = value;
  is_owed_ = false;
}

Result<std::uint64_t> Freshness::age_of_next() {
  if (is_owed_) {
    KH_TRY(counter_.increment());
    is_owed_ = false;
    ++value_;
  }
  return value_ + 1;
}

Result<void> Freshness::saved() {
  is_owed_ = true;
  KH_TRY(counter_.increment());
  is_owed_ = false;
  ++value_;
  return {};
}

}  // namespace keyhaven::unitd
