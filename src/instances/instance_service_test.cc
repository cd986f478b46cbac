#include "instances/instance_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <tuple>

#include "crypto/ec.h"
#include "instances/administered_action.h"
#include "instances/memory_instance_store.h"
#include "instances/register_rules.h"
#include "tke/certificate.h"
#include "tke/frame.h"
#include "tke/unit_session.h"
#include "unit/forwarding_unit_for_tests.h"
#include "unit/soft_unit.h"

namespace keyhaven::instances {
namespace {

constexpr std::string_view kAccount = "0123456789abcdef0123456789abcdef";

// The real unit, whose process can be away.
class UnitAtTheOtherEnd final : public unit::ForwardingUnit {
 public:
  using ForwardingUnit::ForwardingUnit;
  enum class Fault { None, Away, DiesAfterListing };
  Fault fault = Fault::None;

  Result<std::vector<unit::UnitStatus>> create_units(const InstanceId& i, const std::string& r,
                                                     unit::UnitCounts n) override {
    if (fault != Fault::None) return away();
    return real_.create_units(i, r, n);
  }
  Result<std::vector<unit::UnitStatus>> resize_units(const InstanceId& i,
                                                     unit::UnitCounts n) override {
    if (fault != Fault::None) return away();
    return real_.resize_units(i, n);
  }
  Result<void> remove_units(const InstanceId& i) override {
    if (fault != Fault::None) return away();
    return real_.remove_units(i);
  }
  Result<std::vector<unit::UnitStatus>> list_units(const InstanceId& i) override {
    if (fault == Fault::Away) return away();
    return real_.list_units(i);
  }

 private:
  static Error away() { return {Reason::UnitUnavailable, "no crypto unit answers", {}}; }
};

class InstanceServiceTest : public testing::Test {
 protected:
  std::unique_ptr<InstanceService> load() {
    InstanceOptions options;
    options.account = kAccount;
    options.public_url = "https://localhost:8443";
    options.private_network = private_network_;
    options.default_limits = default_limits_;
    const auto live_keys = [this](const InstanceId&) { return live_keys_; };
    return InstanceService::load(options, store_, unit_, live_keys, clock_).value();
  }
  static InstanceSpec spec(std::string name) {
    InstanceSpec out;
    out.name = std::move(name);
    out.created_by = "IBMid-1";
    return out;
  }
  InstanceRecordPtr create(std::string name) {
    return service_->create(spec(std::move(name)), {}).value();
  }

