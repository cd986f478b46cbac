// The identities, API keys and grants of a deployment, and the tokens made from them.
//
// Everything is held in one immutable snapshot. A change is committed to the store (with its audit
// event), then published as a new snapshot with the next revocation epoch, then `fence` is run;
// only then does the call return. Token caches compare their entries' epoch, so after the
// acknowledgement of a removed key, grant or identity no loop serves from an older view. Calls that
// wait for a thread or for their turn to change something are authorised again when it comes.
//
// Tokens that were ended before their time are a set beside the snapshot: ending one leaves every
// other token where it is in the caches.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
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
inline constexpr std::size_t kMaxEndedTokensPerIdentity = 200;
inline constexpr std::size_t kApiKeySecretSize = 44;  // base64url of 33 random bytes

// Whether a `sub` of an OpenID provider can be linked: 1 to kMaxOidcSubjectBytes printable ASCII
// characters without blanks at its ends.
bool is_oidc_subject(std::string_view subject) noexcept;

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

// For whom something is changed.
struct Mandate {
  audit::Event event = {};  // of the call
  // Asked when the change's turn has come, after every change that was acknowledged before: may the
  // caller still? Must not change anything here. Empty: nobody to ask.
  std::function<Result<void>()> still = {};
};

// Thread-safe. Calls that change something block for the store; the others do not block.
class Authority {
 public:
  // Reads everything from `store`, which must outlive the object, as must `clock`.
  // Errors: those of load_iam; Internal when a row names an identity that does not exist.
  static Result<std::unique_ptr<Authority>> load(IamStore& store, TokenIssuer issuer,
                                                 const Clock& clock);

  // Run after each published change, before it is acknowledged: returns when no loop has a call in
  // flight that was authorised under an older snapshot. Its error becomes that of a change that
  // takes something away, which is stored all the same. Set once, before the first request; absent:
  // nothing to wait for.
  void set_fence(std::function<Result<void>()> fence) { fence_ = std::move(fence); }

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
  // restarted server. Remembered until it expires. Of more than kMaxEndedTokensPerIdentity of one
  // identity the one that expires first is forgotten; another identity's never is. Blocks for the
  // store, which commits `event` with it. Returns false, and commits nothing, for a token that is
  // not good anyway. Errors: StoreUnavailable; Conflict (kMaxEndedTokens of all identities);
  // DeadlineExceeded (ended, but the fence did not come back).
  Result<bool> end_token(std::string_view token, audit::Event event);

  // Whether that token was ended. Takes a shared lock.
  bool has_ended(const Digest& token) const;
  // How many tokens have ended since the start; one atomic read.
  std::uint64_t ended_count() const noexcept {
    return ended_count_.load(std::memory_order_acquire);
  }
  // The tokens that have ended since the count was `seen`; nothing when that is too long ago to be
  // remembered one by one.
  std::optional<std::vector<Digest>> ended_since(std::uint64_t seen) const;

  // Grows by one with every change; one atomic read.
  std::uint64_t revocation_epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }

  const TokenIssuer& issuer() const noexcept { return issuer_; }

  // Each change takes the audit event of its call, sets its `target_id`, and commits both in one
  // transaction. Errors of all: what the mandate's `still` says, StoreUnavailable and what
  // commit_iam says; DeadlineExceeded of those that take something away (done, but the fence did
  // not come back). Further errors:
  //   InvalidField (name, description, service CRN, subject, roles, scope), IdentityNotFound,
  //   NotFound (API key, grant), Conflict (a limit above is reached, or the change would leave no
  //   administrator who can log in with an API key: a provider can be gone), AlreadyExists (another
  //   identity is linked to the subject), FeatureRestricted (no provider is configured).
  Result<Identity> create_identity(const IdentitySpec& spec, Mandate mandate);
  // Links a user to a subject of the provider, in place of the one before; empty: to none. The same
  // subject again changes nothing but leaves a record.
  Result<Identity> link_identity(const std::string& iam_id, const std::string& subject,
                                 Mandate mandate);
  Result<void> delete_identity(const std::string& iam_id, Mandate mandate);
  Result<CreatedApiKey> create_api_key(const std::string& iam_id, const std::string& name,
                                       Mandate mandate);
  Result<void> delete_api_key(const std::string& id, Mandate mandate);
  Result<Grant> create_grant(Grant grant, Mandate mandate);  // the id is made here
  Result<void> delete_grant(const std::string& id, Mandate mandate);

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
  // The turn of a change: changing_, held. Errors: what the mandate's `still` says.
  Result<std::unique_lock<std::mutex>> begin(const Mandate& mandate);
  // The steps of a change in its turn: check the result, commit, publish, fence.
  Result<void> apply(const IamChange& change, const audit::Event& event);
  void publish(std::shared_ptr<Snapshot> next);
  Result<void> run_fence();
  // What remembering one more ended token of `iam_id` makes forgotten. Errors: Conflict.
  Result<std::vector<Digest>> forgettable(std::string_view iam_id, Timestamp now) const;

  IamStore& store_;
  const TokenIssuer issuer_;
  TokenVerifier verifier_;
  const Clock& clock_;
  std::string oidc_issuer_;
  std::function<Result<void>()> fence_;
  std::mutex changing_;                       // one change at a time
  mutable std::shared_mutex snapshot_mutex_;  // guards the pointer only
  SnapshotPtr snapshot_;
  std::atomic<std::uint64_t> epoch_{1};

  struct Ended {
    Timestamp expires;
    std::string iam_id;  // empty: of before the start
  };
  mutable std::shared_mutex ended_mutex_;  // guards what follows; written under changing_, too
  std::map<Digest, Ended> ended_;          // by SHA-256 of the text
  std::deque<Digest> newest_ended_;        // the last kNewestEnded that ended since the start
  std::atomic<std::uint64_t> ended_count_{0};
};

}  // namespace keyhaven::iam
