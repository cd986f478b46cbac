#include "net/response_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace keyhaven::net {
namespace {

using Outcome = ResponseParser::Outcome;

// Feeds `text` with `piece` more bytes at a time, as the client does; `rest` is what was not
// consumed.
Outcome feed(ResponseParser& parser, std::string_view text, std::size_t piece,
             std::string_view* rest = nullptr) {
  std::size_t done = 0;
  for (std::size_t end = std::min(piece, text.size());; end = std::min(end + piece, text.size())) {
    for (;;) {
      const auto step = parser.advance(as_bytes(text.substr(done, end - done)));
      done += step.consumed;
      if (rest != nullptr) *rest = text.substr(done);
      if (step.outcome != Outcome::NeedMore) return step.outcome;
      if (step.consumed == 0) break;
    }
    if (end == text.size()) return Outcome::NeedMore;
  }
}

TEST(ResponseParserTest, ReadsEveryKindOfBodyHoweverItIsCut) {
  const std::string rows[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n"
      "0\r\nTrailer: 1\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: b\r\n\r\nhello"};
  for (const std::string& row : rows) {
    for (std::size_t piece = 1; piece <= row.size(); ++piece) {
      ResponseParser parser(ResponseParser::Body::Expected, 5);
      std::string_view rest;
      ASSERT_EQ(feed(parser, row, piece, &rest), Outcome::Complete) << row;
      EXPECT_TRUE(rest.empty());
      EXPECT_EQ(parser.status(), 200);
      EXPECT_EQ(as_text(parser.take_body().expose()), "hello");
      EXPECT_EQ(parser.headers().back().first, "x-a");
      EXPECT_TRUE(parser.keep_alive());
    }
  }
}

TEST(ResponseParserTest, BodyToTheEndOfTheStream) {
  ResponseParser parser(ResponseParser::Body::Expected, 100);
  ASSERT_EQ(feed(parser, "HTTP/1.1 200 OK\r\n\r\nhello", 3), Outcome::NeedMore);
  EXPECT_EQ(parser.end_of_stream(), Outcome::Complete);
  EXPECT_EQ(as_text(parser.take_body().expose()), "hello");
  EXPECT_FALSE(parser.keep_alive());
}

TEST(ResponseParserTest, AnswersWithoutBody) {
  for (const char* text :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    ResponseParser parser(ResponseParser::Body::Expected, 100);
    EXPECT_EQ(feed(parser, text, 5), Outcome::Complete) << text;
  }
  ResponseParser head(ResponseParser::Body::None, 5);
  EXPECT_EQ(feed(head, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", 99), Outcome::Complete);
}

TEST(ResponseParserTest, BytesMissingAtTheEndAreNoAnswer) {
  for (const char* text :
       {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    ResponseParser parser(ResponseParser::Body::Expected, 100);
    ASSERT_EQ(feed(parser, text, 99), Outcome::NeedMore);
    EXPECT_EQ(parser.end_of_stream(), Outcome::Malformed) << text;
  }
}

TEST(ResponseParserTest, RefusesMalformedAnswers) {
  for (const char* text :
       {"HTTP/2 200 OK\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 2 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    ResponseParser parser(ResponseParser::Body::Expected, 100);
    EXPECT_EQ(feed(parser, text, 99), Outcome::Malformed) << text;
  }
}

TEST(ResponseParserTest, BodiesAboveTheLimitAreRefused) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& text :
       {ok + "Content-Length: 6\r\n\r\n", ok + "\r\n123456",
        ok + "Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n0\r\n\r\n"}) {
    ResponseParser small(ResponseParser::Body::Expected, 5);
    EXPECT_EQ(feed(small, text, 99), Outcome::TooLarge) << text;
  }
  ResponseParser head(ResponseParser::Body::Expected, 5);
  const std::string long_head = ok + "X: " + std::string(70'000, 'x');
  EXPECT_EQ(feed(head, long_head, 10'000), Outcome::TooLarge);
}

TEST(ResponseParserTest, IsTotalOnMutatedInput) {
  const std::string seed =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n2\r\nhe\r\n0\r\nT: 1\r\n\r\n";
  std::mt19937 random(99);
  constexpr std::string_view kBytes = "\r\n\t :;,0159aF\x01\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (unsigned change = random() % 4 + 1; change > 0; --change) {
      text[random() % text.size()] = kBytes[random() % kBytes.size()];
    }
    ResponseParser parser(ResponseParser::Body::Expected, 16);
    feed(parser, text, random() % 9 + 1);
    parser.end_of_stream();
    EXPECT_LE(parser.take_body().size(), 16U);
  }
}

}  // namespace
}  // namespace keyhaven::net
