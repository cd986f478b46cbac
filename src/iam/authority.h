// The identities, API keys and grants of a deployment, and the tokens made from them.
//
// Everything is held in one immutable snapshot. A change is committed to the store (with its audit
// event), then published as a new snapshot with the next revocation epoch, then `fence` is run;
// only then does the call return. Token caches compare their entries' epoch, so after the
// acknowledgement of a removed key, grant or identity no loop serves from an older view.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret_bytes.h"
#include "iam/iam_store.h"
#include "iam/token.h"

namespace keyhaven::iam {

inline constexpr std::size_t kMaxIdentities = 10'000;
inline constexpr std::size_t kMaxApiKeysPerIdentity = 20;
inline constexpr std::size_t kMaxGrantsPerIdentity = 200;
inline constexpr std::size_t kMaxIamNameBytes = 240;
inline constexpr std::size_t kMaxIamDescriptionBytes = 1000;
inline constexpr std::size_t kMaxServiceCrnBytes = 300;
inline constexpr std::size_t kMaxOidcSubjectBytes = 255;  // OpenID Connect Core 1.0 section 2
inline constexpr std::size_t kMaxEndedTokens = 2'000;
inline constexpr std::size_t kApiKeySecretSize = 44;  // base64url of 33 random bytes

struct IdentitySpec {
  IdentityKind kind = IdentityKind::ServiceId;
  std::string name;         // 1 to 240 bytes without control characters
  std::string description;  // at most 1000 bytes
  // For a service id only: eight segments of a CRN with a service and its instance, without
  // wildcard (key-management-api.md 13); the identity may then write registrations of its own.
  std::string service_crn = {};
  // For a user only: the provider's `sub` whose log-in is this identity's; empty: none.
  std::string oidc_subject = {};
};
struct CreatedApiKey {
  ApiKey key;
  SecretBytes secret;  // the key's text, kApiKeySecretSize characters; shown once, kept nowhere
};

// Thread-safe. Calls that change something block for the store; the others do not block.
class Authority {
 public:
  // Reads everything from `store`, which must outlive the object, as must `clock`.
  // Errors: those of load_iam; Internal when a row names an identity that does not exist.
  static Result<std::unique_ptr<Authority>> load(IamStore& store, TokenIssuer issuer,
                                                 const Clock& clock);

  // Run after each published change, before it is acknowledged: returns when no call authorised
  // under an older snapshot is in flight. Set once, before the first request; absent: nothing to
  // wait for.
  void set_fence(std::function<void()> fence) { fence_ = std::move(fence); }

  // The OpenID provider of this deployment: only links to it count, and new ones are to it. Set
  // once, before the first request; empty: none.
  void set_oidc_issuer(std::string issuer) { oidc_issuer_ = std::move(issuer); }

  // Makes the first administrator (a service id with Administrator and Manager on everything, not
  // KeyPurge) if there is no identity at all; nothing otherwise. `deliver` receives the new API key
  // before it is committed and must keep it durably (a 0600 file); if it fails, or the process dies
  // in between, nothing is stored and the next start makes another. Returns whether an
  // administrator was made. Errors: those of `deliver` and commit_iam.
  using Deliver =
      std::function<Result<void>(const Identity& administrator, const CreatedApiKey& key)>;
  Result<bool> bootstrap(const Deliver& deliver);

  // The token of an API key's text, found by its SHA-256. About 0.7 ms: one RSA signature.
  // Errors: UnknownApiKey (absent, locked or malformed: one answer).
  struct Exchange {
    IssuedToken token;
    std::string iam_id;
    std::string name;
  };
  Result<Exchange> exchange(std::string_view api_key_text) const;

  // The token of whom the provider of set_oidc_issuer calls `subject`. It ends, at once, when the
  // link does. Errors: IdentityNotFound (nobody is linked to the subject).
  Result<Exchange> exchange_oidc(std::string_view subject) const;

  // The caller of a token, rights compiled. About 20 us: event loops ask their TokenCache instead.
  // Errors: those of TokenVerifier::verify; Unauthenticated when its API key or identity is gone or
  // locked.
  Result<CallerPtr> caller_for(std::string_view token) const;

  // Ends one token before its time: after the return no loop takes it any more, nor does a
  // restarted server. Remembered until it expires; beyond kMaxEndedTokens the one that expires
  // first is forgotten. Blocks for the store, which commits `event` with it. Returns false, and
  // commits nothing, for a token that is not good anyway. Errors: StoreUnavailable.
  Result<bool> end_token(std::string_view token, audit::Event event);

  // Grows by one with every change; one atomic read.
  std::uint64_t revocation_epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }

  const TokenIssuer& issuer() const noexcept { return issuer_; }

  // Each change takes the audit event of its call, sets its `target_id`, and commits both in one
  // transaction. Errors of all: StoreUnavailable and what commit_iam says. Further errors:
  //   InvalidField (name, description, service CRN, subject, roles, scope), IdentityNotFound,
  //   NotFound (API key, grant), Conflict (a limit above is reached, or the change would leave no
  //   administrator who can log in with an API key: a provider can be gone), AlreadyExists (another
  //   identity is linked to the subject), FeatureRestricted (no provider is configured).
  Result<Identity> create_identity(const IdentitySpec& spec, audit::Event event);
  // Links a user to a subject of the provider, in place of the one before; empty: to none. The same
  // subject again changes nothing but leaves a record.
  Result<Identity> link_identity(const std::string& iam_id, const std::string& subject,
                                 audit::Event event);
  Result<void> delete_identity(const std::string& iam_id, audit::Event event);
  Result<CreatedApiKey> create_api_key(const std::string& iam_id, const std::string& name,
                                       audit::Event event);
  Result<void> delete_api_key(const std::string& id, audit::Event event);
  Result<Grant> create_grant(Grant grant, audit::Event event);  // the id is made here
  Result<void> delete_grant(const std::string& id, audit::Event event);

  // In order of creation for identities and keys, of id for grants; `iam_id` empty: of everybody.
  std::vector<Identity> identities() const;
  std::vector<ApiKey> api_keys(std::string_view iam_id) const;
  std::vector<Grant> grants(std::string_view iam_id) const;
  std::optional<Identity> find_identity(const std::string& iam_id) const;

 private:
  struct Snapshot;
  using SnapshotPtr =
      std::shared_ptr<const Snapshot>;  // shared: a reader keeps the one it began with

  Authority(IamStore& store, TokenIssuer issuer, const Clock& clock);
  SnapshotPtr snapshot() const;
  // A checked link to `subject` for the identity. Errors: see above.
  Result<OidcLink> new_link(const Snapshot& now, std::string_view iam_id, IdentityKind kind,
                            const std::string& subject) const;
  // The steps of a change, under changing_: check the result, commit, publish, fence.
  Result<void> apply(const IamChange& change, const audit::Event& event);
  void publish(std::shared_ptr<Snapshot> next);
  void run_fence(const Snapshot& before);

  IamStore& store_;
  const TokenIssuer issuer_;
  TokenVerifier verifier_;
  const Clock& clock_;
  std::string oidc_issuer_;
  std::function<void()> fence_;
  std::mutex changing_;                       // one change at a time
  mutable std::shared_mutex snapshot_mutex_;  // guards the pointer only
  SnapshotPtr snapshot_;
  std::atomic<std::uint64_t> epoch_{1};
};

}  // namespace keyhaven::iam
