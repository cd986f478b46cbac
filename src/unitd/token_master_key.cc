#include "unitd/token_master_key.h"

#include <algorithm>

#include "crypto/cmac.h"
#include "crypto/random.h"

namespace keyhaven::unitd {
namespace {

using token::AesUse;
using token::KeyName;
using token::Token;
using unit::BlobAlgorithm;
using unit::KeyOwner;
using unit::MasterKeyPtr;

constexpr std::size_t kPatternInId = 24;
constexpr std::size_t kIdSize = std::tuple_size_v<KeyOwner> + kPatternInId;
constexpr std::size_t kPatternInLabel = 8;

KeyName name_of_id(ByteView id) {
  const ByteView owner = id.first(std::tuple_size_v<KeyOwner>);
  const ByteView pattern = id.subspan(owner.size());
  return {"keyhaven master key " + to_hex(owner) + " " + to_hex(pattern.first(kPatternInLabel)),
          to_bytes(id)};
}

class TokenMasterKey final : public unit::MasterKey {
 public:
  TokenMasterKey(Token& token, const tke::VerificationPattern& pattern, KeyName name)
      : MasterKey(pattern), token_(token), name_(std::move(name)) {}

  BlobAlgorithm algorithm() const noexcept override { return BlobAlgorithm::Cmac; }
  Result<SecretBytes> blob_key(BlobAlgorithm algorithm, const InstanceId& instance) const override {
    if (algorithm != BlobAlgorithm::Cmac) {
      return Error{Reason::InstanceNotInitialized,
                   "the key was sealed while this master key was not yet in the PKCS#11 token, "
                   "which cannot open it; load the same key parts into a unit with the software "
                   "backend, or rotate the master key there first",
                   {}};
    }
    SecretBytes out(unit::kBlobKeySize);
    auto rest = out.expose_mutable();
    for (const Bytes& input : unit::blob_key_inputs(instance)) {
      const SecretBytes block = KH_TRY(ask(input));
      std::ranges::copy(block.expose(), rest.begin());
      rest = rest.subspan(block.size());
    }
    return out;
  }
  const SecretBytes* bytes() const noexcept override { return nullptr; }
  ByteView reference() const noexcept override { return name_.id; }
  const KeyName& name() const noexcept { return name_; }

 private:
  Result<SecretBytes> ask(ByteView input) const {
    Result<SecretBytes> block = token_.aes_cmac(name_, input);
    if (block || block.error().reason != Reason::NotFound) return block;
    // The token answers, and the key is gone: nothing that a repeated call could heal.
    return Error{
        Reason::InstanceNotInitialized,
        "CKR_IBM_WK_NOT_INITIALIZED: the PKCS#11 token no longer has the instance's master "
        "key; zeroize the unit and load the key parts again",
        {}};
  }

  Token& token_;
  const KeyName name_;
};

// Whether the token's object computes what `key` does.
Result<void> check_same(Token& token, const KeyName& name, const SecretBytes& key) {
  std::array<std::uint8_t, 16> probe{};
  crypto::random_nonce(probe);
  const SecretBytes theirs = KH_TRY(token.aes_cmac(name, probe));
  if (theirs == crypto::aes256_cmac(key, probe)) return {};
  return Error{Reason::Conflict,
               "the PKCS#11 token has another key under the label '" + name.label +
                   "'; destroy that object with the token's tool and load the key parts again",
               {}};
}

}  // namespace

token::TokenNeeds needs_of_master_keys() {
  token::TokenNeeds needs;
  needs.aes_cmac = true;
  return needs;
}

Result<MasterKeyPtr> TokenMasterKeys::take(SecretBytes key, const KeyOwner& owner) {
  const tke::VerificationPattern pattern = tke::verification_pattern(key);
  Bytes id(owner.begin(), owner.end());
  append(id, ByteView(pattern).first(kPatternInId));
  KeyName name = name_of_id(id);
  const std::lock_guard lock(mutex_);
  std::erase_if(to_destroy_, [&](const MasterKeyPtr& each) {
    return tke::same_pattern(each->pattern(), pattern);
  });
  destroy_waiting();
  const auto imported = token_.import_aes_key(name, AesUse::Mac, key);
  if (!imported && imported.error().reason != Reason::AlreadyExists) return imported.error();
  if (!imported) KH_TRY(check_same(token_, name, key));
  return MasterKeyPtr(std::make_shared<const TokenMasterKey>(token_, pattern, std::move(name)));
}

Result<MasterKeyPtr> TokenMasterKeys::restore(const tke::VerificationPattern& pattern,
                                              ByteView reference) {
  if (reference.size() != kIdSize) {
    return Error{Reason::InvalidArgument,
                 "the state names a master key in a token in a way that this version does not know",
                 {}};
  }
  return MasterKeyPtr(
      std::make_shared<const TokenMasterKey>(token_, pattern, name_of_id(reference)));
}

void TokenMasterKeys::forget(const MasterKeyPtr& key) {
  if (!key || key->bytes() != nullptr) return;  // a software key, from before the token was used
  const std::lock_guard lock(mutex_);
  to_destroy_.push_back(key);
  destroy_waiting();
}

void TokenMasterKeys::destroy_waiting() {
  std::erase_if(to_destroy_, [this](const MasterKeyPtr& key) {
    const KeyName name = name_of_id(key->reference());
    const auto destroyed = token_.destroy_aes_key(name);
    if (destroyed || destroyed.error().reason == Reason::NotFound) {
      say_("the master key '" + name.label + "' was destroyed in the token");
      return true;
    }
    say_("the master key '" + name.label + "' is no longer used but is still in the token (" +
         destroyed.error().message +
         "); this unit tries again at the next change of a master key; if it is stopped before, "
         "destroy the object with the token's tool");
    return false;
  });
}

}  // namespace keyhaven::unitd
