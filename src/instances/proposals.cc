#include "instances/proposals.h"

#include <algorithm>
#include <map>
#include <utility>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "instances/administered_action.h"
#include "tke/frame.h"

namespace keyhaven::instances {
namespace {

Error in_state(std::string message) { return {Reason::ProposalState, std::move(message), "id"}; }

Error not_found() { return {Reason::ProposalNotFound, "the instance has no such proposal", "id"}; }

// What nobody called for at this moment.
audit::Event own_event(std::string_view name, const Proposal& proposal, Timestamp now) {
  audit::Event event;
  event.time = now;
  event.action = "hs-crypto.tke-proposal." + std::string(name);
  event.severity = "warning";
  event.outcome = audit::Outcome::Success;
  event.initiator_id = "keyhaven";
  event.initiator_name = "Keyhaven";
  event.instance_id = proposal.instance.text();
  event.details.emplace_back("requestData.proposalId", proposal.id.text());
  event.details.emplace_back("responseData.cause", proposal.cause);
  if (!proposal.sent_by.empty())
    event.details.emplace_back("responseData.sentBy", proposal.sent_by);
  return event;
}

Result<void> check_note(std::string_view note) {
  std::size_t characters = 0;
  for (const char c : note) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      return Error{Reason::InvalidField, "a note has no control characters", "note"};
    if ((byte & 0xC0) != 0x80) ++characters;
  }
  if (characters <= kMaxProposalNoteCharacters) return {};
  return Error{Reason::InvalidField, "a note has at most 240 characters", "note"};
}

// One SignerInfo of somebody who has not signed yet.
Result<tke::SignerInfo> read_signer_info(const Proposal& proposal, ByteView der) {
  auto infos = tke::parse_signer_infos(der);
  if (!infos || infos->size() != 1) {
    return Error{Reason::InvalidField,
                 "signer_info must be one SignerInfo: the signature of one administrator",
                 "signer_info"};
  }
  tke::SignerInfo info = std::move(infos->front());
  const bool again = std::ranges::any_of(proposal.signatures,
                                         [&](const auto& each) { return each.signer == info.ski; });
  if (again) {
    return Error{Reason::AlreadyExists, "this administrator has signed the proposal already",
                 "signer_info"};
  }
  if (proposal.signatures.size() >= kMaxProposalSignatures)
    return Error{Reason::Conflict, "a proposal has at most 8 signatures", "signer_info"};
  return info;
}

std::string why_not_open(const Proposal& proposal) {
  switch (proposal.state) {
    case ProposalState::Open:
      return {};
    case ProposalState::Sending:
      return "the proposal is being sent";
    case ProposalState::Sent:
      return "the proposal was sent already";
    case ProposalState::Lapsed:
      return "the proposal has lapsed: " + proposal.cause + "; make the block anew";
  }
  fatal(__FILE__, __LINE__, "unknown ProposalState");
}

Result<void> require_open(const Proposal& proposal) {
  if (proposal.state == ProposalState::Open) return {};
  return in_state(why_not_open(proposal));
}

Result<void> require_ready(const ProposalView& view) {
  KH_TRY(require_open(view.proposal));
  if (view.commands_before > 0) {
    return in_state("the block's counter is for a later command: " +
                    std::to_string(view.commands_before) + " must come before it");
  }
  const std::size_t needed = view.signatures_needed.value_or(0);
  const std::size_t given = view.proposal.signatures.size();
  if (given >= needed) return {};
  return in_state("the proposal has " + std::to_string(given) + " of " + std::to_string(needed) +
                  " signatures that the crypto unit asks for");
}

}  // namespace

// Marks a proposal as being sent by a call of this process.
class Proposals::InFlight {
 public:
  InFlight(Proposals& owner, const ProposalId& id) : owner_(owner), id_(id) {
    const std::lock_guard lock(owner_.mutex_);
    mine_ = owner_.in_flight_.insert(id_).second;
  }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() {
    if (!mine_) return;
    const std::lock_guard lock(owner_.mutex_);
    owner_.in_flight_.erase(id_);
  }
  bool mine() const noexcept { return mine_; }

