// Answers of the API as types: strict about what a tool relies on, tolerant of unknown and absent
// fields.
//
// The texts given here hold no secrets any more: take_secrets (secret_json.h) ran before.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/errors.h"
#include "client/types.h"

namespace keyhaven::client {

// One page of a list: `total` when the server sends it (totalCount, rows_count), `next` when it
// names a next page.
template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::uint64_t> total;
  std::string next;

  // Whether nothing follows, when `so_far` items have come with this page. A short page proves
  // nothing: a service may send fewer than it was asked for.
  bool is_last(std::size_t so_far) const noexcept {
    return items.empty() || (total && so_far >= *total);
  }
};

struct DekVersions {
  std::string ciphertext;
  std::string version_id;
  std::string rewrapped_version_id;
};

struct TokenTimes {
  std::int64_t expires_in_seconds = 0;
  std::string token_type;
};

// Keeps a parser between calls. Not thread-safe. Every function's error is BadBody, naming the
// field.
class Decoder {
 public:
  Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  Result<std::vector<Key>> keys(std::string_view json);
  Result<Page<KeyVersion>> versions(std::string_view json);
  Result<DekVersions> dek(std::string_view json);
  Result<Alias> alias(std::string_view json);
  Result<Page<KeyRing>> rings(std::string_view json);
  Result<std::vector<Policy>> policies(std::string_view json);
  Result<Page<Registration>> registrations(std::string_view json);
  Result<ImportToken> import_token(std::string_view json);
  Result<MigrationIntent> migration_intent(std::string_view json);
  Result<Instance> instance(std::string_view json);
  Result<Page<Instance>> instances(std::string_view json);
  Result<std::vector<CryptoUnitEntry>> units(std::string_view json);
  Result<std::string> unit_response(std::string_view json);
  Result<MasterKeyRotation> rotation(std::string_view json);
  Result<AttestationRootClaim> attestation_root(std::string_view json);
  Result<ServiceId> service_id(std::string_view json);
  Result<Page<ServiceId>> service_ids(std::string_view json);
  Result<ApiKeyInfo> api_key(std::string_view json);
  Result<Page<ApiKeyInfo>> api_keys(std::string_view json);
  Result<AccessPolicy> policy(std::string_view json);
  Result<Page<AccessPolicy>> access_policies(std::string_view json);
  Result<std::vector<PermittedActions>> permissions(std::string_view json);
  Result<TokenTimes> token(std::string_view json);
  // Never fails: what cannot be read is empty. Reads the key-management form, the identity form
  // (errorCode, errorMessage) and plain {"message"}.
  ErrorBody error(std::string_view json);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace keyhaven::client
