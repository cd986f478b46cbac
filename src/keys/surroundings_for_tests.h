// What stands around the key service in unit tests of this folder and of http/.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "keys/dependents.h"
#include "keys/instance_rules.h"
#include "keys/material.h"
#include "keys/seal_gate.h"

namespace keyhaven::keys {

// The same rules for every instance; tests change them.
class FixedRules final : public InstanceSettings {
 public:
  InstanceRules rules(const InstanceId&) const override { return current; }
  InstanceRules current;
};

// Open, unless a test shuts it; counts the passes that are out.
class TestGate final : public SealGate {
 public:
  Result<Pass> pass(const InstanceId&) override {
    if (shut) return Error{Reason::MasterKeyRotationInProgress, "keys are sealed anew", ""};
    ++asked;
    return Pass(held);
  }
  long out() const { return held.use_count() - 1; }
  const std::shared_ptr<int> held = std::make_shared<int>(0);
  std::atomic<bool> shut = false;
  std::atomic<int> asked = 0;
};

// No instance has an import token.
class NoImportToken final : public SecureImport {
 public:
  Result<unit::SealedRootKey> import(const unit::KeyBinding&,
                                     const unit::EncryptedMaterial&) override {
    return Error{Reason::ImportTokenNotFound, "the instance has no import token", ""};
  }
};

// Nothing depends on any key, unless a test says how many registrations do. Each lifecycle step
// makes one event.
class FixedDependents final : public Dependents {
 public:
  Blockers blockers(const KeyRecord&) const override { return current; }
  void add_effects(LifecycleKind kind, const KeyRecord& next, Timestamp now,
                   KeyChange& change) const override {
    noted.push_back(kind);
    LifecycleEvent event;
    event.instance = next.instance;
    event.id = crypto::random_uuid();
    event.kind = kind;
    event.key = next.id;
    event.created = now;
    change.put_events.push_back(std::move(event));
  }
  void publish(const KeyChange& change) override {
    for (const LifecycleEvent& event : change.put_events) published.push_back(event.kind);
  }
  void forget(const InstanceId&, const KeyId&) override { ++forgotten; }

  Blockers current;
  mutable std::vector<LifecycleKind> noted;  // asked for effects
  std::vector<LifecycleKind> published;
  int forgotten = 0;
};

}  // namespace keyhaven::keys
