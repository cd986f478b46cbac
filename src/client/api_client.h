// A typed client of the public API of a key-management service, ours or another that speaks it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "client/proposals.h"
#include "client/retry.h"
#include "client/token_source.h"
#include "client/transfers.h"
#include "client/types.h"

namespace keyhaven::client {

struct Endpoint {
  std::string url;           // key-management API: "https://host[:port][/prefix]", without /api/v2
  std::string iam_url;       // tokens and identities; empty: `url`
  std::string tke_url;       // crypto-unit administration; empty: `url`
  std::string resource_url;  // instance life cycle; empty: `url`
  std::string ca_pem;        // empty: the system's roots
  std::string instance;      // instance id (GUID); needed for key calls and crypto units only
};

struct ClientSettings {
  RetryPolicy retry;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};
  // First hex digits of every correlation id (0 to 12, lower case), e.g. of a migration plan's id.
  std::string correlation_prefix;
};

// What is known about the last call that failed, beside the Error it returned.
struct ApiFailure {
  int status = 0;  // HTTP status; 0: no answer came
  std::string
      code;  // the API's reason code, e.g. "KEY_NOT_FOUND_ERR"; empty when the answer has none
  std::string message;  // the server's words (errorMsg or reason text), at most 1 KiB, printable
  std::string correlation_id;  // that was sent
  // Whether the call may have had its effect although it failed: no answer came, or a 5xx, after
  // bytes were sent.
  bool may_have_happened = false;
};

// One connection per base URL, one thread: not thread-safe. Share the TokenSource, not the client.
//
// Every call: `ref` is a key id or alias; `ring` restricts to a key ring when not empty. Errors:
// the server's reason code as a Reason where one exists (else by status: 400 InvalidField, 401
// Unauthorized, 403 Forbidden, 404 NotFound, 409 Conflict, 410 KeyDeleted, 422 CiphertextInvalid,
// 429 TooManyRequests, 5xx Internal or UnitUnavailable); Io, DeadlineExceeded and TooLarge from the
// connection; BadBody for an answer that is not what the API says. The message ends with "(CODE,
// correlation id ...)". Details: last_failure(). Repeats: bounded by the RetryPolicy and as
// `Repeat` says; calls without that argument are safe to repeat or handle a repeat themselves
// (delete: 410 after a repeat counts as done).
class ApiClient {
 public:
  struct State;  // client/connection.h: for this folder's own files

  // Makes no call yet. `tokens` may be null: calls go without a token (health). Errors:
  // InvalidArgument.
  static Result<ApiClient> create(Endpoint endpoint, std::shared_ptr<TokenSource> tokens,
                                  ClientSettings settings = {});
  ApiClient(ApiClient&&) noexcept;
  ApiClient& operator=(ApiClient&&) noexcept;
  ~ApiClient();

  const Endpoint& endpoint() const noexcept;
  void set_instance(std::string guid);
  // Errors: InvalidArgument unless 0 to 12 hex digits.
  Result<void> set_correlation_prefix(std::string_view hex);
  // The last call's failure; status 0 and empty texts after a success.
  const ApiFailure& last_failure() const noexcept;
  const std::string& last_correlation_id() const noexcept;

  // --- Keys (key-management-api.md 5) ---
  Result<KeyPage> list_keys(const KeyQuery& query);
  // Every page from query.offset on, `query.limit` keys a call.
  Result<std::vector<Key>> list_all_keys(KeyQuery query);
  Result<std::uint64_t> count_keys(const KeyQuery& query);
  Result<Key> get_key(std::string_view ref,
                      std::string_view ring = {});  // with payload for a standard key
  Result<Key> get_metadata(std::string_view ref, std::string_view ring = {});  // never a payload
  // Asks for the full representation. `repeat` Safe only when an alias makes the call unique: a
  // repeat that meets the first try's key then fails with AliasNotUnique, and the caller looks the
  // key up by that alias.
  Result<Key> create_key(const CreateKey& request, Repeat repeat);
  Result<void> delete_key(std::string_view ref, bool force = false, std::string_view ring = {});
  Result<Key> restore_key(std::string_view ref);
  Result<void> purge_key(std::string_view ref);
  Result<void> enable_key(std::string_view ref);
  Result<void> disable_key(std::string_view ref);
  // `payload` (16, 24 or 32 bytes) for imported keys, null or empty for generated ones. Never
  // repeated after bytes left: compare versions() before and after when
  // last_failure().may_have_happened.
  Result<void> rotate_key(std::string_view ref, const SecretBytes* payload);
  Result<void> rotate_key(std::string_view ref, const EncryptedMaterial& material);
  Result<std::vector<KeyVersion>> versions(std::string_view ref,
                                           bool all_key_states = true);  // newest first
  Result<Key> move_key(std::string_view ref, std::string_view new_ring);

