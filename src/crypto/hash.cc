#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "crypto/algorithms.h"
#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

// One context per thread; a finished hash leaves no input in it.
template <std::size_t size>
std::array<std::uint8_t, size> digest(const EVP_MD* algorithm,
                                      std::initializer_list<ByteView> parts) {
  thread_local const MdCtxPtr context(not_null(EVP_MD_CTX_new()));
  KH_OPENSSL(EVP_DigestInit_ex2(context.get(), algorithm, nullptr));
  for (const ByteView part : parts) {
    KH_OPENSSL(EVP_DigestUpdate(context.get(), part.data(), part.size()));
  }
  std::array<std::uint8_t, size> out;
  KH_OPENSSL(EVP_DigestFinal_ex(context.get(), out.data(), nullptr));
  return out;
}

// OpenSSL takes null for "not given": an empty value needs an address.
void* address_of(ByteView bytes) noexcept {
  static const std::uint8_t nothing = 0;
  return const_cast<std::uint8_t*>(bytes.empty() ? &nothing : bytes.data());
}

OSSL_PARAM octets(const char* name, ByteView bytes) noexcept {
  return OSSL_PARAM_construct_octet_string(name, address_of(bytes), bytes.size());
}

OSSL_PARAM sha256_name() noexcept {
  static char name[] = "SHA256";
  return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
}

// The digest is named once per thread: naming it means a fetch.
MacCtxPtr new_hmac_context() {
  MacCtxPtr context(not_null(EVP_MAC_CTX_new(algorithms().hmac)));
  const OSSL_PARAM parameters[] = {sha256_name(), OSSL_PARAM_construct_end()};
  KH_OPENSSL(EVP_MAC_CTX_set_params(context.get(), parameters));
  return context;
}

SecretBytes derive(EVP_KDF* kdf, const OSSL_PARAM* parameters, std::size_t size) {
  const KdfCtxPtr context(not_null(EVP_KDF_CTX_new(kdf)));
  SecretBytes out(size);
  KH_OPENSSL(EVP_KDF_derive(context.get(), out.expose_mutable().data(), size, parameters));
  return out;
}

}  // namespace

Digest sha256(ByteView data) { return digest<32>(algorithms().sha256, {data}); }
Digest sha256(std::initializer_list<ByteView> parts) {
  return digest<32>(algorithms().sha256, parts);
}
std::array<std::uint8_t, 64> sha512(ByteView data) {
  return digest<64>(algorithms().sha512, {data});
}
std::array<std::uint8_t, 20> sha1(ByteView data) { return digest<20>(algorithms().sha1, {data}); }

Digest hmac_sha256(std::span<const std::uint8_t> key, ByteView data) {
  thread_local const MacCtxPtr context = new_hmac_context();
  KH_OPENSSL(EVP_MAC_init(context.get(), static_cast<const unsigned char*>(address_of(key)),
                          key.size(), nullptr));
  KH_OPENSSL(EVP_MAC_update(context.get(), data.data(), data.size()));
  Digest out;
  std::size_t written = 0;
  KH_OPENSSL(EVP_MAC_final(context.get(), out.data(), &written, out.size()));
  KH_ASSERT(written == out.size());
  // The context outlives the call; a public key in it replaces the caller's.
  static constexpr unsigned char kZeroKey[32] = {};
  KH_OPENSSL(EVP_MAC_init(context.get(), kZeroKey, sizeof kZeroKey, nullptr));
  return out;
}

SecretBytes hkdf_sha256(const SecretBytes& key_material, ByteView salt, std::string_view info,
                        std::size_t size) {
  KH_ASSERT(size >= 1 && size <= 255 * 32);
  const OSSL_PARAM parameters[] = {sha256_name(), octets(OSSL_KDF_PARAM_KEY, key_material.expose()),
                                   octets(OSSL_KDF_PARAM_SALT, salt),
                                   octets(OSSL_KDF_PARAM_INFO, as_bytes(info)),
                                   OSSL_PARAM_construct_end()};
  return derive(algorithms().hkdf, parameters, size);
}

SecretBytes pbkdf2_sha256(const SecretBytes& password, ByteView salt, unsigned iterations,
                          std::size_t size) {
  KH_ASSERT(iterations >= 1 && size >= 1);
  const OSSL_PARAM parameters[] = {
      sha256_name(), octets(OSSL_KDF_PARAM_PASSWORD, password.expose()),
      octets(OSSL_KDF_PARAM_SALT, salt),
      OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &iterations), OSSL_PARAM_construct_end()};
  return derive(algorithms().pbkdf2, parameters, size);
}

SecretBytes x963_kdf_sha256(const SecretBytes& secret, ByteView shared_info, std::size_t size) {
  KH_ASSERT(size >= 1);
  const OSSL_PARAM parameters[] = {sha256_name(), octets(OSSL_KDF_PARAM_KEY, secret.expose()),
                                   octets(OSSL_KDF_PARAM_INFO, shared_info),
                                   OSSL_PARAM_construct_end()};
  return derive(algorithms().x963, parameters, size);
}

bool equal_constant_time(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace keyhaven::crypto
