#include "token/owner_material.h"

#include <array>

#include "crypto/aead.h"
#include "crypto/random.h"

namespace keyhaven::token {
namespace {

constexpr const char* kKind = "secret key";
constexpr std::size_t kLargestKey = 32;
constexpr std::size_t kWrapOverhead = 8;  // RFC 3394

bool is_key_size(std::size_t size) { return size == 16 || size == 24 || size == 32; }

Error wrong_size(const std::string& who, const KeyName& name) {
  return not_usable(who, kKind, name,
                    "it does not have 16, 24 or 32 bytes, as a root key has. Remedy: name "
                    "another key");
}

Result<CK_OBJECT_HANDLE> find(Session& session, const KeyName& name) {
  Template wanted;
  wanted.number(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_TOKEN, true).name(name);
  const auto found = KH_TRY(find_objects(session, wanted, 2));
  const std::string& who = session.core().who();
  if (found.empty()) return no_such_key(who, kKind, name);
  if (found.size() == 1) return found.front();
  return not_usable(who, kKind, name,
                    "several keys match. Remedy: name it by label and id together");
}

// The value of a key that is not sensitive.
Result<SecretBytes> read_value(Session& session, CK_OBJECT_HANDLE key, const KeyName& name) {
  SecretBytes value(kLargestKey + 1);  // one more, to see that it is longer
  CK_ATTRIBUTE attribute{CKA_VALUE, value.expose_mutable().data(), value.size()};
  const CK_RV answer =
      session.functions().C_GetAttributeValue(session.handle(), key, &attribute, 1);
  if (answer == CKR_BUFFER_TOO_SMALL) return wrong_size(session.core().who(), name);
  KH_TRY(session.check(answer, "C_GetAttributeValue"));
  if (!is_key_size(attribute.ulValueLen)) return wrong_size(session.core().who(), name);
  value.shrink(attribute.ulValueLen);
  return value;
}

// A session key whose value is known here; gone with the scope.
class WrappingKey {
 public:
  static Result<WrappingKey> make(Session& session) {
    SecretBytes value = crypto::random_secret(kAesKeySize);
    Template attributes;
    attributes.number(CKA_CLASS, CKO_SECRET_KEY)
        .number(CKA_KEY_TYPE, CKK_AES)
        .secret(CKA_VALUE, value)
        .flag(CKA_TOKEN, false)
        .flag(CKA_SENSITIVE, true)
        .flag(CKA_EXTRACTABLE, false)
        .flag(CKA_WRAP, true);
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    KH_TRY(session.check(session.functions().C_CreateObject(session.handle(), attributes.data(),
                                                            attributes.size(), &handle),
                         "C_CreateObject"));
    return WrappingKey(session, handle, std::move(value));
  }
  WrappingKey(WrappingKey&& other) noexcept
      : session_(other.session_),
        handle_(std::exchange(other.handle_, CK_OBJECT_HANDLE{CK_INVALID_HANDLE})),
        value_(std::move(other.value_)) {}
  WrappingKey(const WrappingKey&) = delete;
  WrappingKey& operator=(const WrappingKey&) = delete;
  ~WrappingKey() {
    if (handle_ != CK_INVALID_HANDLE)
      session_.functions().C_DestroyObject(session_.handle(), handle_);
  }
  CK_OBJECT_HANDLE handle() const noexcept { return handle_; }
  const SecretBytes& value() const noexcept { return value_; }

 private:
  WrappingKey(Session& session, CK_OBJECT_HANDLE handle, SecretBytes value)
      : session_(session), handle_(handle), value_(std::move(value)) {}
  Session& session_;
  CK_OBJECT_HANDLE handle_;
  SecretBytes value_;
};

// A sensitive key that may leave the token wrapped.
Result<SecretBytes> wrap_out(Session& session, CK_OBJECT_HANDLE key, const KeyName& name) {
  const WrappingKey wrapping = KH_TRY(WrappingKey::make(session));
  CK_MECHANISM mechanism{CKM_AES_KEY_WRAP, nullptr, 0};
  std::array<std::uint8_t, 64> wrapped{};
  CK_ULONG size = wrapped.size();
  const CK_RV answer = session.functions().C_WrapKey(session.handle(), &mechanism,
                                                     wrapping.handle(), key, wrapped.data(), &size);
  if (answer == CKR_BUFFER_TOO_SMALL) return wrong_size(session.core().who(), name);
  KH_TRY(session.check(answer, "C_WrapKey"));
  if (size < kWrapOverhead || !is_key_size(size - kWrapOverhead))
    return wrong_size(session.core().who(), name);
  return crypto::aes_kw_unwrap(wrapping.value(), ByteView(wrapped).first(size));
}

}  // namespace

Result<SecretBytes> take_out(Session& session, const KeyName& name) {
  const CK_OBJECT_HANDLE key = KH_TRY(find(session, name));
  const auto sensitive = KH_TRY(read_flag(session, key, CKA_SENSITIVE));
  if (!sensitive.value_or(true)) return read_value(session, key, name);
  const auto extractable = KH_TRY(read_flag(session, key, CKA_EXTRACTABLE));
  if (extractable.value_or(false)) return wrap_out(session, key, name);
  return Error{Reason::Forbidden,
               session.core().who() + ": the secret key with " + text_of(name) +
                   " never leaves the token (not extractable). Remedy: supply its material from "
                   "the place it came from, or let the target generate a new key",
               {}};
}

}  // namespace keyhaven::token
