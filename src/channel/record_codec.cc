#include "channel/record_codec.h"

#include <algorithm>

namespace keyhaven::channel {

namespace {

using unit::MissingRecord;
using unit::RecordChange;
using unit::RecordName;
using unit::RecordSeal;
using unit::RecordVerdict;
using unit::ScopeDifference;
using unit::StoredRecord;

constexpr std::size_t kSealSize = 4 + 8 + unit::kRecordTagSize;
constexpr std::size_t kPlaceSize = 16 + 1 + 16;
constexpr std::size_t kLeastChangeSize = kPlaceSize + 1;
constexpr std::size_t kLeastRecordSize = kPlaceSize + 32 + 1;
constexpr std::size_t kDifferenceSize = 16 + 5 * 8 + 32 + 1;

void write_place(SecretWriter& out, const unit::RecordScope& scope, const RecordName& name) {
  out.uuid(scope.uuid);
  out.u8(name.table);
  out.raw(name.id);
}

template <class Record>
void read_place(Reader& in, Record& record) {
  record.scope = unit::RecordScope{in.uuid()};
  record.name.table = in.u8();
  in.into(record.name.id);
}

void write_seal(SecretWriter& out, const RecordSeal& seal) {
  out.u32(seal.epoch);
  out.u64(seal.sequence);
  out.raw(seal.tag);
}

RecordSeal read_seal(Reader& in) {
  RecordSeal seal;
  seal.epoch = in.u32();
  seal.sequence = in.u64();
  in.into(seal.tag);
  return seal;
}

}  // namespace

void write_fields(SecretWriter& out, std::uint64_t group,
                  const std::vector<RecordChange>& changes) {
  if (changes.size() > unit::kMaxRecordsPerCall) return out.fail();
  out.u64(group);
  out.u16(static_cast<std::uint16_t>(changes.size()));
  for (const RecordChange& change : changes) {
    write_place(out, change.scope, change.name);
    out.u8(change.digest ? 1 : 0);
    if (change.digest) out.raw(*change.digest);
  }
}

SealRecordsCall read_seal_records(Reader& in) {
  SealRecordsCall call;
  call.group = in.u64();
  call.changes.resize(in.count16(unit::kMaxRecordsPerCall, kLeastChangeSize));
  for (RecordChange& change : call.changes) {
    read_place(in, change);
    if (in.flag()) in.into(change.digest.emplace());
  }
  return call;
}

SettleRecordsCall read_settle_records(Reader& in) {
  SettleRecordsCall call;
  call.group = in.u64();
  call.committed = in.flag();
  return call;
}

void write_fields(SecretWriter& out, std::uint64_t check,
                  const std::vector<StoredRecord>& records) {
  if (records.size() > unit::kMaxRecordsPerCall) return out.fail();
  out.u64(check);
  out.u16(static_cast<std::uint16_t>(records.size()));
  for (const StoredRecord& record : records) {
    write_place(out, record.scope, record.name);
    out.raw(record.digest);
    out.u8(record.seal ? 1 : 0);
    if (record.seal) write_seal(out, *record.seal);
  }
}

CheckRecordsCall read_check_records(Reader& in) {
  CheckRecordsCall call;
  call.check = in.u64();
  call.records.resize(in.count16(unit::kMaxRecordsPerCall, kLeastRecordSize));
  for (StoredRecord& record : call.records) {
    read_place(in, record);
    in.into(record.digest);
    if (in.flag()) record.seal = read_seal(in);
  }
  return call;
}

void write_value(SecretWriter& out, const unit::RecordGuardStatus& status) {
  out.u8(status.guarding ? 1 : 0);
  out.u64(status.records);
  out.u32(status.scopes);
  out.u64(status.last_group);
  out.u64(status.unsettled_group.value_or(0));
  out.u8(status.accepts_next ? 1 : 0);
}

void read_value(Reader& in, unit::RecordGuardStatus& status) {
  status.guarding = in.flag();
  status.records = in.u64();
  status.scopes = in.u32();
  status.last_group = in.u64();
  const std::uint64_t unsettled = in.u64();
  if (unsettled != 0) status.unsettled_group = unsettled;
  status.accepts_next = in.flag();
}

void write_value(SecretWriter& out, const std::vector<RecordSeal>& seals) {
  if (seals.size() > unit::kMaxRecordsPerCall) return out.fail();
  out.u16(static_cast<std::uint16_t>(seals.size()));
  for (const RecordSeal& seal : seals) write_seal(out, seal);
}

void read_value(Reader& in, std::vector<RecordSeal>& seals) {
  seals.resize(in.count16(unit::kMaxRecordsPerCall, kSealSize));
  for (RecordSeal& seal : seals) seal = read_seal(in);
}

void write_value(SecretWriter& out, const std::vector<RecordVerdict>& verdicts) {
  if (verdicts.size() > unit::kMaxRecordsPerCall) return out.fail();
  out.u16(static_cast<std::uint16_t>(verdicts.size()));
  for (const RecordVerdict verdict : verdicts) out.u8(static_cast<std::uint8_t>(verdict));
}

void read_value(Reader& in, std::vector<RecordVerdict>& verdicts) {
  verdicts.resize(in.count16(unit::kMaxRecordsPerCall, 1));
  for (RecordVerdict& verdict : verdicts) {
    verdict = RecordVerdict{in.u8()};
    if (verdict < RecordVerdict::Authentic || verdict > RecordVerdict::Newer) in.fail();
  }
}

void write_value(SecretWriter& out, const unit::RecordCheckResult& result) {
  if (result.differences.size() > unit::kMaxRecordScopes ||
      result.missing.size() > unit::kMaxNamedMissing) {
    return out.fail();
  }
  out.u16(static_cast<std::uint16_t>(result.differences.size()));
  for (const ScopeDifference& each : result.differences) {
    out.uuid(each.scope.uuid);
    for (const std::uint64_t count :
         {each.forged, each.old, each.returned, each.newer, each.missing})
      out.u64(count);
    out.raw(each.difference);
    out.u8(each.accepted ? 1 : 0);
  }
  out.u16(static_cast<std::uint16_t>(result.missing.size()));
  for (const MissingRecord& each : result.missing) write_place(out, each.scope, each.name);
}

void read_value(Reader& in, unit::RecordCheckResult& result) {
  result.differences.resize(in.count16(unit::kMaxRecordScopes, kDifferenceSize));
  for (ScopeDifference& each : result.differences) {
    each.scope = unit::RecordScope{in.uuid()};
    for (std::uint64_t* count :
         {&each.forged, &each.old, &each.returned, &each.newer, &each.missing})
      *count = in.u64();
    in.into(each.difference);
    each.accepted = in.flag();
  }
  result.missing.resize(in.count16(unit::kMaxNamedMissing, kPlaceSize));
  for (MissingRecord& each : result.missing) read_place(in, each);
}

void write_value(SecretWriter& out, const unit::RecordGuard::Renewal& renewal) {
  out.u32(renewal.epoch);
  out.u64(renewal.older);
}

void read_value(Reader& in, unit::RecordGuard::Renewal& renewal) {
  renewal.epoch = in.u32();
  renewal.older = in.u64();
}

void write_value(SecretWriter& out, std::uint64_t number) { out.u64(number); }
void read_value(Reader& in, std::uint64_t& number) { number = in.u64(); }

}  // namespace keyhaven::channel
