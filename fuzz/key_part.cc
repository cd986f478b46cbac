// The RecipientInfo that carries a key part: nothing but what was sealed opens.
#include "tke/key_part.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  static const crypto::P521PrivateKey importer = crypto::P521PrivateKey::generate();
  static const Bytes sealed =
      tke::seal_key_part(SecretBytes(tke::kMasterKeySize), importer.public_key()).value();
  if (fuzz::take_byte(in) % 2 == 0) {
    KH_ASSERT(!tke::open_key_part(in, importer));
    return;
  }
  // A good one with some bytes exchanged.
  Bytes changed = sealed;
  const std::size_t at =
      (fuzz::take_byte(in) * std::size_t{256} + fuzz::take_byte(in)) % changed.size();
  for (std::size_t i = 0; i < in.size() && at + i < changed.size(); ++i) changed[at + i] = in[i];
  const auto opened = tke::open_key_part(changed, importer);
  if (opened) KH_ASSERT(*opened == SecretBytes(tke::kMasterKeySize));
  if (changed == sealed) KH_ASSERT(opened.has_value());
}
