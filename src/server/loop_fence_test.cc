// The fence over real loops, with units that answer when the test lets them.
#include "server/loop_fence.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <mutex>

#include "crypto/certificate.h"

namespace keyhaven::server {
namespace {

// Keeps the answer to `drop` until the test gives it. Only `drop` is called by a fence.
class HeldUnit final : public unit::AsyncUnit {
 public:
  explicit HeldUnit(net::Loop& loop) : loop_(loop) {}
  void drop(const std::vector<unit::KeyBlob>& blobs, Done<void> done) override {
    EXPECT_TRUE(loop_.in_loop_thread());
    const std::lock_guard lock(mutex_);
    blobs_ = blobs;
    done_ = std::move(done);
    asked_.count_down();
  }
  void wait_until_asked() { asked_.wait(); }
  void answer(Result<void> result) {
    loop_.post([this, result = std::move(result)] { done_(result); });
  }
  std::vector<unit::KeyBlob> blobs() {
    const std::lock_guard lock(mutex_);
    return blobs_;
  }

  void wrap(const unit::KeyBinding&, const unit::KeyBlob&, std::span<const std::uint8_t>,
            const unit::AadList&, Done<unit::WrapResult>) override {
    FAIL();
  }
  void unwrap(const unit::KeyBinding&, const unit::KeyBlob&, ByteView, const unit::AadList&,
              const unit::CryptoUnit::Newest*, Done<unit::UnwrapResult>) override {
    FAIL();
  }
  void rewrap(const unit::KeyBinding&, const unit::KeyBlob&, ByteView, const unit::AadList&,
              const unit::CryptoUnit::Newest&, Done<Bytes>) override {
    FAIL();
  }
  void open_standard_key(const unit::KeyBinding&, const unit::KeyBlob&,
                         Done<SecretBytes>) override {
    FAIL();
  }

 private:
  net::Loop& loop_;
  std::mutex mutex_;
  std::latch asked_{1};
  std::vector<unit::KeyBlob> blobs_;
  Done<void> done_;
};

// The worker pool's channel, as far as a fence uses it.
class Pool final : public unit::CryptoUnit {
 public:
  Result<void> drop(const std::vector<unit::KeyBlob>&) override {
    ++drops;
    return outcome;
  }
  std::atomic<int> drops{0};
  Result<void> outcome;

  Result<std::vector<unit::UnitStatus>> create_units(const InstanceId&, const std::string&,
                                                     unit::UnitCounts) override {
    return unused();
  }
  Result<std::vector<unit::UnitStatus>> resize_units(const InstanceId&, unit::UnitCounts) override {
    return unused();
  }
  Result<unit::SealingStatus> sealing() override { return unused(); }
  Result<unit::SealingStatus> change_sealing(const unit::SealingChange&) override {
    return unused();
  }
  Result<unit::KeyBlob> reseal(unit::BlobPurpose, const unit::KeyBinding&, const unit::KeyBlob&,
                               const unit::BlobPattern&) override {
    return unused();
  }
  Result<void> remove_units(const InstanceId&) override { return unused(); }
  Result<std::vector<unit::UnitStatus>> list_units(const InstanceId&) override { return unused(); }
  Result<std::string> administer(const InstanceId&, const UnitId&, const std::string&) override {
    return unused();
  }
  Result<Bytes> attestation_root() override { return unused(); }
  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding&) override {
    return unused();
  }
  Result<unit::SealedRootKey> import_root_key(const unit::KeyBinding&,
                                              const SecretBytes&) override {
    return unused();
  }
  Result<unit::ImportTokenKey> create_import_token(const unit::KeyBinding&) override {
    return unused();
  }
  Result<unit::SealedRootKey> import_encrypted_root_key(const unit::KeyBinding&,
                                                        const unit::KeyBinding&,
                                                        const unit::KeyBlob&,
                                                        const unit::EncryptedMaterial&) override {
    return unused();
  }
  Result<unit::KeyBlob> create_standard_key(const unit::KeyBinding&, const SecretBytes&) override {
    return unused();
  }
  Result<SecretBytes> open_standard_key(const unit::KeyBinding&, const unit::KeyBlob&) override {
    return unused();
  }
  Result<unit::WrapResult> wrap(const unit::KeyBinding&, const unit::KeyBlob&, const SecretBytes&,
                                const unit::AadList&) override {
    return unused();
  }
  Result<unit::UnwrapResult> unwrap(const unit::KeyBinding&, const unit::KeyBlob&, ByteView,
                                    const unit::AadList&, const Newest*) override {
    return unused();
  }
  Result<Bytes> rewrap(const unit::KeyBinding&, const unit::KeyBlob&, ByteView,
                       const unit::AadList&, const Newest&) override {
    return unused();
  }

