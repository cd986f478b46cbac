#include "unit/domain_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/file.h"
#include "tke/frame.h"
#include "unit/ceremony_for_tests.h"
#include "unit/table_state.h"

namespace keyhaven::unit {
namespace {

class DomainTableTest : public testing::Test {
 protected:
  DomainTable& table() { return deployment_.table(); }
  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  Administrators administrators_{2};
};

TEST_F(DomainTableTest, CreatingIsIdempotentForEqualArguments) {
  const auto first = table().create_units(instance_, "local", 2).value();
  const auto second = table().create_units(instance_, "local", 2).value();
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(first[1].id, second[1].id);
  EXPECT_EQ(table().create_units(instance_, "local", 3).error().reason, Reason::AlreadyExists);
  EXPECT_EQ(table().create_units(instance_, "other", 2).error().reason, Reason::AlreadyExists);
}

TEST_F(DomainTableTest, ArgumentsHaveLimits) {
  EXPECT_EQ(table().create_units(instance_, "local", 0).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(table().create_units(instance_, "local", 7).error().reason, Reason::InvalidArgument);
  for (const char* region : {"", "a.b", "a]b", "A", "a b"}) {
    EXPECT_EQ(table().create_units(instance_, region, 1).error().reason, Reason::InvalidArgument)
        << region;
  }
  EXPECT_EQ(table().create_units(instance_, std::string(65, 'a'), 1).error().reason,
            Reason::InvalidArgument);
  EXPECT_TRUE(table().create_units(instance_, "us-south", 6).has_value());
}

TEST_F(DomainTableTest, RemovalNeedsZeroizedUnits) {
  const auto units = table().create_units(instance_, "local", 2).value();
  auto with = deployment_.session(instance_, units[1]);
  TestDeployment::enroll(with, administrators_).value();
  EXPECT_EQ(table().remove_units(instance_).error().reason, Reason::UnitsNotZeroized);
  ASSERT_TRUE(with.zeroize(administrators_.all()).has_value());
  EXPECT_TRUE(table().remove_units(instance_).has_value());
  EXPECT_TRUE(table().list_units(instance_)->empty());
  EXPECT_TRUE(table().remove_units(instance_).has_value());  // unknown: success
}

TEST_F(DomainTableTest, ADomainIndexIsReusedUnderANewDomainInstance) {
  const auto before = table().create_units(instance_, "local", 1).value();
  const Administrators& administrators = administrators_;
  std::string recorded;
  const auto recording = [&](const std::string& request) {
    recorded = request;
    return table().administer(instance_, before[0].id, request);
  };
  auto with =
      tke::UnitSession::open(recording, TestDeployment::target(before[0]), deployment_.root())
          .value();
  ASSERT_TRUE(with.add_administrator(administrators.certificates[0], {}).has_value());
  ASSERT_TRUE(table().remove_units(instance_).has_value());

  const InstanceId next = test_instance(2);
  const auto after = table().create_units(next, "local", 1).value();
  EXPECT_EQ(after[0].domain_index, before[0].domain_index);
  EXPECT_NE(after[0].id, before[0].id);
  ASSERT_TRUE(table().administer(next, after[0].id, recorded).has_value());
  EXPECT_EQ(table().list_units(next)->front().administrators, 0u);  // the old command did nothing
}

TEST_F(DomainTableTest, FramesReachOnlyTheUnitOfTheInstance) {
  const auto units = table().create_units(instance_, "local", 2).value();
  const auto foreign = table().create_units(test_instance(2), "local", 1).value();
  const std::string frame = tke::format_request({1, 0, {}});
  EXPECT_EQ(table().administer(instance_, foreign[0].id, frame).error().reason,
            Reason::UnitNotFound);
  EXPECT_EQ(table().administer(test_instance(3), units[0].id, frame).error().reason,
            Reason::UnitNotFound);
  EXPECT_EQ(table()
                .administer(instance_, units[0].id, std::string(tke::kMaxFrameCharacters + 1, 'x'))
                .error()
                .reason,
            Reason::InvalidArgument);
  // A frame for another module or domain is refused by the frame itself.
  const auto text = [&](std::uint32_t module, std::uint32_t domain) {
    const std::string answer =
        table()
            .administer(instance_, units[0].id, tke::format_request({module, domain, {}}))
            .value();
    const auto parsed = tke::parse_response(answer);
    return parsed ? std::string("answered") : parsed.error().message;
  };
  EXPECT_NE(text(2, 0).find("9-2-0"), std::string::npos);
  EXPECT_NE(text(1, 1).find("9-5-0"), std::string::npos);
  EXPECT_EQ(text(1, 0), "answered");
}

TEST_F(DomainTableTest, InnerDomainOfAnotherUnitIsRefused) {
  const auto units = table().create_units(instance_, "local", 1).value();
  const auto send = [&](const Bytes& payload) {
    const std::string answer =
        table().administer(instance_, units[0].id, tke::format_request({1, 0, payload})).value();
    return tke::parse_response(answer)->payload;
  };
  tke::AdminBlock query;
  query.command = tke::kQueryAttributes;
  EXPECT_EQ(
      tke::parse_admin_response(send(tke::encode(tke::AdminRequest{5, tke::encode(query), {}})))
          ->return_code,
      tke::kWrongDomain);
  EXPECT_EQ(tke::parse_info_response(send(tke::encode(tke::InfoRequest{5, tke::kInfoDomain})))
                ->return_code,
            tke::kWrongDomain);
  EXPECT_EQ(tke::parse_info_response(send(tke::encode(tke::InfoRequest{0, 99})))->return_code,
            tke::kNotSupported);
  const auto module =
      tke::parse_info_response(send(tke::encode(tke::InfoRequest{0, tke::kInfoModule}))).value();
  ASSERT_GE(module.payload.size(), 196u);
  EXPECT_EQ(as_text(ByteView(module.payload).subspan(108, 8)), units[0].serial_number);
  // Not a request at all, and a request whose block is none.
  EXPECT_EQ(tke::parse_admin_response(send({0x30, 0x00}))->return_code, tke::kBadArguments);
  EXPECT_EQ(
      tke::parse_admin_response(send(tke::encode(tke::AdminRequest{0, {1, 2}, {}})))->return_code,
      tke::kBadArguments);
}

TEST_F(DomainTableTest, NothingHappensWithoutBeingSaved) {
  const auto units = table().create_units(instance_, "local", 1).value();
  auto with = deployment_.session(instance_, units[0]);
  TestDeployment::enroll(with, administrators_).value();
  const SecretBytes before = table().serialize();
  EXPECT_TRUE(deployment_.sink().last == before);

  deployment_.sink().failing = true;
  const auto generation = table().generation();
  EXPECT_EQ(table().create_units(test_instance(2), "local", 1).error().reason,
            Reason::StoreUnavailable);
  EXPECT_TRUE(table().list_units(test_instance(2))->empty());
  const auto zeroize = with.zeroize(administrators_.all());
  ASSERT_FALSE(zeroize.has_value());
  EXPECT_EQ(with.last_status().return_code,
            tke::kInternalError);  // signed, and it says that nothing changed
  EXPECT_FALSE(with.generate_importer(administrators_.some({0})).has_value());
  EXPECT_FALSE(with.commit_pending({}, administrators_.all())
                   .has_value());  // the counter is not saved either
  EXPECT_TRUE(table().serialize() == before);
  EXPECT_EQ(table().generation(), generation);

  deployment_.sink().failing = false;
  EXPECT_TRUE(with.zeroize(administrators_.all()).has_value());
  deployment_.sink().failing = true;
  EXPECT_EQ(table().remove_units(instance_).error().reason, Reason::StoreUnavailable);
  EXPECT_EQ(table().list_units(instance_)->size(), 1u);
}

TEST_F(DomainTableTest, EveryChangeIsSavedBeforeItIsAnswered) {
  const auto units = table().create_units(instance_, "local", 1).value();
  auto with = deployment_.session(instance_, units[0]);
  const auto saved_each = [&](auto command) {
    const int saves = deployment_.sink().saves;
    ASSERT_TRUE(command().has_value());
    EXPECT_EQ(deployment_.sink().saves, saves + 1);
    EXPECT_TRUE(deployment_.sink().last == table().serialize());
  };
  saved_each([&] { return with.add_administrator(administrators_.certificates[0], {}); });
  saved_each([&] { return with.set_thresholds(1, 1, administrators_.some({0})); });
  saved_each([&] { return with.generate_importer(administrators_.some({0})); });
  const int saves = deployment_.sink().saves;
  ASSERT_TRUE(with.attributes().has_value());  // queries are not changes
  EXPECT_EQ(deployment_.sink().saves, saves);
}

TEST_F(DomainTableTest, ACreationThatCannotBeSavedIsNone) {
  MemorySink broken;
  broken.failing = true;
  EXPECT_EQ(DomainTable::create(broken).error().reason, Reason::StoreUnavailable);
}

TEST_F(DomainTableTest, InstancesAreLimited) {
  const auto numbered = [](std::size_t number) {
    InstanceId id;
    id.uuid.bytes[0] = static_cast<std::uint8_t>(number >> 8);
    id.uuid.bytes[1] = static_cast<std::uint8_t>(number);
    return id;
  };
  for (std::size_t i = 0; i < kMaxInstances; ++i) {
    ASSERT_TRUE(table().create_units(numbered(i), "local", 1).has_value()) << i;
  }
  EXPECT_EQ(table().create_units(numbered(kMaxInstances), "local", 1).error().reason,
            Reason::InstanceLimit);
  ASSERT_TRUE(table().remove_units(numbered(500)).has_value());
  const auto made = table().create_units(numbered(kMaxInstances), "local", 1);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->front().domain_index, 500u);  // the free one
}

// --- Serialisation ---

class StateTest : public DomainTableTest {};

TEST_F(StateTest, RoundTripKeepsEverythingAndTheKeysWork) {
  const auto units = deployment_.initialise(instance_, administrators_, random_parts());
  auto with = deployment_.session(instance_, units[0]);
  ASSERT_TRUE(with.generate_importer(administrators_.some({0})).has_value());
  SoftUnit unit = deployment_.make_unit();
  const KeyBinding binding = test_binding(instance_);
  const auto sealed = unit.generate_root_key(binding).value();
  const auto wrapped = unit.wrap(binding, sealed.blob, SecretBytes{}, {}).value();

  const SecretBytes state = table().serialize();
  MemorySink sink;
  const auto restored = DomainTable::restore(state, sink, *backend_for_tests()).value();
  EXPECT_TRUE(restored->serialize() == state);
  EXPECT_EQ(restored->attestation_root(), table().attestation_root());
  const auto listed = restored->list_units(instance_).value();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[1].id, units[1].id);
  EXPECT_EQ(listed[1].location, units[1].location);
  EXPECT_EQ(listed[1].current_pattern, units[1].current_pattern);
  SoftUnit again(*restored, deployment_.clock());
  EXPECT_TRUE(again.unwrap(binding, sealed.blob, wrapped.wrapped_dek, {}, nullptr)->dek ==
              wrapped.generated_dek);
  // The open session goes on with the restored unit: same module key, counter and importer.
  auto session =
      tke::UnitSession::open(
          [&](const std::string& r) { return restored->administer(instance_, units[0].id, r); },
          TestDeployment::target(units[0]), deployment_.root())
          .value();
  EXPECT_TRUE(session.clear_pending(administrators_.some({0})).has_value());
}

TEST_F(StateTest, EveryTruncationIsRefused) {
  deployment_.initialise(instance_, administrators_, random_parts(), 1);
  const SecretBytes state = table().serialize();
  for (std::size_t size = 0; size < state.size();
       size += size < 32 || size + 16 > state.size() ? 1 : 151) {
    EXPECT_FALSE(parse_state(state.expose().first(size)).has_value()) << size;
  }
  Bytes longer = to_bytes(state.expose());
  longer.push_back(0);
  EXPECT_FALSE(parse_state(longer).has_value());
}

TEST_F(StateTest, OtherMagicAndVersionAreRefused) {
  Bytes state = to_bytes(table().serialize().expose());
  ASSERT_TRUE(parse_state(state).has_value());
  state[5] = 5;
  EXPECT_NE(parse_state(state).error().message.find("version"), std::string::npos);
  state[0] = 'X';
  EXPECT_FALSE(parse_state(state).has_value());
}

TEST_F(StateTest, DamageNeverBreaksTheReader) {
  deployment_.initialise(instance_, administrators_, random_parts(), 1);
  const Bytes good = to_bytes(table().serialize().expose());
  for (std::size_t i = 0; i < good.size(); i += 89) {
    Bytes changed = good;
    changed[i] ^= 0xFF;
    const auto parsed = parse_state(changed);
    if (parsed) {  // e.g. a flag or counter: what was accepted can be kept
      EXPECT_TRUE(parse_state(serialize_state(*parsed).expose()).has_value()) << i;
    }
  }
}

TEST_F(StateTest, KeysInImprintModeAreInconsistent) {
  TableState state = make_table_state();
  InstanceUnits units;
  units.region = "local";
  units.units.emplace_back();
  units.units[0].instance = state.next_domain_instance++;
  units.units[0].id.uuid.bytes.fill(1);
  units.key = derive_instance_key(units.units);
  auto& placed = state.instances.emplace(instance_, std::move(units)).first->second;
  ASSERT_TRUE(parse_state(serialize_state(state).expose()).has_value());
  placed.units[0].current.key = software_master_key(SecretBytes(32));
  EXPECT_FALSE(parse_state(serialize_state(state).expose()).has_value());
  placed.units[0].current = Register{};
  placed.units[0].attributes.signature_threshold = 1;
  EXPECT_FALSE(parse_state(serialize_state(state).expose()).has_value());
  placed.units[0].attributes.signature_threshold = 0;
  placed.units[0].instance = state.next_domain_instance;
  EXPECT_FALSE(parse_state(serialize_state(state).expose()).has_value());
}

RC_GTEST_PROP(StatePropertyTest, ReaderIsTotal, (const Bytes& bytes)) {
  RC_ASSERT(!parse_state(bytes).has_value());
  Bytes headed = {'K', 'H', 'U', 'S', 0, 1};
  append(headed, bytes);
  RC_ASSERT(!parse_state(headed).has_value());
}

Bytes stored_example(const std::string& name) {
  auto file =
      read_file(std::string(KH_SOURCE_DIR) + "/docs/protocols/examples/" + name, 1 << 20).value();
  std::erase(file, '\n');
  return from_hex(as_text(file)).value();
}

// A state written by an earlier build must be read by every later one.
TEST_F(StateTest, StoredExampleIsStillRead) {
  const Bytes stored = stored_example("unit-state.hex");
  auto parsed = parse_state(stored);  // format 1: without recovery units and their modules
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->modules.size(), kMaxUnitsPerInstance);
  complete_modules(*parsed);
  const SecretBytes rewritten = serialize_state(*parsed);
  EXPECT_EQ(to_hex(serialize_state(parse_state(rewritten.expose()).value()).expose()),
            to_hex(rewritten.expose()));
  ASSERT_EQ(parsed->instances.size(), 1u);
  const InstanceUnits& instance = parsed->instances.begin()->second;
  ASSERT_EQ(instance.units.size(), 2u);
  EXPECT_EQ(instance.key->state, InstanceKey::State::Ready);
  EXPECT_TRUE(instance.units[0].pending.full());
  EXPECT_FALSE(instance.units[0].pending.committed);
  EXPECT_EQ(instance.units[1].administrators.size(), 2u);
  EXPECT_TRUE(instance.units[0].joined && instance.units[1].joined);
  EXPECT_EQ(instance.units[1].type, UnitType::Operational);
  EXPECT_EQ(instance.units[1].module, 2u);
  EXPECT_EQ(instance.units[0].control_points, tke::default_control_points());
}

