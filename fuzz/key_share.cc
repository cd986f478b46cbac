// Share files and transcripts as they are inspected without a password, and references to signature
// keys elsewhere: a transcript has one form only, and nobody's signature verifies.
#include "fuzz.h"
#include "tke/share_file.h"
#include "tke/signer_file.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string_view text = as_text(in);
  if (const auto transcript = tke::parse_transcript(text)) {
    KH_ASSERT(tke::encode_transcript(*transcript) == text);
    KH_ASSERT(transcript->threshold >= tke::kMinShareThreshold &&
              transcript->threshold <= transcript->share_count() &&
              transcript->share_count() <= tke::kMaxShares);
    KH_ASSERT(!tke::verify_transcript(*transcript, {}));
  }
  if (const auto info = tke::inspect_key_share(text)) {
    KH_ASSERT(info->number >= 1 && info->number <= info->transcript.share_count());
  }
  if (const auto reference = tke::parse_signer_reference(text)) {
    KH_ASSERT(tke::encode_signer_reference(*reference).has_value());
  }
}