 private:
  Proposals& owner_;
  const ProposalId id_;
  bool mine_ = false;
};

bool Proposals::in_flight(const ProposalId& id) const {
  const std::lock_guard lock(mutex_);
  return in_flight_.contains(id);
}

Result<Proposal> Proposals::load(const InstanceId& instance, const ProposalId& id) {
  auto found = KH_TRY(parts_.store.find_proposal(instance, id));
  if (!found) return not_found();
  return std::move(*found);
}

// Commits an end that was found out. Whoever did so first is right.
Result<ProposalView> Proposals::end_as(Proposal proposal, ProposalState state, std::string cause) {
  const ProposalState before = proposal.state;
  proposal.state = state;
  proposal.cause = std::move(cause);
  if (state != ProposalState::Open) proposal.ended = parts_.clock.now();
  const audit::Event event = own_event(before == ProposalState::Sending ? "resolve" : "lapse",
                                       proposal, parts_.clock.now());
  const auto stored = parts_.store.put_proposal(proposal, &event);
  if (!stored && stored.error().reason == Reason::Conflict)
    return ProposalView{KH_TRY(load(proposal.instance, proposal.id)), {}, 0};
  if (!stored) return stored.error();
  proposal.revision = *stored;
  return ProposalView{std::move(proposal), {}, 0};
}

Result<ProposalView> Proposals::settle_with(Proposal proposal, const UnitMoment& moment) {
  const auto block = tke::parse_admin_block(proposal.block);
  KH_ASSERT(block.has_value());
  Standing standing = standing_of(*block, moment);
  if (proposal.state == ProposalState::Sending) {
    // The unit takes calls in their order and has answered one that came later: the frame was
    // carried out or never will be.
    if (standing.lapsed) {
      return end_as(std::move(proposal), ProposalState::Sent,
                    "the answer was lost; the crypto unit's counter shows that a command with the "
                    "block's counter was carried out, or that the unit was zeroized");
    }
    ProposalView open =
        KH_TRY(end_as(std::move(proposal), ProposalState::Open,
                      "sending was interrupted; the crypto unit has not carried out the command"));
    if (open.proposal.state != ProposalState::Open) return open;
    proposal = std::move(open.proposal);
  }
  if (proposal.state == ProposalState::Open && standing.lapsed)
    return end_as(std::move(proposal), ProposalState::Lapsed, std::move(standing.cause));
  if (proposal.state != ProposalState::Open) return ProposalView{std::move(proposal), {}, 0};
  const std::size_t needed = signatures_needed(*block, moment.attributes);
  return ProposalView{std::move(proposal), needed, standing.commands_before};
}

// The proposal as it stands by what its unit says now.
Result<ProposalView> Proposals::settled(Proposal proposal) {
  const bool resolves = proposal.state == ProposalState::Sending && !in_flight(proposal.id);
  if (proposal.state != ProposalState::Open && !resolves)
    return ProposalView{std::move(proposal), {}, 0};
  UnitInquiry inquiry(parts_.instances, proposal.instance);
  const auto unit = inquiry.find(proposal.unit);
  if (!unit && unit.error().reason == Reason::UnitNotFound) {
    return end_as(std::move(proposal), resolves ? ProposalState::Sent : ProposalState::Lapsed,
                  "the crypto unit was removed from the instance");
  }
  if (!unit) return unit.error();
  const UnitMoment moment = KH_TRY(inquiry.moment(*unit));
  return settle_with(std::move(proposal), moment);
}

