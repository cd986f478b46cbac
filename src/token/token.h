// A PKCS#11 token (hardware security module, smart card, SoftHSM) as the product uses one: found by
// label or serial, logged in once, healed after loss, never waited for longer than a deadline.
//
// What may go wrong with a token decides the shape of this class:
//   A wrong PIN is counted by the token, and a few of them destroy the user's access. So each open
//   logs in once. A refused PIN is never tried again: the Token says so until a person gives
//   another to a new open. A token that reports its last try is not tried at all.
//   A token goes away (cable, network, fail-over, another program's C_CloseAllSessions). A call
//   that meets it opens a new session, logs in again with the PIN the token once accepted, looks
//   its key up anew and is repeated once, if repeating it is harmless. While that fails, calls
//   answer UnitUnavailable at once, and the token is tried again after a growing pause.
//   A module may hang. Every call into it runs on a thread of the Token; a call that misses its
//   deadline answers UnitUnavailable and its thread is given up. When `lost_threads` of them are
//   gone the token is declared hung and answers at once until one returns.
//
// Keys never leave the token: they are made or imported sensitive and not extractable, and a key
// found by name is refused if it is not. The one exception is take_out, which is for keys of
// another kind: those whose owner means to carry them elsewhere. No handle of PKCS#11 is seen
// outside: keys have names.
//
// Source: PKCS#11 v2.40 base specification and current mechanisms; docs/adr/0021-hsm-backend.md.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"

namespace keyhaven::token {

inline constexpr std::size_t kAesKeySize = 32;          // all AES keys of ours are AES-256
inline constexpr std::size_t kSealOverhead = 12 + 16;   // nonce before, tag after the ciphertext
inline constexpr std::size_t kLargestInput = 1U << 20;  // of seal, unseal, aes_cmac, sign_sha512
inline constexpr std::size_t kLargestRandom = 4096;
inline constexpr std::size_t kLargestLabel = 64;  // of a key, in bytes

// Which token. A module is a shared library by absolute path. The token is the one with this label
// (as `softhsm2-util --label` or the vendor's tool gave it, without trailing blanks) or this serial
// number; when both are given both must match. Exactly one token may match.
struct TokenChoice {
  std::string module_path;
  std::string label;
  std::string serial;
};

// What the token must be able to do; `open` refuses one that lacks a mechanism and names it.
struct TokenNeeds {
  bool aes_gcm = false;   // seal, unseal: CKM_AES_GCM
  bool aes_cmac = false;  // aes_cmac: CKM_AES_CMAC
  bool aes_ecb = false;   // aes_ecb_block: CKM_AES_ECB
  bool p521 = false;      // signature keys: CKM_ECDSA (generation is asked for when it is used)
};

struct TokenOptions {
  TokenNeeds needs;
  std::chrono::milliseconds call_deadline{
      5000};              // of one operation with its healing; 10 ms to 10 min
  unsigned sessions = 1;  // threads, each with a session; 1 to 64. SoftHSM gains nothing above 1.
  unsigned lost_threads = 4;  // this many hung calls, then the token counts as hung; 1 to 64
  std::chrono::milliseconds first_pause{100};  // after a heal that failed; doubles up to
  std::chrono::milliseconds longest_pause{5000};
  // Told, from a thread of the Token, when somebody should look: PIN refused, token lost, healed,
  // hung, answering again. One line without secrets. It must not call the Token.
  std::function<void(const std::string& line)> alarm;
};

enum class TokenState : std::uint8_t {
  Ready,
  Lost,        // calls fail and are tried again after a pause
  Hung,        // as many calls hang as may; answers at once until one of them returns
  PinRefused,  // final for this Token: a person must give a PIN to a new open
};

struct TokenHealth {
  TokenState state = TokenState::Ready;
  std::string message;  // why, and the remedy; empty when Ready
};

// What the token says about itself, without padding.
struct TokenFacts {
  std::string module_path;
  std::string library;  // "SoftHSM 2.6, Implementation of PKCS11"
  std::string label;
  std::string serial;
  std::string manufacturer;
  std::string model;
};

// How a key is found: CKA_LABEL and CKA_ID, both must match; an empty one matches any, but not both
// may be empty. More than one match is a Conflict, not a guess.
struct KeyName {
  std::string label;  // at most kLargestLabel bytes
  Bytes id;           // at most 64 bytes
};

// One key, one use. Each is the CKA_* permission the key is made with.
enum class AesUse : std::uint8_t {
  Seal,   // AES-GCM: CKA_ENCRYPT, CKA_DECRYPT
  Mac,    // AES-CMAC: CKA_SIGN
  Block,  // AES-ECB of one block: CKA_ENCRYPT
};

// A key pair for administrators' signatures; the private half stays in the token.
struct SignatureKey {
  KeyName name;
  crypto::P521PublicKey public_key;
};

// Thread-safe; calls from several threads run on up to `sessions` sessions. Cheap to move.
//
// Errors of every operation, besides those named with it:
//   UnitUnavailable  the token is lost, hung, locked (see health()) or failed; the message names
//                    module, token, function and CKR value, what it means and what to do
//   InvalidArgument  a size or name breaks its limit; nothing was sent
//   NotFound         no key of this name (operations on a key)
//   Conflict         several keys match, or the key may leave the token (not sensitive, or
//                    extractable), or it is of another size, type or use
class Token {
 public:
  // Loads the module, finds the token, checks mechanisms, logs the user in with `pin` (the one
  // try). A module that this process initialised already is shared. Waits at most call_deadline.
  // Errors: InvalidArgument (options; module not absolute or not a PKCS#11 library), NotFound (no
  //   such token), Conflict (several), NotSupported (mechanism), Unauthenticated (PIN refused,
  //   locked, at its last try, or none set: do not try again without a person), UnitUnavailable.
  static Result<Token> open(TokenChoice choice, SecretBytes pin, TokenOptions options);

