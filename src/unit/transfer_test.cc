// Transfers of keys between two whole deployments: real tables, real sessions, real documents.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tke/transfer.h"
#include "unit/ceremony_for_tests.h"
#include "unit/key_blob.h"
#include "unit/table_state.h"
#include "unit/table_transfer.h"
#include "unit/transfer_seal.h"

namespace keyhaven::unit {
namespace {

constexpr std::int64_t kValid = 3600;

// A deployment with one serving instance and its quorum of two.
struct Side {
  explicit Side(std::uint8_t number) : instance(test_instance(number)) {
    units = deployment.initialise(instance, administrators, random_parts());
  }
  tke::UnitSession session(std::size_t which = 0) {
    return deployment.session(instance, units[which]);
  }
  TableTransfer transfer() { return {deployment.table(), deployment.clock()}; }
  Timestamp later(std::int64_t seconds = kValid) {
    return deployment.clock().now().plus_seconds(seconds);
  }
  Result<void> allow(unsigned point, const tke::Signers& signers) {
    auto with = session();
    return with.enable_control_points(tke::control_point_mask(point), signers);
  }
  tke::OfferInput offer_input(Side& source) {
    return {source.deployment.root().key, source.instance, instance, later()};
  }

  InstanceId instance;
  TestDeployment deployment;
  Administrators administrators{2};
  std::vector<UnitStatus> units;
};

struct Key {
  TransferKey on_the_way;
  KeyBinding newest;
  KeyBlob blob;  // of the newest version
};

class TransferTest : public testing::Test {
 protected:
  TransferTest() {
    source_.allow(tke::kControlPointTransferOut, source_.administrators.all()).value();
    target_.allow(tke::kControlPointTransferIn, target_.administrators.all()).value();
  }
  Bytes offered() {
    auto with = target_.session();
    return with.offer_transfer(target_.offer_input(source_), target_.administrators.all()).value();
  }
  tke::AuthorizeInput authorize_input(const Bytes& offer) {
    return {target_.deployment.root().key, source_.instance, source_.later(), offer};
  }
  Uuid open(const Bytes& offer) {
    auto with = source_.session();
    with.authorize_transfer(authorize_input(offer), source_.administrators.all()).value();
    return tke::verify_offer(offer, target_.deployment.root()).value().content.id;
  }
  Uuid open() { return open(offered()); }

