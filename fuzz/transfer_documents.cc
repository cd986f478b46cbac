// Offers, manifests and chunks of a sealed transfer, and what quorums sign for it.
#include "tke/block_text.h"
#include "tke/transfer.h"
#include "unit/transfer_seal.h"

#include "fuzz.h"

using namespace keyhaven;

namespace {

const tke::AttestationRoot& nobody() {
  static const auto root =
      tke::AttestationRoot::of(crypto::P521PrivateKey::generate().public_key());
  return root;
}

template <class T>
void one_form(const Result<T>& parsed, ByteView in) {
  if (parsed) KH_ASSERT(fuzz::same(tke::encode(*parsed), in));
}

}  // namespace

KH_FUZZ_TARGET(in) {
  switch (fuzz::take_byte(in) % 6) {
    case 0:
      // Nobody has certified anything for this root.
      KH_ASSERT(!tke::verify_offer(in, nobody()));
      KH_ASSERT(!tke::verify_manifest(in, nobody()));
      return;
    case 1:
      return one_form(tke::parse_offer_input(in), in);
    case 2:
      return one_form(tke::parse_authorize_input(in), in);
    case 3:
      return one_form(tke::parse_consent_input(in), in);
    case 4: {
      const auto keys = unit::decode_transfer_chunk(in, Uuid{}, 0);
      if (keys) KH_ASSERT(fuzz::same(unit::encode_transfer_chunk(Uuid{}, 0, *keys), in));
      return;
    }
    default: {
      const auto text = tke::describe_block(in);
      if (text) KH_ASSERT(fuzz::same(tke::encode(text->block), in));
    }
  }
}
