#include "channel/blocking_client.h"

#include <gtest/gtest.h>

#include <latch>

#include "channel/serve.h"
#include "channel/test_support.h"

namespace keyhaven::channel {
namespace {

using std::chrono::milliseconds;
using testing::MirrorUnit;

class BlockingClientTest : public ::testing::Test {
 protected:
  void TearDown() override {
    unit_.release();
    client_.detach();
    end_service();
  }
  void connect() {
    end_service();
    auto [server, unit] = testing::socket_pair();
    unit_end_ = std::move(unit);
    service_ = std::thread([this] { served_ = serve(unit_end_.get(), unit_, &counters_); });
    client_.attach(std::move(server));
  }
  void end_service() {
    if (!service_.joinable()) return;
    ::shutdown(unit_end_.get(), SHUT_RDWR);
    service_.join();
  }

  MirrorUnit unit_;
  ServeCounters counters_;
  FileDescriptor unit_end_;
  std::thread service_;
  Result<void> served_;
  BlockingClient client_{{.deadline = milliseconds(300)}};
};

TEST_F(BlockingClientTest, EveryCallTravelsThereAndBack) {
  connect();
  const auto units = client_.create_units({}, "eu-de", 3);
  ASSERT_TRUE(units);
  ASSERT_EQ(units->size(), 3U);
  EXPECT_EQ((*units)[2].location, "[eu-de].[AZ1-CS1].[1].[2]");
  const auto refused = client_.create_units({}, "eu-de", 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::InvalidArgument);
  EXPECT_EQ(refused.error().target, "count");
  EXPECT_EQ(client_.remove_units({}).error().reason, Reason::UnitsNotZeroized);
  EXPECT_TRUE(client_.list_units({})->empty());
  EXPECT_EQ(*client_.administer({}, {}, "request"), "answer to request");
  EXPECT_EQ(client_.attestation_root()->size(), 158U);
  unit::KeyBinding binding;
  binding.key.uuid.bytes.fill(4);
  EXPECT_EQ(client_.generate_root_key(binding)->blob.bytes, Bytes(16, 4));
  EXPECT_EQ(client_.generate_root_key(binding)->commitment[31], 9);
  EXPECT_EQ(client_.import_root_key(binding, SecretBytes::copy_of(Bytes{0}))->blob.bytes,
            Bytes{0x5a});
  const auto token = client_.create_import_token(binding);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->private_key.bytes, Bytes(16, 4));
  EXPECT_EQ(token->public_key, Bytes(550, 3));
  EXPECT_EQ(token->nonce[11], 4);
  const auto imported = client_.import_encrypted_root_key(binding, binding, {{1}}, {{2}, {3}, {4}});
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->blob.bytes, (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(imported->bits, 128);
  unit::KeyBinding elsewhere = binding;
  elsewhere.instance.uuid.bytes.fill(1);
  EXPECT_EQ(client_.import_encrypted_root_key(binding, elsewhere, {}, {}).error().reason,
            Reason::IncorrectNonce);
  const auto standard = client_.create_standard_key(binding, SecretBytes::copy_of(Bytes{1}));
  ASSERT_TRUE(standard);
  EXPECT_TRUE(*client_.open_standard_key(binding, *standard) == SecretBytes::copy_of(Bytes{1}));
  EXPECT_EQ(client_.wrap(binding, {}, SecretBytes(), {})->generated_dek.size(), 32U);
  EXPECT_EQ(client_.unwrap(binding, {}, Bytes{1}, {}, nullptr)->dek.size(), 1U);
  const unit::KeyBlob newest{{8}};
  EXPECT_EQ(*client_.rewrap(binding, {}, Bytes{9}, {}, {binding, &newest}), (Bytes{8, 9}));
  EXPECT_TRUE(client_.drop({}));
  EXPECT_TRUE(client_.drop(std::vector<unit::KeyBlob>(3000, unit::KeyBlob{Bytes(300)})));
  EXPECT_EQ(unit_.dropped, 3000U);
}

TEST_F(BlockingClientTest, ThreadsShareTheSocketAndEachGetsItsOwnAnswer) {
  connect();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string request = std::to_string(t) + "/" + std::to_string(i);
        const auto answer = client_.administer({}, {}, request);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(*answer, "answer to " + request);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(unit_.calls, 1600U);
}

TEST_F(BlockingClientTest, FailsAtOnceWithoutAChannel) {
  const auto refused = client_.attestation_root();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::UnitUnavailable);
}

TEST_F(BlockingClientTest, DeadlinePassesWhenTheUnitHangsAndTheLateAnswerIsDiscarded) {
  connect();
  unit_.hang = true;
  const auto started = std::chrono::steady_clock::now();
  const auto late = client_.administer({}, {}, "first");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::UnitUnavailable);
  EXPECT_GE(std::chrono::steady_clock::now() - started, milliseconds(299));
  unit_.release();
  EXPECT_EQ(*client_.administer({}, {}, "second"), "answer to second");
}

TEST_F(BlockingClientTest, CallsUnderWayFailWhenTheUnitDiesAndTheNextChannelServes) {
  connect();
  unit_.hang = true;
  auto dying = std::async(std::launch::async, [this] { return client_.attestation_root(); });
  while (unit_.calls == 0) std::this_thread::yield();
  ::shutdown(unit_end_.get(), SHUT_RDWR);
  const auto failed = dying.get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(client_.attestation_root().error().reason, Reason::UnitUnavailable);
  unit_.release();
  connect();
  EXPECT_TRUE(client_.attestation_root());
}

TEST_F(BlockingClientTest, AUnitThatNeverReadsCostsNoMoreThanTheDeadline) {
  auto [server, silent] = testing::socket_pair();
  client_.attach(std::move(server));
  std::vector<std::thread> threads;
  for (int t = 0; t < 20; ++t) {
    threads.emplace_back([this] {
      const auto refused = client_.administer({}, {}, std::string(kMaxAdministrationBytes, 'x'));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().reason, Reason::UnitUnavailable);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(BlockingClientTest, ProtocolErrorsOfTheUnitEndTheChannel) {
  auto [server, unit] = testing::socket_pair();
  client_.attach(std::move(server));
  const Bytes garbage = {0xff, 0xff, 0xff, 0xff};
  ASSERT_EQ(::write(unit.get(), garbage.data(), garbage.size()), 4);
  const auto refused = client_.attestation_root();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::UnitUnavailable);
}

// Calls that take seconds each hold a thread of their caller: no more than a few may wait.
TEST_F(BlockingClientTest, CallsAboveTheMostThatMayWaitAreRefusedAtOnce) {
  unit_.hang = true;
  auto [server, unit] = testing::socket_pair();
  unit_end_ = std::move(unit);
  service_ = std::thread([this] { served_ = serve(unit_end_.get(), unit_, &counters_); });
  BlockingClient few({.deadline = std::chrono::seconds(60), .max_pending = 2});
  few.attach(std::move(server));
  std::latch refused(3);
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&] {
      const auto made = few.create_import_token({});
      if (made) {
        ++answered;
      } else if (made.error().message == "too many calls wait for the crypto unit") {
        refused.count_down();
      }
    });
  }
  refused.wait();
  EXPECT_EQ(answered, 0);
  unit_.release();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 2);
}

}  // namespace
}  // namespace keyhaven::channel
