#include "unitd/sealing.h"

#include <array>

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace keyhaven::unitd {
namespace {

using unit::SealingMethod;

constexpr std::size_t kKeyIdSize = 16;
constexpr std::string_view kWrapLabel = "keyhaven unit data key wrap v2";
constexpr std::string_view kWrapIdLabel = "keyhaven unit data key wrap id v2";

constexpr std::array<std::pair<SealingMethod, std::string_view>, 6> kNames = {{
    {SealingMethod::KeyFile, "file"},
    {SealingMethod::Passphrase, "passphrase"},
    {SealingMethod::SystemdCredential, "systemd-creds"},
    {SealingMethod::Pkcs11, "pkcs11"},
    {SealingMethod::Tpm2, "tpm2"},
    {SealingMethod::None, "none"},
}};

SecretBytes key_id(const SecretBytes& kek) {
  return crypto::hkdf_sha256(kek, {}, kWrapIdLabel, kKeyIdSize);
}

crypto::XaesKey wrapping_key(const SecretBytes& kek) {
  return crypto::XaesKey(crypto::hkdf_sha256(kek, {}, kWrapLabel, crypto::kXaesKeySize));
}

Bytes wrap_aad(SealingMethod method, ByteView parameters) {
  Bytes out;
  Writer writer(out);
  writer.raw(as_bytes("KHSS"));
  writer.u16(2);
  writer.u16(static_cast<std::uint16_t>(method));
  writer.raw(parameters);
  return out;
}

}  // namespace

std::string_view name_of(SealingMethod method) noexcept {
  for (const auto& [known, name] : kNames) {
    if (known == method) return name;
  }
  return "unknown";
}

Result<SealingMethod> sealing_method_from(std::string_view name) {
  std::string choices;
  for (const auto& [method, known] : kNames) {
    if (known == name) return method;
    choices += (choices.empty() ? "" : ", ") + std::string(known);
  }
  return Error{Reason::InvalidArgument,
               "sealing method \"" + std::string(name) + "\": expected one of: " + choices,
               "method"};
}

Bytes wrap_data_key(const SecretBytes& kek, SealingMethod method, ByteView parameters,
                    const SecretBytes& data_key) {
  const SecretBytes id = key_id(kek);
  Bytes out = to_bytes(id.expose());
  append(out, wrapping_key(kek).seal(data_key.expose(), wrap_aad(method, parameters)));
  return out;
}

bool is_key_of(const SecretBytes& kek, const WrappedKey& stored) {
  return stored.wrapped.size() > kKeyIdSize &&
         crypto::equal_constant_time(ByteView(stored.wrapped).first(kKeyIdSize),
                                     key_id(kek).expose());
}

UnwrappedKey unwrap_data_key(const SecretBytes& kek, SealingMethod method,
                             const WrappedKey& stored) {
  UnwrappedKey out;
  out.is_other_key = !is_key_of(kek, stored);
  if (out.is_other_key) return out;
  auto opened = wrapping_key(kek).open(ByteView(stored.wrapped).subspan(kKeyIdSize),
                                       wrap_aad(method, stored.parameters));
  if (opened && opened->size() == kDataKeySize) out.data_key = std::move(opened).value();
  return out;
}

}  // namespace keyhaven::unitd
