#include "unit/record_journal.h"

#include <algorithm>

#include "base/wire.h"

namespace keyhaven::unit {

namespace {

enum class Kind : std::uint8_t { Sealed = 1, Settled, Scope, Records, Mark };

template <class... T>
struct Overloaded : T... {
  using T::operator()...;
};
template <class... T>
Overloaded(T...) -> Overloaded<T...>;

void write_name(Writer& out, const RecordName& name) {
  out.u8(name.table);
  out.raw(name.id);
}

RecordName read_name(Reader& in) {
  RecordName name;
  name.table = in.u8();
  const ByteView id = in.raw(name.id.size());
  std::copy(id.begin(), id.end(), name.id.begin());
  return name;
}

// A seal that there is has an epoch and a sequence.
PackedSeal read_seal(Reader& in) {
  const PackedSeal seal = in.u64();
  if (epoch_of(seal) == 0 || sequence_of(seal) == 0) in.fail();
  return seal;
}

std::size_t read_count(Reader& in) {
  const std::size_t count = in.u16();
  if (count > kMaxRecordsPerCall) in.fail();
  return in.ok() ? count : 0;
}

SealedEntry read_sealed(Reader& in) {
  SealedEntry out;
  out.group = in.u64();
  out.changes.resize(read_count(in));
  for (SealedChange& change : out.changes) {
    change.scope = RecordScope{in.uuid()};
    change.name = read_name(in);
    change.seal = in.u64();
    const bool goes = change.seal == 0;
    if (!goes && (epoch_of(change.seal) == 0 || sequence_of(change.seal) == 0)) in.fail();
  }
  return out;
}

SettledEntry read_settled(Reader& in) {
  SettledEntry out;
  out.group = in.u64();
  const std::uint8_t committed = in.u8();
  if (committed > 1) in.fail();
  out.committed = committed == 1;
  return out;
}

ScopeEntry read_scope(Reader& in) {
  ScopeEntry out;
  out.number = in.u16();
  out.scope = RecordScope{in.uuid()};
  out.next_sequence = in.u64();
  if (out.next_sequence == 0 || out.next_sequence > kMaxSequence + 1) in.fail();
  return out;
}

RecordsEntry read_records(Reader& in) {
  RecordsEntry out;
  out.records.resize(read_count(in));
  for (RecordsEntry::Record& record : out.records) {
    record.name.scope = in.u16();
    record.name.name = read_name(in);
    record.seal = read_seal(in);
  }
  return out;
}

MarkEntry read_mark(Reader& in) {
  MarkEntry out;
  out.run = in.u64();
  out.last_group = in.u64();
  return out;
}

Result<RecordEntry> read_entry(Reader& in) {
  switch (Kind{in.u8()}) {
    case Kind::Sealed:
      return RecordEntry{read_sealed(in)};
    case Kind::Settled:
      return RecordEntry{read_settled(in)};
    case Kind::Scope:
      return RecordEntry{read_scope(in)};
    case Kind::Records:
      return RecordEntry{read_records(in)};
    case Kind::Mark:
      return RecordEntry{read_mark(in)};
  }
  return Error{Reason::InvalidArgument, "record journal: an entry of an unknown kind", {}};
}

}  // namespace

Bytes encode(const RecordEntry& entry) {
  Bytes out;
  Writer writer(out);
  const auto begin = [&](Kind kind) { writer.u8(static_cast<std::uint8_t>(kind)); };
  const auto begin_list = [&](std::size_t count) {
    KH_ASSERT(count <= kMaxRecordsPerCall);
    writer.u16(static_cast<std::uint16_t>(count));
  };
  std::visit(Overloaded{[&](const SealedEntry& e) {
                          out.reserve(11 + 41 * e.changes.size());
                          begin(Kind::Sealed);
                          writer.u64(e.group);
                          begin_list(e.changes.size());
                          for (const SealedChange& change : e.changes) {
                            writer.raw(change.scope.view());
                            write_name(writer, change.name);
                            writer.u64(change.seal);
                          }
                        },
                        [&](const SettledEntry& e) {
                          begin(Kind::Settled);
                          writer.u64(e.group);
                          writer.u8(e.committed ? 1 : 0);
                        },
                        [&](const ScopeEntry& e) {
                          begin(Kind::Scope);
                          writer.u16(e.number);
                          writer.raw(e.scope.view());
                          writer.u64(e.next_sequence);
                        },
                        [&](const RecordsEntry& e) {
                          out.reserve(3 + kSnapshotRecordBytes * e.records.size());
                          begin(Kind::Records);
                          begin_list(e.records.size());
                          for (const RecordsEntry::Record& record : e.records) {
                            writer.u16(record.name.scope);
                            write_name(writer, record.name.name);
                            writer.u64(record.seal);
                          }
                        },
                        [&](const MarkEntry& e) {
                          begin(Kind::Mark);
                          writer.u64(e.run);
                          writer.u64(e.last_group);
                        }},
             entry);
  KH_ASSERT(out.size() <= kMaxRecordEntryBytes);
  return out;
}

Result<RecordEntry> decode_record_entry(ByteView bytes) {
  Reader in(bytes);
  RecordEntry entry = KH_TRY(read_entry(in));
  if (!in.at_end()) return Error{Reason::InvalidArgument, "record journal: a malformed entry", {}};
  return entry;
}

}  // namespace keyhaven::unit
