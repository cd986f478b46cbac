#include "token/aes_keys.h"

#include <algorithm>

#include "crypto/aes_modes.h"
#include "crypto/cmac.h"
#include "crypto/random.h"

namespace keyhaven::token {

namespace {

constexpr std::size_t kBlockSize = 16;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kSlack = 16;  // some modules want room for a block more than they write
const std::string kKind = "AES key";

Template attributes_of(const KeyName& name, AesUse use) {
  Template out;
  out.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_AES)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_ENCRYPT, use == AesUse::Seal || use == AesUse::Block)
      .flag(CKA_DECRYPT, use == AesUse::Seal)
      .flag(CKA_SIGN, use == AesUse::Mac)
      .flag(CKA_VERIFY, false)
      .flag(CKA_WRAP, false)
      .flag(CKA_UNWRAP, false)
      .flag(CKA_DERIVE, false)
      .name(name);
  return out;
}

std::string memory_of(AesUse use) { return "aes" + std::to_string(static_cast<int>(use)); }

// Whether a key that was found is one that we would have made.
Result<void> check_attributes(Session& session, CK_OBJECT_HANDLE key, const KeyName& name,
                              AesUse use) {
  const std::string& who = session.core().who();
  const auto sensitive = KH_TRY(read_flag(session, key, CKA_SENSITIVE));
  const auto extractable = KH_TRY(read_flag(session, key, CKA_EXTRACTABLE));
  if (!sensitive.value_or(false) || extractable.value_or(true)) {
    return not_usable(who, kKind, name,
                      "it may leave the token (CKA_SENSITIVE must be true, CKA_EXTRACTABLE false). "
                      "Remedy: let Keyhaven make the key");
  }
  const auto size = KH_TRY(read_number(session, key, CKA_VALUE_LEN));
  // SoftHSM says 0 of keys that were unwrapped.
  if (size && *size != 0 && *size != kAesKeySize) {
    return not_usable(who, kKind, name,
                      "it has " + std::to_string(*size) + " bytes, " + std::to_string(kAesKeySize) +
                          " are needed (AES-256)");
  }
  const CK_ATTRIBUTE_TYPE permission = use == AesUse::Mac ? CKA_SIGN : CKA_ENCRYPT;
  const auto permitted = KH_TRY(read_flag(session, key, permission));
  if (!permitted.value_or(true)) {
    return not_usable(who, kKind, name,
                      use == AesUse::Mac ? "it was not made for AES-CMAC (CKA_SIGN is false)"
                                         : "it was not made to encrypt (CKA_ENCRYPT is false)");
  }
  return {};
}

Result<CK_OBJECT_HANDLE> handle_of(Session& session, const KeyName& name, AesUse use) {
  return find_key(session, CKO_SECRET_KEY, CKK_AES, name, kKind, memory_of(use),
                  [&](CK_OBJECT_HANDLE key) { return check_attributes(session, key, name, use); });
}

CK_GCM_PARAMS gcm_parameters(std::span<std::uint8_t> nonce, ByteView aad) {
  CK_GCM_PARAMS out{};
  out.iv_ptr = nonce.data();
  out.iv_len = nonce.size();
  out.iv_bits = nonce.size() * 8;
  out.aad_ptr = const_cast<std::uint8_t*>(aad.data());
  out.aad_len = aad.size();
  out.tag_bits = kTagSize * 8;
  return out;
}

// The API has no const, and modules take a null pointer for an error even when the size is zero.
std::uint8_t* input(std::span<const std::uint8_t> bytes) {
  static std::uint8_t nothing = 0;
  return bytes.empty() ? &nothing : const_cast<std::uint8_t*>(bytes.data());
}

Error does_not_open(const std::string& who) {
  return Error{Reason::DecryptFailed, who + ": the ciphertext does not open with this key", {}};
}

Error unexpected_size(const std::string& who, const char* function) {
  return Error{Reason::UnitUnavailable,
               who + ": " + function + " answered a size that the mechanism does not have",
               {}};
}

