#include <algorithm>

#include "token/aes_keys.h"

namespace keyhaven::token {

namespace {

constexpr std::size_t kHalf = 8;  // RFC 3394 works on half blocks
constexpr std::size_t kHalves = kAesKeySize / kHalf;
constexpr std::uint8_t kInitialValue = 0xa6;

// Destroys a session key when the scope ends; the session would do it too, but sessions live long.
class SessionKey {
 public:
  SessionKey(Session& session, CK_OBJECT_HANDLE handle) : session_(session), handle_(handle) {}
  SessionKey(const SessionKey&) = delete;
  SessionKey& operator=(const SessionKey&) = delete;
  ~SessionKey() { session_.functions().C_DestroyObject(session_.handle(), handle_); }

 private:
  Session& session_;
  CK_OBJECT_HANDLE handle_;
};

Result<CK_OBJECT_HANDLE> make_session_key(Session& session) {
  Template attributes;
  attributes.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_AES)
      .number(CKA_VALUE_LEN, kAesKeySize)
      .flag(CKA_TOKEN, false)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_ENCRYPT, true)
      .flag(CKA_UNWRAP, true);
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  KH_TRY(session.check(
      session.functions().C_GenerateKey(session.handle(), &mechanism, attributes.data(),
                                        attributes.size(), &handle),
      "C_GenerateKey"));
  return handle;
}

// RFC 3394 section 2.2.1 with the block cipher in the token.
Result<Bytes> wrap_under(Session& session, CK_OBJECT_HANDLE kek, const SecretBytes& key) {
  SecretBytes block(2 * kHalf);  // A, then the half at work
  const auto a = block.expose_mutable().first(kHalf);
  std::fill(a.begin(), a.end(), kInitialValue);
  SecretBytes halves = key.clone();
  std::uint8_t step = 0;
  for (int round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < kHalves; ++i) {
      const auto half = halves.expose_mutable().subspan(i * kHalf, kHalf);
      std::copy(half.begin(), half.end(), block.expose_mutable().begin() + kHalf);
      const SecretBytes encrypted = KH_TRY(encrypt_block(session, kek, block.expose()));
      std::copy_n(encrypted.expose().begin(), kHalf, a.begin());
      std::copy_n(encrypted.expose().begin() + kHalf, kHalf, half.begin());
      a.back() = static_cast<std::uint8_t>(a.back() ^ ++step);
    }
  }
  Bytes out(a.begin(), a.end());
  append(out, halves.expose());  // ciphertext now
  return out;
}

}  // namespace

Result<CK_OBJECT_HANDLE> import_wrapped(Session& session, const SecretBytes& key,
                                        Template& attributes) {
  const CK_OBJECT_HANDLE kek = KH_TRY(make_session_key(session));
  const SessionKey guard(session, kek);
  Bytes wrapped = KH_TRY(wrap_under(session, kek, key));
  CK_MECHANISM mechanism{CKM_AES_KEY_WRAP, nullptr, 0};
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  KH_TRY(session.check(session.functions().C_UnwrapKey(
                           session.handle(), &mechanism, kek, wrapped.data(), wrapped.size(),
                           attributes.data(), attributes.size(), &handle),
                       "C_UnwrapKey"));
  return handle;
}

}  // namespace keyhaven::token
