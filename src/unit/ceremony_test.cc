// A whole ceremony between the real client and the real unit, and every refusal of its rules.
#include <gtest/gtest.h>

#include <algorithm>

#include "tke/frame.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::Status;
using tke::UnitSession;
namespace permission = tke::permission;

class CeremonyTest : public testing::Test {
 protected:
  CeremonyTest() { units_ = deployment_.table().create_units(instance_, "local", 2).value(); }
  UnitSession session(std::size_t unit = 0) { return deployment_.session(instance_, units_[unit]); }
  UnitSession enrolled(std::uint32_t threshold = 2) {
    auto with = session();
    TestDeployment::enroll(with, administrators_, threshold).value();
    return with;
  }
  UnitStatus status(std::size_t unit = 0) {
    return deployment_.table().list_units(instance_).value()[unit];
  }

  // The result must be a refusal with exactly these codes.
  template <class T>
  static void expect_refused(const UnitSession& with, const Result<T>& result, Status expected) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(with.last_status().return_code, expected.return_code) << result.error().message;
    EXPECT_EQ(with.last_status().reason_code, expected.reason_code) << result.error().message;
  }

  Result<tke::VerificationPattern> import(UnitSession& with, const std::vector<SecretBytes>& parts,
                                          const std::vector<tke::Signers>& signers) {
    const auto importer = KH_TRY(with.generate_importer(administrators_.some({0})));
    std::vector<tke::SignedKeyPart> list;
    for (std::size_t i = 0; i < parts.size(); ++i) list.push_back({&parts[i], signers[i]});
    return with.import_key_parts(importer, list);
  }

  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  Administrators administrators_{2};
  Administrators strangers_{1};
  std::vector<UnitStatus> units_;
};

TEST_F(CeremonyTest, WholeCeremonyOnTwoUnits) {
  const auto parts = random_parts();
  const SecretBytes key = tke::combine_key_parts({&parts[0], &parts[1]}).value();
  for (std::size_t i = 0; i < units_.size(); ++i) {
    auto with = session(i);
    EXPECT_TRUE(with.attributes()->imprint());
    ASSERT_TRUE(TestDeployment::enroll(with, administrators_).has_value());
    const auto admins = with.administrators().value();
    ASSERT_EQ(admins.size(), 2u);
    EXPECT_EQ(admins[1].name, "Administrator 1");
    ASSERT_TRUE(TestDeployment::load(with, administrators_, parts).has_value());
    const auto info = with.domain_info().value();
    EXPECT_EQ(info.current_pattern, tke::verification_pattern(key));
    EXPECT_EQ(info.flags, tke::DomainInfo::kHasAdministrators | tke::DomainInfo::kHasCurrent |
                              tke::DomainInfo::kLeftImprint);
    EXPECT_EQ(status(i).current, RegisterState::Valid);
    EXPECT_EQ(status(i).pending, RegisterState::Empty);
    EXPECT_EQ(status(i).current_pattern, tke::verification_pattern(key));
  }

  SoftUnit unit = deployment_.make_unit();
  const KeyBinding binding = test_binding(instance_);
  const auto sealed = unit.generate_root_key(binding).value();
  const auto wrapped = unit.wrap(binding, sealed.blob, SecretBytes{}, {"aad"}).value();
  const auto opened =
      unit.unwrap(binding, sealed.blob, wrapped.wrapped_dek, {"aad"}, nullptr).value();
  EXPECT_TRUE(opened.dek == wrapped.generated_dek);
  const KeyBinding newer = test_binding(instance_, 1, 2);
  const auto second = unit.generate_root_key(newer).value();
  const Bytes again =
      unit.rewrap(binding, sealed.blob, wrapped.wrapped_dek, {"aad"}, {newer, &second.blob})
          .value();
  EXPECT_TRUE(unit.unwrap(newer, second.blob, again, {"aad"}, nullptr)->dek ==
              wrapped.generated_dek);
}

TEST_F(CeremonyTest, LocationsAndSerialNumbersTellModulesApart) {
  EXPECT_EQ(units_[0].location, "[local].[AZ1-CS1].[01].[00]");
  EXPECT_EQ(units_[1].location, "[local].[AZ2-CS1].[02].[00]");
  EXPECT_EQ(units_[0].serial_number.size(), 8u);
  EXPECT_NE(units_[0].serial_number, units_[1].serial_number);
  const auto others = deployment_.table().create_units(test_instance(2), "local", 1).value();
  EXPECT_EQ(others[0].location, "[local].[AZ1-CS1].[01].[01]");
  EXPECT_EQ(others[0].serial_number, units_[0].serial_number);
}

