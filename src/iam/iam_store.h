// Identities, API keys and grants as stored, and what their store must offer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "iam/caller.h"

namespace keyhaven::iam {

enum class IdentityKind : std::uint8_t { User, ServiceId };

// Which account at an OpenID provider logs in as an identity. Only issuer and subject together name
// an account (OpenID Connect Core 1.0 section 5.7): another provider may give out the same subject.
struct OidcLink {
  std::string id;  // "OidcLink-<uuid>", new for each link: tokens name it
  std::string issuer;
  std::string subject;
};

struct Identity {
  std::string iam_id;  // "iam-ServiceId-<uuid>" or "IBMid-<uuid>"
  IdentityKind kind = IdentityKind::ServiceId;
  std::string name;
  std::string description;
  Timestamp created;
  // A service whose resources keys protect: the first eight segments of the CRNs it owns, "crn:"
  // up to the service instance (key-management-api.md 13). Empty for all others.
  std::string service_crn = {};
  std::optional<OidcLink> oidc = {};  // of users only
};

struct ApiKey {
  std::string id;  // "ApiKey-<uuid>"
  std::string iam_id;
  std::string name;
  Digest
      secret_hash{};  // SHA-256 of the 256-bit random key text: nothing to guess, so no slow hash
  Timestamp created;
  bool locked = false;
};

inline constexpr std::size_t kMaxEndedTokens = 20'000;

// A token that was ended before its time.
struct EndedToken {
  Digest digest{};  // SHA-256 of its text
  Timestamp expires;
};

// One transaction of changes; a removed identity takes its keys and grants along.
struct IamChange {
  std::vector<Identity> put_identities;
  std::vector<ApiKey> put_api_keys;
  std::vector<Grant> put_grants;
  std::vector<std::string> remove_identities;
  std::vector<std::string> remove_api_keys;
  std::vector<std::string> remove_grants;
  std::vector<EndedToken> end_tokens;
  std::vector<Digest> forget_tokens;  // ended ones that need not be known any more
};

// Thread-safe; durable like keys::KeyStore.
class IamStore {
 public:
  virtual ~IamStore() = default;
  struct Everything {
    std::vector<Identity> identities;
    std::vector<ApiKey> api_keys;
    std::vector<Grant> grants;
    std::vector<EndedToken> ended_tokens;
  };
  virtual Result<Everything> load_iam() = 0;
  virtual Result<void> commit_iam(const IamChange& change, const audit::Event& event) = 0;
};

}  // namespace keyhaven::iam