  Key root_key(std::uint8_t number, std::size_t versions) {
    auto unit = source_.deployment.make_unit();
    Key out;
    out.on_the_way.purpose = BlobPurpose::RootKey;
    out.on_the_way.record = to_bytes(as_bytes("record of key " + std::to_string(number)));
    for (std::size_t i = 0; i < versions; ++i) {
      out.newest = test_binding(source_.instance, number, static_cast<std::uint8_t>(i + 1));
      out.on_the_way.key = out.newest.key;
      auto made = unit.generate_root_key(out.newest).value();
      out.blob = made.blob;
      out.on_the_way.versions.push_back({out.newest.version, made.blob, made.commitment, 256});
    }
    return out;
  }
  Key standard_key(std::uint8_t number, std::size_t size) {
    auto unit = source_.deployment.make_unit();
    Key out;
    out.newest = test_binding(source_.instance, number, number);
    out.blob = unit.create_standard_key(out.newest, crypto::random_secret(size)).value();
    out.on_the_way = {BlobPurpose::StandardKey,
                      out.newest.key,
                      to_bytes(as_bytes("standard")),
                      {{out.newest.version, out.blob, {}, 0}}};
    return out;
  }
  TransferChunk chunk_of(const Uuid& id, std::uint32_t index, const std::vector<Key>& keys) {
    std::vector<TransferKey> list;
    for (const Key& key : keys) list.push_back(key.on_the_way);
    auto transfer = source_.transfer();
    return transfer.export_chunk(source_.instance, id, index, list).value();
  }
  static ChunkProof proof_of(const TransferChunk& chunk) {
    return {crypto::sha256(chunk.bytes), chunk.tag};
  }
  Bytes manifest_of(const Uuid& id, const std::vector<TransferChunk>& chunks,
                    std::uint32_t keys = 1) {
    std::vector<ChunkProof> proofs;
    for (const TransferChunk& chunk : chunks) proofs.push_back(proof_of(chunk));
    auto transfer = source_.transfer();
    return transfer.sign_manifest(source_.instance, id, keys, proofs).value();
  }
  Result<void> consent(const Uuid& id, const Bytes& manifest) {
    auto with = target_.session();
    auto done =
        with.consent_transfer({id, crypto::sha256(manifest), 1}, target_.administrators.all());
    last_ = with.last_status();
    return done;
  }
  Result<std::vector<TransferKey>> import(const Bytes& manifest, std::uint32_t index,
                                          const TransferChunk& chunk) {
    auto transfer = target_.transfer();
    return transfer.import_chunk(target_.instance, manifest, index, chunk.bytes);
  }
  // What the source wrapped under a version opens in the target under the same ids.
  void expect_same_key(const KeyBinding& binding, const KeyBlob& from, const KeyBlob& to) {
    auto source = source_.deployment.make_unit();
    auto target = target_.deployment.make_unit();
    const SecretBytes dek = crypto::random_secret(32);
    const Bytes wrapped = source.wrap(binding, from, dek, {"a"}).value().wrapped_dek;
    KeyBinding there = binding;
    there.instance = target_.instance;
    EXPECT_TRUE(target.unwrap(there, to, wrapped, {"a"}, nullptr).value().dek == dek);
  }