  // A conversation with the first unit of an instance, as an administrator's tool has it.
  tke::UnitSession session(const InstanceId& id) {
    const unit::UnitStatus status = service_->units_of(id).value().front();
    const auto transport = [this, id, unit_id = status.id](const std::string& request) {
      last_request_ = request;
      auto answer = service_->administer(id, unit_id, request);
      if (answer) last_answer_ = *answer;
      return answer;
    };
    const auto root =
        crypto::P521PublicKey::from_spki(service_->attestation_root().value()).value();
    return tke::UnitSession::open(
               transport, tke::target_from_location(status.location, status.serial_number).value(),
               tke::AttestationRoot::of(root))
        .value();
  }
  AdministeredAction asked() const { return administered_action(last_request_); }
  static std::string detail(const Details& details, std::string_view name) {
    for (const auto& [key, value] : details) {
      if (key == name) return value;
    }
    return "(absent)";
  }

  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  unit::NullSink sink_;
  std::unique_ptr<unit::DomainTable> table_ = unit::DomainTable::create(sink_).value();
  unit::SoftUnit soft_unit_{*table_, clock_};
  UnitAtTheOtherEnd unit_{soft_unit_};
  MemoryInstanceStore store_;
  std::size_t live_keys_ = 0;
  bool private_network_ = false;
  InstanceLimits default_limits_;
  std::unique_ptr<InstanceService> service_ = load();
  std::string last_request_, last_answer_;
};

TEST_F(InstanceServiceTest, AnInstanceIsCreatedWithItsUnits) {
  const InstanceRecordPtr record = create("production");
  EXPECT_EQ(record->plan, "standard");
  EXPECT_EQ(record->region, "local");
  EXPECT_EQ(record->rotation_interval_seconds, 3600);
  EXPECT_EQ(record->created, clock_.now());
  EXPECT_EQ(service_->find(record->id), record);
  EXPECT_EQ(service_->find_named(service_->crn_of(*record)).value(), record);
  const auto units = service_->units_of(record->id).value();
  ASSERT_EQ(units.size(), 2U);
  EXPECT_TRUE(units[0].imprint);
  EXPECT_EQ(store_.events().size(), 1U);
  EXPECT_EQ(store_.events()[0].target_id, service_->crn_of(*record));
}

TEST_F(InstanceServiceTest, SpecificationsAreCheckedJustInsideAndOutside) {
  const auto refused = [&](auto change) {
    InstanceSpec bad = spec("name");
    change(bad);
    const auto result = service_->create(bad, {});
    return result ? std::string("(accepted)") : result.error().target;
  };
  EXPECT_EQ(refused([](InstanceSpec& s) { s.name = ""; }), "name");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.name = std::string(181, 'a'); }), "name");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.name = "a\tb"; }), "name");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.plan = "lite"; }), "resource_plan_id");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.region = "US South"; }), "target");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.region = std::string(33, 'a'); }), "target");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.units = 0; }), "units");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.units = 7; }), "units");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.units = std::int64_t{1} << 32 | 2; }), "units");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.allowed_network = "public-only"; }), "allowed_network");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.rotation_interval_seconds = -1; }),
            "rotation_interval_seconds");
  EXPECT_EQ(refused([](InstanceSpec& s) {
              s.rotation_interval_seconds = kMaxRotationIntervalSeconds + 1;
            }),
            "rotation_interval_seconds");
  EXPECT_EQ(refused([](InstanceSpec& s) { s.allowed_network = "private-only"; }),
            "allowed_network");  // without a private listener
  EXPECT_TRUE(service_->list().empty());
  for (const std::int64_t units : {1, 6}) {
    EXPECT_EQ(refused([&](InstanceSpec& s) {
                s.name = std::string(180, 'a');
                s.units = units;
                s.rotation_interval_seconds = units == 1 ? 0 : kMaxRotationIntervalSeconds;
                s.plan = "beta";
              }),
              "(accepted)");
  }
}

TEST_F(InstanceServiceTest, EverythingIsThereAfterARestart) {
  const InstanceRecordPtr record = create("one");
  create("two");
  service_ = load();
  ASSERT_EQ(service_->list().size(), 2U);
  EXPECT_EQ(*service_->find(record->id), *record);
}

TEST_F(InstanceServiceTest, AnUpdateChangesWhatItNames) {
  const InstanceRecordPtr before = create("one");
  clock_.advance_seconds(5);
  InstanceUpdate update;
  update.name = "renamed";
  update.rotation_interval_seconds = 0;
  const InstanceRecordPtr after = service_->update(before->id, update, {}).value();
  InstanceRecord expected = *before;
  expected.name = "renamed";
  expected.rotation_interval_seconds = 0;
  expected.updated = clock_.now();
  expected.revision = after->revision;
  EXPECT_EQ(*after, expected);
  EXPECT_GT(after->revision, before->revision);
  EXPECT_EQ(service_->find(before->id), after);

  update.plan = "gold";
  EXPECT_EQ(service_->update(before->id, update, {}).error().target, "resource_plan_id");
  EXPECT_EQ(service_->find(before->id), after);
}

// --- Policies and limits ---

audit::Event event_of(std::string initiator) {
  audit::Event event;
  event.initiator_id = std::move(initiator);
  return event;
}

