#include "keys/key_changes.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace keyhaven::keys {

void add_detail(Change& change, std::string name, std::string value) {
  change.event.details.emplace_back(std::move(name), std::move(value));
}

KeyChanges::KeyChanges(KeyStore& store, Directory& directory, const KeyTimes& times)
    : store_(store), directory_(directory), times_(times) {}

KeyChanges::KeyLock KeyChanges::lock(const KeyId& id) {
  return {std::shared_lock(all_keys_), std::unique_lock(stripes_[id.uuid.bytes[14]])};
}

KeyChanges::ManyLock KeyChanges::lock_many(std::span<const KeyId> ids) {
  std::set<std::uint8_t> stripes;  // in order: no two callers wait for each other
  for (const KeyId& id : ids) stripes.insert(id.uuid.bytes[14]);
  ManyLock out{std::shared_lock(all_keys_), {}};
  for (const std::uint8_t stripe : stripes) out.alone.emplace_back(stripes_[stripe]);
  return out;
}

Result<KeyRecordPtr> KeyChanges::current(const KeyRecord& seen) const {
  KeyRecordPtr now = directory_.find(seen.instance, seen.id);
  if (!now) return Error{Reason::KeyNotFound, "the instance has no such key", ""};
  if (now->key_ring != seen.key_ring) {
    return Error{Reason::Conflict, "the key has just moved to another key ring; try again", ""};
  }
  return now;
}

Result<KeyRecordPtr> KeyChanges::commit(KeyRecord next, Change& change) {
  KeyChange rest;
  return commit(std::move(next), change, rest);
}

Result<KeyRecordPtr> KeyChanges::commit(KeyRecord next, Change& change, KeyChange& rest) {
  KH_ASSERT(rest.put.empty());
  rest.put.push_back(std::move(next));
  auto revisions = commit(rest, change);
  const auto record = std::make_shared<KeyRecord>(std::move(rest.put[0]));
  rest.put.clear();
  if (!revisions) return std::move(revisions).error();
  record->revision = revisions->at(0);
  note_due(*record);
  directory_.publish(record);
  return KeyRecordPtr(record);
}

Result<void> KeyChanges::commit_many(std::vector<KeyRecord> next, Change& change) {
  KeyChange stored;
  stored.put = std::move(next);
  const std::vector<std::uint64_t> revisions = KH_TRY(commit(stored, change));
  for (std::size_t i = 0; i < stored.put.size(); ++i) {
    const auto record = std::make_shared<KeyRecord>(std::move(stored.put[i]));
    record->revision = revisions.at(i);
    note_due(*record);
    directory_.publish(record);
  }
  return {};
}

Result<std::vector<std::uint64_t>> KeyChanges::commit(const KeyChange& stored, Change& change) {
  auto revisions = KH_TRY(store_.commit(stored, change.event));
  change.recorded = true;
  return revisions;
}

void KeyChanges::note_due(const KeyRecord& key) {
  const Timestamp due = next_due(key, times_);
  if (!due.is_set()) return;
  const std::lock_guard lock(due_mutex_);
  due_.emplace(due, key.instance, key.id);
}

std::vector<KeyChanges::Due> KeyChanges::take_due(Timestamp now) {
  std::vector<Due> out;
  const std::lock_guard lock(due_mutex_);
  auto entry = due_.begin();
  for (; entry != due_.end() && std::get<Timestamp>(*entry) <= now; ++entry) {
    out.push_back(
        {std::get<InstanceId>(*entry), std::get<KeyId>(*entry), std::get<Timestamp>(*entry)});
  }
  due_.erase(due_.begin(), entry);
  return out;
}

void KeyChanges::put_back(const Due& due, Timestamp at) {
  const std::lock_guard lock(due_mutex_);
  due_.emplace(at, due.instance, due.key);
}

}  // namespace keyhaven::keys
