// Randomness: OpenSSL's DRBG, through a per-thread pool for nonces and ids. A failing generator
// stops the process.
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

// Fills `out` from the DRBG of this thread. Use for keys.
void random_bytes(std::span<std::uint8_t> out);
SecretBytes random_secret(std::size_t size);

// Cheap: from a per-thread pool of 4096 DRBG bytes, wiped as used and discarded after fork. Use for
// nonces and ids.
void random_nonce(std::span<std::uint8_t> out);
Uuid random_uuid();  // version 4

}  // namespace keyhaven::crypto