  Side source_{1};
  Side target_{2};
  tke::Status last_;
};

TEST_F(TransferTest, EveryVersionArrivesUnderItsIdsAndOpensWhatWasWrappedBefore) {
  const Uuid id = open();
  const std::vector<Key> keys = {root_key(10, 3), root_key(11, 1), standard_key(12, 1),
                                 standard_key(13, kMaxStandardPayloadBytes)};
  const TransferChunk first = chunk_of(id, 0, {keys[0], keys[1]});
  const TransferChunk second = chunk_of(id, 1, {keys[2], keys[3]});
  const Bytes manifest = manifest_of(id, {first, second}, 4);
  ASSERT_TRUE(consent(id, manifest));
  std::vector<TransferKey> arrived;
  for (const auto& [index, chunk] : {std::pair{0U, first}, std::pair{1U, second}}) {
    auto part = import(manifest, index, chunk);
    ASSERT_TRUE(part) << part.error().message;
    for (TransferKey& key : *part) arrived.push_back(std::move(key));
  }
  ASSERT_EQ(arrived.size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const TransferKey& sent = keys[i].on_the_way;
    EXPECT_EQ(arrived[i].key, sent.key);
    EXPECT_EQ(arrived[i].purpose, sent.purpose);
    EXPECT_EQ(arrived[i].record, sent.record);
    ASSERT_EQ(arrived[i].versions.size(), sent.versions.size());
    for (std::size_t v = 0; v < sent.versions.size(); ++v) {
      EXPECT_EQ(arrived[i].versions[v].id, sent.versions[v].id);
      const KeyBinding binding{source_.instance, sent.key, sent.versions[v].id};
      if (sent.purpose == BlobPurpose::RootKey) {
        EXPECT_EQ(arrived[i].versions[v].commitment, sent.versions[v].commitment);
        EXPECT_EQ(arrived[i].versions[v].bits, 256);
        expect_same_key(binding, sent.versions[v].blob, arrived[i].versions[v].blob);
        continue;
      }
      auto from = source_.deployment.make_unit();
      auto to = target_.deployment.make_unit();
      KeyBinding there = binding;
      there.instance = target_.instance;
      EXPECT_TRUE(from.open_standard_key(binding, sent.versions[v].blob).value() ==
                  to.open_standard_key(there, arrived[i].versions[v].blob).value());
    }
  }
}

TEST_F(TransferTest, ChunksHoldNoMaterial) {
  const Uuid id = open();
  auto unit = source_.deployment.make_unit();
  Key key;
  key.newest = test_binding(source_.instance, 10, 10);
  const SecretBytes material = crypto::random_secret(32);
  const auto made = unit.import_root_key(key.newest, material).value();
  key.on_the_way = {
      BlobPurpose::RootKey, key.newest.key, {}, {{key.newest.version, made.blob, {}, 0}}};
  const Bytes bytes = chunk_of(id, 0, {key}).bytes;
  EXPECT_EQ(std::search(bytes.begin(), bytes.end(), material.expose().begin(),
                        material.expose().begin() + 8),
            bytes.end());
  EXPECT_LE(bytes.size(), kTransferChunkOverhead + transfer_size(key.on_the_way));
}

TEST_F(TransferTest, BothSidesGoOnAfterARestart) {
  const Uuid id = open();
  const TransferChunk chunk = chunk_of(id, 0, {root_key(10, 2)});
  MemorySink sink;
  const auto source =
      DomainTable::restore(source_.deployment.table().serialize(), sink, *backend_for_tests())
          .value();
  TableTransfer after(*source, source_.deployment.clock());
  const Bytes manifest = after.sign_manifest(source_.instance, id, 1, {proof_of(chunk)}).value();
  ASSERT_TRUE(consent(id, manifest));
  const auto target =
      DomainTable::restore(target_.deployment.table().serialize(), sink, *backend_for_tests())
          .value();
  TableTransfer taking(*target, target_.deployment.clock());
  EXPECT_TRUE(taking.import_chunk(target_.instance, manifest, 0, chunk.bytes));
}

TEST_F(TransferTest, NothingGoesWhileAControlPointIsOff) {
  const Uuid id = open();
  const Key key = root_key(10, 1);
  const TransferChunk chunk = chunk_of(id, 0, {key});
  const Bytes manifest = manifest_of(id, {chunk});
  ASSERT_TRUE(consent(id, manifest));
  auto at_target = target_.session();
  at_target
      .disable_control_points(tke::control_point_mask(tke::kControlPointTransferIn),
                              target_.administrators.all())
      .value();
  EXPECT_EQ(import(manifest, 0, chunk).error().reason, Reason::TransferNotAllowed);
  EXPECT_FALSE(
      at_target.offer_transfer(target_.offer_input(source_), target_.administrators.all()));
  EXPECT_EQ(at_target.last_status().reason_code, tke::kTransferSwitchedOff);
  EXPECT_FALSE(consent(id, manifest));
  EXPECT_EQ(last_.reason_code, tke::kTransferSwitchedOff);
  auto at_source = source_.session();
  at_source
      .disable_control_points(tke::control_point_mask(tke::kControlPointTransferOut),
                              source_.administrators.all())
      .value();
  auto transfer = source_.transfer();
  EXPECT_EQ(transfer.export_chunk(source_.instance, id, 1, {key.on_the_way}).error().reason,
            Reason::TransferNotAllowed);
  EXPECT_EQ(transfer.sign_manifest(source_.instance, id, 1, {proof_of(chunk)}).error().reason,
            Reason::TransferNotAllowed);
}

// One administrator may be allowed to change other control points alone, these never.
TEST(TransferControlPointTest, SwitchingOnTakesTheQuorumSwitchingOffNeedNot) {
  Side side(1);
  auto with = side.session();
  auto attributes = with.attributes().value();
  attributes.permissions |= tke::permission::kControlPointsWithOne;
  with.set_attributes(attributes, side.administrators.all()).value();
  const tke::Signers one = side.administrators.some({0});
  EXPECT_TRUE(with.enable_control_points(tke::control_point_mask(tke::kControlPointBitcoin), one));
  for (const unsigned point : {tke::kControlPointTransferOut, tke::kControlPointTransferIn}) {
    const tke::ControlPoints mask = tke::control_point_mask(point);
    EXPECT_FALSE(with.enable_control_points(mask, one));
    EXPECT_EQ(with.last_status().reason_code, tke::kTooFewSignatures);
    tke::ControlPoints all = with.control_points().value();
    for (std::size_t i = 0; i < all.size(); ++i) all[i] |= mask[i];
    EXPECT_FALSE(with.set_control_points(all, one));
    EXPECT_TRUE(with.enable_control_points(mask, side.administrators.all()));
    EXPECT_TRUE(with.disable_control_points(mask, one));
  }
}

TEST_F(TransferTest, EachStepTakesTheQuorum) {
  const Bytes offer = offered();
  auto at_source = source_.session();
  EXPECT_FALSE(
      at_source.authorize_transfer(authorize_input(offer), source_.administrators.some({0})));
  EXPECT_EQ(at_source.last_status().reason_code, tke::kTooFewSignatures);
  EXPECT_FALSE(at_source.authorize_transfer(authorize_input(offer), target_.administrators.all()));
  EXPECT_EQ(at_source.last_status().return_code, tke::kUnauthorisedSigner);
  auto at_target = target_.session();
  const tke::Signers one = target_.administrators.some({1});
  EXPECT_FALSE(at_target.offer_transfer(target_.offer_input(source_), one));
  const Uuid id = open(offer);
  const Bytes manifest = manifest_of(id, {chunk_of(id, 0, {root_key(10, 1)})});
  EXPECT_FALSE(at_target.consent_transfer({id, crypto::sha256(manifest), 1}, one));
  EXPECT_EQ(at_target.last_status().reason_code, tke::kTooFewSignatures);
}

// The target of an attacker: real units under a root of his own.
TEST_F(TransferTest, AFakedTargetGetsNothing) {
  Side faked(2);  // the same instance id
  faked.allow(tke::kControlPointTransferIn, faked.administrators.all()).value();
  auto with = faked.session();
  const Bytes offer =
      with.offer_transfer(faked.offer_input(source_), faked.administrators.all()).value();
  auto at_source = source_.session();
  EXPECT_FALSE(at_source.authorize_transfer(authorize_input(offer), source_.administrators.all()));
  EXPECT_EQ(at_source.last_status().reason_code, tke::kTransferOtherDeployment);
  EXPECT_TRUE(source_.transfer().transfers(source_.instance).value().outgoing.empty());
}

TEST_F(TransferTest, AnOfferIsForOneSourceOnly) {
  Side other(1);  // the same instance id, under another root
  auto with = target_.session();
  const Bytes offer =
      with.offer_transfer(target_.offer_input(other), target_.administrators.all()).value();
  auto at_source = source_.session();
  EXPECT_FALSE(at_source.authorize_transfer(authorize_input(offer), source_.administrators.all()));
  EXPECT_EQ(at_source.last_status().reason_code, tke::kTransferOtherDeployment);

  tke::OfferInput third = target_.offer_input(source_);
  third.source = test_instance(3);
  const Bytes for_third = with.offer_transfer(third, target_.administrators.all()).value();
  EXPECT_FALSE(
      at_source.authorize_transfer(authorize_input(for_third), source_.administrators.all()));
  EXPECT_EQ(at_source.last_status().reason_code, tke::kTransferOtherInstance);
  third = target_.offer_input(source_);
  third.target = test_instance(3);
  EXPECT_FALSE(with.offer_transfer(third, target_.administrators.all()));
  EXPECT_EQ(with.last_status().reason_code, tke::kTransferOtherInstance);
}

TEST_F(TransferTest, EveryAlteredByteOfAnOfferIsRefused) {
  const Bytes offer = offered();
  const auto root = target_.deployment.root();
  ASSERT_TRUE(tke::verify_offer(offer, root));
  for (std::size_t i = 0; i < offer.size(); ++i) {
    Bytes changed = offer;
    changed[i] ^= 1;
    EXPECT_FALSE(tke::verify_offer(changed, root)) << i;
  }
  for (std::size_t size = 0; size < offer.size(); ++size)
    EXPECT_FALSE(tke::verify_offer(ByteView(offer).first(size), root)) << size;
}

TEST_F(TransferTest, AnAlteredBundleIsRefused) {
  const Uuid id = open();
  const TransferChunk chunk = chunk_of(id, 0, {root_key(10, 1), root_key(11, 1)});
  const TransferChunk next = chunk_of(id, 1, {root_key(12, 1)});
  const Bytes manifest = manifest_of(id, {chunk, next}, 3);
  ASSERT_TRUE(consent(id, manifest));
  for (std::size_t i = 0; i < chunk.bytes.size(); i += 7) {
    TransferChunk changed = chunk;
    changed.bytes[i] ^= 1;
    EXPECT_EQ(import(manifest, 0, changed).error().reason, Reason::Forbidden) << i;
  }
  EXPECT_EQ(import(manifest, 1, chunk).error().reason, Reason::Forbidden);  // another place
  EXPECT_EQ(import(manifest, 2, chunk).error().reason, Reason::Forbidden);
  for (std::size_t i = 0; i < manifest.size(); i += 11) {
    Bytes changed = manifest;
    changed[i] ^= 1;
    EXPECT_FALSE(import(changed, 0, chunk)) << i;
  }
  EXPECT_TRUE(import(manifest, 0, chunk));
}

// Who holds the bundle, and even the source's module key, has no way to put a key of his own in:
// what is sealed takes the key that only the two units have.
TEST_F(TransferTest, AnImplantedKeyIsRefused) {
  const Uuid id = open();
  const Key good = root_key(10, 1);
  const TransferChunk chunk = chunk_of(id, 0, {good});
  const std::vector<UnitOfTable> units = source_.deployment.table().units(source_.instance);
  const UnitOfTable& unit = units[0];
  std::vector<TravellingKey> keys = decode_transfer_chunk(chunk.bytes, id, 0).value();
  TransferCipher guessed(SecretBytes(32), unit.domain.outgoing->offer);
  TravellingKey implanted = keys[0];
  implanted.key.uuid.bytes.fill(0x66);
  implanted.versions[0].sealed = guessed.seal(implanted, implanted.versions[0].id, Bytes(32, 0x66));
  TravellingKey renamed = keys[0];
  renamed.key.uuid.bytes.fill(0x67);
  TravellingKey relabelled = keys[0];
  relabelled.record.push_back('!');
  TravellingKey standard = keys[0];
  standard.purpose = BlobPurpose::StandardKey;
  std::uint32_t number = 0;
  for (const TravellingKey& each : {implanted, renamed, relabelled, standard}) {
    const Bytes bytes = encode_transfer_chunk(id, 0, {each});
    tke::TransferManifest manifest;
    manifest.offer = unit.domain.outgoing->offer;
    manifest.id = id;
    manifest.source = source_.instance;
    manifest.target = target_.instance;
    manifest.ephemeral = unit.domain.outgoing->ephemeral;
    manifest.keys = ++number;
    manifest.chunks = {crypto::sha256(bytes)};
    const Bytes forged = tke::encode_signed(manifest, unit.module.certificate, unit.module.key);
    // A new offer's state each time: consent binds for good.
    const SecretBytes state = target_.deployment.table().serialize();
    MemorySink sink;
    const auto table = DomainTable::restore(state, sink, *backend_for_tests()).value();
    const auto transport = [&](const std::string& request) {
      return table->administer(target_.instance, target_.units[0].id, request);
    };
    auto with = tke::UnitSession::open(transport, TestDeployment::target(target_.units[0]),
                                       target_.deployment.root())
                    .value();
    with.consent_transfer({id, crypto::sha256(forged), number}, target_.administrators.all())
        .value();
    TableTransfer taking(*table, target_.deployment.clock());
    EXPECT_EQ(taking.import_chunk(target_.instance, forged, 0, bytes).error().reason,
              Reason::DecryptFailed);
  }
}

TEST_F(TransferTest, AManifestOfAnotherDeploymentIsRefusedEvenWithConsent) {
  const Uuid id = open();
  const TransferChunk chunk = chunk_of(id, 0, {root_key(10, 1)});
  const Bytes honest = manifest_of(id, {chunk});
  const auto content = tke::verify_manifest(honest, source_.deployment.root()).value().content;
  Side faked(1);
  const std::vector<UnitOfTable> units = faked.deployment.table().units(faked.instance);
  const UnitOfTable& unit = units[0];
  const Bytes forged = tke::encode_signed(content, unit.module.certificate, unit.module.key);
  ASSERT_TRUE(consent(id, forged));
  EXPECT_EQ(import(forged, 0, chunk).error().reason, Reason::Forbidden);
}

TEST_F(TransferTest, OnlyChunksThatTheUnitMadeAreSigned) {
  const Uuid id = open();
  const TransferChunk first = chunk_of(id, 0, {root_key(10, 1)});
  const TransferChunk second = chunk_of(id, 1, {root_key(11, 1)});
  auto transfer = source_.transfer();
  const auto refused = [&](const std::vector<ChunkProof>& proofs) {
    EXPECT_EQ(transfer.sign_manifest(source_.instance, id, 2, proofs).error().reason,
              Reason::Forbidden);
  };
  refused({proof_of(second), proof_of(first)});
  ChunkProof changed = proof_of(first);
  changed.digest[0] ^= 1;
  refused({changed});
  changed = proof_of(first);
  changed.tag[31] ^= 1;
  refused({changed, proof_of(second)});
  EXPECT_EQ(transfer.sign_manifest(source_.instance, id, 0, {}).error().reason,
            Reason::InvalidArgument);
}

TEST_F(TransferTest, AnImportKeyIsForOneBundleAndOnce) {
  const Bytes offer = offered();
  const Uuid id = open(offer);
  const TransferChunk chunk = chunk_of(id, 0, {root_key(10, 1)});
  const Bytes manifest = manifest_of(id, {chunk});
  ASSERT_TRUE(consent(id, manifest));
  ASSERT_TRUE(consent(id, manifest));  // said again
  const TransferChunk another = chunk_of(id, 0, {root_key(11, 1)});
  const Bytes second = manifest_of(id, {another});
  EXPECT_FALSE(consent(id, second));
  EXPECT_EQ(last_.reason_code, tke::kTransferBound);
  EXPECT_FALSE(import(second, 0, another));
  ASSERT_TRUE(import(manifest, 0, chunk));

  auto transfer = target_.transfer();
  ASSERT_TRUE(transfer.close_transfer(target_.instance, id));
  ASSERT_TRUE(transfer.close_transfer(target_.instance, id));
  EXPECT_EQ(import(manifest, 0, chunk).error().reason, Reason::TransferNotAllowed);
  EXPECT_FALSE(consent(id, manifest));
  EXPECT_EQ(last_.reason_code, tke::kTransferNotOpen);
  // Nor does the old bundle open under a later offer.
  const Bytes later = offered();
  const Uuid later_id = tke::verify_offer(later, target_.deployment.root()).value().content.id;
  ASSERT_TRUE(consent(later_id, manifest));
  EXPECT_EQ(import(manifest, 0, chunk).error().reason, Reason::Forbidden);
}

TEST_F(TransferTest, WhatIsClosedAtTheSourceSealsNothingMore) {
  const Uuid id = open();
  const Key key = root_key(10, 1);
  auto transfer = source_.transfer();
  ASSERT_TRUE(transfer.close_transfer(source_.instance, Uuid{}));
  ASSERT_TRUE(transfer.export_chunk(source_.instance, id, 0, {key.on_the_way}));
  {
    const MemorySink::Refusing refusing(source_.deployment.sink());
    EXPECT_FALSE(transfer.close_transfer(source_.instance, id));
  }
  ASSERT_TRUE(transfer.export_chunk(source_.instance, id, 0, {key.on_the_way}));
  ASSERT_TRUE(transfer.close_transfer(source_.instance, id));
  EXPECT_EQ(transfer.export_chunk(source_.instance, id, 0, {key.on_the_way}).error().reason,
            Reason::TransferNotAllowed);
  EXPECT_TRUE(transfer.transfers(source_.instance).value().outgoing.empty());
}

TEST_F(TransferTest, TimeEndsBothSides) {
  const Uuid id = open();
  const Key key = root_key(10, 1);
  const TransferChunk chunk = chunk_of(id, 0, {key});
  const Bytes manifest = manifest_of(id, {chunk});
  ASSERT_TRUE(consent(id, manifest));
  for (Side* side : {&source_, &target_}) side->deployment.clock().advance_seconds(kValid);
  auto transfer = source_.transfer();
  EXPECT_EQ(transfer.export_chunk(source_.instance, id, 0, {key.on_the_way}).error().reason,
            Reason::TransferNotAllowed);
  EXPECT_EQ(import(manifest, 0, chunk).error().reason, Reason::TransferNotAllowed);

  auto with = target_.session();
  tke::OfferInput forever = target_.offer_input(source_);
  forever.expires = target_.later(tke::kMaxTransferSeconds + 60);
  const Bytes offer = with.offer_transfer(forever, target_.administrators.all()).value();
  tke::AuthorizeInput input = authorize_input(offer);
  input.expires = forever.expires;
  auto at_source = source_.session();
  at_source.authorize_transfer(input, source_.administrators.all()).value();
  const Uuid long_id = tke::verify_offer(offer, target_.deployment.root()).value().content.id;
  EXPECT_EQ(transfer.export_chunk(source_.instance, long_id, 0, {key.on_the_way}).error().reason,
            Reason::TransferNotAllowed);
}

TEST_F(TransferTest, KeysOfOtherInstancesAndMovedBlobsAreNotSealed) {
  const Uuid id = open();
  Key key = root_key(10, 2);
  auto transfer = source_.transfer();
  std::swap(key.on_the_way.versions[0].blob, key.on_the_way.versions[1].blob);
  EXPECT_EQ(transfer.export_chunk(source_.instance, id, 0, {key.on_the_way}).error().reason,
            Reason::DecryptFailed);
  Key standard = standard_key(12, 8);
  standard.on_the_way.purpose = BlobPurpose::RootKey;
  EXPECT_EQ(transfer.export_chunk(source_.instance, id, 0, {standard.on_the_way}).error().reason,
            Reason::DecryptFailed);
  EXPECT_EQ(transfer.export_chunk(test_instance(9), id, 0, {key.on_the_way}).error().reason,
            Reason::TransferNotAllowed);
}

TEST_F(TransferTest, ChunksHaveLimits) {
  const Uuid id = open();
  const Key key = root_key(10, 1);
  auto transfer = source_.transfer();
  const auto reason = [&](const std::vector<TransferKey>& keys, std::uint32_t index = 0) {
    const auto made = transfer.export_chunk(source_.instance, id, index, keys);
    return made ? std::nullopt : std::optional(made.error().reason);
  };
  TransferKey none = key.on_the_way;
  none.versions.clear();
  TransferKey large = key.on_the_way;
  large.record.resize(kMaxTransferRecordBytes + 1);
  TransferKey other = key.on_the_way;
  other.purpose = BlobPurpose::ImportToken;
  EXPECT_EQ(reason({}), Reason::InvalidArgument);
  EXPECT_EQ(reason({none}), Reason::InvalidArgument);
  EXPECT_EQ(reason({large}), Reason::InvalidArgument);
  EXPECT_EQ(reason({other}), Reason::InvalidArgument);
  large.record.resize(kMaxTransferRecordBytes);
  EXPECT_EQ(reason({large}), std::nullopt);
  EXPECT_EQ(reason({large, large}), Reason::InvalidArgument);  // each alone would fit
  EXPECT_EQ(reason(std::vector<TransferKey>(kMaxTransferKeysPerChunk, key.on_the_way)),
            std::nullopt);
  EXPECT_EQ(reason(std::vector<TransferKey>(kMaxTransferKeysPerChunk + 1, key.on_the_way)),
            Reason::InvalidArgument);
  EXPECT_EQ(reason({key.on_the_way}, tke::kMaxTransferChunks), Reason::InvalidArgument);
  TransferKey many = key.on_the_way;
  many.versions.assign(kMaxTransferVersionsPerChunk + 1, many.versions[0]);
  EXPECT_EQ(reason({many}), Reason::InvalidArgument);
  many.versions.pop_back();
  EXPECT_EQ(reason({many}), std::nullopt);
}

TEST_F(TransferTest, DamagedChunksNeverBreakTheReader) {
  const Uuid id = open();
  const Bytes good = chunk_of(id, 0, {root_key(10, 2), standard_key(12, 40)}).bytes;
  ASSERT_TRUE(decode_transfer_chunk(good, id, 0));
  EXPECT_FALSE(decode_transfer_chunk(good, id, 1));
  EXPECT_FALSE(decode_transfer_chunk(good, Uuid{}, 0));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_transfer_chunk(ByteView(good).first(size), id, 0)) << size;
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes changed = good;
    changed[i] ^= 0xFF;
    const auto decoded = decode_transfer_chunk(changed, id, 0);
    if (decoded) {
      EXPECT_EQ(encode_transfer_chunk(id, 0, *decoded), changed);
    }
  }
}

