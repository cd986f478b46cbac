#include "audit/receipt.h"

#include "audit/checkpoint.h"

namespace keyhaven::audit {
namespace {

Error refused(std::string_view what) {
  return {Reason::InvalidArgument, "the audit receipt does not hold: " + std::string(what), {}};
}

Result<ParsedRecord> whole_record(std::string_view line, std::string_view what) {
  const auto record = line.size() <= kMaxRecordBytes ? parse_record(line) : std::nullopt;
  if (!record) return refused(std::string(what) + " is not an audit record");
  if (record->computed_hash() != record->hash)
    return refused(std::string(what) + " was altered: its hash differs");
  return *record;
}

}  // namespace

Result<std::string> check_receipt(const Receipt& receipt, ByteView public_key) {
  const ParsedRecord record = KH_TRY(whole_record(receipt.record, "the event's record"));
  const ParsedRecord checkpoint = KH_TRY(whole_record(receipt.checkpoint, "the checkpoint"));
  if (!checkpoint.signature || !signature_holds(checkpoint, public_key))
    return refused("the checkpoint is not signed by this key");
  const auto heads = parse_heads(checkpoint.event_json);
  if (!heads) return refused("the checkpoint is malformed");
  const auto head = heads->find(kManagementStream);
  if (head == heads->end() || head->second != Head{record.seq, record.hash})
    return refused("the checkpoint is not the one that was signed after the record");
  return std::string(record.event_json);
}

}  // namespace keyhaven::audit
