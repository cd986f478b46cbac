// A proposal as an administrator must see it: decoded here from the bytes, held against what the
// service says and against the crypto unit.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ceremony.h"
#include "cli/output.h"
#include "client/proposals.h"
#include "tke/block_text.h"

namespace keyhaven::cli {

struct BlockReview {
  tke::BlockText text;
  std::string sha512;
  // What the service says of the block and the block does not; empty unless it lies or is broken.
  std::vector<std::string> contradictions;
};
// Pure. Errors: InvalidArgument (no command block).
Result<BlockReview> review_block(const client::Proposal& proposal);

// Whose signature an answer holds, verified with the certificate that the unit gave.
struct ReviewedSignature {
  tke::Ski signer{};
  std::string name;
  bool verified = false;
};

struct ProposalReview {
  client::Proposal proposal;
  BlockReview block;
  std::optional<CeremonyUnit> unit;  // of the instance's list, verified; none: it is gone
  // Of the unit, while the proposal is open:
  std::optional<tke::Standing> standing;
  std::size_t needed = 0;
  std::vector<ReviewedSignature> signatures;
};
// Fetches and checks. Errors: those of the service; Forbidden (a unit that does not verify);
// InvalidArgument (the service's block is none).
Result<ProposalReview> review_proposal(Ceremony& ceremony, const std::string& instance,
                                       const std::string& id);

// Why nobody may sign or send it; nothing when all is well. Forbidden when the service describes
// the block falsely or it is for another unit, ProposalState when it is not open or has lapsed.
Result<void> require_sound(const ProposalReview& review);

// What the unit answered to the sent block. Errors: those of error_of(status) for a refusal;
// Forbidden for an answer that the unit did not sign for this block; UnitUnavailable when it is
// lost.
Result<void> check_answer(const ProposalReview& review, const std::string& response);

// "PROPERTY VALUE" rows, and the same for programs.
Table review_table(const ProposalReview& review);
boost::json::object review_json(const ProposalReview& review);
void add_block_rows(Table& table, const tke::BlockText& text);
boost::json::object block_json(const tke::BlockText& text);

}  // namespace keyhaven::cli
