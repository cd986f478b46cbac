// XAES-256-GCM. The derivation is that of docs/protocols/aead.md, step by step.
#include <new>

#include "base/locked_arena.h"
#include "crypto/aead.h"
#include "crypto/algorithms.h"
#include "crypto/gcm.h"
#include "crypto/handles.h"
#include "crypto/random.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kHalfNonce = 12;

Error cannot_open() {
  return Error{Reason::DecryptFailed, "the sealed bytes do not authenticate under this key", {}};
}

}  // namespace

// In the locked arena, because it holds the subkey and, while a message is worked on, its key. The
// contexts keep the schedule of the last message key until the next message or the end of the
// object.
struct XaesKey::State {
  CipherCtxPtr ecb{not_null(EVP_CIPHER_CTX_new())};
  CipherCtxPtr encryption = gcm::new_encryption();
  CipherCtxPtr decryption = gcm::new_decryption();
  std::array<std::uint8_t, kBlock> k1{};
  std::array<std::uint8_t, 2 * kBlock> message_key{};

  explicit State(std::span<const std::uint8_t> key) {
    KH_OPENSSL(
        EVP_EncryptInit_ex2(ecb.get(), algorithms().aes256_ecb, key.data(), nullptr, nullptr));
    KH_OPENSSL(EVP_CIPHER_CTX_set_padding(ecb.get(), 0));
    const std::array<std::uint8_t, kBlock> zeros{};
    encrypt_blocks(zeros.data(), k1.data(), kBlock);  // L
    double_in_field(k1);
  }

  static State* make(std::span<const std::uint8_t> key) {
    return new (locked_arena::allocate(sizeof(State))) State(key);
  }
  static void destroy(State* state) noexcept {
    if (state == nullptr) return;
    state->~State();
    locked_arena::release(state);  // wipes
  }

  void encrypt_blocks(const std::uint8_t* in, std::uint8_t* out, int size) {
    int written = 0;
    KH_OPENSSL(EVP_EncryptUpdate(ecb.get(), out, &written, in, size));
    KH_ASSERT(written == size);
  }

  // Doubling in GF(2^128): CMAC's subkey K1 from L (SP 800-38B section 6.1), without a branch on
  // the secret bit.
  static void double_in_field(std::array<std::uint8_t, kBlock>& block) noexcept {
    const unsigned carry = block[0] >> 7;
    for (std::size_t i = 0; i + 1 < kBlock; ++i) {
      block[i] = static_cast<std::uint8_t>(block[i] << 1 | block[i + 1] >> 7);
    }
    block[kBlock - 1] = static_cast<std::uint8_t>(block[kBlock - 1] << 1 ^ (0x87U & (0U - carry)));
  }

  // Kx: SP 800-108r1 in counter mode with CMAC, counter 1 and 2, label 'X', the first half of the
  // nonce as context.
  void derive_message_key(const std::uint8_t* nonce) {
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
  void seal(const std::uint8_t* nonce, ByteView plaintext, ByteView aad, std::uint8_t* out) {
    derive_message_key(nonce);
    gcm::seal(encryption.get(), message_key.data(), nonce + kHalfNonce, plaintext, aad, out);
    wipe(message_key);
  }
};

XaesKey::XaesKey(const SecretBytes& key) : state_(nullptr) {
  KH_ASSERT(key.size() == kXaesKeySize);
  state_ = State::make(key.expose());
}

XaesKey::XaesKey(XaesKey&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

XaesKey& XaesKey::operator=(XaesKey&& other) noexcept {
  if (this != &other) {
    State::destroy(state_);
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

XaesKey::~XaesKey() { State::destroy(state_); }

void XaesKey::seal_into(ByteView plaintext, ByteView aad, std::span<std::uint8_t> out) {
  KH_ASSERT(out.size() == plaintext.size() + kXaesOverhead);
  random_nonce(out.first(kXaesNonceSize));
  state_->seal(out.data(), plaintext, aad, out.data() + kXaesNonceSize);
}

Bytes XaesKey::seal(ByteView plaintext, ByteView aad) {
  Bytes out(plaintext.size() + kXaesOverhead);
  seal_into(plaintext, aad, out);
  return out;
}

Result<SecretBytes> XaesKey::open(ByteView sealed, ByteView aad) {
  if (sealed.size() < kXaesOverhead) return cannot_open();
  state_->derive_message_key(sealed.data());
  SecretBytes out(sealed.size() - kXaesOverhead);
  const bool authentic =
      gcm::open(state_->decryption.get(), state_->message_key.data(), sealed.data() + kHalfNonce,
                sealed.subspan(kXaesNonceSize), aad, out.expose_mutable().data());
  wipe(state_->message_key);
  if (!authentic) return cannot_open();
  return out;
}

Bytes XaesKey::seal_with_nonce_for_vectors(ByteView nonce, ByteView plaintext, ByteView aad) {
  KH_ASSERT(nonce.size() == kXaesNonceSize);
  Bytes out(plaintext.size() + kGcmTagSize);
  state_->seal(nonce.data(), plaintext, aad, out.data());
  return out;
}

}  // namespace keyhaven::crypto
