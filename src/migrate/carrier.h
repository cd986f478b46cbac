// The steps that carry one key into the target, each done once whatever dies in between.
//
// Why a repeat never makes a second key: the create call itself carries a temporary alias made from
// plan and source key; aliases are unique and set in the same transaction as the key. So a create
// whose answer was lost is refused when it is sent again, and the key is found by the alias. Only
// when the new id is journalled is the alias removed.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "migrate/import_tokens.h"
#include "migrate/journal.h"
#include "migrate/material.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

// What all workers of a run share. Thread-safe.
class CarrierShare {
 public:
  CarrierShare(const Plan& of, const Material& owners, Journal& notes, bool exact)
      : plan(of),
        material(owners),
        journal(notes),
        exact_policies(exact),
        import_tokens(of.import_form) {}

  const Plan& plan;
  const Material& material;
  Journal& journal;
  // The target gives new keys policies of its own: each key is made with exactly its policies.
  const bool exact_policies;
  ImportTokens import_tokens;

  // Only services may write registrations: after the first refusal nobody tries again in this run.
  bool may_register() const;
  void note_refused_registrations(std::uint64_t count, const std::string& why);
  std::uint64_t refused_registrations() const;
  std::string why_refused() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t refused_ = 0;
  std::string why_;
};

// One worker's connections. Not thread-safe; borrows `share`.
class Carrier {
 public:
  Carrier(CarrierShare& share, client::ApiClient from, client::ApiClient to)
      : share_(&share), from_(std::move(from)), to_(std::move(to)) {}

  // Errors: KeyRotationNotPermitted when the next version may not be imported yet (go on later, see
  // `due`), KeyLimit when the target is full, Conflict when the target is not as this migration
  // left it, InvalidArgument for missing material, those of client and journal.
  Result<void> carry(const PlannedKey& key);
  // When the key whose rotation was refused may rotate. Errors: those of the client.
  Result<Timestamp> due(const PlannedKey& key);

 private:
  template <class Act>
  Result<void> step(const PlannedKey& key, const std::string& name, Act act);
  Result<std::string> create(const PlannedKey& key);
  Result<std::string> take_over(const PlannedKey& key);
  Result<std::string> make_or_find(const PlannedKey& key, client::CreateKey request);
  Result<client::Key> send_create(const PlannedKey& key, client::CreateKey& request);
  Result<std::string> adopt(const PlannedKey& key, const client::Key& found);
  Result<std::string> journalled(const PlannedKey& key, const client::Key& made);
  Result<client::CreateKey> request_for(const PlannedKey& key);
  Result<const std::vector<SecretBytes>*> material_of(const PlannedKey& key) const;
  Result<void> import_version(const PlannedKey& key, const std::string& id, std::uint32_t number,
                              bool begun);
  Result<void> rotate(const std::string& id, const SecretBytes& material);
  Result<void> release(const std::string& id, const PlannedKey& key);
  Result<void> set_rotation(const std::string& id, const client::RotationPolicy& policy);
  Result<void> register_services(const PlannedKey& key, const std::string& id);
  Result<void> register_service(const std::string& id, const client::Registration& wanted);
  std::string alias_of(const PlannedKey& key) const;

  CarrierShare* share_;
  client::ApiClient from_;
  client::ApiClient to_;
};

// Gives key `id` of the target an alias; one that it has is no error. Errors: those of the client,
// AliasNotUnique when another key has it.
Result<void> give_alias(client::ApiClient& to, const std::string& id, const std::string& alias);

}  // namespace keyhaven::migrate