// Room for one more open proposal; ended ones go after a time.
Result<void> Proposals::make_room(const InstanceId& instance, const Bytes& block) {
  std::vector<Proposal> all = KH_TRY(parts_.store.proposals_of(instance));
  std::size_t open = 0;
  std::vector<const Proposal*> ended;  // oldest first
  for (const Proposal& each : all) {
    if (each.state == ProposalState::Sent || each.state == ProposalState::Lapsed) {
      ended.push_back(&each);
      continue;
    }
    if (each.block == block) {
      return Error{Reason::AlreadyExists,
                   "the block is proposed already, as " + each.id.text() + "; sign that one",
                   "block"};
    }
    ++open;
  }
  const std::int64_t oldest = parts_.clock.now().seconds() - kEndedProposalSeconds;
  std::size_t left = ended.size();
  for (const Proposal* each : ended) {
    if (left < kMaxEndedProposals && each->ended.seconds() >= oldest) continue;
    KH_TRY(parts_.store.remove_proposal(*each, nullptr));
    --left;
  }
  if (open < kMaxOpenProposals) return {};
  return Error{
      Reason::Conflict, "the instance has 100 open proposals; send or delete some first", {}};
}

Result<ProposalView> Proposals::create(const InstanceId& instance, NewProposal wanted,
                                       audit::Event event) {
  KH_TRY(check_note(wanted.note));
  UnitInquiry inquiry(parts_.instances, instance);
  const unit::UnitStatus unit = KH_TRY(inquiry.find(wanted.unit));
  const tke::AdminBlock block = KH_TRY(check_proposed_block(wanted.block, unit));
  const UnitMoment moment = KH_TRY(inquiry.moment(unit));
  const Standing standing = standing_of(block, moment);
  if (standing.lapsed) return Error{Reason::ProposalState, standing.cause, "block"};

  Proposal proposal;
  proposal.instance = instance;
  proposal.id = {crypto::random_uuid()};
  proposal.unit = wanted.unit;
  proposal.module_index = unit.module_index;
  proposal.block = std::move(wanted.block);
  proposal.note = std::move(wanted.note);
  proposal.created_by = event.initiator_id;
  proposal.created = parts_.clock.now();
  event.details.emplace_back("responseData.proposalId", proposal.id.text());
  event.details.emplace_back("responseData.blockSha512", to_hex(crypto::sha512(proposal.block)));
  for (auto& detail : administered_action(frame_of(proposal)).details)
    event.details.push_back(std::move(detail));

  // Those that lapsed unseen do not count against the limit.
  const std::vector<Proposal> before = KH_TRY(parts_.store.proposals_of(instance));
  if (before.size() >= kMaxOpenProposals) KH_TRY(list(instance));
  const std::lock_guard lock(creating_);
  KH_TRY(make_room(instance, proposal.block));
  proposal.revision = KH_TRY(parts_.store.put_proposal(proposal, &event));
  const std::size_t needed = signatures_needed(block, moment.attributes);
  return ProposalView{std::move(proposal), needed, standing.commands_before};
}

Result<std::vector<ProposalView>> Proposals::list(const InstanceId& instance) {
  std::vector<Proposal> all = KH_TRY(parts_.store.proposals_of(instance));
  UnitInquiry inquiry(parts_.instances, instance);
  std::map<UnitId, std::optional<UnitMoment>> moments;
  std::vector<ProposalView> out;
  for (auto each = all.rbegin(); each != all.rend(); ++each) {
    if (each->state == ProposalState::Sending) {  // asks anew: the answer must be later
      Proposal as_stored = *each;
      auto view = settled(std::move(*each));
      out.push_back(view ? std::move(*view) : ProposalView{std::move(as_stored), {}, 0});
      continue;
    }
    if (each->state != ProposalState::Open) {
      out.push_back({std::move(*each), {}, 0});
      continue;
    }
    auto [moment, added] = moments.try_emplace(each->unit);
    if (added) {
      const auto unit = inquiry.find(each->unit);
      if (unit) {
        if (auto now = inquiry.moment(*unit)) moment->second = std::move(*now);
      }
    }
    if (moment->second) {
      out.push_back(KH_TRY(settle_with(std::move(*each), *moment->second)));
    } else {
      out.push_back({std::move(*each), {}, 0});
    }
  }
  return out;
}

Result<ProposalView> Proposals::find(const InstanceId& instance, const ProposalId& id) {
  Proposal proposal = KH_TRY(load(instance, id));
  Proposal as_stored = proposal;
  auto view = settled(std::move(proposal));
  if (view || view.error().code() != Errc::Unavailable) return view;
  return ProposalView{std::move(as_stored), {}, 0};
}

