#include "unit/sealing_key.h"

#include <algorithm>

#include "unit/root_key.h"

namespace keyhaven::unit {

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
  return SealingKey(key->pattern, key->blob_key, contexts);
}

KeyBlob SealingKey::seal(BlobPurpose purpose, const KeyBinding& binding,
                         std::span<const std::uint8_t> content) {
  KH_ASSERT(!content.empty() && content.size() <= kMaxStandardPayloadBytes);
  const BlobHeader header = make_blob_header(purpose, pattern_, binding);
  KeyBlob out{Bytes(kBlobOverhead + content.size())};
  std::copy(header.begin(), header.end(), out.bytes.begin());
  key_.seal_into(content, header, std::span(out.bytes).subspan(kBlobHeaderSize));
  return out;
}

Result<SecretBytes> SealingKey::open(BlobPurpose purpose, const KeyBinding& binding,
                                     ByteView blob) {
  const BlobPattern carried = KH_TRY(check_blob_header(blob, purpose, binding));
  if (carried != pattern_) {
    // Not a damaged blob but a ceremony's matter, and nothing that a repeated call could heal.
    return Error{Reason::InstanceNotInitialized,
                 "the key was sealed under another master key than the one in the crypto units; "
                 "load the instance's original key parts",
                 {}};
  }
  auto opened = key_.open(blob.subspan(kBlobHeaderSize), blob.first(kBlobHeaderSize));
  if (!opened) return Error{Reason::DecryptFailed, "the key blob does not open for this key", {}};
  return opened;
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
