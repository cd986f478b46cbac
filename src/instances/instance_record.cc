#include "instances/instance_record.h"

#include <algorithm>

#include "base/wire.h"

namespace keyhaven::instances {
namespace {

constexpr std::uint8_t kFirstFormat = 1;   // without policies and limits
constexpr std::uint8_t kSecondFormat = 2;  // with operational units only, without rotation
constexpr std::uint8_t kFormat = 3;
constexpr std::size_t kMaxTextBytes = 1024;

void encode_limits(Writer& writer, const InstanceRecord& record) {
  writer.u16(record.own_limits);
  for (std::size_t i = 0; i < kLimitCount; ++i) {
    if ((record.own_limits >> i & 1) != 0) writer.u64(record.limits.*limit_rows()[i].field);
  }
}

void decode_limits(Reader& reader, InstanceRecord& record) {
  record.own_limits = reader.u16();
  if (record.own_limits >> kLimitCount != 0) reader.fail();
  for (std::size_t i = 0; i < kLimitCount; ++i) {
    if ((record.own_limits >> i & 1) != 0) record.limits.*limit_rows()[i].field = reader.u64();
  }
}

void encode_rotation(Writer& writer, const MasterKeyRotation& rotation) {
  writer.u8(static_cast<std::uint8_t>(rotation.phase));
  writer.raw(rotation.from);
  writer.raw(rotation.to);
  writer.text32(rotation.started_by);
  writer.i64(rotation.started.us);
}

void read_pattern(Reader& reader, unit::BlobPattern& pattern) {
  const ByteView bytes = reader.raw(pattern.size());
  std::copy(bytes.begin(), bytes.end(), pattern.begin());
}

MasterKeyRotation decode_rotation(Reader& reader) {
  MasterKeyRotation rotation;
  rotation.phase = RotationPhase{reader.u8()};
  if (rotation.phase > RotationPhase::Reverting) reader.fail();
  read_pattern(reader, rotation.from);
  read_pattern(reader, rotation.to);
  rotation.started_by = reader.text32(kMaxTextBytes);
  rotation.started.us = reader.i64();
  return rotation;
}

// Format 1 knew one policy, as a parameter of the instance.
AllowedNetwork decode_first_network(Reader& reader) {
  const auto network = allowed_network_of(reader.text32(kMaxTextBytes));
  if (!network) reader.fail();
  return network.value_or(AllowedNetwork::PublicAndPrivate);
}

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
  writer.u32(record.units.operational);
  writer.u32(record.units.recovery);
  writer.u32(record.units.failover);
  writer.i64(record.rotation_interval_seconds);
  writer.u8(static_cast<std::uint8_t>(record.state));
  writer.i64(record.created.us);
  writer.text32(record.created_by);
  writer.i64(record.updated.us);
  record.policies.encode(writer);
  encode_limits(writer, record);
  encode_rotation(writer, record.rotation);
  return out;
}

Result<InstanceRecord> decode_instance_record(ByteView bytes) {
  Reader reader(bytes);
  InstanceRecord record;
  const std::uint8_t format = reader.u8();
  record.id = {reader.uuid()};
  record.revision = reader.u64();
  record.name = reader.text32(kMaxTextBytes);
  record.plan = reader.text32(kMaxTextBytes);
  record.region = reader.text32(kMaxTextBytes);
  record.resource_group = reader.text32(kMaxTextBytes);
  record.units.operational = reader.u32();
  if (format == kFormat) {
    record.units.recovery = reader.u32();
    record.units.failover = reader.u32();
  }
  AllowedNetwork first_network = AllowedNetwork::PublicAndPrivate;
  if (format == kFirstFormat) first_network = decode_first_network(reader);
  record.rotation_interval_seconds = reader.i64();
  const std::uint8_t state = reader.u8();
  record.created.us = reader.i64();
  record.created_by = reader.text32(kMaxTextBytes);
  record.updated.us = reader.i64();
  // What was the default counts as never set.
  if (first_network == AllowedNetwork::PrivateOnly) {
    record.policies.set({PolicyType::AllowedNetwork, true, first_network}, record.created_by,
                        record.created);
  }
  if (format >= kSecondFormat) {
    record.policies = InstancePolicies::decode(reader);
    decode_limits(reader, record);
  }
  if (format == kFormat) record.rotation = decode_rotation(reader);
  const bool known_format = format >= kFirstFormat && format <= kFormat;
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