  Token(Token&&) noexcept;
  Token& operator=(Token&&) noexcept;
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  // Closes the sessions, waiting at most call_deadline. Calls that hang keep the module loaded.
  ~Token();

  const TokenFacts& facts() const noexcept;
  TokenHealth health() const;

  // AES-256 keys, sensitive, not extractable, private token objects.
  // Makes a key; an empty id becomes 16 random bytes. Returns its full name. Not repeated when the
  // token is lost meanwhile: the answer is UnitUnavailable and the key may exist. Errors also:
  // AlreadyExists (a key has that label or id).
  Result<KeyName> generate_aes_key(const KeyName& name, AesUse use);
  // As above for a key of kAesKeySize bytes made here. Where the token refuses C_CreateObject for
  // sensitive keys, the key is unwrapped under a fresh session key (CKM_AES_KEY_WRAP). For Mac and
  // Block the token's key is checked against ours before this returns.
  Result<KeyName> import_aes_key(const KeyName& name, AesUse use, const SecretBytes& key);
  // The full name of the one key that matches.
  Result<KeyName> find_aes_key(const KeyName& name, AesUse use);
  // Destroys the key. NotFound when there is none, so that a repeated call tells. Not repeated.
  Result<void> destroy_aes_key(const KeyName& name);

  // AES-CMAC (NIST SP 800-38B), all 16 bytes; secret because keys are derived from it.
  Result<SecretBytes> aes_cmac(const KeyName& key, ByteView data);
  // One block of 16 bytes.
  Result<SecretBytes> aes_ecb_block(const KeyName& key, std::span<const std::uint8_t> block);
  // AES-GCM with a random nonce of 12 bytes: nonce ‖ ciphertext ‖ tag of 16 bytes. A key may seal
  // 2^32 times (SP 800-38D section 8.3): seal keys with it, not data.
  Result<Bytes> seal(const KeyName& key, const SecretBytes& plaintext, ByteView aad);
  // Errors also: DecryptFailed, one message for every cause.
  Result<SecretBytes> unseal(const KeyName& key, ByteView sealed, ByteView aad);

  // Key pairs on P-521 for ECDSA with SHA-512 (the administration protocol's signature keys).
  Result<SignatureKey> generate_signature_key(const KeyName& name);  // as generate_aes_key
  Result<std::vector<SignatureKey>> signature_keys();  // at most 256, in the token's order
  Result<SignatureKey> find_signature_key(const KeyName& name);
  // ECDSA of SHA-512(message); the hash is computed here, and the signature is verified with the
  // public key before it is returned. DER: P521Signature::der().
  Result<crypto::P521Signature> sign_sha512(const KeyName& key, ByteView message);
  Result<void> destroy_signature_key(const KeyName& name);  // both halves; as destroy_aes_key

  // The value of a secret key of 16, 24 or 32 bytes that was made to leave the token: one that is
  // not sensitive is read, one that is extractable is wrapped (CKM_AES_KEY_WRAP) under a session
  // key of this call. Errors also: Forbidden (it never leaves the token).
  Result<SecretBytes> take_out(const KeyName& key);

  // 1 to kLargestRandom bytes of the token's generator.
  Result<SecretBytes> random(std::size_t size);

 private:
  struct Impl;
  explicit Token(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

// Loads the module's library into the process without initialising it, so that a process can do
// this before it gives up the right to read libraries. Errors: InvalidArgument.
Result<void> preload_module(const std::string& module_path);

// "CKR_PIN_INCORRECT" or "CKR 0x80000001" for values of vendors.
std::string ckr_name(unsigned long ckr);

}  // namespace keyhaven::token
