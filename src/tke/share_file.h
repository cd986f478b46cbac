// A custodian's share in a password-protected file, together with the whole transcript of its set,
// so that as many files as the threshold says suffice for recovery. Source:
// docs/protocols/key-shares.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/key_share.h"

namespace keyhaven::tke {

// What a share file shows without its password.
struct KeyShareInfo {
  unsigned number = 0;  // 1 to transcript.share_count()
  ShareTranscript transcript;
};

// Errors: InvalidField (password shorter than 6 bytes, names that are not UTF-8), Io.
Result<std::string> encode_key_share(const KeyShare& share, const ShareTranscript& transcript,
                                     const SecretBytes& password);
// Signatures are not verified. Errors: InvalidArgument.
Result<KeyShareInfo> inspect_key_share(std::string_view text);
// Not yet checked against the transcript: check_key_share. Errors: InvalidArgument; DecryptFailed
// for a wrong password, and for a file whose number or set was changed.
Result<KeyShare> decode_key_share(std::string_view text, const SecretBytes& password);

}  // namespace keyhaven::tke
