// The embedded store: one SQLite file, one writer thread with group commit, everything durable
// before it is acknowledged.
//
// A change and its audit event are one transaction: the event goes into the table "outbox" and is
// chained into the audit log right after the commit, before the caller is answered. If that fails
// the change stays, the event stays in the outbox, health() says so, and further changes are
// refused until the outbox is empty again.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "audit/log.h"
#include "base/file.h"
#include "iam/iam_store.h"
#include "instances/instance_record.h"
#include "instances/proposal.h"
#include "instances/transcript.h"
#include "keys/import_token.h"
#include "keys/key_store.h"

namespace keyhaven::store {

class Connection;
class GroupCommit;

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
                       public iam::IamStore {
 public:
  // Opens or creates; checks the file, brings the schema up to date and chains what an earlier run
  // left in the outbox. `log` must outlive the database. Errors: AlreadyExists (in use by another
  // process), StoreUnavailable (damaged, written by a newer version, not readable), Io.
  static Result<std::unique_ptr<Database>> open(DatabaseOptions options, audit::Log& log);
  ~Database() override;  // finishes what is queued

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
  // Errors: StoreUnavailable, Internal (damaged), those of commit.
  Result<std::optional<std::string>> setting(const std::string& name);
  Result<void> put_setting(const std::string& name, const std::string& value);

  // Whether changes can be made; else why not. Errors: StoreUnavailable, AuditUnavailable.
  Result<void> health() const;

 private:
  Database() = default;
  template <class Row>
  Result<void> load(const char* sql, Row row);

  std::optional<DirectoryLock> lock_;
  std::unique_ptr<GroupCommit> writer_;
  std::mutex loader_mutex_;  // guards loader_
  std::unique_ptr<Connection> loader_;
};

}  // namespace keyhaven::store