TEST_F(StateTest, AStateOfFormat1ServesOnAndIsReplaced) {
  MemorySink sink;
  const SecretBytes stored = SecretBytes::copy_of(stored_example("unit-state.hex"));
  const auto restored = DomainTable::restore(stored, sink).value();
  EXPECT_EQ(sink.saves, 1);
  EXPECT_EQ(sink.last.expose()[5], 4);
  EXPECT_EQ(restored->snapshot()->generation(), restored->generation());
  const auto state = parse_state(sink.last.expose()).value();
  ASSERT_EQ(state.modules.size(), kModules);
  const InstanceId instance = state.instances.begin()->first;
  const auto units = restored->resize_units(instance, {2, 1}).value();
  EXPECT_EQ(units[2].type, UnitType::Recovery);
  // A module that format 1 did not have proves itself under the same root.
  const auto root = tke::AttestationRoot::of(
      crypto::P521PublicKey::from_spki(restored->attestation_root()).value());
  const auto opened = tke::UnitSession::open(
      [&](const std::string& request) {
        return restored->administer(instance, units[2].id, request);
      },
      TestDeployment::target(units[2]), root);
  EXPECT_TRUE(opened.has_value());
}

TEST_F(StateTest, StoredExampleOfFormat2IsStillRead) {
  const Bytes stored = stored_example("unit-state-2.hex");
  const auto parsed = parse_state(stored);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_FALSE(parsed->records.guarding);
  EXPECT_TRUE(parsed->records.journal_key.empty() && parsed->records.scopes.empty());
  const InstanceUnits& instance = parsed->instances.begin()->second;
  ASSERT_EQ(instance.units.size(), 3u);
  EXPECT_EQ(instance.key->state, InstanceKey::State::Ready);
  EXPECT_EQ(instance.key->keys.size(), 2u);  // amid a rotation
  const DomainState& serving = instance.units[0];
  EXPECT_TRUE(serving.joined && serving.pending.committed && serving.importer);
  EXPECT_TRUE(tke::has_control_point(serving.control_points, tke::kControlPointBitcoin));
  EXPECT_FALSE(instance.units[1].joined);
  EXPECT_TRUE(instance.units[1].imprint());
  const DomainState& recovery = instance.units[2];
  EXPECT_EQ(recovery.type, UnitType::Recovery);
  EXPECT_EQ(recovery.module, kFirstRecoveryModule);
  EXPECT_EQ(recovery.attributes.permissions, 0x0FFF205Fu);
  EXPECT_EQ(recovery.current.pattern(), serving.current.pattern());
  EXPECT_EQ(recovery.pending.pattern(), serving.pending.pattern());
  EXPECT_FALSE(recovery.pending.committed);
}

