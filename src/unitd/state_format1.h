// Reads state files of format 1, which the first versions wrote: sealed by the key file itself.
// They are written anew in format 2 at the next start. docs/protocols/unit-state-file.md.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::unitd {

struct OpenedState {
  std::uint64_t counter = 0;
  SecretBytes state;
};

bool is_format1(ByteView file) noexcept;
// `sealing_key` of 32 bytes. Errors: InvalidArgument (not a state file), DecryptFailed (sealed by
// another key, or damaged: the message says which).
Result<OpenedState> open_format1(const SecretBytes& sealing_key, ByteView file);

}  // namespace keyhaven::unitd
