// Proof for somebody outside that the audit log holds a certain event: the event's record and the
// checkpoint that was signed right after it. Whoever pins the checkpoint key checks it without the
// log; the log cannot lose the record later without breaking that checkpoint.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::audit {

// Both as in the log (docs/protocols/audit-log.md), without the newline.
struct Receipt {
  std::string record;      // of the management stream
  std::string checkpoint;  // its head of the management stream is `record`
};

// Checks hashes, signature (`public_key`: 32 bytes, Ed25519) and that the checkpoint's head is the
// record. Returns the event of the record, JSON. Errors: InvalidArgument, saying what does not
// hold.
Result<std::string> check_receipt(const Receipt& receipt, ByteView public_key);

}  // namespace keyhaven::audit
