// The MAC of a stored record: docs/protocols/record-seal.md.
#pragma once

#include "base/secret_bytes.h"
#include "unit/record_guard.h"

namespace keyhaven::unit {

// The tag of a record that says what `digest` is of, under a key of its scope and epoch
// (kRecordKeySize bytes): the first 16 bytes of HMAC-SHA-256.
std::array<std::uint8_t, kRecordTagSize> record_tag(const SecretBytes& key,
                                                    const RecordScope& scope,
                                                    const RecordName& name, std::uint32_t epoch,
                                                    std::uint64_t sequence, const Digest& digest);

// A record of a check that is not as the table has it, for the digest of the difference. `seal` is
// the packed one that the store has (record_map.h); 0 for a missing record.
struct RecordDifference {
  RecordName name;
  std::uint8_t verdict = 0;  // RecordVerdict, or kMissingVerdict
  std::uint64_t seal = 0;
};
inline constexpr std::uint8_t kMissingVerdict = 6;

// Adds records in ascending order of their names.
class DifferenceDigest {
 public:
  explicit DifferenceDigest(const RecordScope& scope);
  void add(const RecordDifference& record);
  Digest finish();

 private:
  void fold();
  Digest chain_{};
  Bytes block_;
};

}  // namespace keyhaven::unit
