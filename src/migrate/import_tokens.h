// The target's import token, made when the first material is sent and used for all of a run. An
// instance has one token at a time: making ours takes the place of another's.
#pragma once

#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/secret_bytes.h"
#include "client/api_client.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

// Thread-safe.
class ImportTokens {
 public:
  explicit ImportTokens(ImportForm form) : form_(form) {}

  bool is_plain() const noexcept { return form_ == ImportForm::Plain; }
  // `material` encrypted for the token; makes one when there is none. Errors: NotSupported when the
  // target offers none (with the remedy), those of the client, InvalidArgument.
  Result<client::EncryptedMaterial> encrypt(client::ApiClient& to, const SecretBytes& material);
  // Whether an import was refused for its token: it has expired, or somebody made another. It is
  // forgotten then, and the import may be tried once more.
  bool was_refused(const Error& error);

 private:
  Result<void> renew(client::ApiClient& to);
  const ImportForm form_;
  std::mutex mutex_;
  std::optional<client::ImportToken> token_;
};

}  // namespace keyhaven::migrate
