// A proposal: a command block for one crypto unit that several administrators sign in turn, before
// it is sent once. The unit's counter allows one command at a time, so the block is made first, for
// one value of the counter, and everybody signs the same bytes (docs/operations/proposals.md).
//
// This header holds the record, the rules that need no store, and the store's interface.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/id.h"
#include "instances/unit_inquiry.h"
#include "tke/command_rules.h"
#include "tke/signer_info.h"

namespace keyhaven::instances {

using ProposalId = Id<struct ProposalTag>;

inline constexpr std::size_t kMaxProposalBlockBytes = 16 * 1024;
inline constexpr std::size_t kMaxProposalSignatures = 8;  // a unit has no more administrators
inline constexpr std::size_t kMaxProposalNoteCharacters = 240;
inline constexpr std::size_t kMaxOpenProposals = 100;   // of an instance
inline constexpr std::size_t kMaxEndedProposals = 200;  // of an instance: the oldest go
inline constexpr std::int64_t kEndedProposalSeconds = 30 * 86'400;
using tke::kMaxCommandsAhead;

enum class ProposalState : std::uint8_t {
  Open = 1,     // may be signed and sent
  Sending = 2,  // committed before the frame leaves; found so after a crash, it is resolved
  Sent = 3,
  Lapsed = 4,  // the unit's counter or domain instance has moved past it
};

struct ProposalSignature {
  tke::Ski signer{};
  std::string signer_name;  // as in the administrator's certificate
  Bytes signer_info;        // DER, as given
  std::string added_by;     // iam id
  Timestamp added;
  bool operator==(const ProposalSignature&) const = default;
};

struct Proposal {
  InstanceId instance;
  ProposalId id;
  std::uint64_t revision = 0;  // set by the store; 0 = not stored yet
  UnitId unit;
  std::uint32_t module_index = 0;  // of the unit, for the frame
  Bytes block;                     // DER of the xcpAdminBlk, as given; never altered
  std::string note;
  std::string created_by;
  Timestamp created;
  ProposalState state = ProposalState::Open;
  std::vector<ProposalSignature> signatures;
  std::string sent_by;   // of Sending and Sent
  Timestamp ended;       // of Sent and Lapsed
  std::string response;  // HTPResponse of a sent one; empty when the answer was lost
  std::string cause;     // for people: why it lapsed, or that the answer was lost
  bool operator==(const Proposal&) const = default;
};

// Canonical encoding, format 1: the fields in the order of declaration (base/wire.h). Errors of
// decode: Internal (stored data damaged).
Bytes encode(const Proposal& proposal);
Result<Proposal> decode_proposal(ByteView bytes);

// --- Rules ---

// The block of a new proposal for this unit. Errors: InvalidField (target "block"): not a block, a
// query or unknown command, one that carries its signatures inside (import of key parts) or needs
// none (re-encryption), another domain or module, malformed counter.
Result<tke::AdminBlock> check_proposed_block(ByteView der, const unit::UnitStatus& unit);

// How a block stands to its unit, and how many administrators must sign: for display and to stop an
// incomplete proposal early; the unit decides.
using tke::signatures_needed;
using tke::Standing;
using tke::standing_of;

// The HTPRequest of block and signatures.
std::string frame_of(const Proposal& proposal);

// --- Store ---

// Thread-safe, durable. Errors: StoreUnavailable, AuditUnavailable, Internal (damaged);
// Conflict when the stored revision is another one. `event` is committed with the change; null:
// none.
class ProposalStore {
 public:
  virtual ~ProposalStore() = default;
  // In order of creation.
  virtual Result<std::vector<Proposal>> proposals_of(const InstanceId& instance) = 0;
  virtual Result<std::optional<Proposal>> find_proposal(const InstanceId& instance,
                                                        const ProposalId& id) = 0;
  // Returns the new revision.
  virtual Result<std::uint64_t> put_proposal(const Proposal& proposal,
                                             const audit::Event* event) = 0;
  virtual Result<void> remove_proposal(const Proposal& proposal, const audit::Event* event) = 0;
};

}  // namespace keyhaven::instances
