// The embedded store: one SQLite file, one writer thread with group commit, everything durable
// before it is acknowledged.
//
// A change and its audit event are one transaction: the event goes into the table "outbox" and is
// chained into the audit log right after the commit, before the caller is answered. If that fails
// the change stays, the event stays in the outbox, health() says so, and further changes are
// refused until the outbox is empty again.
//
// Every record is sealed by the crypto unit (sealed_rows.h). Opening begins a check of all of them;
// the loaders read within it and hand on what is authentic only, finish_start() ends it. Whatever
// else is in the file is in found_at_start(), and is served to nobody.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "audit/log.h"
#include "base/file.h"
#include "iam/iam_store.h"
#include "instances/instance_record.h"
#include "instances/proposal.h"
#include "instances/record_check.h"
#include "instances/transcript.h"
#include "keys/import_token.h"
#include "keys/key_store.h"
#include "unit/record_guard.h"

namespace keyhaven::store {

class Connection;
class GroupCommit;
class InstanceWalk;
class RowCheck;
enum class SealedTable : std::uint8_t;

struct DatabaseOptions {
  std::string directory;       // made with mode 0700 if absent; the files in it have 0600
  bool lock_directory = true;  // false when the caller holds a DirectoryLock on it already
  std::uint64_t max_bytes =
      0;  // of the database file; a change above it fails like a full disk. 0: no limit
};

// Thread-safe, all of it.
class Database final : public keys::KeyStore,
                       public keys::ImportTokenStore,
                       public instances::InstanceStore,
                       public instances::ProposalStore,
                       public instances::TranscriptStore,
                       public iam::IamStore,
                       public instances::StoredRecords {
 public:
  // Opens or creates; checks the file, brings the schema up to date and chains what an earlier run
  // left in the outbox. A store that the unit does not guard yet, a new one or one from before
  // there were seals, is sealed as it is found. `log`, `guard` and `clock` must outlive the
  // database. Errors: AlreadyExists (in use by another process), StoreUnavailable (damaged, written
  // by a newer version, not readable), UnitUnavailable, Io.
  static Result<std::unique_ptr<Database>> open(DatabaseOptions options, audit::Log& log,
                                                unit::RecordGuard& guard, const Clock& clock);
  ~Database() override;  // finishes what is queued

  // Ends the check that opening began, once, after the last loader; tables that nobody loaded are
  // looked at now. Rows of the alias index that disagree with the keys are put right if every key
  // is authentic. Errors: StoreUnavailable, UnitUnavailable.
  Result<void> finish_start();
  // How many records were sealed as they were found; nothing: the store was guarded already.
  std::optional<std::uint64_t> sealed_at_open() const noexcept { return sealed_at_open_; }
  // Whether there is an identity, API key or grant, in use or not, or one is missing: such a
  // deployment is not new. After finish_start().
  bool has_or_had_identities() const noexcept { return identities_known_; }
  const instances::RecordCheck& found_at_start() const noexcept override { return found_; }
  Result<instances::RecordCheck> check_records() override;
  Result<void> renew_seals(const InstanceId& instance) override;
  // The part of renew_seals behind RecordGuard::renew_record_key; records that are not authentic
  // keep the seal they have. Errors: StoreUnavailable, UnitUnavailable.
  Result<void> continue_renewal(const InstanceId& instance);

  Result<void> load_keys(const std::function<void(keys::KeyRecord)>& sink) override;
  Result<void> load_rings(const std::function<void(keys::KeyRing)>& sink) override;
  Result<void> load_registrations(const std::function<void(keys::Registration)>& sink) override;
  Result<void> load_events(const std::function<void(keys::LifecycleEvent)>& sink) override;
  // In addition to the errors of the interface: AuditUnavailable while the outbox cannot be
  // chained; nothing changed. A key or ring to remove that is not there is a Conflict.
  Result<std::vector<std::uint64_t>> commit(const keys::KeyChange& change,
                                            const audit::Event& event) override;

  Result<void> load_import_tokens(const std::function<void(keys::ImportToken)>& sink) override;
  Result<void> put_import_token(const keys::ImportToken& token, const audit::Event& event) override;

  Result<void> load_instances(const std::function<void(instances::InstanceRecord)>& sink) override;
  Result<std::uint64_t> commit_instance(const instances::InstanceRecord& record,
                                        const audit::Event& event) override;

  Result<std::vector<instances::Proposal>> proposals_of(const InstanceId& instance) override;
  Result<std::optional<instances::Proposal>> find_proposal(
      const InstanceId& instance, const instances::ProposalId& id) override;
  Result<std::uint64_t> put_proposal(const instances::Proposal& proposal,
                                     const audit::Event* event) override;
  Result<void> remove_proposal(const instances::Proposal& proposal,
                               const audit::Event* event) override;

  Result<std::uint64_t> append_transcript(instances::TranscriptEntry entry) override;
  Result<instances::TranscriptPage> read_transcript(const InstanceId& instance, std::uint64_t start,
                                                    std::size_t limit) override;

  // Errors of commit_iam: IdentityNotFound (a key or grant for an identity that is not there, or
  // its removal), NotFound (an API key or grant to remove), AlreadyExists (the secret hash of
  // another API key), and those of commit.
  Result<Everything> load_iam() override;
  Result<void> commit_iam(const iam::IamChange& change, const audit::Event& event) override;

  // Settings of the deployment that are fixed at first start (account id, region). Not audited.
  // Errors: RecordNotAuthentic (of a missing one after finish_start() only), those of commit.
  Result<std::optional<std::string>> setting(const std::string& name) const;
  Result<void> put_setting(const std::string& name, const std::string& value);

  // Whether changes can be made; else why not. Errors: StoreUnavailable, AuditUnavailable.
  Result<void> health() const;

 private:
  Database(unit::RecordGuard& guard, const Clock& clock);
  template <class Row>
  Result<void> load(const char* sql, Row row);
  using Pass = std::function<Result<void>(Connection&, RowCheck&)>;
  Result<void> load_sealed(SealedTable table, const Pass& pass);
  Result<std::uint64_t> begin_check();
  Result<void> begin_start(bool check_first);
  Result<void> load_settings();
  Result<std::size_t> renew_some(InstanceWalk& walk, std::uint32_t epoch);

  unit::RecordGuard& guard_;
  const Clock& clock_;
  std::string path_;
  std::optional<DirectoryLock> lock_;
  std::unique_ptr<GroupCommit> writer_;
  std::mutex loader_mutex_;  // guards the next three
  std::unique_ptr<Connection> loader_;
  std::unique_ptr<RowCheck> start_;  // until finish_start()
  std::set<SealedTable> unread_;     // by the check of the start
  std::mutex checking_;              // a check of the unit's: one at a time
  std::optional<std::uint64_t> sealed_at_open_;
  instances::RecordCheck found_;
  bool identities_known_ = false;
  mutable std::mutex settings_mutex_;
  std::map<std::string, std::string> settings_;
};

}  // namespace keyhaven::store
