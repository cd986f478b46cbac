// The software crypto unit in one process: DomainTable for the administration, one KeyEngine behind
// a mutex for the keys. For tests and tools; keyhaven-unit uses the two parts itself, with an
// engine per channel thread.
#pragma once

#include <memory>
#include <mutex>

#include "base/clock.h"
#include "unit/crypto_unit.h"
#include "unit/domain_table.h"
#include "unit/key_engine.h"

namespace keyhaven::unit {

// Keeps nothing: for tests and for sealing "none".
class NullSink final : public StateSink {
 public:
  Result<void> save(const SecretBytes&) override { return {}; }
};

// Thread-safe. Table and clock must outlive it.
class SoftUnit final : public CryptoUnit {
 public:
  SoftUnit(DomainTable& table, const Clock& clock, KeyEngineOptions options = {})
      : table_(table), engine_(table, clock, options) {}

  Result<std::vector<UnitStatus>> create_units(const InstanceId& instance,
                                               const std::string& region,
                                               UnitCounts counts) override;
  Result<std::vector<UnitStatus>> resize_units(const InstanceId& instance,
                                               UnitCounts counts) override;
  Result<void> remove_units(const InstanceId& instance) override;
  Result<std::vector<UnitStatus>> list_units(const InstanceId& instance) override;
  Result<std::string> administer(const InstanceId& instance, const UnitId& unit,
                                 const std::string& request) override;
  Result<Bytes> attestation_root() override;
  Result<SealingStatus> sealing() override;
  Result<SealingStatus> change_sealing(const SealingChange& change) override;

  Result<SealedRootKey> generate_root_key(const KeyBinding& binding) override;
  Result<SealedRootKey> import_root_key(const KeyBinding& binding,
                                        const SecretBytes& material) override;
  Result<ImportTokenKey> create_import_token(const KeyBinding& token) override;
  Result<SealedRootKey> import_encrypted_root_key(const KeyBinding& binding,
                                                  const KeyBinding& token,
                                                  const KeyBlob& private_key,
                                                  const EncryptedMaterial& material) override;
  Result<KeyBlob> create_standard_key(const KeyBinding& binding,
                                      const SecretBytes& payload) override;
  Result<SecretBytes> open_standard_key(const KeyBinding& binding, const KeyBlob& blob) override;
  Result<WrapResult> wrap(const KeyBinding& binding, const KeyBlob& blob, const SecretBytes& dek,
                          const AadList& aad) override;
  Result<UnwrapResult> unwrap(const KeyBinding& binding, const KeyBlob& blob, ByteView wrapped_dek,
                              const AadList& aad, const Newest* newest) override;
  Result<Bytes> rewrap(const KeyBinding& binding, const KeyBlob& blob, ByteView wrapped_dek,
                       const AadList& aad, const Newest& newest) override;
  Result<KeyBlob> reseal(BlobPurpose purpose, const KeyBinding& binding, const KeyBlob& blob,
                         const BlobPattern& target) override;
  Result<void> drop(const std::vector<KeyBlob>& blobs) override;

  // Of import tokens made from now on. For tests: 2048 bits take a tenth of the time.
  void set_import_key_bits(std::size_t bits) { import_key_bits_ = bits; }

 private:
  DomainTable& table_;
  std::size_t import_key_bits_ = kImportKeyBits;
  std::mutex mutex_;
  KeyEngine engine_;
};

}  // namespace keyhaven::unit
