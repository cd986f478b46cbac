#include "unit/key_engine.h"

#include "base/flat_map.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "unit/key_blob.h"
#include "unit/root_key.h"
#include "unit/sealing_key.h"

namespace keyhaven::unit {

namespace {

constexpr std::size_t kGeneratedKeyBytes = 32;
constexpr int kForgottenPerCall = 2;  // so that what nobody uses goes, and no call waits long

struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept {
    std::size_t value;  // a SHA-256 value: any eight bytes of it are a hash
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
  }
};

bool is_over(Timestamp since, Timestamp now, std::chrono::seconds lifetime) noexcept {
  const std::int64_t age_us = now.us - since.us;
  return age_us < 0 || age_us >= std::chrono::microseconds(lifetime).count();  // a clock set back
}

}  // namespace

struct KeyEngine::OpenedKey {
  Digest digest;
  RootKey key;
  Timestamp opened;
};

struct KeyEngine::DerivedKey {
  SealingKey key;
  Timestamp derived;
};

// Every key here is 48 bytes of locked memory and uses the contexts, which come first because they
// must outlive the keys.
struct KeyEngine::Cache {
  crypto::XaesContexts contexts;
  std::unordered_map<InstanceId, DerivedKey, UuidHash> sealing_keys;
  std::list<OpenedKey> recent;  // most recently used first
  FlatMap<Digest, std::optional<std::list<OpenedKey>::iterator>, DigestHash> by_digest;
  std::optional<RootKey> uncached;  // the key in use when nothing may be kept
  Statistics statistics;

  void clear() {
    sealing_keys.clear();
    by_digest.clear();
    recent.clear();
    uncached.reset();
    contexts.clear();
  }
  // Does not touch the contexts, which may still be keyed with it.
  void erase(const Digest& digest) {
    const auto* found = by_digest.find(digest);
    if (found == nullptr) return;
    recent.erase(**found);
    by_digest.erase(digest);
  }
};

KeyEngine::KeyEngine(const DomainTable& table, const Clock& clock, KeyEngineOptions options)
    : table_(table), clock_(clock), options_(options), cache_(std::make_unique<Cache>()) {}

KeyEngine::~KeyEngine() = default;

void KeyEngine::refresh() {
  if (snapshot_ && snapshot_->generation() == table_.generation()) [[likely]]
    return;
  snapshot_ = table_.snapshot();
  cache_->clear();
}

Result<SealingKey*> KeyEngine::sealing_key(const InstanceId& instance) {
  const Timestamp now = clock_.now();
  auto& kept = cache_->sealing_keys;
  if (const auto& lifetime = options_.derived_key_lifetime) {
    const auto erased = std::erase_if(
        kept, [&](const auto& each) { return is_over(each.second.derived, now, *lifetime); });
    if (erased > 0) cache_->contexts.clear();
  }
  if (const auto found = kept.find(instance); found != kept.end()) return &found->second.key;
  SealingKey made = KH_TRY(SealingKey::of(*snapshot_, instance, cache_->contexts));
  return &kept.emplace(instance, DerivedKey{std::move(made), now}).first->second.key;
}

bool KeyEngine::is_expired(Timestamp opened, Timestamp now) const noexcept {
  return is_over(opened, now, options_.opened_key_lifetime);
}

void KeyEngine::forget_expired(Timestamp now) {
  for (int i = 0; i < kForgottenPerCall && !cache_->recent.empty(); ++i) {
    const OpenedKey& oldest = cache_->recent.back();
    if (!is_expired(oldest.opened, now)) return;
    const Digest digest = oldest.digest;
    cache_->erase(digest);
    cache_->contexts.clear();
  }
}

Result<RootKey*> KeyEngine::opened_key(const KeyBinding& binding, ByteView blob) {
  refresh();
  KH_TRY(check_blob_header(blob, BlobPurpose::RootKey, binding));
  const Digest digest = crypto::sha256(blob);
  const Timestamp now = clock_.now();
  forget_expired(now);
  if (const auto* found = cache_->by_digest.find(digest)) {
    const auto opened = **found;
    if (!is_expired(opened->opened, now)) {
      ++cache_->statistics.hits;
      cache_->recent.splice(cache_->recent.begin(), cache_->recent, opened);
      return &opened->key;
    }
    cache_->erase(digest);
    cache_->contexts.clear();
  }
  ++cache_->statistics.misses;
  SealingKey* sealing = KH_TRY(sealing_key(binding.instance));
  const SecretBytes material = KH_TRY(sealing->open(BlobPurpose::RootKey, binding, blob));
  if (!is_root_key_size(material.size())) {
    return Error{Reason::DecryptFailed, "the key blob does not open for this key", {}};
  }
  if (options_.max_opened_keys == 0) return &cache_->uncached.emplace(material, cache_->contexts);
  if (cache_->recent.size() >= options_.max_opened_keys) {
    const Digest oldest = cache_->recent.back().digest;
    cache_->erase(oldest);
  }
  cache_->recent.push_front(OpenedKey{digest, RootKey(material, cache_->contexts), now});
  cache_->by_digest.put(digest, cache_->recent.begin());
  return &cache_->recent.front().key;
}

