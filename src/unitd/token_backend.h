// The PKCS#11 token of a unit whose master keys are in one: opened in two steps around the sandbox.
#pragma once

#include <memory>
#include <optional>

#include "token/token.h"
#include "unitd/options.h"
#include "unitd/sandbox.h"
#include "unitd/token_master_key.h"

namespace keyhaven::unitd {

// Not thread-safe; what keys() gives is.
class TokenBackend {
 public:
  // Before the sandbox: reads the PIN (a file of this process's user that nobody else may read, one
  // line) and loads the module's library. Errors: InvalidArgument (also for a PIN that was refused
  // before), NotFound, Io.
  static Result<std::unique_ptr<TokenBackend>> prepare(const Options& options);
  TokenBackend(const TokenBackend&) = delete;
  TokenBackend& operator=(const TokenBackend&) = delete;

  // What the sandbox must leave open for the module.
  void widen(SandboxOptions& sandbox) const;

  // Within the sandbox, because the threads that call the module start here: finds the token and
  // logs in, once. A refused PIN is remembered in the state directory. Errors: as Token::open, with
  // UnitUnavailable only where trying again may help.
  Result<void> open();

  // After open().
  TokenMasterKeys& keys() { return *keys_; }

 private:
  TokenBackend(const Options& options, SecretBytes pin) : options_(options), pin_(std::move(pin)) {}

  const Options& options_;
  SecretBytes pin_;
  std::optional<token::Token> token_;
  std::optional<TokenMasterKeys> keys_;
};

}  // namespace keyhaven::unitd