TEST_F(InstanceServiceTest, PoliciesAreSetTogetherAndOutliveARestart) {
  const InstanceRecordPtr before = create("one");
  EXPECT_TRUE(before->policies.all().empty());
  clock_.advance_seconds(5);
  const InstanceRecordPtr after =
      service_
          ->set_policies(before->id,
                         {{PolicyType::Rotation, true, RotationInterval{3}},
                          {PolicyType::DualAuthDelete, true, {}}},
                         event_of("IBMid-2"))
          .value();
  EXPECT_EQ(after->policies.rotation_months(), 3U);
  EXPECT_TRUE(after->policies.is_enabled(PolicyType::DualAuthDelete));
  EXPECT_EQ(after->policies.find(PolicyType::Rotation)->created_by, "IBMid-2");
  EXPECT_EQ(after->policies.find(PolicyType::Rotation)->created, clock_.now());
  EXPECT_EQ(after->updated, before->updated);  // the instance itself did not change
  EXPECT_EQ(service_->find(before->id), after);
  EXPECT_EQ(*load()->find(before->id), *after);
  EXPECT_EQ(store_.events().size(), 2U);  // one change, one event
  const audit::Event& event = store_.events().back();
  EXPECT_EQ(event.target_id, service_->crn_of(*after));
  EXPECT_EQ(detail(event.details, "requestData.initialValue.policyDualAuthDeleteEnabled"), "false");
  EXPECT_EQ(detail(event.details, "requestData.newValue.policyDualAuthDeleteEnabled"), "true");
  EXPECT_EQ(detail(event.details, "requestData.newValue.policyRotationInterval"), "3");
}

TEST_F(InstanceServiceTest, OfSeveralPoliciesAllOrNoneAreSet) {
  const InstanceRecordPtr before = create("one");
  const PolicyUpdate good{PolicyType::Metrics, true, {}};
  const struct {
    PolicyUpdate second;
    Reason reason;
  } kCases[] = {
      {{PolicyType::Rotation, true, RotationInterval{13}}, Reason::InvalidField},
      {{PolicyType::Metrics, false, {}}, Reason::ResourceCount},
      {{PolicyType::AllowedNetwork, true, AllowedNetwork::PrivateOnly}, Reason::FeatureRestricted},
  };
  for (const auto& test : kCases) {
    const auto refused = service_->set_policies(before->id, {good, test.second}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, test.reason);
  }
  store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", {}});
  EXPECT_FALSE(service_->set_policies(before->id, {good}, {}));
  store_.fail_with(std::nullopt);
  EXPECT_EQ(service_->find(before->id), before);
  EXPECT_EQ(store_.events().size(), 1U);
  EXPECT_EQ(service_->set_policies(InstanceId{}, {good}, {}).error().reason,
            Reason::InstanceNotFound);
}

TEST_F(InstanceServiceTest, TheParameterAllowedNetworkIsThePolicy) {
  private_network_ = true;
  service_ = load();
  InstanceSpec closed = spec("closed");
  closed.allowed_network = "private-only";
  const InstanceRecordPtr made = service_->create(closed, event_of("IBMid-1")).value();
  EXPECT_EQ(made->policies.allowed_network(), AllowedNetwork::PrivateOnly);
  EXPECT_EQ(made->policies.find(PolicyType::AllowedNetwork)->created_by, "IBMid-1");

  InstanceUpdate open;
  open.allowed_network = "public-and-private";
  const InstanceRecordPtr opened = service_->update(made->id, open, event_of("IBMid-2")).value();
  EXPECT_EQ(opened->policies.allowed_network(), AllowedNetwork::PublicAndPrivate);
  EXPECT_EQ(opened->policies.find(PolicyType::AllowedNetwork)->updated_by, "IBMid-2");
  EXPECT_EQ(
      detail(store_.events().back().details, "requestData.newValue.policyAllowedNetworkAttribute"),
      "public-and-private");
  // What is said again changes nothing, and a default that is said counts as never set.
  EXPECT_EQ(service_->update(made->id, open, event_of("IBMid-3")).value()->policies,
            opened->policies);
  EXPECT_TRUE(create("open")->policies.all().empty());
}

