// Parts of the bundle of a sealed transfer: what is decoded encodes to the same bytes.
#include "fuzz.h"
#include "migrate/bundle_parts.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  if (const auto head = migrate::decode_bundle_head(in))
    KH_ASSERT(fuzz::same(migrate::encode_bundle_head(*head), in));
  if (const auto step = migrate::decode_bundle_step(in)) {
    KH_ASSERT(step->chunk.size() <= migrate::kMaxBundleChunkBytes);
    KH_ASSERT(fuzz::same(migrate::encode_bundle_step(*step), in));
  }
}
