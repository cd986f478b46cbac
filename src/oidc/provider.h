// The OpenID provider of a deployment, as its relying party sees it: OpenID Connect Core 1.0
// section 3.1 (code flow) and Discovery 1.0.
//
// Nothing is asked at the start: a provider that is down keeps nobody from starting the server.
// Configuration and keys are read when first wanted, one reading at a time, and kept for
// kKeptSeconds. A failed reading is not repeated for kPauseAfterFailureSeconds, and a token signed
// by an unknown key makes the keys be read anew at most every kPauseBetweenKeyReadsSeconds.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret_bytes.h"
#include "oidc/id_token.h"
#include "oidc/login_states.h"
#include "oidc/provider_documents.h"
#include "oidc/transport.h"

namespace keyhaven::oidc {

inline constexpr std::int64_t kKeptSeconds = 3600;
inline constexpr std::int64_t kPauseAfterFailureSeconds = 5;
inline constexpr std::int64_t kPauseBetweenKeyReadsSeconds = 30;
inline constexpr std::size_t kMaxCodeBytes = 2048;

struct ProviderOptions {
  std::string issuer;  // has passed check_issuer
  std::string client_id;
  SecretBytes client_secret;  // empty: a public client
  std::string scopes = "openid";
  std::string redirect_uri;
  std::string title;                 // what people call it
  std::int64_t max_age_seconds = 0;  // 0: not asked for
  std::vector<std::string> acr_values = {};
};

// Thread-safe. "Blocks": asks the provider, within the transport's deadlines.
class Provider {
 public:
  // Both must outlive the object.
  Provider(ProviderOptions options, Transport& transport, const Clock& clock);

  const std::string& issuer() const noexcept { return options_.issuer; }
  const std::string& title() const noexcept { return options_.title; }

  // The address to lead the browser to, when the configuration is at hand; does not block.
  std::optional<std::string> known_authorization_url(const LoginState& login) const;
  // The same; blocks. Errors: Io, DeadlineExceeded, TooLarge (not reached), Unauthenticated (not a
  // configuration that we can use).
  Result<std::string> authorization_url(const LoginState& login);

  // The parameter `iss` of an answer, when it has one, must name our provider (RFC 9207 section
  // 2.4). Errors: Unauthenticated.
  Result<void> check_answer_issuer(const std::optional<std::string>& given) const;

  // Exchanges the code and returns the subject of its verified ID token; blocks. Errors: as
  // authorization_url; Unauthenticated also when the provider refuses the code or the token is not
  // good.
  struct Answer {
    std::string code;
    bool has_issuer = false;  // it carried `iss`, which was checked
  };
  Result<std::string> finish(const Answer& answer, const LoginState& login);

 private:
  // A document of the provider with when it was read.
  template <class Document>
  struct Kept {
    std::shared_ptr<const Document> document;  // shared: a reader keeps the one it began with
    Timestamp read;
  };
  using Keys = std::vector<SigningKey>;
  using MetadataPtr = std::shared_ptr<const ProviderMetadata>;
  using KeysPtr = std::shared_ptr<const Keys>;

  std::string authorization_url_at(const ProviderMetadata& metadata, const LoginState& login) const;
  MetadataPtr kept_metadata() const;
  Result<MetadataPtr> metadata();
  Result<KeysPtr> keys(const ProviderMetadata& metadata, std::int64_t not_older_than_seconds);
  Result<std::string> exchange(const ProviderMetadata& metadata, const std::string& code,
                               const LoginState& login);
  // Asks for a document and parses it; a failure of either is kept for a while.
  template <class Parse>
  auto read(const Endpoint& endpoint, Parse parse)
      -> decltype(parse(std::declval<std::string_view>()));
  Result<SecretBytes> ask(const Endpoint& endpoint);
  bool is_fresh(Timestamp read, std::int64_t seconds) const;

  const ProviderOptions options_;
  Transport& transport_;
  const Clock& clock_;
  std::mutex reading_;        // one reading of a document at a time
  mutable std::mutex mutex_;  // guards what follows; never held while asking
  Kept<ProviderMetadata> metadata_;
  Kept<Keys> keys_;
  std::optional<Error> failure_;  // of the last reading
  Timestamp failed_;
};

}  // namespace keyhaven::oidc
