// Records and checkpoints of the audit log: what parses is written back the same.
#include "audit/checkpoint.h"
#include "audit/record.h"
#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view line = as_text(in);
  static_cast<void>(audit::parse_heads(line));
  const auto record = audit::parse_record(line);
  if (!record) return;
  static_cast<void>(audit::parse_heads(record->event_json));
  KH_ASSERT(line.starts_with(record->covered));
  if (record->seq == 0) return;
  std::string again;
  const audit::Head head{record->seq - 1, record->prev};
  const audit::Head next = audit::append_record(again, head, record->event_json, record->outbox_id);
  if (record->signature) audit::append_signature(again, *record->signature);
  KH_ASSERT(next.hash == record->computed_hash());
  if (next.hash == record->hash) KH_ASSERT(again == std::string(line) + "\n");
}
