// Master keys in a PKCS#11 token: AES-256 objects that never leave it.
// docs/adr/0021-hsm-backend.md.
//
// The object of a key is named by the deployment and the key's verification pattern, so that a key
// that was brought twice (three units of an instance hold one each, or a unit died between the
// import and the save) is one object.
//   CKA_LABEL  "keyhaven master key OWNER PATTERN", 16 and 16 hexadecimal digits
//   CKA_ID     OWNER (8 bytes) ‖ the first 24 bytes of the pattern; what the state keeps
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "token/token.h"
#include "unit/master_key.h"

namespace keyhaven::unitd {

// What a token must offer to hold master keys.
token::TokenNeeds needs_of_master_keys();

// Thread-safe. `token` must outlive it and the keys it gave.
class TokenMasterKeys final : public unit::MasterKeyBackend {
 public:
  // `say` gets a line for operators when an object could not be destroyed, and when it was later.
  TokenMasterKeys(token::Token& token, std::function<void(const std::string&)> say)
      : token_(token), say_(std::move(say)) {}

  // The token computes with the key once, and so do we, before this returns.
  Result<unit::MasterKeyPtr> take(SecretBytes key, const unit::KeyOwner& owner) override;
  Result<unit::MasterKeyPtr> restore(const tke::VerificationPattern& pattern,
                                     ByteView reference) override;
  void forget(const unit::MasterKeyPtr& key) override;

 private:
  void destroy_waiting();  // mutex_ held

  token::Token& token_;
  std::function<void(const std::string&)> say_;
  std::mutex mutex_;
  std::vector<unit::MasterKeyPtr> to_destroy_;  // those the token did not destroy so far
};

}  // namespace keyhaven::unitd