TEST_F(TransferTest, ZeroizeForgetsTransfersAndARotationDoesNotStopThem) {
  const Uuid id = open();
  const Key key = root_key(10, 1);
  auto with = source_.session();
  const auto importer = with.generate_importer(source_.administrators.some({0})).value();
  const auto parts = random_parts();
  const auto pattern =
      with.import_key_parts(importer, {{&parts[0], source_.administrators.some({0})},
                                       {&parts[1], source_.administrators.some({1})}})
          .value();
  with.commit_pending(pattern, source_.administrators.all()).value();
  auto transfer = source_.transfer();
  EXPECT_TRUE(transfer.export_chunk(source_.instance, id, 0, {key.on_the_way}));
  with.zeroize(source_.administrators.all()).value();
  EXPECT_TRUE(transfer.transfers(source_.instance).value().outgoing.empty());
}

TEST_F(TransferTest, MalformedInputsAndUnitsThatDoNotServeAreRefused) {
  auto with = target_.session();
  const auto all = target_.administrators.all();
  const std::pair<std::uint32_t, Bytes> inputs[] = {
      {tke::kOfferTransfer, tke::encode(target_.offer_input(source_))},
      {tke::kConsentTransfer, tke::encode(tke::ConsentInput{})}};
  for (const auto& [command, input] : inputs) {
    for (std::size_t size = 0; size < input.size(); ++size) {
      EXPECT_FALSE(with.command(command, ByteView(input).first(size), all));
      EXPECT_EQ(with.last_status().reason_code, tke::kTransferInputFault) << size;
    }
    Bytes longer = input;
    longer.push_back(0);
    EXPECT_FALSE(with.command(command, longer, all));
  }
  with.clear_current(target_.administrators.some({0})).value();
  EXPECT_FALSE(with.offer_transfer(target_.offer_input(source_), all));
  EXPECT_EQ(with.last_status().reason_code, tke::kNotAServingUnit);
}

}  // namespace
}  // namespace keyhaven::unit