// What the token does with the key that was just brought must be what we would do with it.
Result<bool> does_the_same(Session& session, const KeyName& name, AesUse use,
                           const SecretBytes& key) {
  std::array<std::uint8_t, kBlockSize> probe{};
  crypto::random_nonce(probe);
  switch (use) {
    case AesUse::Mac: {
      const SecretBytes theirs = KH_TRY(cmac(session, name, probe));
      return theirs == crypto::aes256_cmac(key, probe);
    }
    case AesUse::Block: {
      const SecretBytes theirs = KH_TRY(ecb_block(session, name, probe));
      return theirs == crypto::aes256_block(key, probe);
    }
    case AesUse::Seal: {
      const SecretBytes plaintext = SecretBytes::copy_of(probe);
      const Bytes sealed = KH_TRY(gcm_seal(session, name, plaintext, {}));
      const ByteView view(sealed);
      const auto opened =
          crypto::aes_gcm_decrypt(key, view.first(kNonceSize), view.subspan(kNonceSize));
      return opened.has_value() && *opened == plaintext;
    }
  }
  fatal(__FILE__, __LINE__, "use of a key out of range");
}

}  // namespace

Result<KeyName> generate_aes(Session& session, const KeyName& name, AesUse use) {
  KH_TRY(check_name_is_free(session, CKO_SECRET_KEY, name));
  Template attributes = attributes_of(name, use);
  attributes.number(CKA_VALUE_LEN, kAesKeySize);
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  KH_TRY(session.about_to_change());
  KH_TRY(session.check(
      session.functions().C_GenerateKey(session.handle(), &mechanism, attributes.data(),
                                        attributes.size(), &handle),
      "C_GenerateKey"));
  return name;
}

Result<KeyName> import_aes(Session& session, const KeyName& name, AesUse use,
                           const SecretBytes& key) {
  KH_TRY(check_name_is_free(session, CKO_SECRET_KEY, name));
  Template attributes = attributes_of(name, use);
  attributes.secret(CKA_VALUE, key);
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  KH_TRY(session.about_to_change());
  const CK_RV rv = session.functions().C_CreateObject(session.handle(), attributes.data(),
                                                      attributes.size(), &handle);
  if (forbids_import(rv)) {
    Template without_value = attributes_of(name, use);
    handle = KH_TRY(import_wrapped(session, key, without_value));
  } else {
    KH_TRY(session.check(rv, "C_CreateObject"));
  }
  if (KH_TRY(does_the_same(session, name, use, key))) return name;
  session.functions().C_DestroyObject(session.handle(), handle);
  return Error{Reason::UnitUnavailable,
               session.core().who() +
                   ": the key in the token does not compute what it should; it was destroyed again",
               {}};
}

Result<KeyName> find_aes(Session& session, const KeyName& name, AesUse use) {
  return read_name(session, KH_TRY(handle_of(session, name, use)));
}

Result<void> destroy_aes(Session& session, const KeyName& name) {
  Template wanted;
  wanted.number(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_TOKEN, true).name(name);
  const auto found = KH_TRY(find_objects(session, wanted, 2));
  const std::string& who = session.core().who();
  if (found.empty()) return no_such_key(who, kKind, name);
  if (found.size() > 1) return not_usable(who, kKind, name, "several keys match");
  KH_TRY(session.about_to_change());
  KH_TRY(session.check(session.functions().C_DestroyObject(session.handle(), found.front()),
                       "C_DestroyObject"));
  session.core().forget_handles();
  return {};
}

Result<SecretBytes> cmac(Session& session, const KeyName& name, ByteView data) {
  const CK_OBJECT_HANDLE key = KH_TRY(handle_of(session, name, AesUse::Mac));
  const CK_FUNCTION_LIST& f = session.functions();
  CK_MECHANISM mechanism{CKM_AES_CMAC, nullptr, 0};
  KH_TRY(session.check(f.C_SignInit(session.handle(), &mechanism, key), "C_SignInit"));
  SecretBytes out(crypto::kCmacSize);
  CK_ULONG size = out.size();
  KH_TRY(session.check(
      f.C_Sign(session.handle(), input(data), data.size(), out.expose_mutable().data(), &size),
      "C_Sign"));
  if (size != crypto::kCmacSize) return unexpected_size(session.core().who(), "C_Sign");
  return out;
}

Result<SecretBytes> encrypt_block(Session& session, CK_OBJECT_HANDLE key,
                                  std::span<const std::uint8_t> block) {
  const CK_FUNCTION_LIST& f = session.functions();
  CK_MECHANISM mechanism{CKM_AES_ECB, nullptr, 0};
  KH_TRY(session.check(f.C_EncryptInit(session.handle(), &mechanism, key), "C_EncryptInit"));
  SecretBytes out(kBlockSize + kSlack);
  CK_ULONG size = out.size();
  KH_TRY(session.check(
      f.C_Encrypt(session.handle(), input(block), block.size(), out.expose_mutable().data(), &size),
      "C_Encrypt"));
  if (size != kBlockSize) return unexpected_size(session.core().who(), "C_Encrypt");
  out.shrink(size);
  return out;
}

