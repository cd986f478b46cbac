// Proposals and transcripts in memory, honouring the contracts of their stores (revisions, chain),
// for tests. Keeps the events it was given.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "instances/proposal.h"
#include "instances/transcript.h"

namespace keyhaven::instances {

class MemoryTkeStore final : public ProposalStore, public TranscriptStore {
 public:
  Result<std::vector<Proposal>> proposals_of(const InstanceId& instance) override {
    const std::lock_guard lock(mutex_);
    std::vector<Proposal> out;
    for (const Proposal& each : proposals_) {
      if (each.instance == instance) out.push_back(each);
    }
    return out;
  }
  Result<std::optional<Proposal>> find_proposal(const InstanceId& instance,
                                                const ProposalId& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = at(instance, id);
    if (found == proposals_.end()) return std::optional<Proposal>();
    return std::optional<Proposal>(*found);
  }
  Result<std::uint64_t> put_proposal(const Proposal& proposal, const audit::Event* event) override {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    const auto found = at(proposal.instance, proposal.id);
    const std::uint64_t revision = found == proposals_.end() ? 0 : found->revision;
    if (proposal.revision != revision) return Error{Reason::Conflict, "someone else was first", {}};
    Proposal next = decode_proposal(encode(proposal)).value();
    next.revision = revision + 1;
    if (found == proposals_.end()) {
      proposals_.push_back(next);
    } else {
      *found = next;
    }
    if (event != nullptr) events_.push_back(*event);
    return next.revision;
  }
  Result<void> remove_proposal(const Proposal& proposal, const audit::Event* event) override {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    const auto found = at(proposal.instance, proposal.id);
    if (found == proposals_.end() || found->revision != proposal.revision)
      return Error{Reason::Conflict, "someone else was first", {}};
    proposals_.erase(found);
    if (event != nullptr) events_.push_back(*event);
    return {};
  }

  Result<std::uint64_t> append_transcript(TranscriptEntry entry) override {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    std::vector<TranscriptEntry>& entries = entries_[entry.instance];
    entry.sequence = entries.size() + 1;
    entry.previous = entries.empty() ? Digest{} : hash_of(entries.back());
    entries.push_back(entry);
    return entry.sequence;
  }
  Result<TranscriptPage> read_transcript(const InstanceId& instance, std::uint64_t start,
                                         std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    TranscriptPage out;
    for (const TranscriptEntry& entry : entries_[instance]) {
      if (out.first == 0) out.first = entry.sequence;
      out.last = entry.sequence;
      if (entry.sequence >= start && out.entries.size() < limit) out.entries.push_back(entry);
    }
    return out;
  }

  // Every change fails with `error` until it is cleared.
  void fail_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }
  const std::vector<audit::Event>& events() const { return events_; }

 private:
  std::vector<Proposal>::iterator at(const InstanceId& instance, const ProposalId& id) {
    auto each = proposals_.begin();
    while (each != proposals_.end() && (each->instance != instance || each->id != id)) ++each;
    return each;
  }
  std::mutex mutex_;
  std::vector<Proposal> proposals_;
  std::map<InstanceId, std::vector<TranscriptEntry>> entries_;
  std::vector<audit::Event> events_;
  std::optional<Error> failure_;
};

}  // namespace keyhaven::instances
