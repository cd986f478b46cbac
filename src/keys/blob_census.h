// How many stored key blobs are sealed under which master key: what decides whether a master key
// may be given up. Kept up to date with every record that is published, because an instance may
// have a million keys and the question is asked while its units wait.
#pragma once

#include <cstddef>
#include <vector>

#include "keys/key_record.h"

namespace keyhaven::keys {

// What lies under one master key; destroyed keys count, for they can be restored.
struct SealedUnder {
  unit::BlobPattern master_key{};  // zeros: blobs that do not say (damaged)
  std::size_t blobs = 0;           // versions
  std::size_t keys = 0;            // keys with at least one of them
  std::size_t live_keys = 0;       // those of the keys that are not destroyed
  bool operator==(const SealedUnder&) const = default;
};

// Not thread-safe: the directory guards it.
class BlobCensus {
 public:
  void add(const KeyRecord& key) { count(key, 1); }
  void remove(const KeyRecord& key) { count(key, -1); }
  // One row for each master key that has a blob, in no order.
  const std::vector<SealedUnder>& rows() const noexcept { return rows_; }

 private:
  void count(const KeyRecord& key, std::ptrdiff_t by);
  std::vector<SealedUnder> rows_;
};

// Of the blob's header; zeros for bytes that are no blob.
unit::BlobPattern master_key_or_zeros(const unit::KeyBlob& blob) noexcept;

}  // namespace keyhaven::keys
