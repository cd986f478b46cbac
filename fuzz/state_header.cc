// The clear head of a unit's state file, which is read before anything is authenticated. The input
// is tried as it is and with its checksum made right, as somebody who writes the file would.
#include "crypto/hash.h"
#include "fuzz.h"
#include "unitd/sealing_header.h"
#include "unitd/sealing_methods.h"

using namespace keyhaven;

static void parse(ByteView in) {
  const auto parsed = unitd::parse_header(in);
  if (!parsed) return;
  const Bytes again = unitd::encode_header(parsed->header);
  KH_ASSERT(fuzz::same(again, in.first(parsed->size)));
  static const unitd::SealingMeans means;
  const auto sealing =
      unitd::stored_sealing(means, parsed->header.method, parsed->header.key.parameters);
  if (sealing) KH_ASSERT((*sealing)->reference().size() <= 2 * unitd::kMaxReferenceBytes);
}

KH_FUZZ_TARGET(in) {
  parse(in);
  Bytes whole = to_bytes(in);
  const Digest checksum = crypto::sha256(in);
  append(whole, checksum);
  parse(whole);
}