// Made from that of format 3; unit 0 has both sides of a transfer, unit 2 an offer without consent.
TEST_F(StateTest, StoredExampleOfFormat4IsWrittenAgain) {
  const Bytes stored = stored_example("unit-state-4.hex");
  const auto parsed = parse_state(stored);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(to_hex(serialize_state(*parsed).expose()), to_hex(stored));
  const std::vector<DomainState>& units = parsed->instances.begin()->second.units;
  ASSERT_EQ(units.size(), 3u);
  ASSERT_TRUE(units[0].outgoing && units[0].incoming);
  EXPECT_EQ(units[0].outgoing->key, SecretBytes::copy_of(Bytes(kTransferKeySize, 0xD4)));
  EXPECT_EQ(units[0].outgoing->expires, Timestamp::from_seconds(1'800'000'000));
  EXPECT_EQ(units[0].incoming->manifest, Digest{0xE5});
  EXPECT_FALSE(units[1].outgoing || units[1].incoming || units[2].outgoing);
  EXPECT_FALSE(units[2].incoming.value().manifest);
  EXPECT_EQ(units[2].incoming->import_key.public_key().point(), units[0].outgoing->ephemeral);
}

TEST_F(StateTest, StoredExampleOfFormat3IsStillRead) {
  const Bytes stored = stored_example("unit-state-3.hex");
  const auto parsed = parse_state(stored);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  for (const DomainState& unit : parsed->instances.begin()->second.units)
    EXPECT_FALSE(unit.outgoing || unit.incoming);
  const RecordKeys& records = parsed->records;
  EXPECT_TRUE(records.guarding);
  EXPECT_EQ(records.losses, 2);
  EXPECT_EQ(records.run, 5u);
  EXPECT_TRUE(records.journal_key == SecretBytes::copy_of(Bytes(32, 0xA1)));
  ASSERT_EQ(records.scopes.size(), 2u);
  const auto& keys = records.scopes.at(parsed->instances.begin()->first);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[1].epoch, 3u);
  EXPECT_TRUE(keys[1].key == SecretBytes::copy_of(Bytes(32, 0xC3)));
  const RecordKeys copy = records.clone();
  EXPECT_EQ(copy.scopes.at(RecordScope{})[0].epoch, 1u);
}

TEST_F(StateTest, KeysOfRecordsThatDoNotHangTogetherAreRefused) {
  const TableState state = parse_state(stored_example("unit-state-3.hex")).value();
  const InstanceId instance = state.instances.begin()->first;
  const auto refused = [&](auto edit) {
    TableState changed = parse_state(serialize_state(state).expose()).value();
    edit(changed.records);
    EXPECT_FALSE(parse_state(serialize_state(changed).expose()).has_value());
  };
  refused([](RecordKeys& keys) { keys.journal_key = {}; });
  refused([](RecordKeys& keys) { keys.journal_key = SecretBytes(31); });
  refused([&](RecordKeys& keys) { keys.scopes.at(instance)[1].epoch = 2; });
  refused([&](RecordKeys& keys) { keys.scopes.at(instance)[0].epoch = 0; });
  refused([&](RecordKeys& keys) { keys.scopes.at(instance)[1].epoch = kMaxRecordEpoch + 1; });
  refused([&](RecordKeys& keys) { keys.scopes.at(instance).clear(); });
  refused([&](RecordKeys& keys) {
    for (std::uint32_t epoch = 4; epoch < 11; ++epoch)
      keys.scopes.at(instance).push_back({epoch, SecretBytes(32)});
  });
  refused([](RecordKeys& keys) {
    for (std::uint32_t i = 0; i < kMaxRecordScopes; ++i) {
      RecordScope scope;
      scope.uuid.bytes[0] = static_cast<std::uint8_t>(i >> 8);
      scope.uuid.bytes[1] = static_cast<std::uint8_t>(i);
      scope.uuid.bytes[2] = 1;
      keys.scopes[scope].push_back({1, SecretBytes(32)});
    }
  });
}

TEST_F(StateTest, KeysOfRecordsAreSavedOrAsBefore) {
  RecordKeys keys = parse_state(stored_example("unit-state-3.hex"))->records.clone();
  EXPECT_TRUE(table().record_keys().scopes.empty());
  deployment_.sink().failing = true;
  EXPECT_FALSE(table().save_record_keys(keys));
  EXPECT_TRUE(table().record_keys().scopes.empty());
  deployment_.sink().failing = false;
  EXPECT_TRUE(table().save_record_keys(keys));
  EXPECT_EQ(table().record_keys().scopes.size(), 2u);
  EXPECT_EQ(parse_state(table().serialize().expose())->records.run, 5u);
}

TEST_F(StateTest, PlacesThatDoNotFitTheTypeAreRefused) {
  TableState state = parse_state(stored_example("unit-state-2.hex")).value();
  const auto refused = [&](auto edit) {
    TableState changed = parse_state(serialize_state(state).expose()).value();
    edit(changed.instances.begin()->second.units);
    EXPECT_FALSE(parse_state(serialize_state(changed).expose()).has_value());
  };
  using Units = std::vector<DomainState>;
  refused([](Units& units) { units[0].type = UnitType::Recovery; });
  refused([](Units& units) { units[2].type = UnitType::Failover; });
  refused([](Units& units) { units[2].module = 9; });
  refused([](Units& units) { units[2].joined = true; });
  refused([](Units& units) { units[1].module = 1; });
  refused([](Units& units) { std::swap(units[0], units[1]); });
  refused([](Units& units) { units[0].joined = false; });
  refused([](Units& units) { units[0].type = UnitType{4}; });
}

}  // namespace
}  // namespace keyhaven::unit
