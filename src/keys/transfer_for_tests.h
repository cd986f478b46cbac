// Two deployments with one initialised instance each, between which a test transfers keys: real
// units, real quorums, stores in memory.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "keys/key_service.h"
#include "keys/key_use.h"
#include "keys/memory_key_store.h"
#include "keys/registrations.h"
#include "keys/surroundings_for_tests.h"
#include "keys/transfer_export.h"
#include "keys/transfer_import.h"
#include "unit/ceremony_for_tests.h"
#include "unit/table_transfer.h"

namespace keyhaven::keys {

class NoFenceForTransfer final : public Fence {
 public:
  Result<void> fence(const std::vector<unit::KeyBlob>&) override { return {}; }
};

// What a unit answers, until a test changes it.
class EditedTransfer final : public unit::KeyTransfer {
 public:
  explicit EditedTransfer(unit::KeyTransfer& real) : real_(real) {}
  Result<unit::TransferStatus> transfers(const InstanceId& instance) override {
    return real_.transfers(instance);
  }
  Result<unit::TransferChunk> export_chunk(const InstanceId& instance, const Uuid& transfer,
                                           std::uint32_t index,
                                           const std::vector<unit::TransferKey>& keys) override {
    return real_.export_chunk(instance, transfer, index, keys);
  }
  Result<Bytes> sign_manifest(const InstanceId& instance, const Uuid& transfer, std::uint32_t keys,
                              const std::vector<unit::ChunkProof>& chunks) override {
    return real_.sign_manifest(instance, transfer, keys, chunks);
  }
  Result<std::vector<unit::TransferKey>> import_chunk(const InstanceId& instance, ByteView manifest,
                                                      std::uint32_t index,
                                                      ByteView chunk) override {
    auto keys = KH_TRY(real_.import_chunk(instance, manifest, index, chunk));
    if (edit) edit(keys);
    return keys;
  }
  Result<void> close_transfer(const InstanceId& instance, const Uuid& transfer) override {
    return real_.close_transfer(instance, transfer);
  }
  std::function<void(std::vector<unit::TransferKey>&)> edit;

 private:
  unit::KeyTransfer& real_;
};

// A store that refuses each change that holds a given key.
class PickyStore final : public KeyStore {
 public:
  explicit PickyStore(KeyStore& real) : real_(real) {}
  Result<void> load_keys(const std::function<void(KeyRecord)>& sink) override {
    return real_.load_keys(sink);
  }
  Result<void> load_rings(const std::function<void(KeyRing)>& sink) override {
    return real_.load_rings(sink);
  }
  Result<void> load_registrations(const std::function<void(Registration)>& sink) override {
    return real_.load_registrations(sink);
  }
  Result<void> load_events(const std::function<void(LifecycleEvent)>& sink) override {
    return real_.load_events(sink);
  }
  Result<std::vector<std::uint64_t>> commit(const KeyChange& change,
                                            const audit::Event& event) override {
    for (const KeyRecord& key : change.put) {
      if (refused.contains(key.id)) return Error{why, "refused by the test", ""};
    }
    return real_.commit(change, event);
  }
  std::set<KeyId> refused;
  Reason why = Reason::AliasNotUnique;

 private:
  KeyStore& real_;
};

// One deployment with the server's side of its one instance.
struct TransferSide {
  // A server that starts: everything in memory anew, from the store.
  struct Server {
    Server(TransferSide& side, KeyStore& stored)
        : changes(stored, directory, KeyTimes()),
          registrations(changes, side.settings, side.clock),
          service({changes, side.soft_unit, side.no_import, registrations, side.gate, side.fence,
                   side.settings, side.clock}),
          exporter({changes, registrations, side.transfer, side.gate, side.clock}),
          importer({changes, registrations, side.transfer, side.gate, side.settings, side.clock}) {
      KH_ASSERT(registrations.load().has_value());
      KH_ASSERT(service.load().has_value());
    }
    Directory directory;
    KeyChanges changes;
    Registrations registrations;
    KeyService service;
    TransferExport exporter;
    TransferImport importer;
  };

  TransferSide(unit::TestDeployment& made, const InstanceId& id, ManualClock& time)
      : deployment(made), instance(id), clock(time) {
    restart();
  }
  void restart() {
    server.reset();
    server = std::make_unique<Server>(*this, picky);
  }
  Directory& directory() { return server->directory; }
  KeyRecordPtr find(const KeyId& id) { return server->directory.find(instance, id); }
  static Change a_change(std::string actor = "iam-ServiceId-1") {
    Change out;
    out.actor = std::move(actor);
    out.event.action = "test";
    return out;
  }
  Result<KeyRecordPtr> make(CreateRequest request) {
    request.instance = instance;
    request.id = KeyId{crypto::random_uuid()};
    if (request.name.empty()) request.name = "payroll";
    Change change = a_change();
    return server->service.create(std::move(request), change);
  }
  KeyRecordPtr root_key(std::vector<std::string> aliases = {}) {
    CreateRequest request;
    request.kind = KeyKind::RootKey;
    request.aliases = std::move(aliases);
    return make(std::move(request)).value();
  }
  KeyRecordPtr standard_key(SecretBytes payload = {}) {
    CreateRequest request;
    request.kind = KeyKind::StandardKey;
    request.material.clear = std::move(payload);
    return make(std::move(request)).value();
  }
  Bytes wrap(const KeyRecordPtr& key, const SecretBytes& dek) {
    const VersionRef with = decide_wrap(find(key->id), clock.now()).value();
    return soft_unit.wrap(with.binding(), with.blob(), dek, {}).value().wrapped_dek;
  }
  SecretBytes unwrap(const KeyRecordPtr& key, const Bytes& wrapped) {
    const UnwrapPlan plan = decide_unwrap(find(key->id), wrapped, clock.now()).value();
    return std::move(
        soft_unit.unwrap(plan.with.binding(), plan.with.blob(), wrapped, {}, nullptr).value().dek);
  }
  tke::UnitSession session() {
    return deployment.session(instance, deployment.table().list_units(instance).value()[0]);
  }

