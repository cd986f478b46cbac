// Latencies in constant memory: log-linear buckets, relative width 1/64, so a quantile is off by
// less than 1.6 %.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace keyhaven::bench {

// Not thread-safe.
class Histogram {
 public:
  void add(std::uint64_t nanoseconds) noexcept {
    ++counts_[bucket(nanoseconds)];
    ++total_;
    sum_ns_ += nanoseconds;
    max_ns_ = std::max(max_ns_, nanoseconds);
  }
  std::uint64_t count() const noexcept { return total_; }
  double mean_us() const noexcept {
    return total_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(total_) / 1000;
  }
  double max_us() const noexcept { return static_cast<double>(max_ns_) / 1000; }
  // The upper bound of the bucket that holds the given share (0 to 1) of all values; 0 without any.
  double quantile_us(double share) const noexcept {
    const double wanted = share * static_cast<double>(total_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) {
        return static_cast<double>(std::min(upper_bound(i), max_ns_)) / 1000;
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kWidth = 1 << kBits;

  // Values below 64 have a bucket each; above, the top bit chooses the row and the next six the
  // bucket.
  static std::size_t bucket(std::uint64_t value) noexcept {
    if (value < kWidth) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return (shift + 1) * kWidth + static_cast<std::size_t>((value >> shift) & (kWidth - 1));
  }
  static std::uint64_t upper_bound(std::size_t index) noexcept {
    if (index < kWidth) return index;
    const std::size_t shift = index / kWidth - 1;
    return ((kWidth + index % kWidth + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kWidth> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t max_ns_ = 0;
};

}  // namespace keyhaven::bench
