// The proposals of all instances: create, read, sign, send once, delete
// (docs/operations/proposals.md).
//
// A proposal gives nobody a right and its block is never altered: the crypto unit judges what is
// sent. Sending is exactly once: the state Sending is committed, under the store's revision, before
// the frame leaves. What a crash leaves there is resolved when it is next looked at, by the unit's
// counter.
#pragma once

#include <functional>
#include <mutex>
#include <set>

#include "instances/proposal.h"

namespace keyhaven::instances {

struct NewProposal {
  UnitId unit;
  Bytes block;
  std::string note;  // at most kMaxProposalNoteCharacters, no control characters
};

// A proposal with what its unit says now.
struct ProposalView {
  Proposal proposal;
  // While it is open and the unit answers.
  std::optional<std::size_t> signatures_needed;
  std::uint32_t commands_before = 0;
};

struct SentProposal {
  Proposal proposal;
  std::string answer;  // HTPResponse of the unit
  // Committed as sent; if not, it is resolved when it is next looked at.
  bool recorded = true;
};

// Thread-safe. Calls wait for store and unit. Errors of all: InstanceNotFound, UnitUnavailable,
// StoreUnavailable, AuditUnavailable; of those with an id: ProposalNotFound.
class Proposals {
 public:
  struct Parts {
    InstanceService& instances;
    ProposalStore& store;
    const Clock& clock;
  };
  explicit Proposals(Parts parts) : parts_(parts) {}

  // Errors: UnitNotFound, those of check_proposed_block, InvalidField (note), ProposalState (the
  // block has lapsed already), AlreadyExists (the block is proposed already), Conflict (too many
  // are open). The event gets the details of the command.
  Result<ProposalView> create(const InstanceId& instance, NewProposal wanted, audit::Event event);
  // Newest first. While a unit does not answer, its proposals are shown as they were last known.
  Result<std::vector<ProposalView>> list(const InstanceId& instance);
  Result<ProposalView> find(const InstanceId& instance, const ProposalId& id);
  // Adds one SignerInfo, if an administrator of the unit made it over exactly this block. Errors:
  // ProposalState, InvalidField (malformed, unknown signer, signature that does not verify),
  // AlreadyExists (the same signer twice), Conflict (too many, or changed meanwhile).
  Result<ProposalView> sign(const InstanceId& instance, const ProposalId& id, ByteView signer_info,
                            audit::Event event);
  // Errors: ProposalState while it is being sent.
  Result<void> remove(const InstanceId& instance, const ProposalId& id, audit::Event event);

  // Sends the frame by `pass`, which returns the unit's answer. Of many calls at once one passes
  // it. An error of `pass` that is no Errc::Unavailable means that the frame did not leave: the
  // proposal is open again. Errors: ProposalState (not open, too few signatures, other commands
  // come first), those of `pass`.
  using Pass = std::function<Result<std::string>(const UnitId& unit, const std::string& frame)>;
  Result<SentProposal> send(const InstanceId& instance, const ProposalId& id,
                            const std::string& sender, const Pass& pass);

 private:
  class InFlight;
  Result<Proposal> load(const InstanceId& instance, const ProposalId& id);
  Result<ProposalView> settled(Proposal proposal);
  Result<ProposalView> settle_with(Proposal proposal, const UnitMoment& moment);
  Result<ProposalView> end_as(Proposal proposal, ProposalState state, std::string cause);
  bool in_flight(const ProposalId& id) const;
  Result<void> make_room(const InstanceId& instance, const Bytes& block);

  Parts parts_;
  std::mutex creating_;  // counts and inserts are one step
  mutable std::mutex mutex_;
  std::set<ProposalId> in_flight_;  // a call of this process is sending it
};

}  // namespace keyhaven::instances
