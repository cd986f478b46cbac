#include "net/buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace keyhaven::net {

std::unique_ptr<std::uint8_t[]> BlockPool::take() {
  if (spare_.empty()) return std::make_unique<std::uint8_t[]>(kBlockBytes + kBodySlack);
  auto block = std::move(spare_.back());
  spare_.pop_back();
  return block;
}

void BlockPool::give(std::unique_ptr<std::uint8_t[]> wiped_block) {
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(wiped_block));
}

void Buffer::acquire(BlockPool* pool) {
  KH_ASSERT(!allocated());
  block_ = pool != nullptr ? pool->take()
                           : std::make_unique<std::uint8_t[]>(BlockPool::kBlockBytes + kBodySlack);
  capacity_ = BlockPool::kBlockBytes;
  size_ = high_water_ = 0;
}

void Buffer::release(BlockPool* pool) noexcept {
  if (!allocated()) return;
  wipe({data(), high_water_});
  if (pool != nullptr && capacity_ == BlockPool::kBlockBytes) {
    pool->give(std::move(block_));
  } else {
    block_.reset();
  }
  size_ = high_water_ = capacity_ = 0;
}

void Buffer::commit(std::size_t count) {
  KH_ASSERT(count <= capacity_ - size_);
  size_ += count;
  high_water_ = std::max(high_water_, size_);
}

void Buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto bigger = std::make_unique<std::uint8_t[]>(capacity + kBodySlack);
  if (size_ > 0) std::memcpy(bigger.get(), data(), size_);
  wipe({data(), high_water_});
  block_ = std::move(bigger);
  high_water_ = size_;
  capacity_ = capacity;
}

void Buffer::close_gap(std::size_t to, std::size_t from) {
  KH_ASSERT(to <= from && from <= size_);
  const std::size_t kept = size_ - from;
  if (kept > 0) std::memmove(data() + to, data() + from, kept);
  size_ = to + kept;
  wipe({data() + size_, high_water_ - size_});
  high_water_ = size_;
}

}  // namespace keyhaven::net
