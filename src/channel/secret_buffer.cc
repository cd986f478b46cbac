#include "channel/secret_buffer.h"

#include <algorithm>

namespace keyhaven::channel {

void SecretBuffer::commit(std::size_t bytes) noexcept {
  KH_ASSERT(bytes <= memory_.size() - end_);
  end_ += bytes;
}

bool SecretBuffer::reserve(std::size_t bytes) {
  if (bytes <= memory_.size() - end_) return true;
  const std::size_t used = size();
  if (bytes > limit_ - std::min(used, limit_)) return false;
  const std::size_t needed = used + bytes;
  if (needed <= memory_.size()) {  // enough room once the consumed front is given up
    std::uint8_t* base = memory_.expose_mutable().data();
    std::memmove(base, base + begin_, used);
    wipe({base + used, end_ - used});
  } else {
    std::size_t capacity = std::max(base_capacity_, memory_.size());
    while (capacity < needed) capacity *= 2;
    SecretBytes larger(std::min(std::max(capacity, needed), std::max(limit_, needed)));
    if (used > 0) std::memcpy(larger.expose_mutable().data(), filled().data(), used);
    memory_ = std::move(larger);  // the old bytes are wiped by the assignment
  }
  begin_ = 0;
  end_ = used;
  return true;
}

void SecretBuffer::consume(std::size_t bytes) noexcept {
  KH_ASSERT(bytes <= size());
  if (bytes > 0) wipe(memory_.expose_mutable().subspan(begin_, bytes));
  begin_ += bytes;
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (memory_.size() > base_capacity_) memory_ = SecretBytes();
}

void SecretBuffer::truncate(std::size_t new_size) noexcept {
  KH_ASSERT(new_size <= size());
  if (new_size == 0) return clear();
  const std::size_t new_end = begin_ + new_size;
  wipe(memory_.expose_mutable().subspan(new_end, end_ - new_end));
  end_ = new_end;
}

void SecretBuffer::patch_u32(std::size_t offset, std::uint32_t value) noexcept {
  KH_ASSERT(offset + 4 <= size());
  std::uint8_t* to = memory_.expose_mutable().data() + begin_ + offset;
  for (int i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

}  // namespace keyhaven::channel
