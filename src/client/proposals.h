// Proposals for crypto units and the transcript of an instance, as a service of ours tells them
// (docs/operations/proposals.md). A claim in all: who signs or verifies decodes the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace keyhaven::client {

struct ProposalSignature {
  std::string signer;  // subject key identifier, 64 hexadecimal digits
  std::string name;
  std::string added_by;
  Timestamp added;
  Bytes signer_info;  // DER; not in lists
};

struct ProposalOutcome {
  bool accepted = false;
  std::uint32_t return_code = 0;
  std::uint32_t reason_code = 0;
  std::string meaning;
  std::string remedy;
};

struct Proposal {
  std::string id;
  std::string hsm_id;
  std::string state;  // "open", "sending", "sent", "lapsed"
  std::string cause;
  std::string command;
  std::vector<std::pair<std::string, std::string>> details;
  std::uint64_t domain_index = 0;
  std::uint64_t domain_instance = 0;
  std::string module_id;  // hexadecimal, as the next two
  std::string counter;
  std::string block_sha512;
  std::string note;
  std::string created_by;
  Timestamp created;
  std::vector<ProposalSignature> signatures;
  std::optional<std::uint64_t> signatures_needed;
  std::optional<std::uint64_t> commands_before;
  std::string sent_by;
  Timestamp ended;
  std::optional<ProposalOutcome> result;
  // Not in lists:
  Bytes block;
  std::string request;
  std::string response;
  std::string transcript_fault;
  std::string record_fault;
};

struct TranscriptEntry {
  std::uint64_t sequence = 0;
  Digest previous{};
  Digest hash{};
  std::int64_t time_us = 0;
  std::string hsm_id;
  std::string location;
  std::string caller;
  std::string request;
  std::string response;
  std::vector<Bytes> certificates;
};

struct TranscriptPage {
  std::uint64_t first = 0;  // the oldest sequence that is kept; 0: none
  std::uint64_t last = 0;
  std::vector<TranscriptEntry> entries;
};

// Errors: BadBody, naming the field. Texts for people come without control characters.
Result<Proposal> parse_proposal(std::string_view json);
Result<std::vector<Proposal>> parse_proposals(std::string_view json);
Result<TranscriptPage> parse_transcript(std::string_view json);

}  // namespace keyhaven::client
