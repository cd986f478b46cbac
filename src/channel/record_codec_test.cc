// The calls about stored records: limits, answers to the byte, and the way there and back.
#include <gtest/gtest.h>

#include <thread>

#include "channel/blocking_client.h"
#include "channel/serve.h"
#include "channel/test_support.h"

namespace keyhaven::channel {
namespace {

unit::RecordName name_of(std::uint8_t number) {
  unit::RecordName name;
  name.table = number;
  name.id.fill(number);
  return name;
}
unit::RecordScope scope_of(std::uint8_t number) {
  unit::RecordScope scope;
  scope.uuid.bytes.fill(number);
  return scope;
}
Digest digest_of(std::uint8_t number) {
  Digest digest;
  digest.fill(number);
  return digest;
}

// Answers with what it was asked, so that a test sees both directions.
class MirrorGuard final : public unit::RecordGuard {
 public:
  Result<unit::RecordGuardStatus> record_status() override {
    return unit::RecordGuardStatus{true, 5, 2, 77, 76, true};
  }
  Result<std::vector<unit::RecordSeal>> seal_records(
      std::uint64_t group, const std::vector<unit::RecordChange>& changes) override {
    std::vector<unit::RecordSeal> out;
    for (const auto& change : changes) {
      unit::RecordSeal& seal = out.emplace_back();
      if (!change.digest) continue;
      seal = {change.name.table, group, {}};
      seal.tag.fill(change.digest->front());
    }
    if (too_few && !out.empty()) out.pop_back();
    return out;
  }
  Result<void> settle_records(std::uint64_t group, bool committed) override {
    if (committed) return {};
    return Error{Reason::StoreUnavailable, std::to_string(group), ""};
  }
  Result<void> begin_guarding() override { return {}; }
  Result<std::uint64_t> begin_record_check() override { return 9; }
  Result<std::vector<unit::RecordVerdict>> check_records(
      std::uint64_t check, const std::vector<unit::StoredRecord>& records) override {
    if (check != 9) return Error{Reason::Conflict, "another check", ""};
    std::vector<unit::RecordVerdict> out;
    for (const auto& record : records)
      out.push_back(record.seal ? unit::RecordVerdict::Newer : unit::RecordVerdict::Forged);
    return out;
  }
  Result<unit::RecordCheckResult> end_record_check(std::uint64_t) override {
    unit::RecordCheckResult out;
    out.differences.assign(unit::kMaxRecordScopes,
                           {scope_of(3), 1, 2, 3, 4, 5, digest_of(6), true});
    out.missing.assign(unit::kMaxNamedMissing, {scope_of(7), name_of(8)});
    return out;
  }
  Result<std::uint64_t> renew_record_key(const unit::RecordScope& scope) override {
    return scope.uuid.bytes[0];
  }
  Result<Renewal> record_renewal(const unit::RecordScope& scope) override {
    return Renewal{scope.uuid.bytes[0], 1234};
  }
  bool too_few = false;
};

class RecordChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto [server, unit] = testing::socket_pair();
    unit_end_ = std::move(unit);
    service_ = std::thread([this] { served_ = serve(unit_end_.get(), {unit_, &guard_}); });
    client_.attach(std::move(server));
  }
  void TearDown() override {
    client_.detach();
    service_.join();
    EXPECT_TRUE(served_);
  }
  testing::MirrorUnit unit_;
  MirrorGuard guard_;
  FileDescriptor unit_end_;
  std::thread service_;
  Result<void> served_;
  BlockingClient client_{{.deadline = std::chrono::seconds(10)}};
};

TEST_F(RecordChannelTest, EveryCallTravelsThereAndBack) {
  const auto status = client_.record_status();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->guarding);
  EXPECT_EQ(status->records, 5u);
  EXPECT_EQ(status->scopes, 2u);
  EXPECT_EQ(status->unsettled_group, 77u);
  EXPECT_EQ(status->last_group, 76u);
  EXPECT_TRUE(status->accepts_next);
  const auto seals = client_.seal_records(
      42, {{scope_of(1), name_of(2), digest_of(3)}, {scope_of(1), name_of(4), {}}});
  ASSERT_TRUE(seals);
  EXPECT_EQ((*seals)[0].epoch, 2u);
  EXPECT_EQ((*seals)[0].sequence, 42u);
  EXPECT_EQ((*seals)[0].tag[15], 3u);
  EXPECT_EQ((*seals)[1], unit::RecordSeal{});
  EXPECT_TRUE(client_.settle_records(42, true));
  EXPECT_EQ(client_.settle_records(42, false).error().message, "42");
  EXPECT_TRUE(client_.begin_guarding());
  EXPECT_EQ(*client_.begin_record_check(), 9u);
  const auto verdicts =
      client_.check_records(9, {{scope_of(1), name_of(2), digest_of(3), {}},
                                {scope_of(1), name_of(2), digest_of(3), unit::RecordSeal{}}});
  ASSERT_TRUE(verdicts);
  EXPECT_EQ((*verdicts)[0], unit::RecordVerdict::Forged);
  EXPECT_EQ((*verdicts)[1], unit::RecordVerdict::Newer);
  EXPECT_EQ(client_.check_records(8, {}).error().reason, Reason::Conflict);
  EXPECT_EQ(*client_.renew_record_key(scope_of(6)), 6u);
  EXPECT_EQ(client_.record_renewal(scope_of(6))->epoch, 6u);
  EXPECT_EQ(client_.record_renewal(scope_of(6))->older, 1234u);
}

