// Records to store, and a log that remembers what was chained.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "audit/log.h"
#include "crypto/random.h"
#include "keys/key_store.h"

namespace keyhaven::store {

inline InstanceId new_instance() { return {crypto::random_uuid()}; }

inline keys::KeyRecord sample_key(const InstanceId& instance,
                                  std::vector<std::string> aliases = {}) {
  keys::KeyRecord key;
  key.instance = instance;
  key.id = {crypto::random_uuid()};
  key.name = "payments \xe2\x82\xac";
  key.description = "what it is for";
  key.tags = {"a", "b"};
  key.aliases = std::move(aliases);
  key.created = key.updated = Timestamp::from_seconds(1'700'000'000);
  key.created_by = key.updated_by = "iam-ServiceId-1";
  keys::KeyVersion version;
  version.id = {key.id.uuid};
  version.created = key.created;
  version.blob.bytes = Bytes(300, 0x5a);
  version.commitment.fill(7);
  key.versions.push_back(version);
  return key;
}

inline audit::Event sample_event(std::string correlation_id) {
  audit::Event event;
  event.time = Timestamp::from_seconds(1'700'000'000);
  event.action = "hs-crypto.secrets.create";
  event.outcome = audit::Outcome::Success;
  event.status = 201;
  event.correlation_id = std::move(correlation_id);
  return event;
}

// Chains in memory, and refuses on demand. Thread-safe.
class RecordingLog final : public audit::Log {
 public:
  void append_loop(unsigned, const audit::Event&) override {}
  Result<void> flush_loop(unsigned) override { return {}; }
  Result<void> append_management(const audit::Event&) override { return {}; }
  Result<void> append_outbox(const std::vector<OutboxEntry>& entries) override {
    const std::lock_guard lock(mutex_);
    if (refusing_) return Error{Reason::AuditUnavailable, "refused by the test", {}};
    for (const OutboxEntry& entry : entries) {
      if (entry.outbox_id <= last_) continue;
      last_ = entry.outbox_id;
      events_.push_back(entry.event_json);
    }
    return {};
  }
  std::uint64_t last_outbox_id() const override {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  Result<void> checkpoint() override { return {}; }
  Result<audit::Receipt> append_with_receipt(const audit::Event& event) override {
    KH_TRY(append_management(event));
    return audit::Receipt{"record", "checkpoint"};
  }
  Result<void> health() const override { return {}; }

  void refuse(bool refusing) {
    const std::lock_guard lock(mutex_);
    refusing_ = refusing;
  }
  std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  // How many events have this correlation id.
  std::size_t count(const std::string& correlation_id) const {
    std::size_t found = 0;
    for (const std::string& event : events()) {
      if (event.find("\"correlationId\":\"" + correlation_id + "\"") != std::string::npos) ++found;
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  bool refusing_ = false;
  std::uint64_t last_ = 0;
  std::vector<std::string> events_;
};

}  // namespace keyhaven::store
