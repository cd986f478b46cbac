#include "unit/sealing_key.h"

#include <algorithm>

#include "tke/key_part.h"
#include "unit/root_key.h"

namespace keyhaven::unit {

InstanceKey::MasterKey prepare_master_key(const SecretBytes& master_key) {
  InstanceKey::MasterKey out;
  const tke::VerificationPattern pattern = tke::verification_pattern(master_key);
  std::copy_n(pattern.begin(), out.pattern.size(), out.pattern.begin());
  out.blob_key = derive_blob_key(master_key);
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
  return SealingKey(*key, contexts);
}

SealingKey::SealingKey(const InstanceKey& keys, crypto::XaesContexts& contexts) {
  held_.reserve(keys.keys.size());
  for (const InstanceKey::MasterKey& key : keys.keys) {
    held_.push_back({key.pattern, crypto::XaesKey(key.blob_key, contexts)});
  }
}

SealingKey::Held* SealingKey::find(const BlobPattern& pattern) {
  const auto found = std::find_if(held_.begin(), held_.end(),
                                  [&](const Held& each) { return each.pattern == pattern; });
  return found == held_.end() ? nullptr : &*found;
}

KeyBlob SealingKey::seal_under(Held& held, BlobPurpose purpose, const KeyBinding& binding,
                               std::span<const std::uint8_t> content) {
  KH_ASSERT(!content.empty() && content.size() <= kMaxStandardPayloadBytes);
  const BlobHeader header = make_blob_header(purpose, held.pattern, binding);
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
  const BlobPattern carried = KH_TRY(check_blob_header(blob, purpose, binding));
  Held* held = find(carried);
  if (held == nullptr) {
    // Not a damaged blob but a ceremony's matter, and nothing that a repeated call could heal.
    return Error{Reason::InstanceNotInitialized,
                 "the key was sealed under another master key than the one in the crypto units; "
                 "load the instance's original key parts",
                 {}};
  }
  auto opened = held->key.open(blob.subspan(kBlobHeaderSize), blob.first(kBlobHeaderSize));
  if (!opened) return Error{Reason::DecryptFailed, "the key blob does not open for this key", {}};
  return opened;
}

Result<KeyBlob> SealingKey::reseal(BlobPurpose purpose, const KeyBinding& binding,
                                   const KeyBlob& blob, const BlobPattern& target) {
  Held* held = find(target);
  if (held == nullptr) {
    return Error{Reason::MasterKeyRotationState,
                 "the crypto units do not all hold that master key as current or committed new key",
                 {}};
  }
  const SecretBytes content = KH_TRY(open(purpose, binding, blob.bytes));
  if (master_key_of(blob) == target) return blob;
  return seal_under(*held, purpose, binding, content.expose());
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
