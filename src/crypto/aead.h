// Authenticated encryption: XAES-256-GCM (C2SP), the AEAD of every format of ours, and plain
// AES-256-GCM for formats that others define. Nonces are made by the function that seals.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

inline constexpr std::size_t kXaesKeySize = 32;
inline constexpr std::size_t kXaesNonceSize = 24;
inline constexpr std::size_t kGcmTagSize = 16;
inline constexpr std::size_t kXaesOverhead = kXaesNonceSize + kGcmTagSize;  // 40

// Cipher contexts that many XaesKeys of one thread may share: about 3 KiB of locked memory, keyed
// for whichever key is used. They keep the schedule of the last key and of the last message key
// until another takes their place. Not thread-safe.
class XaesContexts {
 public:
  XaesContexts();
  XaesContexts(const XaesContexts&) = delete;
  XaesContexts& operator=(const XaesContexts&) = delete;
  ~XaesContexts();
  // Wipes those schedules: for an owner who has just given up a key.
  void clear();

 private:
  friend class XaesKey;
  struct State;
  State* state_;
};

// A 256-bit key made ready for XAES-256-GCM: the CMAC subkey is computed once. A message key is
// derived per nonce, so one key may seal 2^80 messages at a collision risk of 2^-32. Not
// thread-safe: keep one per thread. Source: C2SP XAES-256-GCM; NIST SP 800-108r1, SP 800-38B, SP
// 800-38D.
class XaesKey {
 public:
  // The key has exactly kXaesKeySize bytes, asserted. With contexts of its own:
  explicit XaesKey(const SecretBytes& key);
  // With contexts that others share and that outlive it: 48 bytes of locked memory.
  XaesKey(const SecretBytes& key, XaesContexts& shared);
  XaesKey(XaesKey&&) noexcept;
  XaesKey& operator=(XaesKey&&) noexcept;
  ~XaesKey();

  // Writes nonce ‖ ciphertext ‖ tag (plaintext.size() + kXaesOverhead bytes) to `out`, which has
  // exactly that size.
  void seal_into(ByteView plaintext, ByteView aad, std::span<std::uint8_t> out);
  Bytes seal(ByteView plaintext, ByteView aad);

  // Opens nonce ‖ ciphertext ‖ tag. Errors: DecryptFailed, one message for every cause; nothing is
  // released on error.
  Result<SecretBytes> open(ByteView sealed, ByteView aad);

  // For the public vectors only: a nonce given by the caller (24 bytes). Returns ciphertext ‖ tag.
  Bytes seal_with_nonce_for_vectors(ByteView nonce, ByteView plaintext, ByteView aad);

 private:
  void take(const SecretBytes& key);
  XaesContexts::State& keyed_contexts();
  const std::uint8_t* k1() const noexcept { return key_and_k1_.expose().data() + kXaesKeySize; }

  std::unique_ptr<XaesContexts> own_;
  XaesContexts* contexts_;
  SecretBytes key_and_k1_;  // 48 bytes: a size class of the arena
};

// AES-256-GCM with 12-byte random nonce in front: nonce ‖ ciphertext ‖ tag. For signature-key and
// key-part files (instances-tke-iam.md 3.7), where the key is used once. Errors of open:
// DecryptFailed.
Bytes aes256_gcm_seal(const SecretBytes& key, ByteView plaintext, ByteView aad);
Result<SecretBytes> aes256_gcm_open(const SecretBytes& key, ByteView sealed, ByteView aad);

// AES key wrap (RFC 3394, SP 800-38F section 6.2). kek 16, 24 or 32 bytes; key a multiple of 8, at
// least 16 bytes; the result has 8 bytes more. Errors of unwrap: DecryptFailed, InvalidArgument for
// sizes.
Result<Bytes> aes_kw_wrap(const SecretBytes& kek, const SecretBytes& key);
Result<SecretBytes> aes_kw_unwrap(const SecretBytes& kek, ByteView wrapped);

}  // namespace keyhaven::crypto
