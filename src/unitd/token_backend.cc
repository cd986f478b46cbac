#include "unitd/token_backend.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"
#include "unitd/refused_secret.h"

namespace keyhaven::unitd {
namespace {

constexpr std::size_t kMostPinBytes = 256;

void say(const std::string& line) { std::fprintf(stderr, "keyhaven-unit: %s\n", line.c_str()); }

Error wrong(const std::string& message) { return Error{Reason::InvalidArgument, message, {}}; }

// The first line. A PIN that others may read or replace is refused, not repaired: whoever set it up
// must know.
Result<SecretBytes> read_pin(const std::string& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0)
    return wrong("the PIN file " + path + " cannot be read; unit.pkcs11_pin_file names it");
  if (!S_ISREG(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & 077) != 0) {
    return wrong("the PIN file " + path +
                 " must be a regular file of the unit's user with mode 0600 or 0400");
  }
  SecretBytes content = KH_TRY(read_secret_file(path, kMostPinBytes));
  const auto bytes = content.expose();
  std::size_t size = 0;
  while (size < bytes.size() && bytes[size] != '\n' && bytes[size] != '\r') ++size;
  content.shrink(size);
  if (content.empty()) return wrong("the PIN file " + path + " begins with an empty line");
  return content;
}

std::string what_of(const TokenOptions& token) {
  return "the PIN of token " + (token.label.empty() ? token.serial : token.label) +
         " (unit.pkcs11_pin_file)";
}

}  // namespace

Result<std::unique_ptr<TokenBackend>> TokenBackend::prepare(const Options& options) {
  SecretBytes pin = KH_TRY(read_pin(options.token.pin_file));
  KH_TRY(
      check_not_refused(options.state_directory, pin, what_of(options.token), kRefusedByBackend));
  KH_TRY(token::preload_module(options.token.module));
  return std::unique_ptr<TokenBackend>(new TokenBackend(options, std::move(pin)));
}

void TokenBackend::widen(SandboxOptions& sandbox) const {
  const TokenOptions& token = options_.token;
  sandbox.profile = SandboxProfile::Token;
  sandbox.read_write.insert(sandbox.read_write.end(), token.read_write.begin(),
                            token.read_write.end());
  sandbox.read_only.insert(sandbox.read_only.end(), token.read_only.begin(), token.read_only.end());
  sandbox.sockets = token.network;
}

Result<void> TokenBackend::open() {
  token::TokenOptions how;
  how.needs = needs_of_master_keys();
  how.sessions = options_.token.sessions;
  how.call_deadline = options_.token.call_deadline;
  how.alarm = say;
  auto opened = token::Token::open(
      {options_.token.module, options_.token.label, options_.token.serial}, pin_.clone(), how);
  if (!opened) {
    if (opened.error().reason == Reason::Unauthenticated)
      (void)remember_refused(options_.state_directory, pin_, kRefusedByBackend);
    return std::move(opened).error();
  }
  pin_ = {};
  forget_refused(options_.state_directory, kRefusedByBackend);
  token_.emplace(std::move(opened).value());
  keys_.emplace(*token_, say);
  say("master keys are kept in token " + token_->facts().label + ", serial " +
      token_->facts().serial + " (" + token_->facts().library + ")");
  return {};
}

}  // namespace keyhaven::unitd
