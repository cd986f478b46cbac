// What a deployment holds before its server is captured: secrets that the test knows (canaries) and
// the rest, which the captured server knows too.
#pragma once

#include <string>
#include <vector>

#include "base/secret_bytes.h"
#include "captured_server.h"
#include "unit/crypto_unit.h"

namespace keyhaven::attacks {

struct Knowledge {
  unit::KeyBinding root_key;
  unit::KeyBlob root_blob;
  unit::KeyBinding standard_key;
  unit::KeyBlob standard_blob;
  Bytes wrapped_dek;
  Bytes attestation_root;
  std::vector<unit::UnitStatus> units;
  std::vector<std::string> frames;  // administration requests that passed, in order, for units[0]

  // One file of the server's, as a store and a log of a real server would hold it.
  std::string text() const;
  static Result<Knowledge> parse(const std::string& text);
};

// Before the capture: a ceremony with two administrators, keys, a wrapped DEK. `canaries` receives
// one line "name hex" for each secret. Errors: what the unit gives.
Result<Knowledge> prepare(CapturedServer& server, std::string& canaries);

}  // namespace keyhaven::attacks
