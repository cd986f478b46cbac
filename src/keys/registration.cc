#include "keys/registration.h"

#include "base/wire.h"

namespace keyhaven::keys {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kTextLimit = 8192;

Error damaged(std::string_view what) {
  return {Reason::Internal, "a stored " + std::string(what) + " is damaged", ""};
}

}  // namespace

std::string_view name_of(LifecycleKind kind) noexcept {
  switch (kind) {
    case LifecycleKind::Rotate:
      return "rotate";
    case LifecycleKind::Delete:
      return "delete";
    case LifecycleKind::Restore:
      return "restore";
    case LifecycleKind::Enable:
      return "enable";
    case LifecycleKind::Disable:
      return "disable";
    case LifecycleKind::Sync:
      return "sync";
    case LifecycleKind::MigrationIntent:
      return "migrationIntent";
  }
  fatal(__FILE__, __LINE__, "unknown LifecycleKind");
}

Bytes encode(const Registration& registration) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(kFormat);
  out.uuid(registration.instance.uuid);
  out.uuid(registration.key.uuid);
  out.text32(registration.resource_crn);
  out.u64(registration.revision);
  out.uuid(registration.version.uuid);
  out.u8(registration.prevent_key_deletion ? 1 : 0);
  out.u8(registration.active ? 1 : 0);
  out.text32(registration.description);
  out.text32(registration.metadata);
  out.text32(registration.created_by);
  out.i64(registration.created.us);
  out.text32(registration.updated_by);
  out.i64(registration.updated.us);
  return bytes;
}

Result<Registration> decode_registration(ByteView bytes) {
  Reader in(bytes);
  Registration out;
  if (in.u8() != kFormat) return damaged("registration");
  out.instance = InstanceId{in.uuid()};
  out.key = KeyId{in.uuid()};
  out.resource_crn = in.text32(kTextLimit);
  out.revision = in.u64();
  out.version = VersionId{in.uuid()};
  out.prevent_key_deletion = in.flag();
  out.active = in.flag();
  out.description = in.text32(kTextLimit);
  out.metadata = in.text32(kTextLimit);
  out.created_by = in.text32(kTextLimit);
  out.created.us = in.i64();
  out.updated_by = in.text32(kTextLimit);
  out.updated.us = in.i64();
  if (!in.at_end()) return damaged("registration");
  return out;
}

Bytes encode(const LifecycleEvent& event) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(kFormat);
  out.uuid(event.instance.uuid);
  out.uuid(event.id);
  out.u8(static_cast<std::uint8_t>(event.kind));
  out.uuid(event.key.uuid);
  out.uuid(event.version.uuid);
  out.text32(event.resource_crn);
  out.i64(event.created.us);
  out.i64(event.deadline.us);
  out.i64(event.acknowledged.us);
  out.text32(event.acknowledged_by);
  out.text32(event.adopter_key_state);
  return bytes;
}

Result<LifecycleEvent> decode_lifecycle_event(ByteView bytes) {
  Reader in(bytes);
  LifecycleEvent out;
  if (in.u8() != kFormat) return damaged("lifecycle event");
  out.instance = InstanceId{in.uuid()};
  out.id = in.uuid();
  const std::uint8_t kind = in.u8();
  if (kind < 1 || kind > static_cast<std::uint8_t>(LifecycleKind::MigrationIntent)) in.fail();
  out.kind = static_cast<LifecycleKind>(kind);
  out.key = KeyId{in.uuid()};
  out.version = VersionId{in.uuid()};
  out.resource_crn = in.text32(kTextLimit);
  out.created.us = in.i64();
  out.deadline.us = in.i64();
  out.acknowledged.us = in.i64();
  out.acknowledged_by = in.text32(kTextLimit);
  out.adopter_key_state = in.text32(kTextLimit);
  if (!in.at_end()) return damaged("lifecycle event");
  return out;
}

}  // namespace keyhaven::keys
