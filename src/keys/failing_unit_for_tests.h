// A crypto unit that makes no root keys while a test says so, and counts how often it was asked.
#pragma once

#include <optional>
#include <utility>

#include "unit/crypto_unit.h"

namespace keyhaven::keys {

class FailingUnit final : public unit::CryptoUnit {
 public:
  explicit FailingUnit(unit::CryptoUnit& unit) : unit_(unit) {}

  // Asked for a key of `only` (all instances when absent), it fails so.
  void fail_with(std::optional<Error> error, std::optional<InstanceId> only = std::nullopt) {
    failure_ = std::move(error);
    only_ = only;
  }
  int asked = 0;

  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding& binding) override {
    ++asked;
    if (failure_ && (!only_ || *only_ == binding.instance)) return *failure_;
    return unit_.generate_root_key(binding);
  }

  // --- All else as it is ---
  using Bind = unit::KeyBinding;
  using Blob = unit::KeyBlob;
  using Aad = unit::AadList;
  Result<std::vector<unit::UnitStatus>> create_units(const InstanceId& instance,
                                                     const std::string& region,
                                                     unit::UnitCounts counts) override {
    return unit_.create_units(instance, region, counts);
  }
  Result<std::vector<unit::UnitStatus>> resize_units(const InstanceId& i,
                                                     unit::UnitCounts n) override {
    return unit_.resize_units(i, n);
  }
  Result<unit::SealingStatus> sealing() override { return unit_.sealing(); }
  Result<unit::SealingStatus> change_sealing(const unit::SealingChange& c) override {
    return unit_.change_sealing(c);
  }
  Result<unit::KeyBlob> reseal(unit::BlobPurpose p, const unit::KeyBinding& b,
                               const unit::KeyBlob& k, const unit::BlobPattern& t) override {
    return unit_.reseal(p, b, k, t);
  }
  Result<void> remove_units(const InstanceId& id) override { return unit_.remove_units(id); }
  Result<std::vector<unit::UnitStatus>> list_units(const InstanceId& id) override {
    return unit_.list_units(id);
  }
  Result<std::string> administer(const InstanceId& instance, const UnitId& id,
                                 const std::string& request) override {
    return unit_.administer(instance, id, request);
  }
  Result<Bytes> attestation_root() override { return unit_.attestation_root(); }
  Result<unit::SealedRootKey> import_root_key(const Bind& b, const SecretBytes& m) override {
    return unit_.import_root_key(b, m);
  }
  Result<unit::ImportTokenKey> create_import_token(const Bind& token) override {
    return unit_.create_import_token(token);
  }
  Result<unit::SealedRootKey> import_encrypted_root_key(const Bind& b, const Bind& token,
                                                        const Blob& key,
                                                        const unit::EncryptedMaterial& m) override {
    return unit_.import_encrypted_root_key(b, token, key, m);
  }
  Result<Blob> create_standard_key(const Bind& b, const SecretBytes& payload) override {
    return unit_.create_standard_key(b, payload);
  }
  Result<SecretBytes> open_standard_key(const Bind& b, const Blob& blob) override {
    return unit_.open_standard_key(b, blob);
  }
  Result<unit::WrapResult> wrap(const Bind& b, const Blob& blob, const SecretBytes& dek,
                                const Aad& aad) override {
    return unit_.wrap(b, blob, dek, aad);
  }
  Result<unit::UnwrapResult> unwrap(const Bind& b, const Blob& blob, ByteView wrapped,
                                    const Aad& aad, const Newest* newest) override {
    return unit_.unwrap(b, blob, wrapped, aad, newest);
  }
  Result<Bytes> rewrap(const Bind& b, const Blob& blob, ByteView wrapped, const Aad& aad,
                       const Newest& newest) override {
    return unit_.rewrap(b, blob, wrapped, aad, newest);
  }
  Result<void> drop(const std::vector<Blob>& blobs) override { return unit_.drop(blobs); }

 private:
  unit::CryptoUnit& unit_;
  std::optional<Error> failure_;
  std::optional<InstanceId> only_;
};

}  // namespace keyhaven::keys
