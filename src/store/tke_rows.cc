// instances::ProposalStore and instances::TranscriptStore.
#include "store/group_commit.h"
#include "store/load.h"

namespace keyhaven::store {
namespace {

using instances::Proposal;
using instances::TranscriptEntry;

constexpr const char* kInsertProposal =
    "INSERT INTO tke_proposals (revision, record, checksum, instance, id, created) "
    "VALUES (?, ?, ?, ?, ?, ?)";
constexpr const char* kUpdateProposal =
    "UPDATE tke_proposals SET revision = ?, record = ?, checksum = ? "
    "WHERE instance = ? AND id = ? AND revision = ?";
constexpr const char* kDeleteProposal =
    "DELETE FROM tke_proposals WHERE instance = ? AND id = ? AND revision = ?";
constexpr const char* kProposalsOf =
    "SELECT id, revision, record, checksum FROM tke_proposals WHERE instance = ? "
    "ORDER BY created, id";
constexpr const char* kFindProposal =
    "SELECT id, revision, record, checksum FROM tke_proposals WHERE instance = ? AND id = ?";

constexpr const char* kLastEntry =
    "SELECT sequence, record, checksum FROM tke_transcript WHERE instance = ? "
    "ORDER BY sequence DESC LIMIT 1";
constexpr const char* kAddEntry =
    "INSERT INTO tke_transcript (instance, sequence, record, checksum) VALUES (?, ?, ?, ?)";
constexpr const char* kRemoveOldEntries =
    "DELETE FROM tke_transcript WHERE instance = ? AND sequence <= ?";
constexpr const char* kReadEntries =
    "SELECT sequence, record, checksum FROM tke_transcript WHERE instance = ? AND sequence >= ? "
    "ORDER BY sequence LIMIT ?";
constexpr const char* kKeptEntries =
    "SELECT coalesce(min(sequence), 0), coalesce(max(sequence), 0) FROM tke_transcript "
    "WHERE instance = ?";

std::string json_of(const audit::Event* event) {
  std::string out;
  if (event != nullptr) audit::append_json(out, *event);
  return out;
}

Error changed_meanwhile() {
  return {
      Reason::Conflict, "the proposal was changed by another call in between; read it again", {}};
}

Result<Proposal> read_proposal(const Query& row, const InstanceId& instance) {
  const std::string id = uuid_text(row.blob_at(0));
  Proposal out = KH_TRY(
      checked_record(row, 2, 3, "tke_proposals", "proposal", id, instances::decode_proposal));
  if (out.instance != instance || !std::ranges::equal(out.id.view(), row.blob_at(0)) ||
      out.revision != row.number_at(1)) {
    return damaged_row("proposal", id, "its index columns differ from its record");
  }
  return out;
}

Result<TranscriptEntry> read_entry(const Query& row, const InstanceId& instance) {
  const std::string id = std::to_string(row.number_at(0)) + " of " + instance.text();
  TranscriptEntry out = KH_TRY(checked_record(row, 1, 2, "tke_transcript", "transcript entry", id,
                                              instances::decode_transcript_entry));
  if (out.instance != instance || out.sequence != row.number_at(0))
    return damaged_row("transcript entry", id, "its index columns differ from its record");
  return out;
}

// Puts the entry behind the last one of its instance.
Result<void> chain_behind_last(Connection& db, TranscriptEntry& entry) {
  Query last = db.query(kLastEntry);
  last.blob(entry.instance.view());
  entry.sequence = 1;
  entry.previous = {};
  if (!KH_TRY(last.step())) return {};
  const TranscriptEntry before = KH_TRY(read_entry(last, entry.instance));
  entry.sequence = before.sequence + 1;
  entry.previous = instances::hash_of(before);
  return {};
}

}  // namespace

Result<std::vector<Proposal>> Database::proposals_of(const InstanceId& instance) {
  const std::lock_guard lock(loader_mutex_);
  Query query = loader_->query(kProposalsOf);
  query.blob(instance.view());
  std::vector<Proposal> out;
  while (KH_TRY(query.step())) out.push_back(KH_TRY(read_proposal(query, instance)));
  return out;
}

Result<std::optional<Proposal>> Database::find_proposal(const InstanceId& instance,
                                                        const instances::ProposalId& id) {
  const std::lock_guard lock(loader_mutex_);
  Query query = loader_->query(kFindProposal);
  query.blob(instance.view()).blob(id.view());
  if (!KH_TRY(query.step())) return std::optional<Proposal>();
  return std::optional<Proposal>(KH_TRY(read_proposal(query, instance)));
}

Result<std::uint64_t> Database::put_proposal(const Proposal& proposal, const audit::Event* event) {
  Proposal next = proposal;
  next.revision = proposal.revision + 1;
  const StoredRow row = make_row("tke_proposals", instances::encode(next));
  const auto apply = [&](Connection& db, TouchedRows&) -> Result<void> {
    const bool creates = proposal.revision == 0;
    Query query = db.query(creates ? kInsertProposal : kUpdateProposal);
    query.number(next.revision).blob(row.record).blob(row.checksum);
    query.blob(next.instance.view()).blob(next.id.view());
    query.number(creates ? static_cast<std::uint64_t>(next.created.us) : proposal.revision);
    const Execution done = KH_TRY(query.execute());
    if (done == Execution::NotUnique || db.changed_rows() == 0) return changed_meanwhile();
    return {};
  };
  KH_TRY(writer_->submit(apply, json_of(event)));
  return next.revision;
}

Result<void> Database::remove_proposal(const Proposal& proposal, const audit::Event* event) {
  const auto apply = [&](Connection& db, TouchedRows&) -> Result<void> {
    KH_TRY(db.query(kDeleteProposal)
               .blob(proposal.instance.view())
               .blob(proposal.id.view())
               .number(proposal.revision)
               .execute());
    if (db.changed_rows() == 0) return changed_meanwhile();
    return {};
  };
  return writer_->submit(apply, json_of(event));
}

Result<std::uint64_t> Database::append_transcript(TranscriptEntry entry) {
  const auto apply = [&](Connection& db, TouchedRows&) -> Result<void> {
    KH_TRY(chain_behind_last(db, entry));
    const StoredRow row = make_row("tke_transcript", instances::encode(entry));
    KH_TRY(db.query(kAddEntry)
               .blob(entry.instance.view())
               .number(entry.sequence)
               .blob(row.record)
               .blob(row.checksum)
               .execute());
    if (entry.sequence <= instances::kKeptTranscriptEntries) return {};
    KH_TRY(db.query(kRemoveOldEntries)
               .blob(entry.instance.view())
               .number(entry.sequence - instances::kKeptTranscriptEntries)
               .execute());
    return {};
  };
  KH_TRY(writer_->submit(apply, {}));
  return entry.sequence;
}

Result<instances::TranscriptPage> Database::read_transcript(const InstanceId& instance,
                                                            std::uint64_t start,
                                                            std::size_t limit) {
  const std::lock_guard lock(loader_mutex_);
  instances::TranscriptPage out;
  {
    Query kept = loader_->query(kKeptEntries);
    kept.blob(instance.view());
    if (KH_TRY(kept.step())) {
      out.first = kept.number_at(0);
      out.last = kept.number_at(1);
    }
  }
  Query query = loader_->query(kReadEntries);
  query.blob(instance.view()).number(start).number(limit);
  while (KH_TRY(query.step())) out.entries.push_back(KH_TRY(read_entry(query, instance)));
  return out;
}

}  // namespace keyhaven::store
