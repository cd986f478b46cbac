// Administrators, control points and queries beyond what a first ceremony needs.
#include <gtest/gtest.h>

#include "unit/ceremony_fixture_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::Status;
namespace permission = tke::permission;

TEST_F(CeremonyTest, ControlPointsNeedTheQuorum) {
  auto with = enrolled();
  const auto all = administrators_.all();
  const auto one = administrators_.some({0});
  const auto bitcoin = tke::control_point_mask(tke::kControlPointBitcoin);
  EXPECT_EQ(with.control_points().value(), tke::default_control_points());
  expect_refused(with, with.enable_control_points(bitcoin, one),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  ASSERT_TRUE(with.enable_control_points(bitcoin, all).has_value());
  EXPECT_EQ(with.control_points().value()[8], 0x20);  // bit 66, counted from the left
  EXPECT_TRUE(tke::has_control_point(*with.control_points(), tke::kControlPointBitcoin));
  // With permission 20 one signature is enough.
  auto wanted = with.attributes().value();
  wanted.permissions |= permission::kControlPointsWithOne;
  ASSERT_TRUE(with.set_attributes(wanted, all).has_value());
  ASSERT_TRUE(with.disable_control_points(bitcoin, one).has_value());
  EXPECT_EQ(with.control_points().value(), tke::default_control_points());
}

TEST_F(CeremonyTest, ControlPointRules) {
  auto with = enrolled();
  const auto all = administrators_.all();
  const Status may_not_enable{tke::kNotAllowed, tke::kMayNotEnable};
  const Status may_not_disable{tke::kNotAllowed, tke::kMayNotDisable};
  // What no unit knows cannot be enabled, and stays off when it is disabled.
  expect_refused(with, with.enable_control_points(tke::control_point_mask(30), all),
                 may_not_enable);
  expect_refused(with, with.set_control_points(tke::control_point_mask(127), all), may_not_enable);
  EXPECT_TRUE(with.disable_control_points(tke::control_point_mask(30), all).has_value());
  expect_refused(with, with.command(tke::kEnableControlPoints, Bytes(15, 0), all),
                 {tke::kMissingInput, tke::kNoReason});
  // Those that command lines know.
  for (const std::string_view verb : {"btc", "eddsa", "sig-other", "transfer-out", "transfer-in"}) {
    const auto point = tke::control_point_of_verb(verb);
    ASSERT_TRUE(point.has_value()) << verb;
    EXPECT_TRUE(with.enable_control_points(tke::control_point_mask(point->bit), all).has_value());
  }
  EXPECT_EQ(*with.control_points(), tke::known_control_points());
  EXPECT_FALSE(tke::control_point_of_verb("").has_value());
  EXPECT_FALSE(tke::control_point_of_verb("other").has_value());
  // Without the guards the set is fixed.
  ASSERT_TRUE(
      with.disable_control_points(tke::control_point_mask(tke::kMayDisableControlPoints), all)
          .has_value());
  expect_refused(with,
                 with.disable_control_points(tke::control_point_mask(tke::kControlPointEdDsa), all),
                 may_not_disable);
  expect_refused(with, with.set_control_points(tke::ControlPoints{}, all), may_not_disable);
  ASSERT_TRUE(with.zeroize(all).has_value());
  EXPECT_EQ(*with.control_points(), tke::default_control_points());
  TestDeployment::enroll(with, administrators_).value();
  ASSERT_TRUE(with.set_control_points(tke::ControlPoints{}, all).has_value());
  expect_refused(
      with, with.enable_control_points(tke::control_point_mask(tke::kMayEnableControlPoints), all),
      may_not_enable);
}

TEST_F(CeremonyTest, AnAdministratorIsReplacedByBothThresholds) {
  auto with = session();
  const Administrators three(3);
  for (const Bytes& certificate : three.certificates) {
    with.add_administrator(certificate, {}).value();
  }
  ASSERT_TRUE(with.set_thresholds(1, 3, three.all()).has_value());
  const tke::Ski old = three.owned[1]->ski();
  const Bytes& fresh = strangers_.certificates[0];
  expect_refused(with, with.replace_administrator(old, fresh, three.some({0, 1})),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  expect_refused(with, with.replace_administrator(strangers_.owned[0]->ski(), fresh, three.all()),
                 {tke::kInvalidData, tke::kAdministratorNotFound});
  expect_refused(with, with.replace_administrator(old, three.certificates[0], three.all()),
                 {tke::kAdministratorExists, tke::kKeyExists});
  expect_refused(with, with.replace_administrator(old, Bytes{0x30, 0}, three.all()),
                 {tke::kInvalidData, tke::kBadCertificate});
  expect_refused(with, with.replace_administrator(old, {}, three.all()),
                 {tke::kMissingInput, tke::kNoReason});
  ASSERT_TRUE(with.replace_administrator(old, fresh, three.all()).has_value());
  EXPECT_EQ(with.administrator_skis().value(),
            (std::vector<tke::Ski>{three.owned[0]->ski(), strangers_.owned[0]->ski(),
                                   three.owned[2]->ski()}));
  // The same key under another name.
  const Bytes renamed = tke::make_administrator_certificate("Renamed", *three.owned[0]).value();
  ASSERT_TRUE(with.replace_administrator(
                      three.owned[0]->ski(), renamed,
                      {three.owned[0].get(), strangers_.owned[0].get(), three.owned[2].get()})
                  .has_value());
  EXPECT_EQ(with.administrators().value()[0].name, "Renamed");
}

TEST_F(CeremonyTest, InImprintModeReplacingNeedsNoSignature) {
  auto with = session();
  with.add_administrator(administrators_.certificates[0], {}).value();
  EXPECT_TRUE(with.replace_administrator(administrators_.owned[0]->ski(),
                                         administrators_.certificates[1], {})
                  .has_value());
}

TEST_F(CeremonyTest, AnRsaAdministratorOfAnOlderInstallationSigns) {
  const tke::RsaSigner old(crypto::RsaPrivateKey::generate_2048());
  auto with = session();
  with.add_administrator(tke::make_administrator_certificate("Old", old).value(), {}).value();
  with.add_administrator(administrators_.certificates[0], {}).value();
  const tke::Signers both = {&old, administrators_.owned[0].get()};
  ASSERT_TRUE(with.set_thresholds(2, 2, both).has_value());
  EXPECT_EQ(with.administrators().value()[0].name, "Old");
  EXPECT_TRUE(with.add_administrator(administrators_.certificates[1], both).has_value());
  const tke::RsaSigner stranger(crypto::RsaPrivateKey::generate_2048());
  expect_refused(with, with.clear_pending({&stranger}), {tke::kUnauthorisedSigner, tke::kNoReason});
  // The unit keeps it over a restart.
  MemorySink sink;
  const auto restored =
      DomainTable::restore(deployment_.table().serialize(), sink, *backend_for_tests());
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ((*restored)->list_units(instance_).value()[0].administrators, 3u);
}

TEST_F(CeremonyTest, CommandsWithoutInputRefuseAny) {
  auto with = enrolled();
  for (const std::uint32_t command : {tke::kZeroize, tke::kClearCurrent, tke::kClearPending}) {
    expect_refused(with, with.command(command, Bytes{0}, administrators_.all()),
                   {tke::kMissingInput, tke::kNoReason});
  }
}

class QueryTest : public FreshnessTest {
 protected:
  // Output of a query that must succeed.
  Bytes ask(std::uint32_t query, const Bytes& input = {}) {
    const auto answer = send_query(query, input);
    EXPECT_EQ(answer.return_code, 0u) << query;
    return answer.output;
  }
  Status refusal(std::uint32_t query, const Bytes& input = {}) {
    const auto answer = send_query(query, input);
    return {answer.return_code, answer.reason_code()};
  }

 private:
  tke::AdminResponseBlock send_query(std::uint32_t query, const Bytes& input) {
    tke::AdminBlock block;
    block.command = query;
    block.domain_index = units_[0].domain_index;
    block.input = input;
    return exchange(block, {});
  }
};

TEST_F(QueryTest, WhatClientsDoNotAskForIsAnsweredSensibly) {
  auto with = enrolled();
  EXPECT_EQ(ask(tke::kQueryCardAdministrators), Bytes{});  // a module has none of its own
  EXPECT_EQ(refusal(tke::kQueryCardAdministrators, Bytes(32, 1)),
            (Status{tke::kInvalidData, tke::kAdministratorNotFound}));
  EXPECT_EQ(ask(tke::kQueryRetainedKeys), Bytes{});
  EXPECT_EQ(refusal(tke::kQueryImporter), (Status{tke::kNotFound, tke::kNoImporterKey}));
  const auto importer = with.generate_importer(administrators_.some({0})).value();
  EXPECT_EQ(ask(tke::kQueryImporter), importer.spki());
  EXPECT_EQ(refusal(tke::kQueryAttributes, {1}), (Status{tke::kMissingInput, tke::kNoReason}));
  for (const std::uint32_t query : {0x00010005u, 0x00010009u, 0x0001000Bu, 0x0001000Cu, 0x0001000Eu,
                                    0x0001000Fu, 0x00010010u, 0x00010011u, 0x0001FFFFu}) {
    EXPECT_EQ(refusal(query), (Status{tke::kNotSupported, tke::kNoReason})) << query;
  }
}

TEST_F(QueryTest, PatternsOfTheRegistersComeSigned) {
  auto with = enrolled();
  EXPECT_EQ(refusal(tke::kQueryCurrentPattern), (Status{tke::kNotInitialised, tke::kNoMasterKey}));
  EXPECT_EQ(refusal(tke::kQueryPendingPattern), (Status{tke::kNotInitialised, tke::kNoPendingKey}));
  EXPECT_FALSE(with.pattern(tke::KeyRegister::Current).value().has_value());
  const auto parts = random_parts();
  TestDeployment::load(with, administrators_, parts).value();
  const SecretBytes key = tke::combine_key_parts({&parts[0], &parts[1]}).value();
  EXPECT_EQ(with.pattern(tke::KeyRegister::Current).value(), tke::verification_pattern(key));
  EXPECT_FALSE(with.pattern(tke::KeyRegister::Pending).value().has_value());
}

}  // namespace
}  // namespace keyhaven::unit