TEST_F(CeremonyTest, ImprintModeRefusesEverythingElse) {
  auto with = session();
  const Status refused{tke::kNotInImprint, tke::kStillImprint};
  for (const auto command :
       {tke::kGenerateImporter, tke::kImportKeyParts, tke::kCommitPending, tke::kFinalizePending,
        tke::kClearCurrent, tke::kClearPending, tke::kSetControlPoints}) {
    expect_refused(with, with.command(command, {}, {}), refused);
  }
}

TEST_F(CeremonyTest, OperationalUnitsNeverExportOrInventKeys) {
  auto with = enrolled();
  const auto all = administrators_.all();
  for (const auto command : {tke::kExportCurrentKey, tke::kExportPendingKey}) {
    expect_refused(with, with.command(command, {}, all),
                   {tke::kNotAllowed, tke::kExportProhibited});
  }
  expect_refused(with, with.command(tke::kCreateRandomKey, {}, all),
                 {tke::kNotAllowed, tke::kRandomKeyProhibited});
  auto wanted = with.attributes().value();
  wanted.permissions |= permission::kExport;
  expect_refused(with, with.set_attributes(wanted, all),
                 {tke::kNotAllowed, tke::kExportProhibited});
  wanted.permissions ^= permission::kExport | permission::kRandomKey;
  expect_refused(with, with.set_attributes(wanted, all),
                 {tke::kNotAllowed, tke::kRandomKeyProhibited});
}

TEST_F(CeremonyTest, UnknownCommandsAreNotSupported) {
  auto with = enrolled();
  for (const std::uint32_t command :
       {0x01u, 0x06u, 0x19u, 0x23u, 0xFFFFu, 0x00010005u, 0x00010010u}) {
    expect_refused(with, with.command(command, {}, administrators_.all()),
                   {tke::kNotSupported, tke::kNoReason});
  }
}

TEST_F(CeremonyTest, TooFewSignaturesAreRefused) {
  auto with = enrolled();
  const Status refused{tke::kNotEnoughSignatures, tke::kTooFewSignatures};
  const Bytes& stranger = strangers_.certificates[0];
  expect_refused(with, with.add_administrator(stranger, {}), refused);
  expect_refused(with, with.add_administrator(stranger, administrators_.some({0})), refused);
  expect_refused(with, with.add_administrator(stranger, administrators_.some({0, 0})),
                 refused);  // one person twice
  expect_refused(with, with.generate_importer({}), refused);
  expect_refused(with, with.zeroize(administrators_.some({1})), refused);
  EXPECT_TRUE(with.add_administrator(stranger, administrators_.all()).has_value());
}

TEST_F(CeremonyTest, UnauthorisedAndForgedSignaturesAreRefused) {
  auto with = enrolled();
  tke::Signers mixed = administrators_.all();
  mixed.push_back(strangers_.owned[0].get());
  expect_refused(with, with.clear_pending(mixed), {tke::kUnauthorisedSigner, tke::kNoReason});

  // An installed administrator's identifier with another key's signature.
  class Impostor final : public tke::P521Signer {
   public:
    Impostor(const tke::P521Signer& claimed, const tke::Signer& real)
        : claimed_(claimed), real_(real) {}
    const crypto::P521PublicKey& public_key() const override { return claimed_.public_key(); }
    Result<Bytes> sign(ByteView message) const override { return real_.sign(message); }

   private:
    const tke::P521Signer& claimed_;
    const tke::Signer& real_;
  };
  const Impostor impostor(*administrators_.owned[0], *strangers_.owned[0]);
  expect_refused(with, with.clear_pending({&impostor}),
                 {tke::kSignatureInvalid, tke::kBadSignature});
}

