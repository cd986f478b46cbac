#include "unit/soft_unit.h"

#include "unit/secure_import.h"

namespace keyhaven::unit {

Result<std::vector<UnitStatus>> SoftUnit::create_units(const InstanceId& instance,
                                                       const std::string& region,
                                                       UnitCounts counts) {
  return table_.create_units(instance, region, counts);
}
Result<std::vector<UnitStatus>> SoftUnit::resize_units(const InstanceId& instance,
                                                       UnitCounts counts) {
  return table_.resize_units(instance, counts);
}
Result<void> SoftUnit::remove_units(const InstanceId& instance) {
  return table_.remove_units(instance);
}
Result<std::vector<UnitStatus>> SoftUnit::list_units(const InstanceId& instance) {
  return table_.list_units(instance);
}
Result<std::string> SoftUnit::administer(const InstanceId& instance, const UnitId& unit,
                                         const std::string& request) {
  return table_.administer(instance, unit, request);
}
Result<Bytes> SoftUnit::attestation_root() { return table_.attestation_root(); }
Result<SealingStatus> SoftUnit::sealing() {
  return SealingStatus{SealingMethod::None, {}, 0, false};
}
Result<SealingStatus> SoftUnit::change_sealing(const SealingChange&) {
  return Error{Reason::NotSupported, "a crypto unit within a process keeps no state", {}};
}

Result<SealedRootKey> SoftUnit::generate_root_key(const KeyBinding& binding) {
  const std::lock_guard lock(mutex_);
  return engine_.generate_root_key(binding);
}
Result<SealedRootKey> SoftUnit::import_root_key(const KeyBinding& binding,
                                                const SecretBytes& material) {
  const std::lock_guard lock(mutex_);
  return engine_.import_root_key(binding, material);
}
Result<ImportTokenKey> SoftUnit::create_import_token(const KeyBinding& token) {
  return unit::create_import_token(table_, token, import_key_bits_);
}
Result<SealedRootKey> SoftUnit::import_encrypted_root_key(const KeyBinding& binding,
                                                          const KeyBinding& token,
                                                          const KeyBlob& private_key,
                                                          const EncryptedMaterial& material) {
  return unit::import_encrypted_root_key(table_, binding, token, private_key.bytes, material);
}
Result<KeyBlob> SoftUnit::create_standard_key(const KeyBinding& binding,
                                              const SecretBytes& payload) {
  const std::lock_guard lock(mutex_);
  return engine_.create_standard_key(binding, payload);
}
Result<SecretBytes> SoftUnit::open_standard_key(const KeyBinding& binding, const KeyBlob& blob) {
  const std::lock_guard lock(mutex_);
  return engine_.open_standard_key(binding, blob.bytes);
}
Result<WrapResult> SoftUnit::wrap(const KeyBinding& binding, const KeyBlob& blob,
                                  const SecretBytes& dek, const AadList& aad) {
  const std::lock_guard lock(mutex_);
  return engine_.wrap(binding, blob.bytes, dek, aad);
}
Result<UnwrapResult> SoftUnit::unwrap(const KeyBinding& binding, const KeyBlob& blob,
                                      ByteView wrapped_dek, const AadList& aad,
                                      const Newest* newest) {
  const std::lock_guard lock(mutex_);
  return engine_.unwrap(binding, blob.bytes, wrapped_dek, aad, newest);
}
Result<Bytes> SoftUnit::rewrap(const KeyBinding& binding, const KeyBlob& blob, ByteView wrapped_dek,
                               const AadList& aad, const Newest& newest) {
  const std::lock_guard lock(mutex_);
  return engine_.rewrap(binding, blob.bytes, wrapped_dek, aad, newest);
}
Result<KeyBlob> SoftUnit::reseal(BlobPurpose purpose, const KeyBinding& binding,
                                 const KeyBlob& blob, const BlobPattern& target) {
  const std::lock_guard lock(mutex_);
  return engine_.reseal(purpose, binding, blob, target);
}
Result<void> SoftUnit::drop(const std::vector<KeyBlob>& blobs) {
  const std::lock_guard lock(mutex_);
  engine_.drop(blobs);
  return {};
}

}  // namespace keyhaven::unit
