// The non-blocking form of the key operations, for event loops: one per loop, touched by its thread
// only.
//
// Arguments are encoded before the function returns, so references need live no longer. `done` is
// called on the loop, exactly once, after this function has returned; calls and `drop` are answered
// in the order they were made, so when a drop is done, every earlier call on this loop is done too.
#pragma once

#include <functional>

#include "unit/crypto_unit.h"

namespace keyhaven::unit {

class AsyncUnit {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  virtual ~AsyncUnit() = default;
  // Meaning, limits and errors as in CryptoUnit.
  virtual void wrap(const KeyBinding& binding, const KeyBlob& blob,
                    std::span<const std::uint8_t> dek, const AadList& aad,
                    Done<WrapResult> done) = 0;
  virtual void unwrap(const KeyBinding& binding, const KeyBlob& blob, ByteView wrapped_dek,
                      const AadList& aad, const CryptoUnit::Newest* newest,
                      Done<UnwrapResult> done) = 0;
  virtual void rewrap(const KeyBinding& binding, const KeyBlob& blob, ByteView wrapped_dek,
                      const AadList& aad, const CryptoUnit::Newest& newest, Done<Bytes> done) = 0;
  virtual void open_standard_key(const KeyBinding& binding, const KeyBlob& blob,
                                 Done<SecretBytes> done) = 0;
  virtual void drop(const std::vector<KeyBlob>& blobs, Done<void> done) = 0;
};

}  // namespace keyhaven::unit
