// What one channel thread serves: the shared table of units and an engine of its own.
#pragma once

#include "base/clock.h"
#include "unit/crypto_unit.h"
#include "unit/domain_table.h"
#include "unit/key_engine.h"
#include "unit/record_table.h"
#include "unit/secure_import.h"
#include "unitd/state_file.h"

namespace keyhaven::unitd {

// Used by its thread only (the table is shared and thread-safe). `drop` forgets in this channel's
// engine only; the server drops on every channel (channel/loop_client.h).
class ChannelUnit final : public unit::CryptoUnit {
 public:
  ChannelUnit(unit::DomainTable& table, StateFile& file, unit::RecordTable& records,
              const Clock& clock, unit::KeyEngineOptions options = {})
      : table_(table), file_(file), records_(records), engine_(table, clock, options) {}

  Result<std::vector<unit::UnitStatus>> create_units(const InstanceId& instance,
                                                     const std::string& region,
                                                     unit::UnitCounts counts) override {
    return table_.create_units(instance, region, counts);
  }
  Result<std::vector<unit::UnitStatus>> resize_units(const InstanceId& instance,
                                                     unit::UnitCounts counts) override {
    return table_.resize_units(instance, counts);
  }
  Result<void> remove_units(const InstanceId& instance) override {
    KH_TRY(table_.remove_units(instance));
    records_.prune(instance);  // now, if the instance has no records left; else with the last one
    return {};
  }
  Result<std::vector<unit::UnitStatus>> list_units(const InstanceId& instance) override {
    return table_.list_units(instance);
  }
  Result<std::string> administer(const InstanceId& instance, const UnitId& unit,
                                 const std::string& request) override {
    return table_.administer(instance, unit, request);
  }
  Result<Bytes> attestation_root() override { return table_.attestation_root(); }
  Result<unit::SealingStatus> sealing() override { return file_.status(); }
  Result<unit::SealingStatus> change_sealing(const unit::SealingChange& change) override {
    return file_.change(change, [this] { return table_.save(); });
  }
  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding& binding) override {
    return engine_.generate_root_key(binding);
  }
  Result<unit::SealedRootKey> import_root_key(const unit::KeyBinding& binding,
                                              const SecretBytes& material) override {
    return engine_.import_root_key(binding, material);
  }
  Result<unit::ImportTokenKey> create_import_token(const unit::KeyBinding& token) override {
    return unit::create_import_token(table_, token);
  }
  Result<unit::SealedRootKey> import_encrypted_root_key(
      const unit::KeyBinding& binding, const unit::KeyBinding& token,
      const unit::KeyBlob& private_key, const unit::EncryptedMaterial& material) override {
    return unit::import_encrypted_root_key(table_, binding, token, private_key.bytes, material);
  }
  Result<unit::KeyBlob> create_standard_key(const unit::KeyBinding& binding,
                                            const SecretBytes& payload) override {
    return engine_.create_standard_key(binding, payload);
  }
  Result<SecretBytes> open_standard_key(const unit::KeyBinding& binding,
                                        const unit::KeyBlob& blob) override {
    return engine_.open_standard_key(binding, blob.bytes);
  }
  Result<unit::WrapResult> wrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                                const SecretBytes& dek, const unit::AadList& aad) override {
    return engine_.wrap(binding, blob.bytes, dek, aad);
  }
  Result<unit::UnwrapResult> unwrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                                    ByteView wrapped_dek, const unit::AadList& aad,
                                    const Newest* newest) override {
    return engine_.unwrap(binding, blob.bytes, wrapped_dek, aad, newest);
  }
  Result<Bytes> rewrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                       ByteView wrapped_dek, const unit::AadList& aad,
                       const Newest& newest) override {
    return engine_.rewrap(binding, blob.bytes, wrapped_dek, aad, newest);
  }
  Result<unit::KeyBlob> reseal(unit::BlobPurpose purpose, const unit::KeyBinding& binding,
                               const unit::KeyBlob& blob,
                               const unit::BlobPattern& target) override {
    return engine_.reseal(purpose, binding, blob, target);
  }
  Result<void> drop(const std::vector<unit::KeyBlob>& blobs) override {
    engine_.drop(blobs);
    return {};
  }

 private:
  unit::DomainTable& table_;
  StateFile& file_;
  unit::RecordTable& records_;
  unit::KeyEngine engine_;
};

}  // namespace keyhaven::unitd
