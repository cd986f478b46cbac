#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "histogram.h"
#include "process_cpu.h"
#include "response_reader.h"

namespace keyhaven::bench {
namespace {

TEST(HistogramTest, QuantilesAreWithinTwoPercent) {
  Histogram histogram;
  for (std::uint64_t us = 1; us <= 100'000; ++us) histogram.add(us * 1000);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    EXPECT_NEAR(histogram.quantile_us(share), share * 100'000, share * 100'000 * 0.02) << share;
  }
  EXPECT_EQ(histogram.count(), 100'000U);
  EXPECT_NEAR(histogram.mean_us(), 50'000.5, 0.1);
  EXPECT_EQ(histogram.max_us(), 100'000);
  EXPECT_EQ(histogram.quantile_us(1), 100'000);
}

TEST(HistogramTest, TakesEveryValue) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile_us(0.5), 0);
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{64}, UINT64_MAX}) {
    histogram.add(value);
  }
  EXPECT_EQ(histogram.quantile_us(0.25), 0);
  EXPECT_EQ(histogram.quantile_us(0.5), 0.063);
  EXPECT_EQ(histogram.quantile_us(0.75), 0.064);
  EXPECT_EQ(histogram.quantile_us(1), static_cast<double>(UINT64_MAX) / 1000);
}

class ResponseReaderTest : public testing::Test {
 protected:
  ResponseReader::State receive(std::string_view text) {
    std::memcpy(reader_.room(), text.data(), text.size());
    return reader_.received(text.size());
  }
  ResponseReader reader_;
};

TEST_F(ResponseReaderTest, FindsTheEndWhereverTheBytesAreCut) {
  const std::string text = "HTTP/1.1 201 Created\r\ncontent-LENGTH: 5\r\nServer: x\r\n\r\nhello";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    reader_.clear();
    EXPECT_EQ(receive(std::string_view(text).substr(0, cut)), ResponseReader::State::Incomplete);
    EXPECT_EQ(receive(std::string_view(text).substr(cut)), ResponseReader::State::Complete);
    EXPECT_EQ(reader_.status(), 201);
    EXPECT_EQ(reader_.body(), "hello");
  }
}

TEST_F(ResponseReaderTest, GrowsWithTheAnswerUpToItsLimit) {
  const std::string header = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
  EXPECT_EQ(receive(header), ResponseReader::State::Incomplete);
  std::size_t missing = 100'000;
  while (missing > 0) {
    const std::size_t part = std::min(missing, reader_.room_size());
    std::memset(reader_.room(), 'x', part);
    missing -= part;
    EXPECT_EQ(reader_.received(part),
              missing == 0 ? ResponseReader::State::Complete : ResponseReader::State::Incomplete);
  }
  EXPECT_EQ(reader_.body(), std::string(100'000, 'x'));
  reader_.clear();
  auto state = receive("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
  for (std::size_t size = 0; size < 2 * ResponseReader::kLargest;) {
    if (state == ResponseReader::State::Malformed) break;
    const std::size_t part = reader_.room_size();
    std::memset(reader_.room(), 'x', part);
    state = reader_.received(part);
    size += part;
  }
  EXPECT_EQ(state, ResponseReader::State::Malformed);
}

TEST_F(ResponseReaderTest, RefusesWhatItCannotFrame) {
  EXPECT_EQ(receive("HTTP/1.0 200 OK\r\n\r\n"), ResponseReader::State::Malformed);
  reader_.clear();
  EXPECT_EQ(receive("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
            ResponseReader::State::Malformed);
  reader_.clear();
  EXPECT_EQ(receive("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"),
            ResponseReader::State::Malformed);
}

TEST(ProcessCpuTest, CountsThisProcessAndNoAbsentOne) {
  const std::uint64_t before = process_cpu_ns(::getpid());
  volatile std::uint64_t sum = 0;
  while (process_cpu_ns(::getpid()) == before) {
    for (std::uint64_t i = 0; i < 100'000; ++i) sum = sum + i;
  }
  EXPECT_GT(process_cpu_ns(::getpid()), before);
  EXPECT_EQ(process_cpu_ns(-1), 0U);
}

}  // namespace
}  // namespace keyhaven::bench
