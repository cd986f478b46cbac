// P-521 signature keys in a token, on one session. Token (token.h) documents sizes and errors.
// Internal to token/.
#pragma once

#include "token/objects.h"

namespace keyhaven::token {

inline constexpr std::size_t kMostSignatureKeys = 256;

Result<SignatureKey> generate_signature(Session& session, const KeyName& name);
Result<std::vector<SignatureKey>> list_signature(Session& session);
Result<SignatureKey> find_signature(Session& session, const KeyName& name);
Result<crypto::P521Signature> sign(Session& session, const KeyName& name, ByteView message);
Result<void> destroy_signature(Session& session, const KeyName& name);

// CKA_EC_POINT as tokens give it: the DER OCTET STRING that the standard asks for, or the bare
// point of 133 bytes. Errors: InvalidArgument.
Result<crypto::P521PublicKey> public_key_from_ec_point(ByteView value);

// r ‖ s of CKM_ECDSA, both of the same size, at most 66 bytes each. Errors: InvalidArgument.
Result<crypto::P521Signature> signature_from_token(ByteView value);

}  // namespace keyhaven::token
