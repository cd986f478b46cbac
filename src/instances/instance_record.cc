#include "instances/instance_record.h"

#include "base/wire.h"

namespace keyhaven::instances {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kMaxTextBytes = 1024;

}  // namespace

Bytes encode(const InstanceRecord& record) {
  Bytes out;
  Writer writer(out);
  writer.u8(kFormat);
  writer.uuid(record.id.uuid);
  writer.u64(record.revision);
  writer.text32(record.name);
  writer.text32(record.plan);
  writer.text32(record.region);
  writer.text32(record.resource_group);
  writer.u32(record.units);
  writer.text32(record.allowed_network);
  writer.i64(record.rotation_interval_seconds);
  writer.u8(static_cast<std::uint8_t>(record.state));
  writer.i64(record.created.us);
  writer.text32(record.created_by);
  writer.i64(record.updated.us);
  return out;
}

Result<InstanceRecord> decode_instance_record(ByteView bytes) {
  Reader reader(bytes);
  InstanceRecord record;
  const bool known_format = reader.u8() == kFormat;
  record.id = {reader.uuid()};
  record.revision = reader.u64();
  record.name = reader.text32(kMaxTextBytes);
  record.plan = reader.text32(kMaxTextBytes);
  record.region = reader.text32(kMaxTextBytes);
  record.resource_group = reader.text32(kMaxTextBytes);
  record.units = reader.u32();
  record.allowed_network = reader.text32(kMaxTextBytes);
  record.rotation_interval_seconds = reader.i64();
  const std::uint8_t state = reader.u8();
  record.created.us = reader.i64();
  record.created_by = reader.text32(kMaxTextBytes);
  record.updated.us = reader.i64();
  const bool known_state = state == static_cast<std::uint8_t>(InstanceState::Active) ||
                           state == static_cast<std::uint8_t>(InstanceState::Removed);
  if (!reader.at_end() || !known_format || !known_state) {
    return Error{
        Reason::Internal, "a stored instance record is damaged or of an unknown format", {}};
  }
  record.state = static_cast<InstanceState>(state);
  return record;
}

}  // namespace keyhaven::instances