TEST_F(CeremonyTest, AdministratorListRules) {
  auto with = session();
  ASSERT_TRUE(with.add_administrator(administrators_.certificates[0], {}).has_value());
  expect_refused(with, with.add_administrator(administrators_.certificates[0], {}),
                 {tke::kAdministratorExists, tke::kKeyExists});
  expect_refused(with, with.add_administrator(Bytes{1, 2, 3}, {}),
                 {tke::kInvalidData, tke::kBadCertificate});
  expect_refused(with, with.remove_administrator(strangers_.owned[0]->ski(), {}),
                 {tke::kInvalidData, tke::kAdministratorNotFound});
  const Administrators many(8);
  for (std::size_t i = 0; i < 7; ++i) {
    ASSERT_TRUE(with.add_administrator(many.certificates[i], {}).has_value());
  }
  expect_refused(with, with.add_administrator(many.certificates[7], {}),
                 {tke::kAdministratorListFull, tke::kListFull});
  ASSERT_TRUE(with.remove_administrator(many.owned[0]->ski(), {}).has_value());
  EXPECT_TRUE(with.add_administrator(many.certificates[7], {}).has_value());
}

TEST_F(CeremonyTest, ThresholdRules) {
  auto with = session();
  for (const Bytes& certificate : administrators_.certificates) {
    ASSERT_TRUE(with.add_administrator(certificate, {}).has_value());
  }
  const auto all = administrators_.all();
  const auto inconsistent = [](std::uint32_t reason) { return Status{tke::kInconsistent, reason}; };
  expect_refused(with, with.set_thresholds(0, 0, all),
                 inconsistent(tke::kSignatureThresholdToZero));
  expect_refused(with, with.set_thresholds(2, 0, all), inconsistent(tke::kRevocationThresholdZero));
  expect_refused(with, with.set_thresholds(3, 1, all),
                 inconsistent(tke::kSignatureThresholdTooHigh));
  expect_refused(with, with.set_thresholds(2, 3, all),
                 inconsistent(tke::kRevocationThresholdTooHigh));
  expect_refused(with, with.set_thresholds(2, 2, administrators_.some({0})),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  ASSERT_TRUE(with.set_thresholds(2, 2, all).has_value());
  expect_refused(with, with.set_thresholds(0, 2, all),
                 inconsistent(tke::kSignatureThresholdToZero));
  expect_refused(with, with.set_thresholds(2, 0, all),
                 inconsistent(tke::kRevocationThresholdToZero));
  expect_refused(with, with.remove_administrator(administrators_.owned[0]->ski(), all),
                 inconsistent(tke::kRemovalBelowThreshold));
  ASSERT_TRUE(with.set_thresholds(2, 1, all).has_value());
  auto wanted = with.attributes().value();
  wanted.permissions &= ~permission::kThresholdOfOne;
  expect_refused(with, with.set_attributes(wanted, all), inconsistent(tke::kThresholdOfOneInUse));
  wanted.revocation_threshold = 2;
  ASSERT_TRUE(with.set_attributes(wanted, all).has_value());
  expect_refused(with, with.set_thresholds(1, 2, all), inconsistent(tke::kSignatureThresholdToOne));
  expect_refused(with, with.set_thresholds(2, 1, all),
                 inconsistent(tke::kRevocationThresholdToOne));
}

TEST_F(CeremonyTest, ThresholdOfOneIsEnoughForOne) {
  auto with = enrolled(1);
  EXPECT_TRUE(
      with.add_administrator(strangers_.certificates[0], administrators_.some({1})).has_value());
  EXPECT_TRUE(
      with.remove_administrator(administrators_.owned[0]->ski(), strangers_.all()).has_value());
  EXPECT_EQ(with.administrator_skis()->size(), 2u);
}

TEST_F(CeremonyTest, MayChangeBitsGuardPermissionsAndThresholds) {
  auto with = enrolled();
  const auto all = administrators_.all();
  auto wanted = with.attributes().value();
  wanted.permissions &=
      ~(tke::may_change_bit(permission::kSinglePart) | permission::kSignatureThresholdMayChange);
  ASSERT_TRUE(with.set_attributes(wanted, all).has_value());

  auto again = wanted;
  again.permissions |= permission::kSignatureThresholdMayChange;
  expect_refused(with, with.set_attributes(again, all),
                 {tke::kInconsistent, tke::kMayChangeCannotBeSet});
  again = wanted;
  again.permissions |= permission::kSinglePart;
  expect_refused(with, with.set_attributes(again, all),
                 {tke::kInconsistent, tke::kPermissionMayNotChange});
  expect_refused(with, with.set_thresholds(1, 2, all),
                 {tke::kInconsistent, tke::kThresholdMayNotChange});
  EXPECT_TRUE(with.set_thresholds(2, 1, all).has_value());
}

TEST_F(CeremonyTest, OperationalModeAndMalformedListsAreRefused) {
  auto with = enrolled();
  auto wanted = with.attributes().value();
  wanted.operational_mode = 1;
  const Status fault{tke::kInvalidData, tke::kAttributeListFault};
  expect_refused(with, with.set_attributes(wanted, administrators_.all()), fault);
  expect_refused(with, with.command(tke::kSetAttributes, Bytes(7, 0), administrators_.all()),
                 fault);
}

TEST_F(CeremonyTest, ThePermissionsTheOfficialClientSetsAreAccepted) {
  auto with = session();
  for (const Bytes& certificate : administrators_.certificates) {
    ASSERT_TRUE(with.add_administrator(certificate, {}).has_value());
  }
  auto wanted = with.attributes().value();
  EXPECT_EQ(wanted.permissions, 0x8FFF0011u);
  wanted.signature_threshold = 2;
  wanted.revocation_threshold = 1;
  wanted.permissions = 0x0FFF2055;  // instances-tke-iam.md 3.12, operational
  ASSERT_TRUE(with.set_attributes(wanted, administrators_.all()).has_value());
  EXPECT_EQ(with.attributes()->permissions, 0x0FFF2055u);
  // It allows zeroize with one signature.
  EXPECT_TRUE(with.zeroize(administrators_.some({0})).has_value());
}

TEST_F(CeremonyTest, LoadRules) {
  auto with = enrolled();
  const auto parts = random_parts();
  const auto first = administrators_.some({0});
  const auto second = administrators_.some({1});

  expect_refused(with, import(with, random_parts(1), {first}),
                 {tke::kNotAllowed, tke::kSinglePartProhibited});
  expect_refused(with, import(with, parts, {first, first}),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  expect_refused(with, import(with, parts, {first, {}}),
                 {tke::kNotEnoughSignatures, tke::kInnerSignatureMissing});
  expect_refused(with, import(with, parts, {first, strangers_.all()}),
                 {tke::kUnauthorisedSigner, tke::kNoReason});
  std::vector<SecretBytes> equal_parts;
  equal_parts.push_back(parts[0].clone());
  equal_parts.push_back(parts[0].clone());
  expect_refused(with, import(with, equal_parts, {first, second}),
                 {tke::kInconsistent, tke::kEqualKeyParts});
  expect_refused(with, with.command(tke::kImportKeyParts, {}, {}),
                 {tke::kMissingInput, tke::kNoKeyParts});
  expect_refused(with, with.command(tke::kImportKeyParts, Bytes{1, 2}, {}),
                 {tke::kBadArguments, tke::kInnerBlockMissing});
  EXPECT_EQ(status().pending, RegisterState::Empty);

  ASSERT_TRUE(import(with, parts, {first, second}).has_value());
  EXPECT_EQ(status().pending, RegisterState::FullUncommitted);
  expect_refused(with, import(with, random_parts(), {first, second}),
                 {tke::kInconsistent, tke::kRegisterFull});
}

TEST_F(CeremonyTest, TheImporterKeyIsUsedOnce) {
  auto with = enrolled();
  const auto importer = with.generate_importer(administrators_.some({0})).value();
  const auto parts = random_parts();
  const std::vector<tke::SignedKeyPart> list = {{&parts[0], administrators_.some({0})},
                                                {&parts[1], administrators_.some({1})}};
  ASSERT_TRUE(with.import_key_parts(importer, list).has_value());
  ASSERT_TRUE(with.clear_pending(administrators_.some({0})).has_value());
  expect_refused(with, with.import_key_parts(importer, list),
                 {tke::kBadArguments, tke::kNoImporterKey});
  // A part for another unit's importer does not open here.
  ASSERT_TRUE(with.generate_importer(administrators_.some({0})).has_value());
  expect_refused(with, with.import_key_parts(importer, list),
                 {tke::kInvalidData, tke::kRecipientInfoFault});
  expect_refused(with,
                 with.command(tke::kGenerateImporter, Bytes{0, 0, 0, 0}, administrators_.some({0})),
                 {tke::kNotSupported, tke::kNoReason});
  expect_refused(with,
                 with.command(tke::kGenerateImporter, Bytes{0, 0, 0, 9}, administrators_.some({0})),
                 {tke::kInvalidData, tke::kImporterTypeUnknown});
}

TEST_F(CeremonyTest, WithSinglePartAllowedOneAdministratorMayLoad) {
  auto with = enrolled();
  auto wanted = with.attributes().value();
  wanted.permissions |= permission::kSinglePart;
  ASSERT_TRUE(with.set_attributes(wanted, administrators_.all()).has_value());
  EXPECT_TRUE(import(with, random_parts(1), {administrators_.some({0})}).has_value());
}

TEST_F(CeremonyTest, ImportCanBeProhibited) {
  auto with = enrolled();
  auto wanted = with.attributes().value();
  wanted.permissions &= ~permission::kImport;
  ASSERT_TRUE(with.set_attributes(wanted, administrators_.all()).has_value());
  expect_refused(
      with, import(with, random_parts(), {administrators_.some({0}), administrators_.some({1})}),
      {tke::kNotAllowed, tke::kImportProhibited});
}

TEST_F(CeremonyTest, CommitAndSetImmediateRules) {
  auto with = enrolled();
  const auto all = administrators_.all();
  const tke::VerificationPattern nothing{};
  expect_refused(with, with.commit_pending(nothing, all),
                 {tke::kNotInitialised, tke::kNoPendingKey});
  expect_refused(with, with.finalize_pending(nothing, all),
                 {tke::kNotInitialised, tke::kNoPendingKey});
  const auto parts = random_parts();
  const auto pattern =
      import(with, parts, {administrators_.some({0}), administrators_.some({1})}).value();
  expect_refused(with, with.finalize_pending(pattern, all),
                 {tke::kInconsistent, tke::kPendingNotCommitted});
  auto wrong = pattern;
  wrong[0] ^= 1;
  expect_refused(with, with.commit_pending(wrong, all),
                 {tke::kPatternMismatch, tke::kPatternDiffers});
  expect_refused(with, with.commit_pending(pattern, administrators_.some({0})),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  EXPECT_EQ(status().pending, RegisterState::FullUncommitted);
  ASSERT_TRUE(with.commit_pending(pattern, all).has_value());
  EXPECT_EQ(status().pending, RegisterState::FullCommitted);
  expect_refused(with, with.finalize_pending(wrong, all),
                 {tke::kPatternMismatch, tke::kPatternDiffers});
  expect_refused(with, with.finalize_pending(pattern, {}),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  ASSERT_TRUE(with.finalize_pending(pattern, administrators_.some({1})).has_value());
  EXPECT_EQ(status().current, RegisterState::Valid);
  // The same key again is refused.
  expect_refused(with, import(with, parts, {administrators_.some({0}), administrators_.some({1})}),
                 {tke::kInconsistent, tke::kSameAsCurrent});
}

TEST_F(CeremonyTest, ClearEmptiesARegister) {
  auto with = enrolled();
  ASSERT_TRUE(TestDeployment::load(with, administrators_, random_parts()).has_value());
  ASSERT_TRUE(import(with, random_parts(), {administrators_.some({0}), administrators_.some({1})})
                  .has_value());
  ASSERT_TRUE(with.clear_pending(administrators_.some({0})).has_value());
  EXPECT_EQ(status().pending, RegisterState::Empty);
  EXPECT_EQ(status().current, RegisterState::Valid);
  ASSERT_TRUE(with.clear_current(administrators_.some({0})).has_value());
  EXPECT_EQ(status().current, RegisterState::Empty);
}

TEST_F(CeremonyTest, ControlPointsNeedTheQuorum) {
  auto with = enrolled();
  Bytes mask(16, 0);
  mask[3] = 0x81;
  expect_refused(with, with.command(tke::kEnableControlPoints, mask, administrators_.some({0})),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  ASSERT_TRUE(with.command(tke::kEnableControlPoints, mask, administrators_.all()).has_value());
  EXPECT_EQ(with.control_points().value()[3], 0x81);
  mask[3] = 0x80;
  ASSERT_TRUE(with.command(tke::kDisableControlPoints, mask, administrators_.all()).has_value());
  EXPECT_EQ(with.control_points().value()[3], 0x01);
}

TEST_F(CeremonyTest, ZeroizeForgetsEverythingAndOldBlocksDie) {
  std::string recorded;
  auto transport = [&](const std::string& request) {
    recorded = request;
    return deployment_.table().administer(instance_, units_[0].id, request);
  };
  auto with =
      UnitSession::open(transport, TestDeployment::target(units_[0]), deployment_.root()).value();
  TestDeployment::enroll(with, administrators_).value();
  TestDeployment::load(with, administrators_, random_parts()).value();
  ASSERT_TRUE(with.zeroize(administrators_.all()).has_value());
  const std::string zeroize = recorded;
  EXPECT_TRUE(status().imprint);
  EXPECT_EQ(status().administrators, 0u);
  EXPECT_EQ(status().current, RegisterState::Empty);
  EXPECT_EQ(with.attributes()->permissions, permission::kFreshDomain);

  // Same administrators again: the recorded command still dies on the domain instance.
  TestDeployment::enroll(with, administrators_).value();
  const std::string answer =
      deployment_.table().administer(instance_, units_[0].id, zeroize).value();
  const auto block = tke::parse_admin_response_block(
                         tke::parse_admin_response(tke::parse_response(answer)->payload)->block)
                         .value();
  EXPECT_EQ(block.return_code, tke::kWrongDomain);
  EXPECT_EQ(block.reason_code(), tke::kDomainInstanceDiffers);
  EXPECT_FALSE(status().imprint);
}

// --- Freshness, by hand-made blocks ---

class FreshnessTest : public CeremonyTest {
 protected:
  // A signed "clear new register", changed by `edit` before signing; returns the unit's codes.
  template <class Edit>
  Status send(Edit edit) {
    tke::AdminBlock block = present();
    block.command = tke::kClearPending;
    ++block.counter.back();
    edit(block);
    return send_signed(block);
  }
  // Instance, module id and counter as the unit has them.
  tke::AdminBlock present() {
    tke::AdminBlock query;
    query.command = tke::kQueryAttributes;
    query.domain_index = units_[0].domain_index;
    const auto answer = exchange(query, {});
    tke::AdminBlock out;
    out.domain_index = answer.domain_index;
    out.domain_instance = answer.domain_instance;
    out.module_id = answer.module_id;
    out.counter = answer.counter;
    return out;
  }
  Status send_signed(const tke::AdminBlock& block) {
    const auto answer =
        exchange(block, tke::sign_block(tke::encode(block), administrators_.all()).value());
    return {answer.return_code, answer.reason_code()};
  }
  tke::AdminResponseBlock exchange(const tke::AdminBlock& block, const Bytes& signatures) {
    const tke::AdminRequest request{units_[0].domain_index, tke::encode(block), signatures};
    const std::string frame =
        tke::format_request({units_[0].module_index, units_[0].domain_index, tke::encode(request)});
    const std::string text = deployment_.table().administer(instance_, units_[0].id, frame).value();
    const auto response = tke::parse_admin_response(tke::parse_response(text)->payload).value();
    return tke::parse_admin_response_block(response.block).value();
  }
};

TEST_F(FreshnessTest, OnlyTheNextCounterIsAccepted) {
  enrolled();
  const auto untouched = [](tke::AdminBlock&) {};
  EXPECT_TRUE(send(untouched).ok());
  const Status value{tke::kInvalidCounter, tke::kCounterValue};
  EXPECT_EQ(send([](tke::AdminBlock& b) { --b.counter.back(); }), value);        // used
  EXPECT_EQ(send([](tke::AdminBlock& b) { ++b.counter.back(); }), value);        // one ahead
  EXPECT_EQ(send([](tke::AdminBlock& b) { b.counter.front() = 0x80; }), value);  // far ahead
  EXPECT_EQ(send([](tke::AdminBlock& b) { b.counter.pop_back(); }),
            (Status{tke::kInvalidCounter, tke::kCounterFormat}));
  EXPECT_EQ(send([](tke::AdminBlock& b) { b.counter.clear(); }),
            (Status{tke::kInvalidCounter, tke::kCounterFormat}));
  EXPECT_TRUE(send(untouched).ok());
}

TEST_F(FreshnessTest, AReplayedCommandIsRefused) {
  enrolled();
  tke::AdminBlock block = present();
  block.command = tke::kClearPending;
  ++block.counter.back();
  EXPECT_TRUE(send_signed(block).ok());
  EXPECT_EQ(send_signed(block), (Status{tke::kInvalidCounter, tke::kCounterValue}));
}

TEST_F(FreshnessTest, ASignedRefusalUsesTheCounterUp) {
  enrolled();
  tke::AdminBlock block = present();
  block.command = tke::kCommitPending;
  block.input = Bytes(32, 0);
  ++block.counter.back();
  EXPECT_EQ(send_signed(block), (Status{tke::kNotInitialised, tke::kNoPendingKey}));
  EXPECT_EQ(send_signed(block), (Status{tke::kInvalidCounter, tke::kCounterValue}));
}

TEST_F(FreshnessTest, AnUnsignedAttemptDoesNot) {
  enrolled();
  tke::AdminBlock block = present();
  block.command = tke::kClearPending;
  ++block.counter.back();
  EXPECT_EQ(exchange(block, {}).return_code, tke::kNotEnoughSignatures);
  EXPECT_TRUE(send_signed(block).ok());
}

TEST_F(FreshnessTest, OtherInstanceModuleOrDomainIsRefused) {
  enrolled();
  EXPECT_EQ(send([](tke::AdminBlock& b) { ++b.domain_instance; }),
            (Status{tke::kWrongDomain, tke::kDomainInstanceDiffers}));
  EXPECT_EQ(send([](tke::AdminBlock& b) { b.module_id[8] ^= 1; }),
            (Status{tke::kInvalidData, tke::kModuleInstanceDiffers}));
  EXPECT_EQ(send([](tke::AdminBlock& b) { b.module_id.pop_back(); }),
            (Status{tke::kInvalidData, tke::kModuleIdFormat}));
  EXPECT_EQ(send([](tke::AdminBlock& b) { ++b.domain_index; }),
            (Status{tke::kWrongDomain, tke::kNoReason}));
}

TEST_F(FreshnessTest, ImprintCommandsMayLeaveModuleAndCounterEmpty) {
  tke::AdminBlock block;
  block.command = tke::kAddAdministrator;
  block.domain_index = units_[0].domain_index;
  block.input = administrators_.certificates[0];
  EXPECT_EQ(exchange(block, {}).return_code, 0u);
  block.counter = Bytes(16, 0x55);
  EXPECT_NE(exchange(block, {}).return_code, 0u);
}

TEST_F(FreshnessTest, InnerBlocksOfAnotherUnitOrCounterAreRefused) {
  enrolled();
  const auto importer = session().generate_importer(administrators_.some({0})).value();
  const auto try_import = [&](auto edit) {
    tke::AdminBlock envelope = present();
    envelope.command = tke::kImportKeyParts;
    ++envelope.counter.back();
    tke::AdminBlock inner = envelope;
    inner.input = tke::seal_key_part(crypto::random_secret(32), importer).value();
    edit(inner);
    tke::AdminRequest request{units_[0].domain_index, tke::encode(inner), {}};
    request.signer_infos = tke::sign_block(request.block, administrators_.some({0})).value();
    envelope.input = tke::encode(request);
    const auto answer = exchange(envelope, {});
    return Status{answer.return_code, answer.reason_code()};
  };
  EXPECT_EQ(try_import([](tke::AdminBlock& b) { ++b.domain_index; }),
            (Status{tke::kWrongDomain, tke::kInnerForOtherDomain}));
  EXPECT_EQ(try_import([](tke::AdminBlock& b) { ++b.domain_instance; }),
            (Status{tke::kWrongDomain, tke::kInnerForOtherDomain}));
  EXPECT_EQ(try_import([](tke::AdminBlock& b) { ++b.counter.back(); }),
            (Status{tke::kInvalidCounter, tke::kCounterValue}));
  EXPECT_EQ(try_import([](tke::AdminBlock& b) { b.command = tke::kClearPending; }),
            (Status{tke::kBadArguments, tke::kInnerBlockMissing}));
}

TEST_F(FreshnessTest, TheEndOfTheChainIsASignedRefusal) {
  tke::AdminBlock query;
  query.command = tke::kQueryOaCertificate;
  query.input = {0, 0, 0, 1};
  const auto answer = exchange(query, {});  // signed: the walk over the chain needs the reason
  EXPECT_EQ(answer.return_code, 96u);
  EXPECT_EQ(answer.reason_code(), 60u);
  query.input.clear();
  EXPECT_EQ(exchange(query, {}).output, (Bytes{0, 0, 0, 1}));
}

}  // namespace
}  // namespace keyhaven::unit
