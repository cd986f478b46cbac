#include "base/clock.h"

#include <algorithm>
#include <chrono>

namespace keyhaven {

namespace {

constexpr std::int64_t kMicro = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar. Source: H. Hinnant,
// "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
constexpr std::int64_t days_from_date(std::int64_t year, int month, int day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Date {
  std::int64_t year;
  std::int64_t month;
  std::int64_t day;
};

// The inverse (civil_from_days of the same source).
constexpr Date date_from_days(std::int64_t days) noexcept {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

// What four digits of year can say; the formatter cuts to it and the parser refuses the rest.
constexpr std::int64_t kFirstSecond = days_from_date(0, 1, 1) * kSecondsPerDay;
constexpr std::int64_t kLastSecond = days_from_date(10'000, 1, 1) * kSecondsPerDay - 1;

constexpr int days_in_month(int year, int month) noexcept {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Consumes a fixed grammar from the front of a text; after the first mismatch everything fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  int digits(std::size_t count) {
    if (text_.size() < count) ok_ = false;
    int value = 0;
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') ok_ = false;
      value = value * 10 + (text_[i] - '0');
    }
    if (ok_) text_.remove_prefix(count);
    return ok_ ? value : 0;
  }
  bool accept(std::string_view any_of) {
    if (!ok_ || text_.empty() || any_of.find(text_[0]) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) { ok_ = accept(any_of) && ok_; }
  std::size_t leading_digits() const {
    return std::min(text_.find_first_not_of("0123456789"), text_.size());
  }
  void refuse() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && text_.empty(); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

std::int64_t scan_fraction(Scanner& in) {
  if (!in.accept(".")) return 0;
  const std::size_t count = in.leading_digits();
  if (count == 0 || count > 9) in.refuse();
  std::int64_t us = 0;
  for (std::size_t i = 0; in.ok() && i < std::max<std::size_t>(count, 6); ++i) {
    const int digit = i < count ? in.digits(1) : 0;
    if (i < 6) us = us * 10 + digit;
  }
  return us;
}

std::int64_t scan_offset_seconds(Scanner& in) {
  if (in.accept("Zz")) return 0;
  const bool negative = in.accept("-");
  if (!negative) in.expect("+");
  const int hours = in.digits(2);
  in.expect(":");
  const int minutes = in.digits(2);
  if (hours > 23 || minutes > 59) in.refuse();
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return negative ? -seconds : seconds;
}

}  // namespace

void append_rfc3339(std::string& out, Timestamp time) {
  std::int64_t seconds = time.us / kMicro - (time.us % kMicro < 0 ? 1 : 0);
  seconds = std::clamp(seconds, kFirstSecond, kLastSecond);
  const std::int64_t days = seconds / kSecondsPerDay - (seconds % kSecondsPerDay < 0 ? 1 : 0);
  const std::int64_t rest = seconds - days * kSecondsPerDay;
  const Date date = date_from_days(days);
  char text[] = "0000-00-00T00:00:00Z";
  const auto put = [&text](std::size_t at, std::int64_t value, int width) {
    for (int i = width - 1; i >= 0; --i, value /= 10) {
      text[at + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    }
  };
  put(0, date.year, 4);
  put(5, date.month, 2);
  put(8, date.day, 2);
  put(11, rest / 3600, 2);
  put(14, rest / 60 % 60, 2);
  put(17, rest % 60, 2);
  out.append(text, sizeof text - 1);
}

std::string format_rfc3339(Timestamp time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  Scanner in(text);
  const int year = in.digits(4);
  in.expect("-");
  const int month = in.digits(2);
  in.expect("-");
  const int day = in.digits(2);
  in.expect("Tt");
  const int hour = in.digits(2);
  in.expect(":");
  const int minute = in.digits(2);
  in.expect(":");
  const int second = in.digits(2);
  const std::int64_t fraction = scan_fraction(in);
  const std::int64_t offset = scan_offset_seconds(in);
  // No leap second: our clock cannot express one, nor can the Go clients.
  const bool plausible = in.at_end() && month >= 1 && month <= 12 && day >= 1 &&
                         day <= days_in_month(year, month) && hour <= 23 && minute <= 59 &&
                         second <= 59;
  if (plausible) {
    const std::int64_t seconds = days_from_date(year, month, day) * kSecondsPerDay + hour * 3600 +
                                 minute * 60 + second - offset;
    if (seconds >= kFirstSecond && seconds <= kLastSecond) {
      return Timestamp{seconds * kMicro + fraction};
    }
  }
  return Error{Reason::InvalidArgument,
               "not a date of RFC 3339: expected a form like 2031-05-17T09:30:00Z",
               {}};
}

Timestamp SystemClock::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

}  // namespace keyhaven
