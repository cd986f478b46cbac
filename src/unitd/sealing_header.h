// The clear head of a state file of format 2. Source: docs/protocols/unit-state-file.md.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "unitd/sealing.h"

namespace keyhaven::unitd {

struct StateHeader {
  unit::SealingMethod method = unit::SealingMethod::KeyFile;
  std::uint64_t counter = 0;  // of saves, from 1
  std::uint64_t age = 0;      // value of the method's own counter; 0: it has none
  WrappedKey key;
};

inline constexpr std::size_t kLeastHeaderBytes = 64;
inline constexpr std::size_t kMostHeaderBytes =
    kLeastHeaderBytes + kMaxSealingParameters + kMaxWrappedKey;

// Both with the checksum at the end (SHA-256 of all before it). The checksum is no protection, the
// AEAD of the state is: it tells a damaged file from a wrong secret.
Bytes encode_header(const StateHeader& header);
struct ParsedHeader {
  StateHeader header;
  std::size_t size = 0;  // bytes of the file that it takes
};
// Reads it from the begin of a file. Errors: InvalidArgument (no state file, cut short, another
// format or method, a length above its limit), DecryptFailed (damaged).
Result<ParsedHeader> parse_header(ByteView file);

}  // namespace keyhaven::unitd
