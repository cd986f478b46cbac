// The plan of a migration: made by `plan`, read and edited by people, kept under version control;
// it holds no secret.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "migrate/side.h"
#include "tables/table.h"

namespace keyhaven::migrate {

// How a key reaches the target.
enum class KeyAction : std::uint8_t {
  Import,    // root key: the owner's material is imported again, version by version
  Generate,  // root key: a new one is generated; DEKs are re-wrapped
  Copy,      // standard key: re-created with the same payload
  Report,    // destroyed: reported, not carried
  Blocked,   // cannot be carried as it is; `blocked` says why and what to do
  Existing,  // root key: one of the target takes over, only DEKs and services move (pair file)
};
std::string_view name_of(KeyAction action) noexcept;

struct PlannedKey {
  std::string source;  // key id
  std::string crn;
  std::string name;
  std::string description;
  std::vector<std::string> tags;
  std::vector<std::string> aliases;
  std::string key_ring = "default";
  bool root = true;
  bool imported = false;
  int state = 1;
  Timestamp expires;
  std::uint32_t versions = 1;
  KeyAction action = KeyAction::Generate;
  std::uint32_t material_versions = 0;  // Import: how many versions the owner supplies
  // For an expired (deactivated) key: "undecided" (blocked), or "without-expiration" to carry it as
  // an active key.
  std::string when_expired;
  // Where this key's DEKs are wrapped instead of under its own copy: id or alias in the target;
  // empty: its own.
  std::string dek_target;
  std::string target;  // Existing: id of the target's key
  // Policies of the source's key. Rotation is set by `apply`; dual authorization, which nobody can
  // take back, by `cutover`.
  client::KeyPolicies policies;
  // What services have registered; only a service may write them again (key_id is empty).
  std::vector<client::Registration> registrations;
  bool hold_aliases = false;  // `cutover` gives the key its aliases, not `apply`
  std::uint64_t deks = 0;     // rows of the inventory that name it
  std::string blocked;
  std::vector<std::string> lost;  // what is not carried, in words

  bool is_carried() const noexcept {
    return action != KeyAction::Report && action != KeyAction::Blocked;
  }
  // Whether `apply` makes the key in the target.
  bool is_made() const noexcept { return is_carried() && action != KeyAction::Existing; }
  // A rotation policy that the target's key gets: generated keys only.
  const client::RotationPolicy* rotation() const noexcept {
    return action == KeyAction::Generate && policies.rotation ? &*policies.rotation : nullptr;
  }
  bool is_dual_auth() const noexcept {
    return is_made() && policies.dual_auth_delete.value_or(false);
  }
  // Versions whose material is imported; 0 unless the action is Import.
  std::uint32_t imports() const noexcept {
    return action == KeyAction::Import ? material_versions : 0;
  }
};

// How material reaches the target: for an import token (the service's crypto unit alone opens it),
// or as it is, inside TLS.
enum class ImportForm : std::uint8_t { Sha256Gcm, Sha1Cbc, Plain };

struct Plan {
  std::string id;  // UUID
  Timestamp made;
  EndpointRef source;
  EndpointRef target;
  std::vector<std::string> key_rings;  // to be made in the target if absent
  ImportForm import_form = ImportForm::Sha256Gcm;
  // Least time between two rotations of a key in the target.
  std::uint32_t rotation_seconds = 3600;
  // Set in the target by `cutover`, in this order; those of the network come last.
  std::vector<client::InstancePolicyChange> instance_policies;
  std::vector<std::string> lost;          // what is not carried of the instance, in words
  std::vector<tables::TableSpec> tables;  // of applications, to be re-wrapped in place
  std::vector<PlannedKey> keys;
  std::vector<std::string>
      unknown_keys;  // named by the inventory or the material, absent in the source

  bool is_blocked() const noexcept;
  const PlannedKey* find(std::string_view id_alias_or_crn) const noexcept;
  // How long the target's rule on rotations makes the import of all versions take at least. Keys
  // wait side by side, so the one with most versions counts.
  std::uint64_t seconds_of_imports() const noexcept;
};

// The alias a target key carries from its creation until that is journalled: the same for every
// try, so a repeated create is refused and the key is found by it.
std::string temporary_alias(const std::string& plan_id, const std::string& source_key);

// Every temporary alias begins so.
inline constexpr std::string_view kTemporaryAliasPrefix = "kh-migration-";

// In plan_yaml.cc.
std::string to_yaml(const Plan& plan);
// Checks what people may have edited: whether each action can be done at all, and that the text
// goes to its end, which the line "..." marks. Errors: InvalidArgument (line, key and what is
// expected).
Result<Plan> plan_from_yaml(const std::string& text);

// Errors: Io, InvalidArgument, AlreadyExists (save never overwrites: a plan is a reviewed
// document).
Result<Plan> load_plan(const std::string& path);
Result<void> save_plan(const std::string& path, const Plan& plan);

}  // namespace keyhaven::migrate
