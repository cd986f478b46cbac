// What the public API gives and takes, as values: keys, versions, rings, instances, units,
// identities.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret_bytes.h"

namespace keyhaven::client {

// Key states as the wire has them (key-management-api.md 7).
inline constexpr int kPreActive = 0;
inline constexpr int kActive = 1;
inline constexpr int kSuspended = 2;
inline constexpr int kDeactivated = 3;
inline constexpr int kDestroyed = 5;
// "active", "suspended" ...; "unknown" for another number.
std::string_view state_name(int state) noexcept;
// The number of a state's name; nullopt for an unknown name.
std::optional<int> state_number(std::string_view name) noexcept;

// Additional authenticated data: ordered strings; absent and empty are equal.
using AadList = std::vector<std::string>;

struct KeyVersion {
  std::string id;
  Timestamp created;  // not set when the server leaves it out
};

// When a key rotates by itself.
struct RotationPolicy {
  bool enabled = true;
  int months = 0;  // 1 to 12; 0: not known, or the one the service has

  bool operator==(const RotationPolicy&) const = default;
};

// The policies of one key; what is absent is not set, or not to be changed.
struct KeyPolicies {
  std::optional<RotationPolicy> rotation;
  std::optional<bool> dual_auth_delete;

  bool empty() const noexcept { return !rotation && !dual_auth_delete; }
  bool operator==(const KeyPolicies&) const = default;
};

// A key as the server describes it. Optional texts are empty, optional dates unset when absent.
struct Key {
  std::string id;
  std::string name;
  std::string description;
  std::vector<std::string> aliases;
  std::vector<std::string> tags;
  std::string crn;
  std::string key_ring;  // "default" when the server says nothing
  std::string created_by;
  int state = kActive;
  bool extractable = false;  // true: standard key; false: root key
  bool imported = false;
  bool deleted = false;
  std::string algorithm_bits;  // "256"
  std::optional<KeyVersion> version;
  Timestamp created;
  Timestamp updated;
  Timestamp rotated;
  Timestamp expires;
  Timestamp deletion;
  bool purge_allowed = false;
  bool restore_allowed = false;
  bool dual_auth_delete = false;
  bool set_for_deletion = false;               // one of the two people has authorized the deletion
  std::optional<RotationPolicy> rotation;      // present when there is such a policy, on or off
  std::optional<int> rotation_interval_month;  // present when a rotation policy is enabled
  SecretBytes payload;                         // standard keys, from get_key and create_key only