 private:
  static Error unused() { return Error{Reason::Internal, "not called by a fence", {}}; }
};

class LoopFenceTest : public testing::Test {
 protected:
  static constexpr unsigned kLoops = 3;

  void SetUp() override {
    const Timestamp now = SystemClock().now();
    const crypto::IssuedCertificate ca = crypto::make_ca("test", now);
    auto certificate = crypto::issue_server_certificate(ca.certificate_pem, ca.private_key_pem,
                                                        {"localhost"}, {}, now, 1)
                           .value();
    net::ServerOptions options;
    options.loops = kLoops;
    server_ = net::Server::create(
                  options, {certificate.certificate_pem, std::move(certificate.private_key_pem)})
                  .value();
    server_->start_loops();
    for (unsigned i = 0; i < kLoops; ++i) {
      units_.push_back(std::make_unique<HeldUnit>(server_->loop(i)));
    }
  }
  void TearDown() override { server_->stop(); }

  std::future<Result<void>> fence(std::chrono::milliseconds timeout) {
    std::vector<unit::AsyncUnit*> units;
    for (const auto& unit : units_) units.push_back(unit.get());
    fence_ = std::make_unique<LoopFence>(*server_, units, pool_, timeout);
    return std::async(std::launch::async, [this] { return fence_->fence({{{1, 2, 3}}}); });
  }

  std::unique_ptr<net::Server> server_;
  std::vector<std::unique_ptr<HeldUnit>> units_;
  Pool pool_;
  std::unique_ptr<LoopFence> fence_;
};

TEST_F(LoopFenceTest, ReturnsOnlyWhenEveryLoopHasForgotten) {
  auto done = fence(std::chrono::minutes(1));
  for (const auto& unit : units_) unit->wait_until_asked();
  for (unsigned i = 0; i < kLoops; ++i) {
    EXPECT_EQ(units_[i]->blobs(), (std::vector<unit::KeyBlob>{{{1, 2, 3}}}));
    EXPECT_EQ(done.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << i;
    units_[i]->answer({});
  }
  EXPECT_TRUE(done.get().has_value());
  EXPECT_EQ(pool_.drops, 1);
}

TEST_F(LoopFenceTest, OneLoopThatFailsFailsTheFence) {
  auto done = fence(std::chrono::minutes(1));
  for (const auto& unit : units_) unit->wait_until_asked();
  units_[0]->answer({});
  units_[1]->answer(Error{Reason::UnitUnavailable, "gone", {}});
  units_[2]->answer({});
  const Result<void> result = done.get();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().reason, Reason::UnitUnavailable);
}

TEST_F(LoopFenceTest, ALoopThatDoesNotAnswerEndsInTheDeadline) {
  auto done = fence(std::chrono::milliseconds(20));
  const Result<void> result = done.get();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().reason, Reason::DeadlineExceeded);
  for (const auto& unit : units_) unit->wait_until_asked();
  for (const auto& unit : units_) unit->answer({});  // late answers harm nothing
}

TEST_F(LoopFenceTest, ThePoolsChannelCounts) {
  pool_.outcome = Error{Reason::UnitUnavailable, "gone", {}};
  auto done = fence(std::chrono::minutes(1));
  EXPECT_FALSE(done.get().has_value());
  for (const auto& unit : units_) unit->wait_until_asked();
  for (const auto& unit : units_) unit->answer({});
}

}  // namespace
}  // namespace keyhaven::server
