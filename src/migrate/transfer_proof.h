// Proof of a sealed transfer by what both sides do with the keys: a DEK wrapped by one side opens
// at the other, payloads are equal, and so is everything that the API says of a key.
#pragma once

#include <string>
#include <vector>

#include "client/transfers.h"
#include "migrate/side.h"

namespace keyhaven::migrate {

enum class KeyVerdict : std::uint8_t {
  Equal,
  Different,   // or one side gave no answer: `differences` say which
  NotProvable  // the same metadata, in a state in which its material cannot be tried
};
std::string_view name_of(KeyVerdict verdict) noexcept;

struct KeyProof {
  KeyId id;
  std::string name;
  KeyVerdict verdict = KeyVerdict::Different;
  std::string how;  // what was tried of its material
  std::vector<std::string> differences;
};

struct TransferProof {
  std::vector<KeyProof> keys;  // as they were given
  std::uint64_t count(KeyVerdict verdict) const noexcept;
};

// Looks at every key on both sides. Keys of the source are asked for the material of standard keys
// and one wrap and one unwrap per active root key; nothing is changed. Standard keys are compared
// by a keyed digest made for this run. Errors: those of connecting, and of listing registrations.
Result<TransferProof> prove_transfer(const std::vector<client::TransferredKey>& keys,
                                     const Side& source, const Side& target, unsigned jobs,
                                     Observer& observer);

// Fields in which the same key differs, in words. Ids of instances (in CRNs) and the date of the
// last update, which each side keeps for itself, do not count. Pure.
std::vector<std::string> key_differences(const client::Key& source, const client::Key& target);

}  // namespace keyhaven::migrate
