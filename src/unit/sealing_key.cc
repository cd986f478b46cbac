#include "unit/sealing_key.h"

#include <algorithm>

#include "unit/root_key.h"

namespace keyhaven::unit {

InstanceKey::MasterKey prepare_master_key(const MasterKeyPtr& master_key) {
  InstanceKey::MasterKey out;
  std::copy_n(master_key->pattern().begin(), out.pattern.size(), out.pattern.begin());
  out.key = master_key;
  return out;
}

Result<SealingKey> SealingKey::of(const KeySnapshot& snapshot, const InstanceId& instance,
                                  crypto::XaesContexts& contexts) {
  const InstanceKey* key = snapshot.find(instance);
  if (key == nullptr || key->state == InstanceKey::State::NotInitialized) {
    return Error{
        Reason::InstanceNotInitialized,
        "CKR_IBM_WK_NOT_INITIALIZED: a crypto unit of this instance has no valid master key; "
        "complete the master key ceremony first",
        {}};
  }
  if (key->state == InstanceKey::State::UnitsDiffer) {
    return Error{
        Reason::UnitsDiffer,
        "the crypto units of this instance hold different master keys; load the same key parts "
        "into all of them",
        {}};
  }
  return with(*key, instance, contexts);
}

Result<SealingKey> SealingKey::with(const InstanceKey& keys, const InstanceId& instance,
                                    crypto::XaesContexts& contexts) {
  SealingKey out(keys, instance, contexts);
  const InstanceKey::MasterKey& first = out.masters_.front();
  KH_TRY(out.held(first, first.key->algorithm()));
  return out;
}

const InstanceKey::MasterKey* SealingKey::master(const BlobPattern& pattern) const {
  const auto found = std::ranges::find(masters_, pattern, &InstanceKey::MasterKey::pattern);
  return found == masters_.end() ? nullptr : &*found;
}

Result<SealingKey::Held*> SealingKey::held(const InstanceKey::MasterKey& from,
                                           BlobAlgorithm algorithm) {
  const BlobSeal wanted{from.pattern, algorithm};
  const auto found = std::ranges::find(held_, wanted, &Held::seal);
  if (found != held_.end()) return &*found;
  const SecretBytes key = KH_TRY(from.key->blob_key(algorithm, instance_));
  return &held_.emplace_back(Held{wanted, crypto::XaesKey(key, *contexts_)});
}

KeyBlob SealingKey::seal_under(Held& held, BlobPurpose purpose, const KeyBinding& binding,
                               std::span<const std::uint8_t> content) {
  KH_ASSERT(!content.empty() && content.size() <= kMaxStandardPayloadBytes);
  const BlobHeader header = make_blob_header(purpose, held.seal, binding);
  KeyBlob out{Bytes(kBlobOverhead + content.size())};
  std::copy(header.begin(), header.end(), out.bytes.begin());
  held.key.seal_into(content, header, std::span(out.bytes).subspan(kBlobHeaderSize));
  return out;
}

KeyBlob SealingKey::seal(BlobPurpose purpose, const KeyBinding& binding,
                         std::span<const std::uint8_t> content) {
  return seal_under(held_.front(), purpose, binding, content);
}

Result<SecretBytes> SealingKey::open(BlobPurpose purpose, const KeyBinding& binding,
                                     ByteView blob) {
  const BlobSeal carried = KH_TRY(check_blob_header(blob, purpose, binding));
  const InstanceKey::MasterKey* from = master(carried.pattern);
  if (from == nullptr) {
    // Not a damaged blob but a ceremony's matter, and nothing that a repeated call could heal.
    return Error{Reason::InstanceNotInitialized,
                 "the key was sealed under another master key than the one in the crypto units; "
                 "load the instance's original key parts",
                 {}};
  }
  Held* key = KH_TRY(held(*from, carried.algorithm));
  auto opened = key->key.open(blob.subspan(kBlobHeaderSize), blob.first(kBlobHeaderSize));
  if (!opened) return Error{Reason::DecryptFailed, "the key blob does not open for this key", {}};
  return opened;
}

Result<KeyBlob> SealingKey::reseal(BlobPurpose purpose, const KeyBinding& binding,
                                   const KeyBlob& blob, const BlobPattern& target) {
  const InstanceKey::MasterKey* to = master(target);
  if (to == nullptr) {
    return Error{Reason::MasterKeyRotationState,
                 "the crypto units do not all hold that master key as current or committed new key",
                 {}};
  }
  const SecretBytes content = KH_TRY(open(purpose, binding, blob.bytes));
  if (master_key_of(blob) == target) return blob;
  Held* key = KH_TRY(held(*to, to->key->algorithm()));
  return seal_under(*key, purpose, binding, content.expose());
}

Result<SealedRootKey> SealingKey::seal_root_key(const KeyBinding& binding,
                                                const SecretBytes& material) {
  if (!is_root_key_size(material.size())) {
    return Error{Reason::InvalidField, "a root key has 16, 24 or 32 bytes", "payload"};
  }
  return SealedRootKey{seal(BlobPurpose::RootKey, binding, material.expose()),
                       commitment_of_material(material),
                       static_cast<std::uint16_t>(material.size() * 8)};
}

}  // namespace keyhaven::unit
