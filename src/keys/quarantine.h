// What the store has of an instance and the crypto unit did not seal last (unit/record_guard.h):
// not in use, but not forgotten either.
//
// Filled at start, before anything is served; from then on it never changes, so readers take no
// lock. A key that is here is absent from the directory. An operator repairs or accepts the records
// and starts the server again (docs/operations/records.md).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/result.h"

namespace keyhaven::keys {

class Quarantine {
 public:
  // `fault`: a word, "old", "missing" ...
  void add_key(const InstanceId& instance, const KeyId& key, std::string_view fault);
  // A registration of the instance is not authentic or missing, so nobody knows which keys protect
  // something.
  void add_registration(const InstanceId& instance);
  // Records of the instance that were sealed and are not there as they were sealed last.
  void set_unsettled(const InstanceId& instance, std::size_t records);

  // Success for a key that is simply not there. Errors: RecordNotAuthentic.
  Result<void> check_key(const InstanceId& instance, const KeyId& key) const;
  // Errors: RecordNotAuthentic.
  Result<void> check_registrations(const InstanceId& instance) const;
  std::size_t keys(const InstanceId& instance) const noexcept;
  std::vector<KeyId> key_ids(const InstanceId& instance) const;  // ascending
  std::size_t unsettled(const InstanceId& instance) const noexcept;

 private:
  struct OfInstance {
    std::unordered_map<KeyId, std::string, UuidHash> keys;
    std::size_t unsettled = 0;
    bool registrations = false;
  };
  const OfInstance* find(const InstanceId& instance) const noexcept;
  std::unordered_map<InstanceId, OfInstance, UuidHash> instances_;
};

}  // namespace keyhaven::keys