  bool is_root() const noexcept { return !extractable; }
};

struct KeyPage {
  std::vector<Key> keys;
};

// Which keys a list or count covers. Defaults: the server's (states 0 to 3, every ring the caller
// may see).
struct KeyQuery {
  std::vector<int> states;
  std::optional<bool> extractable;
  std::string key_ring;
  std::string search;
  std::string filter;
  std::string sort;
  std::uint32_t limit = 200;  // 1 to 5000
  std::uint64_t offset = 0;
};

// Material encrypted for an import token (section 8): base64 texts, none of them secret.
struct EncryptedMaterial {
  std::string payload;
  std::string encrypted_nonce;
  std::string iv;
  std::string algorithm;  // "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"
};

// What an instance gives out for importing material encrypted.
struct ImportToken {
  Timestamp expires;
  std::uint64_t remaining = 0;  // retrievals
  std::string public_key_pem;
  Bytes nonce;
};

struct CreateKey {
  std::string name;         // 2 to 90 characters
  std::string description;  // empty: none; else 2 to 240
  std::vector<std::string> tags;
  std::vector<std::string> aliases;
  bool extractable = false;
  SecretBytes payload;                         // raw material; empty: the service generates it
  std::optional<EncryptedMaterial> encrypted;  // instead of payload
  Timestamp expires;
  std::string key_ring;  // empty: "default"
  // Exactly these policies, whatever the instance's policies would give a new key (section 5.1).
  // Only the right to set policies may do so.
  std::optional<KeyPolicies> exact_policies;
};

struct WrapResult {
  std::string ciphertext;  // base64, opaque
  SecretBytes plaintext;   // the generated DEK when none was given; else empty
  std::string version_id;
};

struct UnwrapResult {
  SecretBytes plaintext;
  std::string version_id;  // version that opened the input
  std::string
      ciphertext;  // the DEK under the newest version; empty when the input was of that version
  std::string rewrapped_version_id;  // likewise
};

struct RewrapResult {
  std::string ciphertext;
  std::string version_id;
  std::string rewrapped_version_id;
};

struct KeyRing {
  std::string id;
  Timestamp created;  // not set for "default"
  std::string created_by;
};

struct Alias {
  std::string key_id;
  std::string alias;
  std::string created_by;
  Timestamp created;
};

// A policy of a key or an instance, reduced to what a tool carries over.
struct Policy {
  std::string type;  // "rotation", "dualAuthDelete", "allowedNetwork" ...
  bool enabled = false;
  std::optional<int> interval_month;  // rotation
  std::string attributes_json;  // instance policies: the attributes as received; empty when absent
  std::string allowed_network;
  std::vector<std::string> allowed_ip;
  std::vector<std::pair<std::string, bool>> access;  // keyCreateImportAccess
};

// What to set of an instance policy (key-management-api.md 12); only what is present is sent, and
// what the type takes is for the server to say.
struct InstancePolicyChange {
  std::string type;
  bool enabled = false;
  std::string allowed_network;
  std::vector<std::string> allowed_ip;
  std::optional<std::int64_t> interval_month;
  std::vector<std::pair<std::string, bool>> access;  // "create_root_key" ...
};

struct Registration {
  std::string key_id;
  std::string resource_crn;
  std::string description;
  bool prevent_key_deletion = false;
};

// The wish that services move from one root key to another (section 13.4).
struct MigrationIntent {
  std::string id;
  std::string source_crn;
  std::string target_crn;
  Timestamp created;
};

// A limit by its name; none: back to what the deployment says.
using LimitChange = std::pair<std::string, std::optional<std::int64_t>>;

struct Instance {
  std::string guid;
  std::string crn;
  std::string name;
  std::string state;
  std::string plan;
  std::string region;
  std::string resource_group;
  std::uint32_t units = 0;  // operational ones; 0: the server does not say
  std::uint32_t recovery_units = 0;
  std::uint32_t failover_units = 0;
  std::string allowed_network;
  std::optional<std::int64_t> rotation_interval_seconds;
  std::vector<std::pair<std::string, std::int64_t>> limits;  // of our own servers only
  std::string endpoint;  // extensions.endpoints.public; empty when absent
  Timestamp created;
  std::string created_by;
};

struct CreateInstance {
  std::string name;
  std::string plan = "standard";
  std::string region;  // empty: the server's own
  std::string resource_group;
  std::optional<std::uint32_t> units;
  std::optional<std::uint32_t> recovery_units;
  std::optional<std::uint32_t> failover_units;
  std::string allowed_network;
  std::optional<std::int64_t>
      rotation_interval_seconds;  // least time between two rotations of a key; 0: none
  std::vector<LimitChange> limits;
};

// Only what is present is changed.
struct UpdateInstance {
  std::string name;
  std::string plan;
  std::string allowed_network;
  std::optional<std::int64_t> rotation_interval_seconds;
  std::optional<std::uint32_t> units;
  std::optional<std::uint32_t> recovery_units;
  std::optional<std::uint32_t> failover_units;
  std::vector<LimitChange> limits;
  bool reset_allowed_ip = false;
};

// A crypto unit as the HTTP layer lists it (instances-tke-iam.md 3.1).
enum class UnitType : std::uint8_t { Operational, Recovery, Failover };
struct CryptoUnitEntry {
  std::string hsm_id;
  std::string location;       // "[region].[AZn-CSm].[module].[domain]"
  std::string serial_number;  // 8 characters
  UnitType type = UnitType::Operational;
  // Whether the instance's keys depend on it. An operational unit that was added later waits until
  // it holds the master key; recovery and failover units never do.
  bool joined = true;
};

// How far the re-sealing of an instance's stored keys under a new master key is. Master keys are
// named by the first 16 bytes of their verification pattern, in hexadecimal.
enum class RotationPhase : std::uint8_t {
  None,
  Resealing,  // stored keys are sealed under the new master key
  Resealed,   // all are; the units must set it immediate
  Reverting,  // abandoned, going back
};
struct MasterKeyRotation {
  struct Stored {
    std::string master_key;
    std::uint64_t keys = 0;
    std::uint64_t key_versions = 0;
    bool import_token = false;
  };
  struct Unopened {
    std::string key_id;
    std::string version_id;
    std::string cause;
  };
  RotationPhase phase = RotationPhase::None;
  std::string message;  // what to do next, for people
  std::string from;     // of the last rotation when there is none now; empty: never
  std::string to;
  Timestamp started;
  std::string started_by;
  std::uint64_t keys_total = 0;
  std::uint64_t keys_left = 0;
  std::uint64_t keys_per_second = 0;
  std::string waiting_for;  // what stops the work now; empty: nothing
  std::vector<Stored> stored;
  std::vector<Unopened> unopened;  // the first ones
  std::uint64_t unopened_total = 0;
};

// What a deployment says its attestation root is: hexadecimal. A claim until somebody compares it
// with what the installation printed.
struct AttestationRootClaim {
  std::string ski;
  std::string x;
  std::string y;
};

struct ServiceId {
  std::string id;  // what delete takes
  std::string iam_id;
  std::string name;
  std::string description;
  Timestamp created;
  std::string service_crn;        // of our own servers only: what the service owns
  bool is_user = false;           // of our own servers only: a person, not a program
  std::string oidc_subject = {};  // of our own servers only: who the OpenID provider logs in as it
};

struct ApiKeyInfo {
  std::string id;
  std::string iam_id;
  std::string name;
  bool locked = false;
  Timestamp created;
};

struct NewApiKey {
  ApiKeyInfo info;
  SecretBytes secret;  // shown once
};

// A grant: roles for one identity on a scope; empty parts match everything below.
struct AccessPolicy {
  std::string id;
  std::string iam_id;
  std::vector<std::string> roles;  // "Manager", "KMS Key Purge" ...
  std::string instance;
  std::string key_ring;
  std::string key;
};

// Where the caller may do what; see GET /v1/permissions. Actions are audit events without prefix.
struct PermittedActions {
  enum class Where : std::uint8_t { Account, Instance, Part };
  Where where = Where::Account;
  std::string key_ring;  // of a part: the ring, the key, or the key in the ring
  std::string key;
  std::vector<std::string> actions;
};

struct Health {
  bool ok = false;
  int status = 0;
  std::string body;  // the server's own words, at most 4 KiB
};

}  // namespace keyhaven::client
