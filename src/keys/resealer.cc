#include "keys/resealer.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace keyhaven::keys {
namespace {

bool is_done(const KeyRecord& key, const unit::BlobPattern& to) {
  return std::all_of(key.versions.begin(), key.versions.end(), [&](const KeyVersion& version) {
    return master_key_or_zeros(version.blob) == to;
  });
}

unit::BlobPurpose purpose_of(KeyKind kind) {
  return kind == KeyKind::RootKey ? unit::BlobPurpose::RootKey : unit::BlobPurpose::StandardKey;
}

// A key as it was read, and as it shall be.
struct Resealed {
  KeyRecordPtr read;
  KeyRecord next;
};

}  // namespace

std::vector<KeyId> Resealer::find(const ResealTask& task) const {
  std::vector<KeyId> out;
  parts_.changes.directory().walk(task.instance, {}, 0, [&](const KeyRecordPtr& key) {
    if (!is_done(*key, task.to)) out.push_back(key->id);
    return true;
  });
  return out;
}

Change Resealer::own_change(const ResealTask& task) const {
  Change change;
  change.actor = "keyhaven";
  audit::Event& event = change.event;
  event.time = parts_.clock.now();
  event.action = "hs-crypto.tke-master-key-rotation.reseal";
  event.severity = "normal";
  event.outcome = audit::Outcome::Success;
  event.initiator_id = change.actor;
  event.initiator_name = "Keyhaven";
  event.instance_id = task.instance.text();
  event.target_id = task.instance.text();
  add_detail(change, "responseData.verificationPattern", to_hex(task.to));
  return change;
}

// Whether anything was sealed anew.
Result<bool> Resealer::reseal_versions(const ResealTask& task, KeyRecord& key,
                                       std::vector<Unopened>& unopened) {
  bool changed = false;
  for (KeyVersion& version : key.versions) {
    const unit::BlobPattern under = master_key_or_zeros(version.blob);
    if (under == task.to) continue;
    if (under != task.from) {
      unopened.push_back({key.id, version.id,
                          "it is sealed under master key " + to_hex(under).substr(0, 8) +
                              ", which has no part in this rotation"});
      continue;
    }
    auto sealed = parts_.unit.reseal(purpose_of(key.kind), {key.instance, key.id, version.id},
                                     version.blob, task.to);
    if (sealed) {
      version.blob = std::move(sealed).value();
      changed = true;
    } else if (sealed.error().reason == Reason::DecryptFailed) {
      unopened.push_back({key.id, version.id, sealed.error().message});
    } else {
      return std::move(sealed).error();
    }
  }
  return changed;
}

Result<Resealer::Done> Resealer::reseal(const ResealTask& task, std::span<const KeyId> keys) {
  KH_ASSERT(keys.size() <= kBatchKeys);
  const Directory& directory = parts_.changes.directory();
  Done done;
  std::vector<Resealed> batch;
  for (const KeyId& id : keys) {
    const KeyRecordPtr key = directory.find(task.instance, id);
    if (!key) continue;  // purged
    Resealed resealed{key, *key};
    if (KH_TRY(reseal_versions(task, resealed.next, done.unopened)))
      batch.push_back(std::move(resealed));
  }
  // Locked only now: while the unit works, keys can be changed.
  const KeyChanges::ManyLock lock = parts_.changes.lock_many(keys);
  std::vector<KeyRecord> next;
  for (Resealed& resealed : batch) {
    if (directory.find(task.instance, resealed.read->id) == resealed.read)
      next.push_back(std::move(resealed.next));
  }
  if (next.empty()) return done;
  done.keys = next.size();
  Change change = own_change(task);
  add_detail(change, "responseData.keys", std::to_string(next.size()));
  add_detail(change, "responseData.firstKeyId", next.front().id.text());
  add_detail(change, "responseData.lastKeyId", next.back().id.text());
  KH_TRY(parts_.changes.commit_many(std::move(next), change));
  return done;
}

Result<Resealer::Done> Resealer::reseal_token(const ResealTask& task) {
  Change change = own_change(task);
  add_detail(change, "responseData.importToken", "true");
  const auto sealed = parts_.tokens.reseal(task.instance, task.to, change);
  if (sealed) return Done{};
  if (sealed.error().reason != Reason::DecryptFailed) return sealed.error();
  return Done{0, {{KeyId{}, VersionId{}, "the import token: " + sealed.error().message}}};
}

}  // namespace keyhaven::keys