TEST_F(RecordChannelTest, TheLargestCallsAndAnswersFit) {
  const std::vector<unit::RecordChange> changes(unit::kMaxRecordsPerCall,
                                                {scope_of(1), name_of(2), digest_of(3)});
  EXPECT_EQ(client_.seal_records(1, changes)->size(), changes.size());
  const std::vector<unit::StoredRecord> records(
      unit::kMaxRecordsPerCall, {scope_of(1), name_of(2), digest_of(3), unit::RecordSeal{}});
  EXPECT_EQ(client_.check_records(9, records)->size(), records.size());
  const auto result = client_.end_record_check(9);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->differences.size(), unit::kMaxRecordScopes);
  const unit::ScopeDifference& last = result->differences.back();
  EXPECT_EQ(last.scope, scope_of(3));
  EXPECT_EQ(last.forged, 1u);
  EXPECT_EQ(last.old, 2u);
  EXPECT_EQ(last.returned, 3u);
  EXPECT_EQ(last.newer, 4u);
  EXPECT_EQ(last.missing, 5u);
  EXPECT_EQ(last.difference, digest_of(6));
  EXPECT_TRUE(last.accepted);
  ASSERT_EQ(result->missing.size(), unit::kMaxNamedMissing);
  EXPECT_EQ(result->missing.back().scope, scope_of(7));
  EXPECT_EQ(result->missing.back().name, name_of(8));
}

TEST_F(RecordChannelTest, MoreThanACallMayHoldIsRefusedBeforeItIsSent) {
  const std::vector<unit::RecordChange> changes(unit::kMaxRecordsPerCall + 1);
  EXPECT_EQ(client_.seal_records(1, changes).error().reason, Reason::InvalidArgument);
  const std::vector<unit::StoredRecord> records(unit::kMaxRecordsPerCall + 1);
  EXPECT_EQ(client_.check_records(9, records).error().reason, Reason::InvalidArgument);
  EXPECT_TRUE(client_.record_status());
}

TEST_F(RecordChannelTest, AnAnswerForFewerRecordsIsNoAnswer) {
  guard_.too_few = true;
  EXPECT_EQ(client_.seal_records(1, {{scope_of(1), name_of(2), {}}}).error().reason,
            Reason::UnitUnavailable);
}

TEST(RecordServeTest, AChannelWithoutAGuardSaysSo) {
  auto [server, unit_end] = testing::socket_pair();
  testing::MirrorUnit unit;
  Result<void> served;
  std::thread service([&] { served = serve(unit_end.get(), unit); });
  BlockingClient client;
  client.attach(std::move(server));
  EXPECT_EQ(client.record_status().error().reason, Reason::NotSupported);
  EXPECT_TRUE(client.attestation_root());
  client.detach();
  service.join();
}

// A frame of a few bytes must not make the unit take memory for what it announces.
TEST(RecordCodecTest, CountsBeyondTheFrameAreRefused) {
  for (const Op op : {Op::SealRecords, Op::CheckRecords}) {
    Bytes body{static_cast<std::uint8_t>(op)};
    body.resize(17 + 8);
    append(body, Bytes{0x08, 0x00});  // 2,048 records
    EXPECT_FALSE(decode_request(body));
    body[25] = 0x08;
    body[26] = 0x01;  // 2,049
    body.resize(body.size() + 2049 * 94);
    EXPECT_FALSE(decode_request(body));
  }
}

// docs/protocols/channel.md, "Worked example".
TEST(RecordCodecTest, WorkedExample) {
  SecretBuffer out(kBufferSize, kMaxFrameSize);
  ASSERT_TRUE(encode_seal_records(
      out, {1, 1'000'000}, 7,
      {{scope_of(0x11), name_of(0x22), digest_of(0x33)}, {scope_of(0x11), name_of(0x44), {}}}));
  EXPECT_EQ(to_hex(out.filled()),
            "0000007f150000000000000001"
            "00000000000f4240"
            "00000000000000070002"
            "11111111111111111111111111111111"
            "2222222222222222222222222222222222"
            "013333333333333333333333333333333333333333333333333333333333333333"
            "11111111111111111111111111111111"
            "4444444444444444444444444444444444"
            "00");
}

}  // namespace
}  // namespace keyhaven::channel
