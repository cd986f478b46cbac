// One entry of the transcript of an instance, as a reader gets it: an administration command that
// was passed to a crypto unit, and the unit's answer (docs/operations/proposals.md). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "tke/admin.h"
#include "tke/codes.h"
#include "tke/signer_info.h"

namespace keyhaven::tke {

struct TranscriptEntry {
  std::uint64_t sequence = 0;
  Digest previous{};  // the hash of the entry before; zeros in the first
  Digest hash{};      // as the service says
  std::int64_t time_us = 0;
  Uuid unit;
  std::string location;
  std::string caller;
  std::string request;              // HTPRequest
  std::string response;             // HTPResponse; empty: no answer came
  std::vector<Bytes> certificates;  // of the module that signed, its own first
};

// What `hash` must be: SHA-256 over label, format, instance and the fields above but `hash`.
Digest hash_of(const Uuid& instance, const TranscriptEntry& entry);

// The frames of an entry, as far as they can be read.
struct ReadEntry {
  // The command. Nothing when the frame holds none.
  std::optional<AdminRequest> request;
  std::optional<AdminBlock> block;
  std::vector<SignerInfo> signers;

  enum class Answer : std::uint8_t {
    None,      // no answer came
    Unsigned,  // one that says only that the unit took the frame for no command of its own
    Signed,    // `answer`; whether the signature holds is not looked at here
    Broken     // no frame of a unit
  };
  Answer kind = Answer::None;
  AdminResponse response;     // of Signed
  AdminResponseBlock answer;  // of Signed
  Status status;              // of Signed and Unsigned
  bool accepted() const noexcept { return kind == Answer::Signed && status.ok(); }
};
ReadEntry read_entry(const TranscriptEntry& entry);

}  // namespace keyhaven::tke
