// Import tokens as the store keeps them: one token has one encoding.
#include "keys/import_token.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto token = keys::decode_import_token(in);
  if (token) KH_ASSERT(fuzz::same(keys::encode(*token), in));
}
