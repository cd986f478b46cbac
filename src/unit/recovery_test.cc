// Recovery units: random master keys, and the way of a key from one unit to another.
#include <gtest/gtest.h>

#include "tke/key_export.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::KeyRegister;
using tke::Status;
using tke::UnitRole;
using tke::UnitSession;
namespace permission = tke::permission;

class RecoveryTest : public testing::Test {
 protected:
  static constexpr std::size_t kOperational = 0;  // positions of the units
  static constexpr std::size_t kRecovery = 1;
  static constexpr std::size_t kFailover = 2;

  RecoveryTest() { deployment_.table().create_units(instance_, "local", {1, 1, 1}).value(); }

  UnitStatus status(std::size_t unit) {
    return deployment_.table().list_units(instance_).value()[unit];
  }
  UnitSession session(std::size_t unit) { return deployment_.session(instance_, status(unit)); }
  UnitSession configured(std::size_t unit, std::uint32_t threshold = 2) {
    constexpr UnitRole kRoles[] = {UnitRole::Operational, UnitRole::Recovery, UnitRole::Failover};
    auto with = session(unit);
    for (const Bytes& certificate : administrators_.certificates) {
      with.add_administrator(certificate, {}).value();
    }
    with.configure(kRoles[unit], threshold, threshold, administrators_.all()).value();
    return with;
  }
  // The key of a recovery unit to another one's pending register.
  Result<void> copy(UnitSession& from, UnitSession& to, KeyRegister which) {
    const auto importer = KH_TRY(to.generate_importer(one_));
    const Bytes exported = KH_TRY(from.export_key(which, importer, all_));
    return to.import_recipient_infos({{exported, one_}});
  }
  template <class T>
  static void expect_refused(const UnitSession& with, const Result<T>& result, Status expected) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(with.last_status().return_code, expected.return_code) << result.error().message;
    EXPECT_EQ(with.last_status().reason_code, expected.reason_code) << result.error().message;
  }

  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  Administrators administrators_{2};
  tke::Signers all_ = administrators_.all();
  tke::Signers one_ = administrators_.some({0});
};

TEST_F(RecoveryTest, ConfiguredUnitsHaveThePermissionsOfTheirRole) {
  EXPECT_EQ(configured(kOperational).attributes()->permissions, 0x0FFF2055u);
  EXPECT_EQ(configured(kRecovery).attributes()->permissions, 0x0FFF205Fu);
  EXPECT_EQ(configured(kFailover).attributes()->permissions, 0x0FFF2055u);
  // Configured anew: nothing to change, and nothing that was fixed is asked for.
  auto with = session(kRecovery);
  EXPECT_TRUE(with.configure(UnitRole::Recovery, 1, 1, all_).has_value());
  EXPECT_EQ(with.attributes()->permissions, 0x0FFF205Fu);
}

TEST_F(RecoveryTest, OnlyRecoveryUnitsMayBePermittedToExportOrInvent) {
  for (const std::size_t unit : {kOperational, kFailover}) {
    auto with = configured(unit);
    const auto now = with.attributes().value();
    auto wanted = now;
    wanted.permissions |= permission::kExport;
    expect_refused(with, with.set_attributes(wanted, all_),
                   {tke::kNotAllowed, tke::kExportProhibited});
    wanted.permissions = now.permissions | permission::kRandomKey;
    expect_refused(with, with.set_attributes(wanted, all_),
                   {tke::kNotAllowed, tke::kRandomKeyProhibited});
    const auto importer = with.generate_importer(one_).value();
    expect_refused(with, with.create_random(one_), {tke::kNotAllowed, tke::kRandomKeyProhibited});
    for (const KeyRegister which : {KeyRegister::Current, KeyRegister::Pending}) {
      expect_refused(with, with.export_key(which, importer, all_),
                     {tke::kNotAllowed, tke::kExportProhibited});
    }
    EXPECT_EQ(with.attributes().value(), now);
  }
}

