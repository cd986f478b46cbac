#include "crypto/ec.h"
#include "crypto/handles.h"
#include "crypto/random.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kSeedSize = 32;
constexpr std::size_t kSignatureSize = 64;

}  // namespace

Ed25519PrivateKey Ed25519PrivateKey::generate() {
  return std::move(from_seed(random_secret(kSeedSize))).value();
}

Result<Ed25519PrivateKey> Ed25519PrivateKey::from_seed(const SecretBytes& seed) {
  if (seed.size() != kSeedSize) {
    return Error{Reason::InvalidArgument, "an Ed25519 private key has 32 bytes", {}};
  }
  PkeyPtr key(not_null(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr,
                                                       seed.expose().data(), seed.size())));
  Ed25519PrivateKey out;
  std::size_t size = out.public_.size();
  KH_OPENSSL(EVP_PKEY_get_raw_public_key(key.get(), out.public_.data(), &size));
  KH_ASSERT(size == out.public_.size());
  out.seed_ = seed.clone();
  out.key_ = std::move(key);
  return out;
}

std::array<std::uint8_t, 64> Ed25519PrivateKey::sign(ByteView message) const {
  const MdCtxPtr context(not_null(EVP_MD_CTX_new()));
  auto* const key = static_cast<EVP_PKEY*>(key_.get());
  KH_OPENSSL(
      EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key, nullptr));
  std::array<std::uint8_t, kSignatureSize> out;
  std::size_t size = out.size();
  KH_OPENSSL(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()));
  KH_ASSERT(size == out.size());
  return out;
}

bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature) {
  if (public_key.size() != 32 || signature.size() != kSignatureSize) return false;
  const ErrorMark mark;
  const PkeyPtr key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, public_key.data(),
                                                   public_key.size()));
  if (!key) return false;
  const MdCtxPtr context(not_null(EVP_MD_CTX_new()));
  return EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(),
                                 nullptr) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace keyhaven::crypto
