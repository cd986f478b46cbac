#include "unit/master_key.h"

#include <algorithm>

#include "crypto/cmac.h"
#include "crypto/hash.h"
#include "unit/key_blob.h"

namespace keyhaven::unit {

namespace {

constexpr std::string_view kCmacLabel = "keyhaven key blob v2";

class SoftwareMasterKey final : public MasterKey {
 public:
  explicit SoftwareMasterKey(SecretBytes key)
      : MasterKey(tke::verification_pattern(key)), key_(std::move(key)) {}

  BlobAlgorithm algorithm() const noexcept override { return BlobAlgorithm::Hkdf; }
  Result<SecretBytes> blob_key(BlobAlgorithm algorithm, const InstanceId& instance) const override {
    switch (algorithm) {
      case BlobAlgorithm::Hkdf:
        return derive_blob_key(key_);
      case BlobAlgorithm::Cmac:
        return crypto::kdf_counter_cmac(key_, kCmacLabel, instance.view(), kBlobKeySize);
    }
    fatal(__FILE__, __LINE__, "algorithm of a blob out of range");
  }
  const SecretBytes* bytes() const noexcept override { return &key_; }
  ByteView reference() const noexcept override { return {}; }

 private:
  const SecretBytes key_;
};

// A key of which only the name is known.
class NamedMasterKey final : public MasterKey {
 public:
  NamedMasterKey(const tke::VerificationPattern& pattern, ByteView reference)
      : MasterKey(pattern), reference_(to_bytes(reference)) {}
  BlobAlgorithm algorithm() const noexcept override { return BlobAlgorithm::Cmac; }
  Result<SecretBytes> blob_key(BlobAlgorithm, const InstanceId&) const override {
    return Error{Reason::UnitUnavailable, "the token with this master key is not open here", {}};
  }
  const SecretBytes* bytes() const noexcept override { return nullptr; }
  ByteView reference() const noexcept override { return reference_; }

 private:
  const Bytes reference_;
};

class MasterKeyNames final : public MasterKeyBackend {
 public:
  Result<MasterKeyPtr> take(SecretBytes key, const KeyOwner&) override {
    return software_master_key(std::move(key));
  }
  Result<MasterKeyPtr> restore(const tke::VerificationPattern& pattern,
                               ByteView reference) override {
    return MasterKeyPtr(std::make_shared<const NamedMasterKey>(pattern, reference));
  }
  void forget(const MasterKeyPtr&) override {}
};

}  // namespace

KeyOwner owner_of(ByteView attestation_root) {
  const Digest digest = crypto::sha256(attestation_root);
  KeyOwner out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

bool same_key(const MasterKeyPtr& a, const MasterKeyPtr& b) noexcept {
  return a && b && tke::same_pattern(a->pattern(), b->pattern());
}

MasterKeyPtr software_master_key(SecretBytes key) {
  KH_ASSERT(key.size() == tke::kMasterKeySize);
  return std::make_shared<const SoftwareMasterKey>(std::move(key));
}

std::vector<Bytes> blob_key_inputs(const InstanceId& instance) {
  return crypto::kdf_counter_inputs(kCmacLabel, instance.view(), kBlobKeySize);
}

Result<MasterKeyPtr> SoftwareMasterKeys::take(SecretBytes key, const KeyOwner&) {
  return software_master_key(std::move(key));
}

Result<MasterKeyPtr> SoftwareMasterKeys::restore(const tke::VerificationPattern& pattern,
                                                 ByteView) {
  return Error{Reason::InvalidArgument,
               "the state has a master key (verification pattern " + tke::pattern_text(pattern) +
                   ") that is in a PKCS#11 token; start the unit with its token: unit.backend = "
                   "\"pkcs11\"",
               {}};
}

void SoftwareMasterKeys::forget(const MasterKeyPtr&) {}

MasterKeyBackend& master_key_names() {
  static MasterKeyNames the_one;
  return the_one;
}

SoftwareMasterKeys& software_master_keys() {
  static SoftwareMasterKeys the_one;
  return the_one;
}

}  // namespace keyhaven::unit
