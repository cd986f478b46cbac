// Import tokens and key material that arrives encrypted for them (key-management-api.md 8).
//
// Both calls are rare and slow beside all others, so they keep nothing between calls and touch no
// engine: any thread may make them while the engines of others go on.
#pragma once

#include "unit/crypto_unit.h"
#include "unit/domain_table.h"

namespace keyhaven::unit {

// As in CryptoUnit. Thread-safe. The first takes 0.3 s to several seconds, the second about 5 ms.
// Tests may ask for smaller key pairs, which are made faster.
Result<ImportTokenKey> create_import_token(const DomainTable& table, const KeyBinding& token,
                                           std::size_t key_bits = kImportKeyBits);
Result<SealedRootKey> import_encrypted_root_key(const DomainTable& table, const KeyBinding& binding,
                                                const KeyBinding& token, ByteView private_key,
                                                const EncryptedMaterial& material);

// --- The part without a master key, for tests with tokens of other sizes ---

// What the blob of a token holds: the nonce, then the private key (PKCS#8).
SecretBytes import_token_content(const ImportNonce& nonce, const SecretBytes& pkcs8);

// The material, after it has proven that its sender had this token's nonce. Errors: as of
// CryptoUnit::import_encrypted_root_key; DecryptFailed when `content` is none.
Result<SecretBytes> open_encrypted_material(const SecretBytes& content,
                                            const EncryptedMaterial& material);

}  // namespace keyhaven::unit
