// Steps that several operations of the key service share. Private to key_*.cc of this folder.
#pragma once

#include <string>
#include <vector>

#include "keys/key_changes.h"
#include "keys/key_record.h"

namespace keyhaven::keys {

// What a fence must drop for all versions of a key.
inline std::vector<unit::KeyBlob> blobs_of(const KeyRecord& key) {
  std::vector<unit::KeyBlob> out;
  for (const KeyVersion& version : key.versions) out.push_back(version.blob);
  return out;
}

inline std::string number_of(KeyState state) { return std::to_string(static_cast<int>(state)); }

inline void touch(KeyRecord& key, Timestamp now, const Change& change) {
  key.updated = now;
  key.updated_by = change.actor;
}

inline void set_state(KeyRecord& key, KeyState state, Timestamp now, const Change& change) {
  key.state = state;
  key.state_changed = now;
  touch(key, now, change);
}

// Gives back what was claimed unless the change was published.
class ClaimGuard {
 public:
  ClaimGuard(Directory& directory, const Claim& claim) : directory_(directory), claim_(claim) {}
  ClaimGuard(const ClaimGuard&) = delete;
  ClaimGuard& operator=(const ClaimGuard&) = delete;
  ~ClaimGuard() {
    if (!kept_) directory_.release(claim_);
  }
  void keep() noexcept { kept_ = true; }

 private:
  Directory& directory_;
  const Claim& claim_;
  bool kept_ = false;
};

}  // namespace keyhaven::keys
