// The hot path's decisions: pure functions before and after the one awaited call to the crypto unit
// (docs/adr/0001-async-decide-finish.md). They touch no lock and no I/O; the record is a snapshot.
//
//   decide_*  may this key do that now, and with which versions?   -> a plan the event loop hands
//   to unit::AsyncUnit finish    is the loop's: it turns the unit's answer into the call's answer.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "keys/key_record.h"
#include "unit/crypto_unit.h"

namespace keyhaven::keys {

// A version together with the record that keeps it alive.
struct VersionRef {
  KeyRecordPtr key;
  const KeyVersion* version = nullptr;

  unit::KeyBinding binding() const { return {key->instance, key->id, version->id}; }
  const unit::KeyBlob& blob() const { return version->blob; }
};

struct UnwrapPlan {
  VersionRef with;    // the version whose commitment the ciphertext carries
  VersionRef newest;  // re-wraps; the same version when the ciphertext is already of the newest
  bool rewraps() const noexcept { return with.version != newest.version; }
};

// Always the newest version. Errors: KeyRootRequired, KeyActionInvalidState, KeyDeleted.
Result<VersionRef> decide_wrap(KeyRecordPtr key, Timestamp now);

// Errors as for wrap; NotACiphertext for bytes that are no wrapped DEK of ours; CiphertextInvalid
// when no version of the key has its commitment (the same answer as a failing authentication).
Result<UnwrapPlan> decide_unwrap(KeyRecordPtr key, ByteView wrapped_dek, Timestamp now);
Result<UnwrapPlan> decide_rewrap(KeyRecordPtr key, ByteView wrapped_dek, Timestamp now);

// The version whose payload a read hands out: of a standard key that is not destroyed. Else none
// (`version` null): root material leaves the unit never, a destroyed key's payload no more.
VersionRef decide_read(KeyRecordPtr key) noexcept;

}  // namespace keyhaven::keys
