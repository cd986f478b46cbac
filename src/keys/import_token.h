// The import token of an instance: a key pair of the crypto unit under which customers send key
// material, with a life time and a number of retrievals (key-management-api.md 8).
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "audit/event.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "unit/crypto_unit.h"
#include "unit/encrypted_material.h"

namespace keyhaven::keys {

struct ImportToken {
  InstanceId instance;
  Uuid id;
  Timestamp created;
  std::string created_by;
  Timestamp expires;
  std::uint32_t max_retrievals = 1;
  std::uint32_t remaining_retrievals = 1;
  Bytes public_key;  // SubjectPublicKeyInfo, DER
  std::array<std::uint8_t, unit::kImportNonceSize> nonce{};
  unit::KeyBlob private_key;  // sealed, with the nonce; opens in the unit only
  bool operator==(const ImportToken&) const = default;
};

// Canonical encoding, versioned; decode(encode(x)) == x. Errors of decode: Internal.
Bytes encode(const ImportToken& token);
Result<ImportToken> decode_import_token(ByteView bytes);

// Thread-safe; durable like KeyStore.
class ImportTokenStore {
 public:
  virtual ~ImportTokenStore() = default;
  virtual Result<void> load_import_tokens(const std::function<void(ImportToken)>& sink) = 0;
  // Replaces the token of the instance. Errors: StoreUnavailable, AuditUnavailable.
  virtual Result<void> put_import_token(const ImportToken& token, const audit::Event& event) = 0;
};

}  // namespace keyhaven::keys