TEST_F(RecoveryTest, ARecoveryUnitOnlyMayWhatItsAdministratorsPermit) {
  auto with = session(kRecovery);
  expect_refused(with, with.create_random({}), {tke::kNotInImprint, tke::kStillImprint});
  TestDeployment::enroll(with, administrators_).value();  // thresholds, no permissions
  const auto importer = with.generate_importer(one_).value();
  expect_refused(with, with.create_random(one_), {tke::kNotAllowed, tke::kRandomKeyProhibited});
  expect_refused(with, with.export_key(KeyRegister::Current, importer, all_),
                 {tke::kNotAllowed, tke::kExportProhibited});
  // Export is transport in one part: that needs its permission too.
  auto wanted = with.attributes().value();
  wanted.permissions |= permission::kExport;
  with.set_attributes(wanted, all_).value();
  expect_refused(with, with.export_key(KeyRegister::Current, importer, all_),
                 {tke::kNotAllowed, tke::kSinglePartProhibited});
}

TEST_F(RecoveryTest, ARandomKeyGoesToTheCurrentThenToTheNewRegister) {
  auto with = configured(kRecovery);
  expect_refused(with, with.create_random({}), {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  const auto first = with.create_random(one_).value();
  EXPECT_EQ(status(kRecovery).current, RegisterState::Valid);  // no commit, no set immediate
  EXPECT_EQ(status(kRecovery).current_pattern, first);
  EXPECT_EQ(status(kRecovery).pending, RegisterState::Empty);
  EXPECT_EQ(first[31], 0);
  const auto second = with.create_random(one_).value();
  EXPECT_NE(second, first);
  EXPECT_EQ(status(kRecovery).current_pattern, first);
  EXPECT_EQ(status(kRecovery).pending, RegisterState::FullUncommitted);
  EXPECT_EQ(with.pattern(KeyRegister::Pending).value(), second);
  expect_refused(with, with.create_random(one_), {tke::kInconsistent, tke::kRegisterFull});
  with.commit_pending(second, all_).value();
  expect_refused(with, with.create_random(one_), {tke::kInconsistent, tke::kRegisterFull});
  with.finalize_pending(second, one_).value();
  EXPECT_EQ(with.pattern(KeyRegister::Current).value(), second);
}

TEST_F(RecoveryTest, AKeyTravelsToEveryOtherUnitAndAgainAtARotation) {
  auto source = configured(kRecovery);
  const auto pattern = source.create_random(one_).value();
  for (const std::size_t unit : {kOperational, kFailover}) {
    auto target = configured(unit);
    ASSERT_TRUE(copy(source, target, KeyRegister::Current).has_value());
    EXPECT_EQ(target.pattern(KeyRegister::Pending).value(), pattern);
    ASSERT_TRUE(target.commit_pending(pattern, all_).has_value());
    ASSERT_TRUE(target.finalize_pending(pattern, one_).has_value());
    EXPECT_EQ(status(unit).current_pattern, pattern);
  }
  SoftUnit unit = deployment_.make_unit();
  EXPECT_TRUE(unit.generate_root_key(test_binding(instance_)).has_value());

  // Rotation: a new random key beside the current one, copied into the new registers.
  const auto next = source.create_random(one_).value();
  for (const std::size_t position : {kOperational, kFailover}) {
    auto target = session(position);
    ASSERT_TRUE(copy(source, target, KeyRegister::Pending).has_value());
    EXPECT_EQ(status(position).pending, RegisterState::FullUncommitted);
    EXPECT_EQ(status(position).pending_pattern, next);
    EXPECT_EQ(status(position).current_pattern, pattern);
    ASSERT_TRUE(target.commit_pending(next, all_).has_value());
  }
  // The same key as the current one again is refused; after zeroize it can be loaded anew.
  auto target = session(kOperational);
  target.clear_pending(one_).value();
  const auto again = copy(source, target, KeyRegister::Current);
  expect_refused(target, again, {tke::kInconsistent, tke::kSameAsCurrent});
  target.zeroize(one_).value();
  target = configured(kOperational);
  ASSERT_TRUE(copy(source, target, KeyRegister::Current).has_value());
  ASSERT_TRUE(target.commit_pending(pattern, all_).has_value());
  ASSERT_TRUE(target.finalize_pending(pattern, one_).has_value());
}

TEST_F(RecoveryTest, ExportNeedsTheQuorumAndAFullRegister) {
  auto source = configured(kRecovery);
  auto target = configured(kOperational);
  const auto importer = target.generate_importer(one_).value();
  expect_refused(source, source.export_key(KeyRegister::Current, importer, all_),
                 {tke::kNotInitialised, tke::kNoMasterKey});
  expect_refused(source, source.export_key(KeyRegister::Pending, importer, all_),
                 {tke::kNotInitialised, tke::kNoPendingKey});
  source.create_random(one_).value();
  expect_refused(source, source.export_key(KeyRegister::Current, importer, one_),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  EXPECT_TRUE(source.export_key(KeyRegister::Current, importer, all_).has_value());
}

TEST_F(RecoveryTest, WhatIsExportedOpensForItsImporterOnly) {
  auto source = configured(kRecovery);
  auto target = configured(kOperational);
  const auto pattern = source.create_random(one_).value();
  const auto own = crypto::P521PrivateKey::generate();
  const Bytes sealed = source.export_key(KeyRegister::Current, own.public_key(), all_).value();
  ASSERT_EQ(sealed.size(), tke::kRecipientInfoSize);
  EXPECT_EQ(tke::verification_pattern(tke::open_key_part(sealed, own).value()), pattern);
  // Offsets of the format notes.
  EXPECT_EQ(sealed[29], 0x04);
  const auto ski = tke::short_ski_of(own.public_key().point());
  EXPECT_TRUE(std::equal(ski.begin(), ski.end(), sealed.begin() + 239));
  EXPECT_NE(sealed, source.export_key(KeyRegister::Current, own.public_key(), all_).value());
  target.generate_importer(one_).value();
  expect_refused(target, target.import_recipient_infos({{sealed, one_}}),
                 {tke::kInvalidData, tke::kRecipientInfoFault});
  // The identifier with the 04 byte is accepted as well.
  const auto importer = target.generate_importer(one_).value();
  Bytes exported = source.export_key(KeyRegister::Current, importer, all_).value();
  const auto full = tke::ski_of(importer.point());
  std::copy(full.begin(), full.end(), exported.begin() + 239);
  EXPECT_TRUE(target.import_recipient_infos({{exported, one_}}).has_value());
}

TEST_F(RecoveryTest, EveryFaultOfARecipientInfoHasItsReason) {
  auto source = configured(kRecovery);
  auto target = configured(kOperational);
  source.create_random(one_).value();
  const auto importer = target.generate_importer(one_).value();
  const Bytes good = source.export_key(KeyRegister::Current, importer, all_).value();
  const auto refused = [&](Bytes changed, std::uint32_t reason) {
    expect_refused(target, target.import_recipient_infos({{std::move(changed), one_}}),
                   {tke::kInvalidData, reason});
  };
  const auto flipped = [&](std::size_t at) {
    Bytes changed = good;
    changed[at] ^= 1;
    return changed;
  };
  refused(flipped(6), tke::kRecipientInfoFault);          // version
  refused(flipped(40), tke::kOriginatorPoint);            // off the curve
  refused(flipped(170), tke::kRecipientInfoDoesNotOpen);  // UKM: another key encryption key
  refused(flipped(245), tke::kRecipientInfoFault);        // another importer
  refused(flipped(300), tke::kRecipientInfoDoesNotOpen);
  refused({}, tke::kRecipientInfoFault);
  // One byte less of the wrapped key, of the UKM: with the lengths around them set right.
  const auto shortened = [&](std::size_t at, std::initializer_list<std::size_t> lengths) {
    Bytes changed = good;
    for (const std::size_t length : lengths) --changed[length];
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
    return changed;
  };
  refused(shortened(312, {3, 232, 234, 272}), tke::kWrappedPartSize);
  refused(shortened(205, {3, 163, 165}), tke::kSharedInfoFault);
  EXPECT_TRUE(target.import_recipient_infos({{good, one_}}).has_value());
}

TEST_F(RecoveryTest, AKeyInOnePartNeedsItsPermission) {
  auto source = configured(kRecovery);
  source.create_random(one_).value();
  auto target = session(kOperational);
  TestDeployment::enroll(target, administrators_).value();
  const auto refused = copy(source, target, KeyRegister::Current);
  expect_refused(target, refused, {tke::kNotAllowed, tke::kSinglePartProhibited});
}

// --- The input of an export, entry by entry ---

class ExportRequestTest : public RecoveryTest {
 protected:
  ExportRequestTest() : source_(configured(kRecovery)) {
    source_.create_random(one_).value();
    parameters_ = tke::parse_parameters(
                      tke::make_export_request(crypto::P521PrivateKey::generate().public_key()))
                      .value();
  }
  Status send(const std::vector<tke::Parameter>& parameters) {
    return send_bytes(tke::encode_parameters(parameters));
  }
  Status send_bytes(const Bytes& input) {
    const auto sent = source_.command(tke::kExportCurrentKey, input, all_);
    EXPECT_EQ(sent.has_value(), source_.last_status().ok());
    return source_.last_status();
  }
  template <class Edit>
  Status changed(Edit edit) {
    auto parameters = parameters_;
    edit(parameters);
    return send(parameters);
  }
  UnitSession source_;
  std::vector<tke::Parameter> parameters_;
};

TEST_F(ExportRequestTest, EntriesMayComeInAnyOrder) {
  std::sort(parameters_.begin(), parameters_.end(),
            [](const auto& a, const auto& b) { return a.tag < b.tag; });
  do {
    EXPECT_TRUE(send(parameters_).ok());
  } while (std::next_permutation(parameters_.begin(), parameters_.end(),
                                 [](const auto& a, const auto& b) { return a.tag < b.tag; }));
}

TEST_F(ExportRequestTest, WhatIsNotUnderstoodIsRefused) {
  using Parameters = std::vector<tke::Parameter>;
  const Status malformed{tke::kBadArguments, tke::kNoReason};
  const Status missing{tke::kMissingInput, tke::kNoReason};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(changed([&](Parameters& p) { p.erase(p.begin() + static_cast<long>(i)); }), missing);
    EXPECT_EQ(changed([&](Parameters& p) { p.push_back(p[i]); }), malformed);
    EXPECT_EQ(changed([&](Parameters& p) { p[i].tag = 0x1E; }), malformed);
  }
  EXPECT_EQ(changed([](Parameters& p) { p.push_back({0x30, 0, {}}); }), malformed);
  const Status parts{tke::kBadArguments, tke::kExportPartsFault};
  EXPECT_EQ(changed([](Parameters& p) { p[0].aux = 2; }), parts);
  EXPECT_EQ(changed([](Parameters& p) { p[0].aux = 0; }), parts);
  EXPECT_EQ(changed([](Parameters& p) { p[1].aux = 1; }), parts);
  EXPECT_EQ(changed([](Parameters& p) {
              p.push_back({tke::kKeyPartHolderParameter, 1, p[1].data});
            }),
            parts);
  const Status scope{tke::kBadArguments, tke::kExportScopeFault};
  for (const std::uint32_t other : {0x00u, 0x04u, 0x08u, 0x0Du, 0x8000000Cu}) {
    EXPECT_EQ(changed([&](Parameters& p) { p[2].aux = other; }), scope);
  }
  EXPECT_EQ(changed([](Parameters& p) { p[2].data = {0}; }), scope);
  EXPECT_EQ(send({}), missing);
  for (const Bytes& input : {Bytes{}, Bytes{0x30}, Bytes{0x30, 0x80, 0, 0}, Bytes{0x31, 0},
                             Bytes{0x30, 7, 4, 5, 0, 0x1C, 0, 0, 0}, Bytes(40, 0x30)}) {
    EXPECT_EQ(send_bytes(input), malformed);
  }
}

TEST_F(ExportRequestTest, EveryByteOfTheKeyPartHolderCounts) {
  const Status invalid{tke::kWrongDomain, tke::kKeyPartHolderInvalid};
  const auto with_holder = [&](auto edit) {
    return changed([&](std::vector<tke::Parameter>& p) { edit(p[1].data); });
  };
  ASSERT_EQ(parameters_[1].data.size(), 309u);
  for (std::size_t at = 0; at < 309; at += at < 48 ? 1 : 13) {
    EXPECT_EQ(with_holder([&](Bytes& holder) { holder[at] ^= 0x01; }), invalid) << at;
  }
  EXPECT_EQ(with_holder([](Bytes& holder) { holder.pop_back(); }), invalid);
  EXPECT_EQ(with_holder([](Bytes& holder) { holder.push_back(0); }), invalid);
  EXPECT_EQ(with_holder([](Bytes& holder) { holder.clear(); }), invalid);
  EXPECT_TRUE(send(parameters_).ok());
}

}  // namespace
}  // namespace keyhaven::unit