Result<SecretBytes> ecb_block(Session& session, const KeyName& name,
                              std::span<const std::uint8_t> block) {
  const CK_OBJECT_HANDLE key = KH_TRY(handle_of(session, name, AesUse::Block));
  return encrypt_block(session, key, block);
}

Result<Bytes> gcm_seal(Session& session, const KeyName& name, const SecretBytes& plaintext,
                       ByteView aad) {
  const CK_OBJECT_HANDLE key = KH_TRY(handle_of(session, name, AesUse::Seal));
  const CK_FUNCTION_LIST& f = session.functions();
  std::array<std::uint8_t, kNonceSize> nonce{};
  crypto::random_nonce(nonce);
  CK_GCM_PARAMS parameters = gcm_parameters(nonce, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  KH_TRY(session.check(f.C_EncryptInit(session.handle(), &mechanism, key), "C_EncryptInit"));
  Bytes out(kNonceSize + plaintext.size() + kTagSize + kSlack);
  CK_ULONG size = out.size() - kNonceSize;
  KH_TRY(session.check(f.C_Encrypt(session.handle(), input(plaintext.expose()), plaintext.size(),
                                   out.data() + kNonceSize, &size),
                       "C_Encrypt"));
  if (size != plaintext.size() + kTagSize) {
    return unexpected_size(session.core().who(), "C_Encrypt");
  }
  out.resize(kNonceSize + size);
  // Read only now: tokens that insist on nonces of their own write theirs here.
  std::ranges::copy(nonce, out.begin());
  return out;
}

namespace {

Result<SecretBytes> decrypt(Session& session, CK_OBJECT_HANDLE key, ByteView sealed, ByteView aad) {
  const CK_FUNCTION_LIST& f = session.functions();
  std::array<std::uint8_t, kNonceSize> nonce{};
  std::ranges::copy(sealed.first(kNonceSize), nonce.begin());
  const ByteView ciphertext = sealed.subspan(kNonceSize);
  CK_GCM_PARAMS parameters = gcm_parameters(nonce, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  KH_TRY(session.check(f.C_DecryptInit(session.handle(), &mechanism, key), "C_DecryptInit"));
  SecretBytes out(ciphertext.size() + kSlack);
  CK_ULONG size = out.size();
  KH_TRY(session.check(f.C_Decrypt(session.handle(), input(ciphertext), ciphertext.size(),
                                   out.expose_mutable().data(), &size),
                       "C_Decrypt"));
  if (size != ciphertext.size() - kTagSize) {
    return unexpected_size(session.core().who(), "C_Decrypt");
  }
  out.shrink(size);
  return out;
}

bool says_ciphertext_is_bad(CK_RV rv) {
  return rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE;
}

// SoftHSM has no word of its own for a tag that does not match.
bool may_mean_ciphertext_is_bad(CK_RV rv) {
  return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_DATA_INVALID;
}

}  // namespace

Result<SecretBytes> gcm_unseal(Session& session, const KeyName& name, ByteView sealed,
                               ByteView aad) {
  const CK_OBJECT_HANDLE key = KH_TRY(handle_of(session, name, AesUse::Seal));
  Result<SecretBytes> out = decrypt(session, key, sealed, aad);
  if (may_mean_ciphertext_is_bad(session.failure().rv)) {
    // A ciphertext that is bad is bad again, while the key opens what it has just sealed. Taking a
    // fault of the token for a bad ciphertext would make a good key look lost.
    session.forget_failure();
    out = decrypt(session, key, sealed, aad);
    if (out || !may_mean_ciphertext_is_bad(session.failure().rv)) return out;
    const Bytes probe = KH_TRY(gcm_seal(session, name, SecretBytes(kBlockSize), {}));
    KH_TRY(decrypt(session, key, probe, {}));
    session.forget_failure();
    return does_not_open(session.core().who());
  }
  if (!says_ciphertext_is_bad(session.failure().rv)) return out;
  session.forget_failure();
  return does_not_open(session.core().who());
}

}  // namespace keyhaven::token
