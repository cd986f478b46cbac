// The unit's end against a server that somebody has taken over.
#include "channel/serve.h"

#include <gtest/gtest.h>

#include "channel/codec.h"
#include "channel/socket_io.h"
#include "channel/test_support.h"

namespace keyhaven::channel {
namespace {

// Serves what `stream` holds (the hello in front unless left out) up to its end.
Result<void> serve_stream(testing::MirrorUnit& unit, ByteView frames, bool with_hello = true) {
  auto [server, unit_end] = testing::socket_pair();
  const auto hello = hello_frame(Side::Server);
  Bytes stream;
  if (with_hello) append(stream, hello);
  append(stream, frames);
  EXPECT_EQ(::write(server.get(), stream.data(), stream.size()), ssize_t(stream.size()));
  ::shutdown(server.get(), SHUT_WR);
  return serve(unit_end.get(), unit);
}

TEST(ServeTest, EndsWithTheStreamBetweenFrames) {
  testing::MirrorUnit unit;
  EXPECT_TRUE(serve_stream(unit, {}));
}

TEST(ServeTest, AStreamThatEndsInsideAFrameIsAnError) {
  testing::MirrorUnit unit;
  EXPECT_FALSE(serve_stream(unit, Bytes{0, 0, 0, 9, 1}));
  EXPECT_FALSE(serve_stream(unit, Bytes{0, 0}));
}

TEST(ServeTest, OversizeFramesAreRefusedBeforeTheyAreRead) {
  testing::MirrorUnit unit;
  const auto result = serve_stream(unit, Bytes{0, 5, 0, 1});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::TooLarge);
}

TEST(ServeTest, CallsBeforeTheHelloAreRefused) {
  testing::MirrorUnit unit;
  SecretBuffer out(kBufferSize, kMaxFrameSize);
  ASSERT_TRUE(encode_attestation_root(out, {1, monotonic_us() + 1'000'000}));
  const auto result = serve_stream(unit, out.filled(), false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::InvalidArgument);
  EXPECT_EQ(unit.calls, 0U);
}

TEST(ServeTest, AMalformedCallEndsTheChannel) {
  testing::MirrorUnit unit;
  SecretBuffer out(kBufferSize, kMaxFrameSize);
  ASSERT_TRUE(encode_attestation_root(out, {1, monotonic_us() + 1'000'000}));
  Bytes stream = to_bytes(out.filled());
  stream[4] = 99;  // no such op
  const auto result = serve_stream(unit, stream);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::InvalidArgument);
}

TEST(ServeTest, AnAnswerAboveTheLimitBecomesAnErrorInItsPlace) {
  auto [server, unit_end] = testing::socket_pair();
  testing::MirrorUnit unit;
  SecretBuffer out(kBufferSize, kMaxFrameSize);
  SecretWriter(out).raw(hello_frame(Side::Server));
  const std::uint64_t deadline = monotonic_us() + 10'000'000;
  ASSERT_TRUE(encode_create_units(out, {1, deadline}, {}, "r", kMaxUnits + 1));
  ASSERT_TRUE(encode_attestation_root(out, {2, deadline}));
  std::uint64_t writes = 0;
  ASSERT_TRUE(send_all(server.get(), out, deadline, writes));
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_TRUE(serve(unit_end.get(), unit));
  unit_end.reset();
  SecretBuffer in(kBufferSize, kMaxFrameSize);
  for (;;) {
    auto count = receive_some(server.get(), in, 1, Wait::Block);
    ASSERT_TRUE(count && count.value());
    if (*count.value() == 0) break;
  }
  in.consume(kFramePrefixSize + kHelloBodySize);
  auto first = first_frame(in.filled());
  ASSERT_TRUE(first && first.value());
  auto too_large = decode_answer(**first);
  ASSERT_TRUE(too_large && too_large->error);
  EXPECT_EQ(too_large->call_id, 1U);
  EXPECT_EQ(too_large->error->reason, Reason::Internal);
  in.consume(kFramePrefixSize + (*first)->size());
  auto second = first_frame(in.filled());
  ASSERT_TRUE(second && second.value());
  EXPECT_EQ(decode_answer(**second)->call_id, 2U);
}

}  // namespace
}  // namespace keyhaven::channel