TEST_F(InstanceServiceTest, AnUpdateTakesTheAddressListBack) {
  const InstanceRecordPtr made = create("one");
  const AllowedIp elsewhere{IpNetwork::parse("203.0.113.0/24").value()};
  ASSERT_TRUE(service_->set_policies(made->id, {{PolicyType::AllowedIp, true, elsewhere}}, {}));
  InstanceUpdate reset;
  reset.reset_allowed_ip = true;
  const InstanceRecordPtr after = service_->update(made->id, reset, event_of("IBMid-2")).value();
  EXPECT_EQ(after->policies.allowed_ip(), nullptr);
  EXPECT_EQ(
      detail(store_.events().back().details, "requestData.initialValue.policyAllowedIPAttribute"),
      "203.0.113.0/24");
  EXPECT_TRUE(service_->update(create("two")->id, reset, {}).value()->policies.all().empty());
}

TEST_F(InstanceServiceTest, LimitsAreTheInstancesOwnOrTheDeployments) {
  InstanceSpec big = spec("big");
  big.limits = {limit_change("keys", 1'000'000).value()};
  const InstanceRecordPtr made = service_->create(big, {}).value();
  EXPECT_EQ(made->limits.keys, 1'000'000U);
  EXPECT_EQ(made->limits.aliases, 1'000U);

  default_limits_.keys = 10;
  default_limits_.aliases = 20;
  service_ = load();  // another configuration
  EXPECT_EQ(service_->find(made->id)->limits.keys, 1'000'000U);
  EXPECT_EQ(service_->find(made->id)->limits.aliases, 20U);

  InstanceUpdate change;
  change.limits = {limit_change("keys", std::nullopt).value(), limit_change("aliases", 7).value()};
  const InstanceRecordPtr changed = service_->update(made->id, change, {}).value();
  EXPECT_EQ(changed->limits.keys, 10U);
  EXPECT_EQ(changed->limits.aliases, 7U);
  EXPECT_EQ(*load()->find(made->id), *changed);
}

TEST_F(InstanceServiceTest, TheLimitOfNetworksIsTheInstancesOwn) {
  InstanceSpec narrow = spec("narrow");
  narrow.limits = {limit_change("allowed_ip_subnets", 1).value()};
  const InstanceId id = service_->create(narrow, {}).value()->id;
  const IpNetwork network = IpNetwork::parse("203.0.113.0/24").value();
  EXPECT_EQ(
      service_->set_policies(id, {{PolicyType::AllowedIp, true, AllowedIp{network, network}}}, {})
          .error()
          .target,
      "allowed_ip");
  EXPECT_TRUE(service_->set_policies(id, {{PolicyType::AllowedIp, true, AllowedIp{network}}}, {}));
}

TEST_F(InstanceServiceTest, AnInstanceWithKeysIsNotDeleted) {
  const InstanceRecordPtr record = create("one");
  live_keys_ = 1;
  EXPECT_EQ(service_->remove(record->id, {}).error().reason, Reason::InstanceNotEmpty);
  EXPECT_EQ(service_->units_of(record->id).value().size(), 2U);
  live_keys_ = 0;
  EXPECT_TRUE(service_->remove(record->id, {}));
  EXPECT_EQ(service_->find(record->id), nullptr);
  EXPECT_EQ(service_->remove(record->id, {}).error().reason, Reason::InstanceNotFound);
  EXPECT_EQ(service_->units_of(record->id).error().reason, Reason::InstanceNotFound);
  EXPECT_TRUE(soft_unit_.list_units(record->id).value().empty());
  EXPECT_EQ(load()->find(record->id), nullptr);
}

TEST_F(InstanceServiceTest, AnInstanceWhoseUnitsHoldStateIsNotDeleted) {
  const InstanceRecordPtr record = create("one");
  const tke::LocalSigner signer(crypto::P521PrivateKey::generate());
  tke::UnitSession unit = session(record->id);
  ASSERT_TRUE(
      unit.add_administrator(tke::make_administrator_certificate("Ada", signer).value(), {}));
  ASSERT_TRUE(unit.set_thresholds(1, 1, {&signer}));
  EXPECT_EQ(service_->remove(record->id, {}).error().reason, Reason::UnitsNotZeroized);
  EXPECT_NE(service_->find(record->id), nullptr);
  ASSERT_TRUE(unit.zeroize({&signer}));
  EXPECT_TRUE(service_->remove(record->id, {}));
}

TEST_F(InstanceServiceTest, WithoutTheUnitNothingIsCreated) {
  unit_.fault = UnitAtTheOtherEnd::Fault::Away;
  EXPECT_EQ(service_->create(spec("one"), {}).error().reason, Reason::UnitUnavailable);
  EXPECT_TRUE(store_.events().empty());
}

TEST_F(InstanceServiceTest, AnInstanceThatGotNoUnitsIsTakenBack) {
  unit_.fault = UnitAtTheOtherEnd::Fault::DiesAfterListing;
  EXPECT_EQ(service_->create(spec("one"), {}).error().reason, Reason::UnitUnavailable);
  EXPECT_TRUE(service_->list().empty());
  EXPECT_TRUE(load()->list().empty());
  ASSERT_EQ(store_.events().size(), 2U);
  EXPECT_EQ(store_.events()[1].action, "hs-crypto.instances.delete");
}

TEST_F(InstanceServiceTest, AFailedCommitLeavesNeitherRecordNorUnits) {
  store_.fail_with(Error{Reason::StoreUnavailable, "disk full", {}});
  EXPECT_EQ(service_->create(spec("one"), {}).error().reason, Reason::StoreUnavailable);
  EXPECT_TRUE(service_->list().empty());
}

// What a crash between the record and its units, or between the units and the end of a deletion,
// leaves behind.
TEST_F(InstanceServiceTest, AnActiveInstanceWithoutUnitsGetsThemWhenTheyAreListed) {
  const InstanceRecordPtr record = create("one");
  ASSERT_TRUE(soft_unit_.remove_units(record->id));
  service_ = load();
  EXPECT_EQ(service_->units_of(record->id).value().size(), 2U);
  EXPECT_EQ(soft_unit_.list_units(record->id).value().size(), 2U);
}

TEST_F(InstanceServiceTest, ADeletionThatCannotBeStoredCanBeRepeated) {
  const InstanceRecordPtr record = create("one");
  store_.fail_with(Error{Reason::StoreUnavailable, "disk full", {}});
  EXPECT_EQ(service_->remove(record->id, {}).error().reason, Reason::StoreUnavailable);
  EXPECT_NE(service_->find(record->id), nullptr);
  EXPECT_EQ(service_->units_of(record->id).value().size(), 2U);
  store_.fail_with(std::nullopt);
  EXPECT_TRUE(service_->remove(record->id, {}));
}

TEST_F(InstanceServiceTest, LoopsSeeAChangeOnceItIsAcknowledged) {
  const InstanceRecordPtr record = create("one");
  std::atomic<bool> removed = false;
  std::atomic<int> found_after = 0;
  std::vector<std::thread> loops;
  for (int loop = 0; loop < 2; ++loop) {
    loops.emplace_back([&] {
      for (int call = 0; call < 20'000; ++call) {
        const bool was_removed = removed.load();
        if (service_->find(record->id) && was_removed) ++found_after;
      }
    });
  }
  EXPECT_TRUE(service_->remove(record->id, {}));
  removed = true;
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(found_after, 0);
}

TEST_F(InstanceServiceTest, ThreadsDoNotMixUpServices) {
  const InstanceRecordPtr record = create("one");
  MemoryInstanceStore empty;
  const auto other = InstanceService::load(
                         {}, empty, unit_, [](const InstanceId&) { return std::size_t{0}; }, clock_)
                         .value();
  EXPECT_NE(service_->find(record->id), nullptr);
  EXPECT_EQ(other->find(record->id), nullptr);
  EXPECT_NE(service_->find(record->id), nullptr);
}

TEST_F(InstanceServiceTest, UnitsComeAndGoWhileTheInstanceIsInUse) {
  const InstanceRecordPtr record = create("one");
  const auto change = [&](std::int64_t units, std::int64_t recovery, std::int64_t failover) {
    InstanceUpdate update;
    update.units = units;
    update.recovery_units = recovery;
    update.failover_units = failover;
    const auto result = service_->update(record->id, update, {});
    return result ? std::string("ok") : result.error().target;
  };
  const UnitId first = service_->units_of(record->id).value()[0].id;
  EXPECT_EQ(change(6, 2, 6), "ok");
  EXPECT_EQ(service_->find(record->id)->units, unit::UnitCounts(6, 2, 6));
  EXPECT_EQ(service_->units_of(record->id)->size(), 14U);
  EXPECT_EQ(detail(store_.events().back().details, "requestData.newValue.units"),
            "6 operational, 2 recovery, 6 failover");
  for (const auto& [units, recovery, failover, field] :
       {std::tuple{7, 0, 0, "units"}, std::tuple{0, 0, 0, "units"},
        std::tuple{2, 0, 3, "failover_units"}, std::tuple{2, -1, 0, "recovery_units"},
        std::tuple{2, 3, 0, "recovery_units"}, std::tuple{2, 0, -1, "failover_units"}}) {
    EXPECT_EQ(change(units, recovery, failover), field);
  }
  EXPECT_EQ(service_->units_of(record->id)->size(), 14U);
  EXPECT_EQ(change(1, 0, 0), "ok");
  ASSERT_EQ(service_->units_of(record->id)->size(), 1U);
  EXPECT_EQ(service_->units_of(record->id).value()[0].id, first);
  service_ = load();
  EXPECT_EQ(service_->find(record->id)->units, unit::UnitCounts(1));
}

// Whatever ended the change between units and record: the record holds.
TEST_F(InstanceServiceTest, AHalfDoneChangeOfTheUnitsIsTakenBack) {
  const InstanceRecordPtr record = create("one");
  InstanceUpdate update;
  update.units = 4;
  store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", {}});
  EXPECT_EQ(service_->update(record->id, update, {}).error().reason, Reason::StoreUnavailable);
  store_.fail_with(std::nullopt);
  EXPECT_EQ(service_->find(record->id)->units, unit::UnitCounts(2));
  EXPECT_EQ(soft_unit_.list_units(record->id)->size(), 2U);
  for (const std::uint32_t left_by_a_crash : {1U, 5U}) {
    soft_unit_.resize_units(record->id, left_by_a_crash).value();
    service_ = load();
    EXPECT_EQ(service_->units_of(record->id)->size(), 2U);
    EXPECT_EQ(soft_unit_.list_units(record->id)->size(), 2U);
  }
  unit_.fault = UnitAtTheOtherEnd::Fault::DiesAfterListing;
  EXPECT_EQ(service_->update(record->id, update, {}).error().reason, Reason::UnitUnavailable);
  unit_.fault = UnitAtTheOtherEnd::Fault::None;
  EXPECT_EQ(service_->find(record->id)->units, unit::UnitCounts(2));
}

TEST_F(InstanceServiceTest, WhereARotationStandsSurvivesARestart) {
  const InstanceRecordPtr record = create("one");
  MasterKeyRotation rotation;
  rotation.phase = RotationPhase::Resealing;
  rotation.from.fill(1);
  rotation.to.fill(2);
  rotation.started_by = "IBMid-1";
  rotation.started = clock_.now();
  const std::size_t events = store_.events().size();
  ASSERT_TRUE(service_->set_rotation(record->id, rotation, {}));
  EXPECT_EQ(store_.events().size(), events + 1);
  service_ = load();
  EXPECT_EQ(service_->find(record->id)->rotation, rotation);
  EXPECT_EQ(service_->find(record->id)->updated, record->updated);
  EXPECT_EQ(service_->set_rotation(InstanceId{}, rotation, {}).error().reason,
            Reason::InstanceNotFound);
}

TEST_F(InstanceServiceTest, FramesOfACeremonyAreNamedForTheAudit) {
  const InstanceRecordPtr record = create("one");
  const tke::LocalSigner ada(crypto::P521PrivateKey::generate());
  const tke::LocalSigner bob(crypto::P521PrivateKey::generate());
  const std::string ada_id = to_hex(ada.ski());
  tke::UnitSession unit = session(record->id);

  ASSERT_TRUE(unit.attributes());
  EXPECT_EQ(asked().action, iam::Action::TkeQuery);
  ASSERT_TRUE(unit.domain_info());
  EXPECT_EQ(asked().action, iam::Action::TkeQuery);

  ASSERT_TRUE(unit.add_administrator(tke::make_administrator_certificate("Ada", ada).value(), {}));
  EXPECT_EQ(asked().action, iam::Action::TkeAdminAdd);
  EXPECT_EQ(detail(asked().details, "requestData.adminId"), ada_id);
  EXPECT_EQ(detail(asked().details, "requestData.adminName"), "Ada");
  EXPECT_EQ(detail(asked().details, "requestData.signers"), "(absent)");
  EXPECT_TRUE(administered_outcome(last_answer_).empty());

  ASSERT_TRUE(unit.add_administrator(tke::make_administrator_certificate("Bob", bob).value(), {}));
  ASSERT_TRUE(unit.set_thresholds(1, 2, {&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeThresholdSet);
  EXPECT_EQ(detail(asked().details, "requestData.signatureThreshold"), "1");
  EXPECT_EQ(detail(asked().details, "requestData.revocationSignatureThreshold"), "2");
  EXPECT_EQ(detail(asked().details, "requestData.signers"), ada_id);

  const auto importer = unit.generate_importer({&ada}).value();
  EXPECT_EQ(asked().action, iam::Action::TkeImporterGenerate);
  const SecretBytes first =
      SecretBytes::copy_of(std::string_view("0123456789abcdef0123456789abcdef"));
  const SecretBytes second =
      SecretBytes::copy_of(std::string_view("fedcba9876543210fedcba9876543210"));
  const auto pattern =
      unit.import_key_parts(importer, {{&first, {&ada}}, {&second, {&bob}}}).value();
  EXPECT_EQ(asked().action, iam::Action::TkeRegisterAdd);
  EXPECT_EQ(detail(asked().details, "requestData.keyParts"), "2");
  EXPECT_EQ(detail(asked().details, "requestData.signers"), ada_id + "," + to_hex(bob.ski()));

  ASSERT_TRUE(unit.commit_pending(pattern, {&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeRegisterCommit);
  EXPECT_EQ(detail(asked().details, "requestData.verificationPattern"), to_hex(pattern));
  ASSERT_TRUE(unit.finalize_pending(pattern, {&ada}));
  EXPECT_EQ(asked().master_key, blob_pattern(pattern));
  EXPECT_EQ(asked().action, iam::Action::TkeRegisterActivate);

  const tke::OfferInput offer{bob.public_key(), InstanceId{}, record->id, Timestamp{}};
  EXPECT_FALSE(unit.offer_transfer(offer, {&ada}));  // its control point is off
  EXPECT_EQ(asked().action, iam::Action::TkeTransferOffer);
  EXPECT_EQ(detail(asked().details, "requestData.sourceInstance"), InstanceId{}.text());
  EXPECT_EQ(detail(asked().details, "requestData.sourceRoot"), to_hex(bob.ski()));
  EXPECT_FALSE(unit.consent_transfer({Uuid{}, Digest{7}, 3}, {&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeTransferConsent);
  EXPECT_EQ(detail(asked().details, "requestData.transferId"), Uuid{}.text());
  EXPECT_EQ(detail(asked().details, "requestData.keys"), "3");
  EXPECT_FALSE(unit.authorize_transfer({bob.public_key(), record->id, Timestamp{}, {}}, {&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeTransferAuthorize);
  EXPECT_EQ(detail(asked().details, "requestData.targetRoot"), to_hex(bob.ski()));
  EXPECT_EQ(detail(asked().details, "requestData.transferId"), "(absent)");

  EXPECT_FALSE(unit.remove_administrator(bob.ski(), {&ada}));  // the revocation threshold is two
  EXPECT_EQ(asked().action, iam::Action::TkeAdminRemove);
  EXPECT_EQ(detail(asked().details, "requestData.adminId"), to_hex(bob.ski()));
  EXPECT_NE(detail(administered_outcome(last_answer_), "responseData.returnCode"), "(absent)");
  EXPECT_NE(detail(administered_outcome(last_answer_), "reason.reasonForFailure"), "(absent)");

  EXPECT_EQ(asked().master_key, std::nullopt);
  const tke::LocalSigner cleo(crypto::P521PrivateKey::generate());
  ASSERT_TRUE(unit.replace_administrator(
      bob.ski(), tke::make_administrator_certificate("Cleo", cleo).value(), {&ada, &bob}));
  EXPECT_EQ(asked().action, iam::Action::TkeAdminAdd);
  EXPECT_EQ(detail(asked().details, "requestData.replacedAdminId"), to_hex(bob.ski()));
  EXPECT_EQ(detail(asked().details, "requestData.adminId"), to_hex(cleo.ski()));
  EXPECT_EQ(detail(asked().details, "requestData.adminName"), "Cleo");
  EXPECT_FALSE(unit.export_key(tke::KeyRegister::Current, importer, {&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeExport);
  EXPECT_EQ(detail(asked().details, "requestData.importerId"),
            to_hex(tke::ski_of(importer.point())));
  ASSERT_TRUE(
      unit.enable_control_points(tke::control_point_mask(tke::kControlPointBitcoin), {&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeControlPointsSet);
  EXPECT_EQ(detail(asked().details, "requestData.controlPoints"),
            "00000000000000002000000000000000");
  EXPECT_FALSE(unit.reencrypt(Bytes(144, 'K')));
  EXPECT_EQ(asked().action, iam::Action::TkeQuery);

  ASSERT_TRUE(unit.clear_current({&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeCurrentRegisterClear);
  ASSERT_TRUE(unit.zeroize({&ada}));
  EXPECT_EQ(asked().action, iam::Action::TkeZeroize);
}

TEST_F(InstanceServiceTest, HostileFramesAreUnknownAndPassedOn) {
  const InstanceRecordPtr record = create("one");
  tke::UnitSession unit = session(record->id);
  ASSERT_TRUE(unit.attributes());
  const std::string good = last_request_;
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(100'000, ';'), good + "00", good.substr(3),
        std::string("9;PCI request;XPNUM   ;1;        ;ZZ"), std::string(64, '\0')}) {
    EXPECT_EQ(administered_action(text).action, iam::Action::TkeUnknown) << text.substr(0, 40);
    EXPECT_TRUE(administered_action(text).details.empty());
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    administered_action(good.substr(0, size));  // total
  EXPECT_NE(detail(administered_outcome("nonsense"), "reason.reasonForFailure"), "(absent)");
}

}  // namespace
}  // namespace keyhaven::instances
