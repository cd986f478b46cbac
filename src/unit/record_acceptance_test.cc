// The quorum's acceptance of stored records, as a client signs it and a whole unit carries it out.
#include <gtest/gtest.h>

#include "unit/ceremony_fixture_for_tests.h"
#include "unit/record_store_for_tests.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::Status;

class RecordAcceptanceTest : public CeremonyTest {
 protected:
  RecordAcceptanceTest() { deployment_.table().set_record_acceptance(*records_); }

  void write(const std::vector<RecordChange>& changes) {
    const auto seals = records_->seal_records(++group_, changes).value();
    store_.apply(changes, seals);
    records_->settle_records(group_, true).value();
  }
  RecordChange put(std::uint32_t number, std::string_view content) {
    return {instance_, name_for_tests(number), digest_for_tests(content)};
  }
  // An older store is put back; the difference that a check then finds.
  Digest put_back() {
    write({put(1, "a"), put(2, "b")});
    const RecordStoreForTests old = store_;
    write({put(1, "a2"), put(3, "c")});
    store_ = old;
    return store_.check(*records_)->result.differences.at(0).difference;
  }
  bool is_clean() { return store_.check(*records_)->is_clean(); }
  tke::UnitSession serving() {
    for (std::size_t i = 0; i < units_.size(); ++i) {
      auto with = session(i);
      TestDeployment::enroll(with, administrators_).value();
      TestDeployment::load(with, administrators_, parts_).value();
    }
    return session();
  }

  std::vector<SecretBytes> parts_ = random_parts();
  RecordTableForTests records_;
  RecordStoreForTests store_;
  std::uint64_t group_ = 0;
};

TEST_F(RecordAcceptanceTest, AQuorumAcceptsWhatTheLastCheckFound) {
  auto with = serving();
  const Digest difference = put_back();
  const auto accepted = with.accept_records(difference, administrators_.all());
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_TRUE(is_clean());
  records_.restart(true);
  EXPECT_TRUE(is_clean());
}

TEST_F(RecordAcceptanceTest, FewerThanTheThresholdAcceptNothing) {
  auto with = serving();
  const Digest difference = put_back();
  expect_refused(with, with.accept_records(difference, administrators_.some({0})),
                 {tke::kNotEnoughSignatures, tke::kTooFewSignatures});
  expect_refused(with, with.accept_records(difference, strangers_.all()),
                 {tke::kUnauthorisedSigner, tke::kNoReason});
  EXPECT_FALSE(is_clean());
}

TEST_F(RecordAcceptanceTest, AnotherDifferenceOrNoneIsRefused) {
  auto with = serving();
  expect_refused(with, with.accept_records({}, administrators_.all()),
                 {tke::kInconsistent, tke::kNoRecordDifference});
  Digest difference = put_back();
  difference[31] ^= 1;
  expect_refused(with, with.accept_records(difference, administrators_.all()),
                 {tke::kInconsistent, tke::kOtherRecordDifference});
  EXPECT_NE(explain(with.last_status()).remedy.find("Check"), std::string_view::npos);
  for (const std::size_t size : {0, 31, 33}) {
    expect_refused(with, with.command(tke::kAcceptRecords, Bytes(size), administrators_.all()),
                   {tke::kMissingInput, tke::kNoReason});
  }
  EXPECT_FALSE(is_clean());
}

// Who may add units, or owns one in imprint mode, must not become the quorum that accepts.
TEST_F(RecordAcceptanceTest, OnlyAUnitThatServesTheInstanceAccepts) {
  auto imprint = session();
  const Digest difference = put_back();
  expect_refused(imprint, imprint.accept_records(difference, {}),
                 {tke::kNotInImprint, tke::kStillImprint});
  auto empty = enrolled();
  expect_refused(empty, empty.accept_records(difference, administrators_.all()),
                 {tke::kNotAllowed, tke::kNotAServingUnit});
  TestDeployment::load(empty, administrators_, parts_).value();
  auto second = session(1);
  TestDeployment::enroll(second, administrators_).value();
  TestDeployment::load(second, administrators_, parts_).value();

  const auto units = deployment_.table().resize_units(instance_, {3, 1, 1}).value();
  const Administrators intruders(2);
  for (std::size_t i = 2; i < units.size(); ++i) {
    auto with = deployment_.session(instance_, units[i]);
    TestDeployment::enroll(with, intruders).value();
    if (units[i].type != UnitType::Recovery)
      TestDeployment::load(with, intruders, random_parts()).value();
    expect_refused(with, with.accept_records(difference, intruders.all()),
                   {tke::kNotAllowed, tke::kNotAServingUnit});
  }
  EXPECT_FALSE(is_clean());
  EXPECT_TRUE(empty.accept_records(difference, administrators_.all()));
}

TEST_F(RecordAcceptanceTest, WhatCannotBeKeptIsAnsweredWithAnErrorAndNotDone) {
  auto with = serving();
  const Digest difference = put_back();
  records_.fail(1);
  expect_refused(with, with.accept_records(difference, administrators_.all()),
                 {tke::kInternalError, tke::kNoReason});
  EXPECT_FALSE(is_clean());
  EXPECT_TRUE(with.accept_records(difference, administrators_.all()));
  EXPECT_TRUE(is_clean());
}

TEST_F(RecordAcceptanceTest, ASignedAcceptanceIsGoodForOneTime) {
  auto with = serving();
  const Digest difference = put_back();
  EXPECT_TRUE(with.accept_records(difference, administrators_.all()));
  expect_refused(with, with.accept_records(difference, administrators_.all()),
                 {tke::kInconsistent, tke::kNoRecordDifference});
}

}  // namespace
}  // namespace keyhaven::unit
