// AES-256 keys in a token, on one session. Token (token.h) documents sizes and errors. Internal to
// token/.
#pragma once

#include "token/objects.h"

namespace keyhaven::token {

Result<KeyName> generate_aes(Session& session, const KeyName& name, AesUse use);
Result<KeyName> import_aes(Session& session, const KeyName& name, AesUse use,
                           const SecretBytes& key);
Result<KeyName> find_aes(Session& session, const KeyName& name, AesUse use);
Result<void> destroy_aes(Session& session, const KeyName& name);
Result<SecretBytes> cmac(Session& session, const KeyName& name, ByteView data);
Result<SecretBytes> ecb_block(Session& session, const KeyName& name,
                              std::span<const std::uint8_t> block);
Result<Bytes> gcm_seal(Session& session, const KeyName& name, const SecretBytes& plaintext,
                       ByteView aad);
Result<SecretBytes> gcm_unseal(Session& session, const KeyName& name, ByteView sealed,
                               ByteView aad);

// The same with a handle.
Result<SecretBytes> encrypt_block(Session& session, CK_OBJECT_HANDLE key,
                                  std::span<const std::uint8_t> block);

// Brings `key` into the token where C_CreateObject may not make sensitive keys: under a fresh
// session key of the token, AES key wrap (RFC 3394) done block by block with CKM_AES_ECB, then
// C_UnwrapKey with `attributes`.
Result<CK_OBJECT_HANDLE> import_wrapped(Session& session, const SecretBytes& key,
                                        Template& attributes);

}  // namespace keyhaven::token
