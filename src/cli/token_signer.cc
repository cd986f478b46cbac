#include "cli/token_signer.h"

#include "cli/ceremony.h"
#include "cli/context.h"

namespace keyhaven::cli {
namespace {

// Some tokens wait for a touch.
constexpr std::chrono::seconds kCallDeadline{30};

class TokenSigner final : public tke::P521Signer {
 public:
  TokenSigner(std::shared_ptr<token::Token> token, token::SignatureKey key)
      : token_(std::move(token)), key_(std::move(key)) {}
  const crypto::P521PublicKey& public_key() const override { return key_.public_key; }
  Result<Bytes> sign(ByteView message) const override {
    const crypto::P521Signature signature = KH_TRY(token_->sign_sha512(key_.name, message));
    return signature.der();
  }

 private:
  std::shared_ptr<token::Token> token_;
  token::SignatureKey key_;
};

bool matches(std::string_view wanted, std::string_view found) {
  return wanted.empty() || wanted == found;
}

bool matches(const tke::Pkcs11Uri& uri, const token::TokenFacts& facts) {
  return matches(uri.token, facts.label) && matches(uri.serial, facts.serial) &&
         matches(uri.manufacturer, facts.manufacturer) && matches(uri.model, facts.model);
}

std::string name_of(const tke::Pkcs11Uri& uri) {
  return "token " + (uri.token.empty() ? "with serial number " + uri.serial : uri.token);
}

}  // namespace

Result<std::shared_ptr<token::Token>> Tokens::open(const tke::Pkcs11Uri& uri,
                                                   const std::string& pin_file) {
  if (uri.module_path.empty()) {
    return Error{Reason::InvalidArgument,
                 "the PKCS#11 URI names no module: add ?module-path=/path/to/module.so", "signer"};
  }
  if (uri.token.empty() && uri.serial.empty()) {
    return Error{Reason::InvalidArgument,
                 "the PKCS#11 URI names no token: give token=LABEL or serial=NUMBER", "signer"};
  }
  for (const Opened& one : opened_) {
    if (one.module_path == uri.module_path && matches(uri, one.token->facts())) return one.token;
  }
  SecretBytes pin = KH_TRY(password_for(context_, pin_file.empty() ? uri.pin_file : pin_file,
                                        name_of(uri) + " (its PIN)"));
  token::TokenOptions options;
  options.needs.p521 = true;
  options.call_deadline = kCallDeadline;
  auto opened = token::Token::open({uri.module_path, uri.token, uri.serial}, std::move(pin),
                                   std::move(options));
  if (!opened) {
    // "Log in again" is the remedy for the service, not for a token.
    const bool refused = opened.error().code() == Errc::Unauthenticated;
    return Error{refused ? Reason::Forbidden : opened.error().reason,
                 name_of(uri) + ": " + opened.error().message, "signer"};
  }
  if (!matches(uri, opened->facts())) {
    return Error{Reason::NotFound,
                 name_of(uri) + " is of another manufacturer or model than the URI says", "signer"};
  }
  opened_.push_back({uri.module_path, std::make_shared<token::Token>(std::move(opened).value())});
  return opened_.back().token;
}

Result<std::unique_ptr<tke::Signer>> find_token_signer(std::shared_ptr<token::Token> token,
                                                       const tke::Pkcs11Uri& uri) {
  if (uri.object.empty() && uri.id.empty()) {
    return Error{Reason::InvalidArgument,
                 "the PKCS#11 URI names no key: give object=LABEL or id=%XX", "signer"};
  }
  token::SignatureKey key = KH_TRY(token->find_signature_key({uri.object, uri.id}));
  std::unique_ptr<tke::Signer> out =
      std::make_unique<TokenSigner>(std::move(token), std::move(key));
  return out;
}

Result<std::unique_ptr<tke::Signer>> make_token_signer(std::shared_ptr<token::Token> token,
                                                       tke::Pkcs11Uri& uri) {
  token::SignatureKey key = KH_TRY(token->generate_signature_key({uri.object, uri.id}));
  uri.object = key.name.label;
  uri.id = key.name.id;
  std::unique_ptr<tke::Signer> out =
      std::make_unique<TokenSigner>(std::move(token), std::move(key));
  return out;
}

tke::Pkcs11Uri exact_uri(tke::Pkcs11Uri uri, const token::Token& token) {
  uri.token = token.facts().label;
  uri.serial = token.facts().serial;
  return uri;
}

}  // namespace keyhaven::cli
