// The service without its network and processes: store, identities, instances, keys and the API
// over them, built in order. Borrows what is around it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "audit/log.h"
#include "base/clock.h"
#include "http/api.h"
#include "http/identity_routes.h"
#include "http/instance_routes.h"
#include "http/key_front.h"
#include "http/oidc_routes.h"
#include "http/registration_front.h"
#include "http/tke_frames.h"
#include "http/transfer_routes.h"
#include "http/worker_pool.h"
#include "iam/authority.h"
#include "instances/instance_service.h"
#include "instances/proposals.h"
#include "instances/rotation_worker.h"
#include "keys/import_tokens.h"
#include "keys/key_service.h"
#include "keys/transfer_export.h"
#include "keys/transfer_import.h"
#include "server/config.h"
#include "server/stored_keys.h"
#include "store/database.h"
#include "unit/async_unit.h"
#include "unit/key_transfer.h"
#include "unit/record_guard.h"
#include "web/web_files.h"

namespace keyhaven::server {

// Where clients reach the service.
struct Endpoints {
  std::string public_url;
  std::string private_url = {};      // empty: the public one
  bool private_network = false;      // there is a private listener
  std::uint16_t private_port = 443;  // of the private URL, or of the public one without a listener
};

// What a core stands on; all of it must outlive the core.
struct Surroundings {
  const Config& config;
  const Clock& clock;
  audit::Log& log;
  unit::CryptoUnit& unit;               // for the worker pool
  unit::CryptoUnit& slow_unit;          // for the pool's calls that take seconds
  unit::RecordGuard& guard;             // of the stored records
  unit::KeyTransfer& transfer;          // of keys, from and to other deployments
  std::vector<unit::AsyncUnit*> units;  // one per loop
  keys::Fence& fence;
  unsigned loops;
  Endpoints endpoints;
  std::array<std::uint8_t, 32> audit_public_key;
  std::function<Result<void>()> unit_health;
  const web::WebFiles& web;            // of the console
  oidc::Provider* provider = nullptr;  // to log in to the console with; null: none
};

class Core {
 public:
  // Opens the store in the server's directory (whose lock the caller holds), loads everything and
  // makes the first administrator, whose API key goes to <server directory>/admin-api-key (0600).
  // Master key rotations that are under way go on at once.
  // Stored records that are not as the crypto unit sealed them last are not in use; everything else
  // is. Errors: those of the parts; InvalidArgument when the configured region is not the one of
  // the first start; RecordNotAuthentic when a setting that everything depends on is such a record.
  static Result<std::unique_ptr<Core>> open(Surroundings surroundings);
  ~Core();

  http::Api& api() noexcept { return *api_; }
  keys::KeyService& key_service() noexcept { return *key_service_; }
  const instances::RecordCheck& found_records() const noexcept {
    return database_->found_at_start();
  }
  // How many records were sealed as they were found, at the first start with this store or of this
  // version; nothing: the store was guarded already.
  std::optional<std::uint64_t> sealed_records() const noexcept {
    return database_->sealed_at_open();
  }
  // Runs what is queued on the worker pool to its end, and the batch of a rotation.
  void stop_workers();

 private:
  explicit Core(Surroundings surroundings);
  Result<void> open_store();
  Result<void> open_identities();
  Result<void> open_instances_and_keys();
  Result<void> finish_start();
  Result<void> make_administrator();
  instances::MasterKeyRotations::RecordSeals record_seals();
  Result<void> take_up_renewals();
  void build_api();
  void add_console_routes();

  // Settings of an instance that decide about its keys, as the key service asks for them.
  class Settings;
  // Whether keys of an instance may be sealed now.
  class Gate;

  Surroundings around_;
  std::string account_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<iam::Authority> authority_;
  std::unique_ptr<keys::Directory> directory_;
  std::unique_ptr<Settings> settings_;
  std::unique_ptr<instances::InstanceService> instances_;
  instances::UnitGate unit_gate_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<keys::ImportTokens> import_tokens_;
  std::unique_ptr<keys::KeyChanges> key_changes_;
  std::unique_ptr<keys::Registrations> registrations_;
  std::unique_ptr<keys::KeyService> key_service_;
  std::optional<keys::Resealer> resealer_;
  std::optional<StoredKeys> stored_keys_;
  std::optional<instances::MasterKeyRotations> rotations_;
  std::optional<instances::RotationWorker> rotation_worker_;
  std::optional<instances::Proposals> proposals_;
  std::optional<instances::Transcript> transcript_;
  std::optional<keys::TransferExport> transfer_export_;
  std::optional<keys::TransferImport> transfer_import_;
  std::unique_ptr<http::WorkerPool> workers_;
  std::unique_ptr<http::TokenAuthenticator> authenticator_;
  std::unique_ptr<http::ServiceInstances> instance_lookup_;
  std::optional<http::KeyFront> key_front_;
  std::optional<http::RegistrationFront> registration_front_;
  std::optional<http::FrameFront> frame_front_;
  std::optional<http::TransferFront> transfer_front_;
  std::optional<oidc::LoginStates> login_states_;
  std::optional<http::OidcFront> oidc_front_;
  std::unique_ptr<http::Api> api_;
};

}  // namespace keyhaven::server