  // --- Wrapped DEKs (section 6.1) ---
  // `plaintext` empty: the service generates 32 bytes and the result carries them.
  Result<WrapResult> wrap(std::string_view ref, const SecretBytes& plaintext, const AadList& aad);
  Result<UnwrapResult> unwrap(std::string_view ref, std::string_view ciphertext,
                              const AadList& aad);
  Result<RewrapResult> rewrap(std::string_view ref, std::string_view ciphertext,
                              const AadList& aad);

  // --- Aliases, rings, policies, registrations (sections 9 to 13) ---
  Result<Alias> create_alias(std::string_view ref, std::string_view alias);  // not repeated
  Result<void> delete_alias(std::string_view ref,
                            std::string_view alias);  // 404 after a repeat counts as done
  Result<std::vector<KeyRing>> list_rings();          // all pages
  Result<void> create_ring(std::string_view ring);    // not repeated
  Result<void> delete_ring(std::string_view ring, bool force = false);
  // nullopt: the endpoint does not offer this (404, 405 or 501 for the route).
  Result<std::optional<std::vector<Policy>>> key_policies(std::string_view ref);
  // Only what is present is changed; the answer's policies.
  Result<std::vector<Policy>> set_key_policies(std::string_view ref, const KeyPolicies& policies);
  Result<std::optional<std::vector<Policy>>> instance_policies();
  // The warning of the server if the change shuts out the caller's own address; else empty.
  Result<std::string> set_instance_policy(const InstancePolicyChange& change);
  Result<std::optional<std::vector<Registration>>> registrations(std::string_view ref);
  Result<std::optional<std::vector<Registration>>> all_registrations();  // of the instance
  // Services only (ServiceOnly otherwise). Not repeated: look with registrations().
  Result<void> create_registration(std::string_view ref, const Registration& registration);

  // --- Secure import (section 8) ---
  // Makes a new token in place of the one there is. `seconds`: how long it lives, 300 to 86,400.
  Result<ImportToken> create_import_token(std::int64_t seconds, std::int64_t retrievals);
  // With public key and nonce. Uses up a retrieval, therefore not repeated.
  Result<ImportToken> take_import_token();

  // --- Migration intents (section 13.4) ---
  // nullopt: the key has none, or the endpoint offers none.
  Result<std::optional<MigrationIntent>> migration_intent(std::string_view ref);
  Result<MigrationIntent> create_migration_intent(std::string_view ref,
                                                  std::string_view target_crn);  // not repeated
  Result<void> delete_migration_intent(std::string_view ref);

  // --- Instances (instances-tke-iam.md 1.3) ---
  Result<Instance> create_instance(const CreateInstance& request);  // not repeated
  Result<std::vector<Instance>> list_instances(
      std::string_view name = {});  // all pages; `name` filters exactly
  Result<Instance> get_instance(std::string_view guid);
  Result<Instance> update_instance(std::string_view guid, const UpdateInstance& change);
  Result<void> delete_instance(std::string_view guid);

  // --- Crypto units (3.1); of endpoint().instance ---
  Result<std::vector<CryptoUnitEntry>> list_units();
  // One HTPRequest text, its HTPResponse text. Not repeated: signed commands carry a counter.
  // A server of ours refuses what would take away a master key that stored keys need
  // (MasterKeyStillNeeded), unless it is told that they may be lost.
  Result<std::string> administer(std::string_view hsm_id, std::string_view request,
                                 bool accept_key_loss = false);

