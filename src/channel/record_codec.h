// The part of the codec that is about stored records (unit/record_guard.h); used by codec.h's
// functions.
#pragma once

#include <variant>
#include <vector>

#include "base/wire.h"
#include "channel/secret_buffer.h"
#include "unit/record_guard.h"

namespace keyhaven::channel {

// --- Calls, decoded ---
struct RecordStatusCall {};
struct SealRecordsCall {
  std::uint64_t group = 0;
  std::vector<unit::RecordChange> changes;
};
struct SettleRecordsCall {
  std::uint64_t group = 0;
  bool committed = false;
};
struct BeginGuardingCall {};
struct BeginRecordCheckCall {};
struct CheckRecordsCall {
  std::uint64_t check = 0;
  std::vector<unit::StoredRecord> records;
};
struct EndRecordCheckCall {
  std::uint64_t check = 0;
};
struct RenewRecordKeyCall {
  unit::RecordScope scope;
};
struct RecordRenewalCall {
  unit::RecordScope scope;
};

// Each reads its fields behind the fixed part of a frame; a fault shows in `in`. Counts are held
// against what the frame has before anything is allocated.
SealRecordsCall read_seal_records(Reader& in);
SettleRecordsCall read_settle_records(Reader& in);
CheckRecordsCall read_check_records(Reader& in);

// Each writes its fields; above kMaxRecordsPerCall the writer fails.
void write_fields(SecretWriter& out, std::uint64_t group,
                  const std::vector<unit::RecordChange>& changes);
void write_fields(SecretWriter& out, std::uint64_t check,
                  const std::vector<unit::StoredRecord>& records);

// --- Answers ---
void write_value(SecretWriter& out, const unit::RecordGuardStatus& status);
void write_value(SecretWriter& out, const std::vector<unit::RecordSeal>& seals);
void write_value(SecretWriter& out, const std::vector<unit::RecordVerdict>& verdicts);
void write_value(SecretWriter& out, const unit::RecordCheckResult& result);
void write_value(SecretWriter& out, const unit::RecordGuard::Renewal& renewal);
void write_value(SecretWriter& out, std::uint64_t number);
void read_value(Reader& in, unit::RecordGuardStatus& status);
void read_value(Reader& in, std::vector<unit::RecordSeal>& seals);
void read_value(Reader& in, std::vector<unit::RecordVerdict>& verdicts);
void read_value(Reader& in, unit::RecordCheckResult& result);
void read_value(Reader& in, unit::RecordGuard::Renewal& renewal);
void read_value(Reader& in, std::uint64_t& number);

}  // namespace keyhaven::channel
