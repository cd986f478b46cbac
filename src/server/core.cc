#include "server/core.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "crypto/random.h"
#include "http/audit_reading_routes.h"
#include "http/audit_routes.h"
#include "http/document_routes.h"
#include "http/governance_routes.h"
#include "http/health_routes.h"
#include "http/iam_routes.h"
#include "http/import_token_routes.h"
#include "http/instance_policy_routes.h"
#include "http/metrics_routes.h"
#include "http/migration_report_routes.h"
#include "http/permission_routes.h"
#include "http/proposal_routes.h"
#include "http/rotation_routes.h"
#include "http/store_routes.h"
#include "http/tke_routes.h"
#include "http/unit_routes.h"
#include "http/web_routes.h"
#include "server/found_records.h"
#include "server/instance_rules.h"
#include "server/key_material.h"

namespace keyhaven::server {
namespace {

constexpr std::size_t kWorkerQueueLimit = 4096;

// The API key of the first administrator: written before it is stored, so that a crash in between
// leaves no key that nobody has. A file of an earlier attempt that was never stored is replaced.
Result<void> deliver_admin_key(const std::string& path, const iam::CreatedApiKey& key) {
  SecretBytes line(key.secret.size() + 1);
  const auto text = line.expose_mutable();
  std::copy(key.secret.expose().begin(), key.secret.expose().end(), text.begin());
  text[key.secret.size()] = '\n';
  return write_file_atomic(path, line.expose(), 0600);
}

}  // namespace

class Core::Settings final : public keys::InstanceSettings {
 public:
  keys::InstanceRules rules(const InstanceId& id) const override {
    const auto instance = instances == nullptr ? nullptr : instances->find(id);
    keys::InstanceRules out = instance == nullptr ? keys::InstanceRules() : rules_of(*instance);
    out.sync_interval_seconds = sync_interval_seconds;
    return out;
  }
  const instances::InstanceService* instances = nullptr;
  std::int64_t sync_interval_seconds = 0;
};

class Core::Gate final : public keys::SealGate {
 public:
  Result<Pass> pass(const InstanceId& id) override { return rotations->pass(id); }
  instances::MasterKeyRotations* rotations = nullptr;  // set before anything is served
};

Core::Core(Surroundings surroundings) : around_(std::move(surroundings)) {}

Core::~Core() {
  if (workers_) stop_workers();
}

void Core::stop_workers() {
  workers_->stop();
  if (rotation_worker_) rotation_worker_->stop();
}

Result<std::unique_ptr<Core>> Core::open(Surroundings surroundings) {
  std::unique_ptr<Core> core(new Core(std::move(surroundings)));
  KH_TRY(core->open_store());
  KH_TRY(core->open_identities());
  KH_TRY(core->open_instances_and_keys());
  KH_TRY(core->finish_start());
  core->build_api();
  KH_TRY(core->take_up_renewals());
  core->rotation_worker_.emplace(*core->instances_, *core->rotations_,
                                 instances::RotationWorker::Pace());
  return core;
}

Result<void> Core::open_store() {
  store::DatabaseOptions options;
  options.directory = around_.config.server_directory();
  options.lock_directory = false;
  database_ = KH_TRY(store::Database::open(options, around_.log, around_.guard, around_.clock));
  const auto region = KH_TRY(database_->setting("region"));
  if (region && *region != around_.config.region) {
    return Error{Reason::InvalidArgument,
                 "server.region is \"" + around_.config.region +
                     "\", but this deployment was made with \"" + *region +
                     "\", which its CRNs carry; set it back",
                 {}};
  }
  const auto account = KH_TRY(database_->setting("account"));
  account_ = account ? *account : to_hex(crypto::random_uuid().view());  // stored by finish_start
  return {};
}

// Everything was read. What is missing is known now, so that a store that lost its settings or its
// identities is not taken for a new one.
Result<void> Core::finish_start() {
  KH_TRY(database_->finish_start());
  const instances::RecordCheck& found = database_->found_at_start();
  quarantine(directory_->quarantine(), found);
  const Timestamp now = around_.clock.now();
  if (database_->sealed_at_open().value_or(0) > 0)
    KH_TRY(around_.log.append_management(sealed_event(*database_->sealed_at_open(), now)));
  if (found.faults > 0) KH_TRY(around_.log.append_management(suspect_event(found, now)));
  const auto region = KH_TRY(database_->setting("region"));
  if (!region) KH_TRY(database_->put_setting("region", around_.config.region));
  const auto account = KH_TRY(database_->setting("account"));
  if (!account) KH_TRY(database_->put_setting("account", account_));
  return make_administrator();
}

Result<void> Core::make_administrator() {
  if (database_->has_or_had_identities()) return {};
  const std::string path = around_.config.server_directory() + "/admin-api-key";
  auto made =
      authority_->bootstrap([&path](const iam::Identity&, const iam::CreatedApiKey& made_key) {
        return deliver_admin_key(path, made_key);
      });
  if (!made) return std::move(made).error();
  return {};
}

Result<void> Core::open_identities() {
  // The issuer must not change with the port or a restart, or valid tokens would be refused.
  crypto::RsaPrivateKey key = KH_TRY(token_signing_key(around_.config));
  auto issuer = KH_TRY(iam::TokenIssuer::create(std::move(key), "urn:keyhaven:" + account_,
                                                account_, around_.config.token_lifetime_seconds));
  authority_ = KH_TRY(iam::Authority::load(*database_, std::move(issuer), around_.clock));
  if (around_.provider != nullptr) authority_->set_oidc_issuer(around_.provider->issuer());
  authority_->set_fence([this]() -> Result<void> {
    auto done = around_.fence.fence({});
    // A unit that is down has no call under way; a loop that did not answer may have.
    if (!done && done.error().reason == Reason::DeadlineExceeded) return done;
    return {};
  });
  return {};
}

Result<void> Core::open_instances_and_keys() {
  directory_ = std::make_unique<keys::Directory>();
  settings_ = std::make_unique<Settings>();
  instances::InstanceOptions options;
  options.account = account_;
  options.region = around_.config.region;
  options.public_url = around_.endpoints.public_url;
  options.private_url = around_.endpoints.private_url;
  options.private_network = around_.endpoints.private_network;
  options.private_port = around_.endpoints.private_port;
  options.default_limits = around_.config.limits;
  instances_ = KH_TRY(instances::InstanceService::load(
      options, *database_, around_.unit,
      [this](const InstanceId& id) { return directory_->live_keys(id); }, around_.clock));
  settings_->instances = instances_.get();
  settings_->sync_interval_seconds = around_.config.sync_interval_seconds;
  gate_ = std::make_unique<Gate>();
  import_tokens_ = std::make_unique<keys::ImportTokens>(keys::ImportTokens::Parts{
      *database_, around_.slow_unit, around_.unit, *gate_, around_.clock});
  KH_TRY(import_tokens_->load());
  keys::KeyTimes times;
  times.enable_after_disable_seconds = around_.config.enable_after_disable_seconds;
  times.restore_after_delete_seconds = around_.config.restore_after_delete_seconds;
  times.purge_after_delete_seconds = around_.config.purge_after_delete_seconds;
  times.restorable_seconds = around_.config.restorable_days * 86400;
  times.purge_due_seconds = around_.config.purge_due_days * 86400;
  times.deletion_authorization_seconds = around_.config.deletion_authorization_seconds;
  times.rotation_month_seconds = around_.config.rotation_month_seconds;
  times.rotation_window_seconds = around_.config.rotation_window_seconds;
  times.rotations_per_sweep = around_.config.rotations_per_sweep;
  key_changes_ = std::make_unique<keys::KeyChanges>(*database_, *directory_, times);
  registrations_ = std::make_unique<keys::Registrations>(*key_changes_, *settings_, around_.clock);
  KH_TRY(registrations_->load());
  key_service_ = std::make_unique<keys::KeyService>(
      keys::KeyService::Parts{*key_changes_, around_.unit, *import_tokens_, *registrations_, *gate_,
                              around_.fence, *settings_, around_.clock});
  resealer_.emplace(
      keys::Resealer::Parts{*key_changes_, *import_tokens_, around_.unit, around_.clock});
  stored_keys_.emplace(*directory_, *import_tokens_, *resealer_);
  rotations_.emplace(instances::MasterKeyRotations::Parts{
      *instances_, around_.unit, unit_gate_, *stored_keys_,
      [this] { return around_.fence.fence({}); }, around_.clock, record_seals()});
  gate_->rotations = &*rotations_;
  proposals_.emplace(instances::Proposals::Parts{*instances_, *database_, around_.clock});
  transcript_.emplace(instances::Transcript::Parts{*instances_, *database_, around_.clock});
  transfer_export_.emplace(keys::TransferExport::Parts{*key_changes_, *registrations_,
                                                       around_.transfer, *gate_, around_.clock});
  transfer_import_.emplace(keys::TransferImport::Parts{
      *key_changes_, *registrations_, around_.transfer, *gate_, *settings_, around_.clock});
  return key_service_->load();
}

instances::MasterKeyRotations::RecordSeals Core::record_seals() {
  return {[this](const InstanceId& id) -> Result<void> {
            KH_TRY(around_.guard.renew_record_key(id));
            return {};
          },
          [this](const InstanceId& id) { return database_->continue_renewal(id); }};
}

// Seals of older keys are left when a crash ended their renewal.
Result<void> Core::take_up_renewals() {
  for (const instances::InstanceRecordPtr& record : instances_->list()) {
    const auto renewal = KH_TRY(around_.guard.record_renewal(record->id));
    if (renewal.older > 0) rotations_->renew_seals(record->id);
  }
  return {};
}

void Core::add_console_routes() {
  api_->add(http::console_session_routes(*authority_));
  oidc::Provider* const provider = around_.provider;
  api_->add(http::web_routes(around_.web, around_.endpoints.public_url,
                             provider == nullptr ? std::string() : provider->title()));
  if (provider != nullptr) {
    login_states_.emplace(around_.clock);
    const auto limit = std::clamp<std::int64_t>(around_.config.workers / 4, 1, 8);
    oidc_front_.emplace(*provider, *login_states_, *authority_, around_.endpoints.public_url,
                        static_cast<unsigned>(limit));
  }
  api_->add(http::oidc_routes(oidc_front_ ? &*oidc_front_ : nullptr));
}

void Core::build_api() {
  workers_ = std::make_unique<http::WorkerPool>(static_cast<unsigned>(around_.config.workers),
                                                kWorkerQueueLimit);
  authenticator_ =
      std::make_unique<http::TokenAuthenticator>(*authority_, around_.clock, around_.loops);
  instance_lookup_ = std::make_unique<http::ServiceInstances>(*instances_);
  key_front_.emplace(http::KeyFront{*key_service_, around_.units, account_});
  registration_front_.emplace(http::RegistrationFront{*key_front_, *registrations_});
  frame_front_.emplace(http::FrameFront{*instances_, *rotations_, *transcript_,
                                        [this] { return around_.fence.fence({}); }});
  transfer_front_.emplace(
      http::TransferFront{around_.transfer, *transfer_export_, *transfer_import_});
  http::ApiOptions options;
  options.loops = around_.loops;
  api_ = std::make_unique<http::Api>(options, *authenticator_, *instance_lookup_, around_.log,
                                     *workers_, around_.clock);
  api_->add(http::key_routes(*key_front_));
  api_->add(http::key_list_routes(*key_front_));
  api_->add(http::key_action_routes(*key_front_));
  api_->add(http::key_ring_routes(*key_front_));
  api_->add(http::key_policy_routes(*key_front_));
  api_->add(http::registration_routes(*registration_front_));
  api_->add(http::lifecycle_event_routes(*registration_front_));
  api_->add(http::migration_intent_routes(*registration_front_));
  api_->add(http::import_token_routes(*import_tokens_));
  api_->add(http::identity_routes(*authority_));
  api_->add(http::iam_routes(*authority_));
  api_->add(http::permission_routes());
  api_->add(http::instance_routes(*instances_));
  api_->add(http::instance_policy_routes(*instances_));
  api_->add(http::tke_routes(*frame_front_));
  api_->add(http::proposal_routes(*frame_front_, *proposals_));
  api_->add(http::transcript_routes(*frame_front_));
  api_->add(http::rotation_routes(*instances_, *rotations_));
  api_->add(http::transfer_routes(*transfer_front_));
  api_->add(http::governance_routes(*key_front_, *instances_));
  api_->add(http::audit_routes(around_.log, around_.audit_public_key));
  api_->add(http::audit_reading_routes(
      {around_.log, around_.config.audit_path(), around_.audit_public_key, around_.clock}));
  api_->add(http::migration_report_routes(around_.log, around_.audit_public_key));
  api_->add(http::unit_routes(around_.slow_unit));
  api_->add(http::store_routes(*database_));
  api_->add(http::document_routes());
  add_console_routes();
  const auto live_keys = [this](const InstanceId& id) { return directory_->live_keys(id); };
  api_->add(http::metrics_routes({*api_, *instances_, live_keys, around_.clock.now()}));
  api_->add(http::health_routes(
      {{"unit", around_.unit_health},
       {"store", [this] { return database_->health(); }},
       {"audit", [this] { return around_.log.health(); }},
       {"master_key_rotation", [this] { return rotations_->health(); }, false},
       {"records", [this] { return records_in_use(database_->found_at_start()); }, false}}));
}

}  // namespace keyhaven::server