  // --- Rotation of the master key of endpoint().instance; of our own servers only ---
  Result<MasterKeyRotation> rotation();
  // Begins, or goes on with what waits after an error. A repeat that meets its own first try is a
  // success.
  Result<MasterKeyRotation> start_rotation();
  Result<MasterKeyRotation> abandon_rotation();

  // --- Proposals and transcript of endpoint().instance (proposals.h); of our own servers only ---
  Result<Proposal> create_proposal(std::string_view hsm_id, ByteView block,
                                   std::string_view note);  // not repeated
  Result<std::vector<Proposal>> list_proposals();           // newest first, without blocks
  Result<Proposal> get_proposal(std::string_view id);
  Result<Proposal> sign_proposal(std::string_view id, ByteView signer_info);  // not repeated
  // The unit's refusal is an answer too. Not repeated: look with get_proposal().
  Result<Proposal> send_proposal(std::string_view id, bool accept_key_loss);
  Result<void> delete_proposal(std::string_view id);
  // At most `limit` (100) entries from sequence `start` on.
  Result<TranscriptPage> transcript(std::uint64_t start, std::uint64_t limit);

  // --- Sealed transfers of endpoint().instance (transfers.h); of our own servers only. All may be
  // taken again: an import tells keys that are there already as present ---
  Result<Transfers> transfers();
  // Chunk `index`, of the keys behind `after`.
  Result<ExportedChunk> export_chunk(const Uuid& transfer, std::uint32_t index,
                                     const std::optional<KeyId>& after);
  // The signed list of all chunks, which hold `keys` keys.
  Result<Bytes> sign_manifest(const Uuid& transfer, std::uint32_t keys,
                              const std::vector<ChunkProof>& chunks);
  Result<std::vector<ImportedKey>> import_chunk(const Uuid& transfer, ByteView manifest,
                                                std::uint32_t index, ByteView chunk);
  Result<void> close_transfer(const Uuid& transfer);

  // GET /v1/tke/attestation_root, of our own servers only: NotFound elsewhere.
  Result<AttestationRootClaim> attestation_root();

  // --- Identities ---
  Result<ServiceId> create_service_id(std::string_view name, std::string_view description,
                                      std::string_view service_crn = {});  // not repeated
  // A person, of our own servers only. `oidc_subject` empty: not linked. Not repeated.
  Result<ServiceId> create_user(std::string_view name, std::string_view description,
                                std::string_view oidc_subject);
  // Links a user to a subject of the OpenID provider; empty: unlinks. Of our own servers only.
  Result<ServiceId> link_user(std::string_view id, std::string_view oidc_subject);
  Result<std::vector<ServiceId>> list_service_ids();
  Result<void> delete_service_id(std::string_view id);
  Result<NewApiKey> create_api_key(std::string_view iam_id, std::string_view name);  // not repeated
  Result<std::vector<ApiKeyInfo>> list_api_keys(std::string_view iam_id = {});
  Result<void> delete_api_key(std::string_view id);
  Result<AccessPolicy> create_policy(const AccessPolicy& policy);  // not repeated; `id` is ignored
  Result<std::vector<AccessPolicy>> list_policies(std::string_view iam_id = {});
  Result<void> delete_policy(std::string_view id);
  // What the caller may do, on the account and, unless it is empty, on that instance. Of our own
  // servers only.
  Result<std::vector<PermittedActions>> permissions(std::string_view instance);

  // --- Health: without a token; an unhealthy answer is a value, not an error. One attempt ---
  Result<Health> live();   // GET /healthz
  Result<Health> ready();  // GET /readyz

  // A GET of a JSON document that is not secret, for routes without a type of their own; at most 1
  // MiB.
  Result<std::string> get_document(std::string_view target);
  // A PUT of one, for such routes; returns the answer's. Not repeated after an unclear failure.
  Result<std::string> put_document(std::string_view target, std::string_view json);
  // A POST of nothing, for such routes; likewise.
  Result<std::string> post_document(std::string_view target);
  // A POST of one, with the instance's header; `target` is below /api/v2. Likewise.
  Result<std::string> post_instance_document(std::string_view target, std::string_view json);

 private:
  explicit ApiClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace keyhaven::client
