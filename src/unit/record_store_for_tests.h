// A store in memory that keeps seals beside its records, for tests of a RecordGuard.
#pragma once

#include <map>
#include <vector>

#include "crypto/hash.h"
#include "unit/record_guard.h"

namespace keyhaven::unit {

inline RecordScope scope_for_tests(std::uint8_t number) {
  RecordScope scope;
  scope.uuid.bytes[15] = number;
  return scope;
}

inline RecordName name_for_tests(std::uint32_t number, std::uint8_t table = 1) {
  RecordName name;
  name.table = table;
  for (std::size_t i = 0; i < 4; ++i)
    name.id[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return name;
}

inline Digest digest_for_tests(std::string_view content) {
  return crypto::sha256(as_bytes(content));
}

struct PlaceForTests {
  RecordScope scope;
  RecordName name;
  auto operator<=>(const PlaceForTests&) const = default;
};

class RecordStoreForTests {
 public:
  struct Row {
    Digest digest{};
    std::optional<RecordSeal> seal;
  };
  std::map<PlaceForTests, Row> rows;

  void apply(const std::vector<RecordChange>& changes, const std::vector<RecordSeal>& seals) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const PlaceForTests place{changes[i].scope, changes[i].name};
      if (changes[i].digest) {
        rows[place] = {*changes[i].digest, seals[i]};
      } else {
        rows.erase(place);
      }
    }
  }

  struct Checked {
    std::map<PlaceForTests, RecordVerdict> verdicts;
    RecordCheckResult result;
    bool is_clean() const {
      for (const auto& [place, verdict] : verdicts) {
        if (verdict != RecordVerdict::Authentic) return false;
      }
      return result.differences.empty() && result.missing.empty();
    }
  };
  // A whole check.
  Result<Checked> check(RecordGuard& guard) const {
    const std::uint64_t number = KH_TRY(guard.begin_record_check());
    return check_from(guard, number);
  }
  Result<Checked> check_from(RecordGuard& guard, std::uint64_t number) const {
    Checked out;
    std::vector<StoredRecord> batch;
    const auto send = [&]() -> Result<void> {
      const auto verdicts = KH_TRY(guard.check_records(number, batch));
      for (std::size_t i = 0; i < batch.size(); ++i)
        out.verdicts[{batch[i].scope, batch[i].name}] = verdicts[i];
      batch.clear();
      return {};
    };
    for (const auto& [place, row] : rows) {
      batch.push_back({place.scope, place.name, row.digest, row.seal});
      if (batch.size() == kMaxRecordsPerCall) KH_TRY(send());
    }
    KH_TRY(send());
    out.result = KH_TRY(guard.end_record_check(number));
    return out;
  }
};

}  // namespace keyhaven::unit
