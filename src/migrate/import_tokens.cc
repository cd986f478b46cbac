#include "migrate/import_tokens.h"

#include "client/secure_import.h"

namespace keyhaven::migrate {
namespace {

constexpr std::int64_t kTokenSeconds = 3600;

}  // namespace

Result<void> ImportTokens::renew(client::ApiClient& to) {
  auto made = to.create_import_token(kTokenSeconds, 1);
  if (!made) {
    const int status = to.last_failure().status;
    if (status != 404 && status != 405 && status != 501) return std::move(made).error();
    return Error{Reason::NotSupported,
                 "the target offers no import token; set import_form to plain in the plan to send "
                 "the material inside TLS only",
                 {}};
  }
  token_ = KH_TRY(to.take_import_token());
  return {};
}

Result<client::EncryptedMaterial> ImportTokens::encrypt(client::ApiClient& to,
                                                        const SecretBytes& material) {
  const std::lock_guard lock(mutex_);
  if (!token_) KH_TRY(renew(to));
  return client::encrypt_material(*token_, material,
                                  form_ == ImportForm::Sha1Cbc ? client::SecureImport::Sha1Cbc
                                                               : client::SecureImport::Sha256Gcm);
}

bool ImportTokens::was_refused(const Error& error) {
  const bool is_token =
      error.reason == Reason::ImportTokenExpired || error.reason == Reason::ImportTokenNotFound ||
      error.reason == Reason::IncorrectNonce || error.reason == Reason::IncorrectNonceIv;
  if (!is_token || is_plain()) return false;
  const std::lock_guard lock(mutex_);
  token_.reset();
  return true;
}

}  // namespace keyhaven::migrate
