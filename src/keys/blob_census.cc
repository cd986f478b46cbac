#include "keys/blob_census.h"

#include <algorithm>

namespace keyhaven::keys {

unit::BlobPattern master_key_or_zeros(const unit::KeyBlob& blob) noexcept {
  return unit::master_key_of(blob).value_or(unit::BlobPattern{});
}

void BlobCensus::count(const KeyRecord& key, std::ptrdiff_t by) {
  const auto move = [by](std::size_t& number) {
    KH_ASSERT(by > 0 || number > 0);
    number += static_cast<std::size_t>(by);
  };
  for (auto version = key.versions.begin(); version != key.versions.end(); ++version) {
    const unit::BlobPattern master_key = master_key_or_zeros(version->blob);
    const auto under_it = [&](const auto& other) {
      return master_key_or_zeros(other.blob) == master_key;
    };
    auto row = std::find_if(rows_.begin(), rows_.end(),
                            [&](const auto& each) { return each.master_key == master_key; });
    if (row == rows_.end()) row = rows_.insert(row, SealedUnder{.master_key = master_key});
    move(row->blobs);
    // The newest versions are alike in all but a rotation that is under way: look backwards, so
    // that a key of hundreds of versions costs one step for each.
    const auto earlier = std::make_reverse_iterator(version);
    if (std::any_of(earlier, key.versions.rend(), under_it)) continue;
    move(row->keys);
    if (key.state != KeyState::Destroyed) move(row->live_keys);
  }
  std::erase_if(rows_, [](const SealedUnder& row) { return row.blobs == 0; });
}

}  // namespace keyhaven::keys
