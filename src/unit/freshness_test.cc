// Which blocks a unit takes for fresh and its own.
#include <gtest/gtest.h>

#include "unit/ceremony_fixture_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::Status;

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
  EXPECT_EQ(send([](tke::AdminBlock& b) { b.module_id[7] ^= 1; }),
            (Status{tke::kInvalidData, tke::kSerialNumberDiffers}));
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
  EXPECT_EQ(try_import([](tke::AdminBlock& b) { b.module_id[8] ^= 1; }),
            (Status{tke::kWrongDomain, tke::kInnerForOtherDomain}));
  EXPECT_EQ(try_import([](tke::AdminBlock& b) { ++b.domain_instance; }),
            (Status{tke::kWrongDomain, tke::kInnerForOtherInstance}));
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
