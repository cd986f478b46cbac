// Concatenated SignerInfos.
#include "fuzz.h"
#include "tke/signer_info.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto infos = tke::parse_signer_infos(in);
  if (!infos) return;
  KH_ASSERT(infos->size() <= tke::kMaxSigners);
  Bytes again;
  for (const tke::SignerInfo& one : *infos) append(again, tke::encode(one));
  KH_ASSERT(fuzz::same(again, in));
}