Result<ProposalView> Proposals::sign(const InstanceId& instance, const ProposalId& id,
                                     ByteView signer_info, audit::Event event) {
  Proposal stored = KH_TRY(load(instance, id));
  ProposalView view = KH_TRY(settled(std::move(stored)));
  Proposal& proposal = view.proposal;
  KH_TRY(require_open(proposal));
  const tke::SignerInfo info = KH_TRY(read_signer_info(proposal, signer_info));
  UnitInquiry inquiry(parts_.instances, instance);
  const unit::UnitStatus unit = KH_TRY(inquiry.find(proposal.unit));
  const auto administrator = inquiry.administrator(unit, info.ski);
  if (!administrator && administrator.error().reason != Reason::NotFound)
    return administrator.error();
  if (!administrator) {
    return Error{Reason::InvalidField,
                 "the signer " + to_hex(info.ski) + " is no administrator of the crypto unit",
                 "signer_info"};
  }
  if (!administrator->key.verify(proposal.block, info.algorithm, info.signature)) {
    return Error{Reason::InvalidField,
                 "the signature does not verify: it is over another block, or by another key",
                 "signer_info"};
  }
  proposal.signatures.push_back({info.ski, administrator->name, to_bytes(signer_info),
                                 event.initiator_id, parts_.clock.now()});
  event.details.emplace_back("requestData.proposalId", proposal.id.text());
  event.details.emplace_back("requestData.adminId", to_hex(info.ski));
  event.details.emplace_back("requestData.adminName", administrator->name);
  proposal.revision = KH_TRY(parts_.store.put_proposal(proposal, &event));
  return view;
}

Result<void> Proposals::remove(const InstanceId& instance, const ProposalId& id,
                               audit::Event event) {
  Proposal stored = KH_TRY(load(instance, id));
  if (stored.state == ProposalState::Sending) {
    ProposalView view = KH_TRY(settled(std::move(stored)));
    stored = std::move(view.proposal);
  }
  if (stored.state == ProposalState::Sending) return in_state(why_not_open(stored));
  event.details.emplace_back("requestData.proposalId", stored.id.text());
  return parts_.store.remove_proposal(stored, &event);
}

Result<SentProposal> Proposals::send(const InstanceId& instance, const ProposalId& id,
                                     const std::string& sender, const Pass& pass) {
  // First what the store says: a call that comes while another sends learns the same either way.
  Proposal stored = KH_TRY(load(instance, id));
  ProposalView view = KH_TRY(settled(std::move(stored)));
  KH_TRY(require_ready(view));
  Proposal& proposal = view.proposal;

  const InFlight flight(*this, id);
  if (!flight.mine()) return in_state("the proposal is being sent");
  proposal.state = ProposalState::Sending;
  proposal.sent_by = sender;
  proposal.cause.clear();
  auto claimed = parts_.store.put_proposal(proposal, nullptr);
  if (!claimed && claimed.error().reason == Reason::Conflict)
    return in_state("the proposal was changed or sent by another call in between; read it again");
  if (!claimed) return claimed.error();
  proposal.revision = *claimed;

  auto answer = pass(proposal.unit, frame_of(proposal));
  if (!answer && answer.error().code() == Errc::Unavailable) return answer.error();  // Sending
  if (!answer) {
    proposal.state = ProposalState::Open;
    proposal.sent_by.clear();
    (void)parts_.store.put_proposal(proposal, nullptr);  // else it is resolved when looked at
    return answer.error();
  }
  proposal.state = ProposalState::Sent;
  proposal.ended = parts_.clock.now();
  if (answer->size() <= tke::kMaxFrameCharacters) proposal.response = *answer;
  const auto done = parts_.store.put_proposal(proposal, nullptr);
  if (done) proposal.revision = *done;
  return SentProposal{std::move(proposal), std::move(*answer), done.has_value()};
}

}  // namespace keyhaven::instances
