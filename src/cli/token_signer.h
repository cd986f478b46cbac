// Signature keys in PKCS#11 tokens: the token signs, the key never leaves it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/pkcs11_uri.h"
#include "tke/signer_info.h"
#include "token/token.h"

namespace keyhaven::cli {

class Context;

// The tokens that one command uses: each is opened and logged in once, however many keys in it
// sign, because a token counts wrong PINs.
class Tokens {
 public:
  explicit Tokens(Context& context) : context_(context) {}

  // The token that the URI names. The PIN is read from `pin_file`, else from the URI's pin-source,
  // else asked for, and tried once. Errors: InvalidArgument (no module, no PIN), Forbidden (PIN
  // refused), NotFound, Conflict, NotSupported, UnitUnavailable.
  Result<std::shared_ptr<token::Token>> open(const tke::Pkcs11Uri& uri,
                                             const std::string& pin_file);

 private:
  struct Opened {
    std::string module_path;
    std::shared_ptr<token::Token> token;
  };
  Context& context_;
  std::vector<Opened> opened_;
};

// The key that the URI names in that token. Errors: NotFound, Conflict, UnitUnavailable.
Result<std::unique_ptr<tke::Signer>> find_token_signer(std::shared_ptr<token::Token> token,
                                                       const tke::Pkcs11Uri& uri);
// Makes a new P-521 key pair, named as the URI says. Errors: AlreadyExists too.
Result<std::unique_ptr<tke::Signer>> make_token_signer(std::shared_ptr<token::Token> token,
                                                       tke::Pkcs11Uri& uri);

// The same URI with the token's own label and serial number, for a reference that stays exact.
tke::Pkcs11Uri exact_uri(tke::Pkcs11Uri uri, const token::Token& token);

}  // namespace keyhaven::cli
