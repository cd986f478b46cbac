#include "keys/key_use.h"

#include "keys/key_state.h"
#include "unit/wrapped_dek.h"

namespace keyhaven::keys {
namespace {

Result<UnwrapPlan> plan_unwrap(KeyOperation operation, KeyRecordPtr key, ByteView wrapped_dek,
                               Timestamp now) {
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(operation, *key, now));
  const unit::Commitment commitment = KH_TRY(unit::commitment_of(wrapped_dek));
  const KeyVersion* with = key->find(commitment);
  if (with == nullptr) {
    return Error{Reason::CiphertextInvalid, "the ciphertext does not open with this key and aad",
                 ""};
  }
  const KeyVersion* newest = &key->newest();
  return UnwrapPlan{{key, with}, {key, newest}};
}

}  // namespace

Result<VersionRef> decide_wrap(KeyRecordPtr key, Timestamp now) {
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::Wrap, *key, now));
  const KeyVersion* newest = &key->newest();
  return VersionRef{std::move(key), newest};
}

Result<UnwrapPlan> decide_unwrap(KeyRecordPtr key, ByteView wrapped_dek, Timestamp now) {
  return plan_unwrap(KeyOperation::Unwrap, std::move(key), wrapped_dek, now);
}

Result<UnwrapPlan> decide_rewrap(KeyRecordPtr key, ByteView wrapped_dek, Timestamp now) {
  return plan_unwrap(KeyOperation::Rewrap, std::move(key), wrapped_dek, now);
}

VersionRef decide_read(KeyRecordPtr key) noexcept {
  const bool readable = key->kind == KeyKind::StandardKey && key->state != KeyState::Destroyed;
  const KeyVersion* version = readable ? &key->newest() : nullptr;
  return {std::move(key), version};
}

}  // namespace keyhaven::keys