  unit::TestDeployment& deployment;
  const InstanceId instance;
  ManualClock& clock;
  unit::SoftUnit soft_unit{deployment.table(), clock};
  unit::TableTransfer table_transfer{deployment.table(), clock};
  EditedTransfer transfer{table_transfer};
  MemoryKeyStore store;
  PickyStore picky{store};
  NoImportToken no_import;
  TestGate gate;
  NoFenceForTransfer fence;
  FixedRules settings;
  std::unique_ptr<Server> server;
};

// What a tool carries from one side to the other.
struct TransferBundle {
  std::vector<ExportedChunk> parts;  // as the source answered
  std::vector<Bytes> chunks;
  Bytes manifest;
  std::uint32_t keys = 0;
};

class TransferWorld {
 protected:
  // Two deployments, made once: the ceremonies take a moment.
  struct Pair {
    Pair() {
      for (auto* side : {&source, &target}) {
        const std::uint8_t number = side == &source ? 1 : 2;
        const InstanceId instance = unit::test_instance(number);
        const auto units = side->initialise(instance, administrators, unit::random_parts(), 1);
        auto session = side->session(instance, units[0]);
        for (const unsigned point : {tke::kControlPointTransferOut, tke::kControlPointTransferIn})
          session.enable_control_points(tke::control_point_mask(point), administrators.all())
              .value();
      }
    }
    unit::Administrators administrators{2};
    unit::TestDeployment source;
    unit::TestDeployment target;
  };
  static Pair& pair() {
    static auto* made = new Pair;  // lives as long as the process
    return *made;
  }

  // Offer and authorization by both quorums.
  void open_transfer() {
    const Timestamp expires = clock.now().plus_seconds(86400);
    const auto root = [](unit::TestDeployment& of) {
      return crypto::P521PublicKey::from_spki(of.table().attestation_root()).value();
    };
    tke::OfferInput offer{root(pair().source), source.instance, target.instance, expires};
    const auto signers = pair().administrators.all();
    const Bytes encoded = target.session().offer_transfer(offer, signers).value();
    transfer = tke::verify_offer(encoded, pair().target.root())->content.id;
    tke::AuthorizeInput authorize{root(pair().target), source.instance, expires, encoded};
    source.session().authorize_transfer(authorize, signers).value();
  }
  Result<ExportedChunk> export_chunk(std::uint32_t index, const KeyId& after = {}) {
    return source.server->exporter.export_chunk({source.instance, transfer, index, after});
  }
  TransferBundle export_all() {
    TransferBundle out;
    KeyId after;
    for (bool more = true; more;) {
      const auto index = static_cast<std::uint32_t>(out.chunks.size());
      ExportedChunk part = export_chunk(index, after).value();
      if (part.chunk) out.chunks.push_back(part.chunk->bytes);
      out.keys += static_cast<std::uint32_t>(part.keys.size());
      more = part.next.has_value();
      if (more) after = *part.next;
      out.parts.push_back(std::move(part));
    }
    return out;
  }
  void sign_and_consent(TransferBundle& bundle) {
    std::vector<unit::ChunkProof> proofs;
    for (const ExportedChunk& part : bundle.parts) {
      if (part.chunk) proofs.push_back({crypto::sha256(part.chunk->bytes), part.chunk->tag});
    }
    bundle.manifest =
        source.transfer.sign_manifest(source.instance, transfer, bundle.keys, proofs).value();
    tke::ConsentInput consent{transfer, crypto::sha256(bundle.manifest), bundle.keys};
    target.session().consent_transfer(consent, pair().administrators.all()).value();
  }
  // Everything up to the import.
  TransferBundle bring() {
    open_transfer();
    TransferBundle bundle = export_all();
    sign_and_consent(bundle);
    return bundle;
  }
  Result<std::vector<TransferredKey>> import_chunk(const TransferBundle& bundle, std::size_t index,
                                                   Change& change) {
    return target.server->importer.import_chunk(
        {target.instance, transfer, bundle.manifest, static_cast<std::uint32_t>(index),
         bundle.chunks[index]},
        change);
  }
  // "imported", "present" or the reason of the refusal, for each key of all chunks.
  std::vector<std::string> import_all(const TransferBundle& bundle) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < bundle.chunks.size(); ++i) {
      Change change = TransferSide::a_change("iam-ServiceId-admin");
      const auto keys = import_chunk(bundle, i, change);
      EXPECT_TRUE(keys) << keys.error().message;
      for (const TransferredKey& key : *keys) {
        out.emplace_back(key.refusal ? name_of(key.refusal->reason) : name_of(key.outcome));
      }
    }
    return out;
  }

  ManualClock clock{Timestamp::from_seconds(1'767'323'045)};
  TransferSide source{pair().source, unit::test_instance(1), clock};
  TransferSide target{pair().target, unit::test_instance(2), clock};
  Uuid transfer;
};

class TransferFixture : public testing::Test, protected TransferWorld {};

using Outcomes = std::vector<std::string>;

}  // namespace keyhaven::keys
