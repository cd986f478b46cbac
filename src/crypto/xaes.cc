// XAES-256-GCM. The derivation is that of docs/protocols/aead.md, step by step.
#include <algorithm>
#include <new>

#include "base/locked_arena.h"
#include "crypto/aead.h"
#include "crypto/algorithms.h"
#include "crypto/gcm.h"
#include "crypto/handles.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kHalfNonce = 12;

Error cannot_open() {
  return Error{Reason::DecryptFailed, "the sealed bytes do not authenticate under this key", {}};
}

}  // namespace

// In the locked arena, because it holds a key and, while a message is worked on, its key.
struct XaesContexts::State {
  CipherCtxPtr ecb;
  CipherCtxPtr encryption;
  CipherCtxPtr decryption;
  bool is_keyed = false;
  std::array<std::uint8_t, kXaesKeySize> key{};  // what `ecb` is keyed with
  std::array<std::uint8_t, 2 * kBlock> message_key{};

  State() { reset(); }

  static State* make() { return new (locked_arena::allocate(sizeof(State))) State; }
  static void destroy(State* state) noexcept {
    state->~State();
    locked_arena::release(state);  // wipes
  }

  // New contexts in place of keyed ones: freeing wipes.
  void reset() {
    ecb.reset(not_null(EVP_CIPHER_CTX_new()));
    encryption = gcm::new_encryption();
    decryption = gcm::new_decryption();
    is_keyed = false;
    wipe(key);
  }

  // Compared by value: an address or a number could stand for another key by now.
  void use_key(std::span<const std::uint8_t> wanted) {
    if (is_keyed && equal_constant_time(wanted, key)) return;
    // The algorithm is set with the first key only.
    const EVP_CIPHER* const cipher = is_keyed ? nullptr : algorithms().aes256_ecb;
    KH_OPENSSL(EVP_EncryptInit_ex2(ecb.get(), cipher, wanted.data(), nullptr, nullptr));
    if (!is_keyed) KH_OPENSSL(EVP_CIPHER_CTX_set_padding(ecb.get(), 0));
    std::copy(wanted.begin(), wanted.end(), key.begin());
    is_keyed = true;
  }

  void encrypt_blocks(const std::uint8_t* in, std::uint8_t* out, int size) {
    int written = 0;
    KH_OPENSSL(EVP_EncryptUpdate(ecb.get(), out, &written, in, size));
    KH_ASSERT(written == size);
  }

  // CMAC's subkey K1 of the key in use.
  void make_k1(std::span<std::uint8_t, kBlock> k1) {
    const std::array<std::uint8_t, kBlock> zeros{};
    encrypt_blocks(zeros.data(), k1.data(), kBlock);  // L
    double_in_field(k1);
  }

  // Doubling in GF(2^128): CMAC's subkey K1 from L (SP 800-38B section 6.1), without a branch on
  // the secret bit.
  static void double_in_field(std::span<std::uint8_t, kBlock> block) noexcept {
    const unsigned carry = block[0] >> 7;
    for (std::size_t i = 0; i + 1 < kBlock; ++i) {
      block[i] = static_cast<std::uint8_t>(block[i] << 1 | block[i + 1] >> 7);
    }
    block[kBlock - 1] = static_cast<std::uint8_t>(block[kBlock - 1] << 1 ^ (0x87U & (0U - carry)));
  }

  // Kx: SP 800-108r1 in counter mode with CMAC, counter 1 and 2, label 'X', the first half of the
  // nonce as context.
  void derive_message_key(const std::uint8_t* k1, const std::uint8_t* nonce) {
    std::array<std::uint8_t, 2 * kBlock>& m = message_key;  // encrypted in place
    for (std::size_t half = 0; half < 2; ++half) {
      std::uint8_t* const block = m.data() + half * kBlock;
      block[0] = 0;
      block[1] = static_cast<std::uint8_t>(half + 1);
      block[2] = 'X';
      block[3] = 0;
      for (std::size_t i = 0; i < kHalfNonce; ++i) block[4 + i] = nonce[i];
      for (std::size_t i = 0; i < kBlock; ++i) block[i] ^= k1[i];
    }
    encrypt_blocks(m.data(), m.data(), 2 * kBlock);
  }

  // `out` has plaintext.size() + 16 bytes.
  void seal(const std::uint8_t* k1, const std::uint8_t* nonce, ByteView plaintext, ByteView aad,
            std::uint8_t* out) {
    derive_message_key(k1, nonce);
    gcm::seal(encryption.get(), message_key.data(), nonce + kHalfNonce, plaintext, aad, out);
    wipe(message_key);
  }
};

XaesContexts::XaesContexts() : state_(State::make()) {}
XaesContexts::~XaesContexts() { State::destroy(state_); }
void XaesContexts::clear() { state_->reset(); }

XaesKey::XaesKey(const SecretBytes& key)
    : own_(std::make_unique<XaesContexts>()), contexts_(own_.get()) {
  take(key);
}

XaesKey::XaesKey(const SecretBytes& key, XaesContexts& shared) : contexts_(&shared) { take(key); }

void XaesKey::take(const SecretBytes& key) {
  KH_ASSERT(key.size() == kXaesKeySize);
  key_and_k1_ = SecretBytes(kXaesKeySize + kBlock);
  const std::span<std::uint8_t> place = key_and_k1_.expose_mutable();
  std::copy(key.expose().begin(), key.expose().end(), place.begin());
  keyed_contexts().make_k1(place.last<kBlock>());
}

XaesKey::XaesKey(XaesKey&&) noexcept = default;
XaesKey& XaesKey::operator=(XaesKey&&) noexcept = default;
XaesKey::~XaesKey() = default;

XaesContexts::State& XaesKey::keyed_contexts() {
  XaesContexts::State& state = *contexts_->state_;
  state.use_key(key_and_k1_.expose().first<kXaesKeySize>());
  return state;
}

void XaesKey::seal_into(ByteView plaintext, ByteView aad, std::span<std::uint8_t> out) {
  KH_ASSERT(out.size() == plaintext.size() + kXaesOverhead);
  random_nonce(out.first(kXaesNonceSize));
  keyed_contexts().seal(k1(), out.data(), plaintext, aad, out.data() + kXaesNonceSize);
}

Bytes XaesKey::seal(ByteView plaintext, ByteView aad) {
  Bytes out(plaintext.size() + kXaesOverhead);
  seal_into(plaintext, aad, out);
  return out;
}

Result<SecretBytes> XaesKey::open(ByteView sealed, ByteView aad) {
  if (sealed.size() < kXaesOverhead) return cannot_open();
  XaesContexts::State& state = keyed_contexts();
  state.derive_message_key(k1(), sealed.data());
  SecretBytes out(sealed.size() - kXaesOverhead);
  const bool authentic =
      gcm::open(state.decryption.get(), state.message_key.data(), sealed.data() + kHalfNonce,
                sealed.subspan(kXaesNonceSize), aad, out.expose_mutable().data());
  wipe(state.message_key);
  if (!authentic) return cannot_open();
  return out;
}

Bytes XaesKey::seal_with_nonce_for_vectors(ByteView nonce, ByteView plaintext, ByteView aad) {
  KH_ASSERT(nonce.size() == kXaesNonceSize);
  Bytes out(plaintext.size() + kGcmTagSize);
  keyed_contexts().seal(k1(), nonce.data(), plaintext, aad, out.data());
  return out;
}

}  // namespace keyhaven::crypto
