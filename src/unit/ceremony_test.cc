// A whole ceremony between the real client and the real unit, and every refusal of its rules.
#include <gtest/gtest.h>

#include "unit/ceremony_fixture_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::Status;
using tke::UnitSession;
namespace permission = tke::permission;

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
       {0x01u,       0x03u,       0x05u,       0x07u,       0x0Fu,       0x14u,
        0x18u,       0x1Au,       0x1Du,       0x22u,       0x23u,       0x24u,
        0x27u,       0xFFFFu,     0x00010005u, 0x00010009u, 0x0001000Bu, 0x0001000Cu,
        0x0001000Eu, 0x0001000Fu, 0x00010010u, 0x00010011u}) {
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

}  // namespace
}  // namespace keyhaven::unit