Result<SealedRootKey> KeyEngine::generate_root_key(const KeyBinding& binding) {
  return import_root_key(binding, crypto::random_secret(kGeneratedKeyBytes));
}

Result<SealedRootKey> KeyEngine::import_root_key(const KeyBinding& binding,
                                                 const SecretBytes& material) {
  if (!is_root_key_size(material.size())) {  // before the state of the units, as a field's mistake
    return Error{Reason::InvalidField, "a root key has 16, 24 or 32 bytes", "payload"};
  }
  refresh();
  SealingKey* sealing = KH_TRY(sealing_key(binding.instance));
  return sealing->seal_root_key(binding, material);
}

Result<KeyBlob> KeyEngine::create_standard_key(const KeyBinding& binding,
                                               const SecretBytes& payload) {
  if (payload.size() > kMaxStandardPayloadBytes) {
    return Error{Reason::InvalidField, "a standard key has at most 7500 bytes", "payload"};
  }
  refresh();
  SealingKey* sealing = KH_TRY(sealing_key(binding.instance));
  if (!payload.empty()) return sealing->seal(BlobPurpose::StandardKey, binding, payload.expose());
  const SecretBytes generated = crypto::random_secret(kGeneratedKeyBytes);
  return sealing->seal(BlobPurpose::StandardKey, binding, generated.expose());
}

Result<SecretBytes> KeyEngine::open_standard_key(const KeyBinding& binding, ByteView blob) {
  refresh();
  SealingKey* sealing = KH_TRY(sealing_key(binding.instance));
  return sealing->open(BlobPurpose::StandardKey, binding, blob);
}

Result<WrapResult> KeyEngine::wrap(const KeyBinding& binding, ByteView blob, const SecretBytes& dek,
                                   const AadList& aad) {
  RootKey* key = KH_TRY(opened_key(binding, blob));
  WrapResult out;
  if (dek.empty()) out.generated_dek = crypto::random_secret(kGeneratedKeyBytes);
  out.wrapped_dek = KH_TRY(key->wrap(dek.empty() ? out.generated_dek.expose() : dek.expose(), aad));
  return out;
}

Result<UnwrapResult> KeyEngine::unwrap(const KeyBinding& binding, ByteView blob,
                                       ByteView wrapped_dek, const AadList& aad,
                                       const CryptoUnit::Newest* newest) {
  UnwrapResult out;
  RootKey* key = KH_TRY(opened_key(binding, blob));
  out.dek = KH_TRY(key->unwrap(wrapped_dek, aad));
  if (newest != nullptr) {
    RootKey* newer = KH_TRY(opened_key(newest->binding, newest->blob->bytes));  // may evict `key`
    out.rewrapped = KH_TRY(newer->wrap(out.dek.expose(), aad));
  }
  return out;
}

Result<Bytes> KeyEngine::rewrap(const KeyBinding& binding, ByteView blob, ByteView wrapped_dek,
                                const AadList& aad, const CryptoUnit::Newest& newest) {
  UnwrapResult unwrapped = KH_TRY(unwrap(binding, blob, wrapped_dek, aad, &newest));
  return std::move(unwrapped.rewrapped);
}

Result<KeyBlob> KeyEngine::reseal(BlobPurpose purpose, const KeyBinding& binding,
                                  const KeyBlob& blob, const BlobPattern& target) {
  refresh();
  SealingKey* sealing = KH_TRY(sealing_key(binding.instance));
  return sealing->reseal(purpose, binding, blob, target);
}

void KeyEngine::drop(const std::vector<KeyBlob>& blobs) {
  refresh();
  for (const KeyBlob& blob : blobs) cache_->erase(crypto::sha256(blob.bytes));
  cache_->uncached.reset();
  cache_->contexts.clear();
}

KeyEngine::Statistics KeyEngine::statistics() const noexcept {
  Statistics out = cache_->statistics;
  out.opened_keys = cache_->recent.size();
  return out;
}

}  // namespace keyhaven::unit
