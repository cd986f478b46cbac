#include "net/request_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

namespace keyhaven::net {
namespace {

using Outcome = RequestParser::Outcome;

// A parser and its buffer, fed in pieces of any size.
struct Feeder {
  explicit Feeder(ParserLimits limits = {}) : parser(limits) { buffer.acquire(nullptr); }

  Outcome feed(std::string_view text, std::size_t piece = SIZE_MAX) {
    Outcome outcome = Outcome::NeedMore;
    while (!text.empty() && outcome == Outcome::NeedMore) {
      const auto room = buffer.room();
      EXPECT_FALSE(room.empty());
      const std::size_t count = std::min({text.size(), room.size(), piece});
      std::memcpy(room.data(), text.data(), count);
      buffer.commit(count);
      text.remove_prefix(count);
      outcome = parser.advance(buffer);
    }
    if (!text.empty()) {  // what comes after the request
      const std::size_t count = std::min(text.size(), buffer.room().size());
      std::memcpy(buffer.room().data(), text.data(), count);
      buffer.commit(count);
    }
    return outcome;
  }
  std::string body() {
    const auto view = parser.body(buffer);
    return {view.begin(), view.end()};
  }

  Buffer buffer;
  RequestParser parser;
};

int refusal_of(std::string_view text, ParserLimits limits = {}) {
  // However the bytes are cut, the answer is the same.
  int status = 0;
  for (std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{7}}) {
    Feeder feeder(limits);
    const Outcome outcome = feeder.feed(text, piece);
    const int now = outcome == Outcome::Refused    ? feeder.parser.refusal().status
                    : outcome == Outcome::Complete ? 200
                                                   : 0;
    if (piece == SIZE_MAX) {
      status = now;
    } else {
      EXPECT_EQ(now, status) << "cut into " << piece << ": " << text.substr(0, 200);
    }
  }
  return status;
}

TEST(RequestParserTest, ReadsAWholeRequest) {
  for (std::size_t piece = 1; piece < 150; ++piece) {
    Feeder feeder;
    ASSERT_EQ(feeder.feed("POST /api/v2/keys/1/actions/wrap?x=1&y HTTP/1.1\r\nHost: h\r\n"
                          "authorization:  Bearer abc \t\r\nContent-Length: 5\r\n\r\nhello",
                          piece),
              Outcome::Complete);
    EXPECT_EQ(feeder.parser.method(), "POST");
    EXPECT_EQ(feeder.parser.path(), "/api/v2/keys/1/actions/wrap");
    EXPECT_EQ(feeder.parser.query(), "x=1&y");
    ASSERT_EQ(feeder.parser.headers().size(), 3U);
    EXPECT_EQ(feeder.parser.headers()[1].name, "authorization");
    EXPECT_EQ(feeder.parser.headers()[1].value, "Bearer abc");
    EXPECT_EQ(feeder.body(), "hello");
    EXPECT_TRUE(feeder.parser.keep_alive());
    EXPECT_EQ(feeder.parser.end(), feeder.buffer.size());
  }
}

TEST(RequestParserTest, DecodesChunksHoweverTheyAreCut) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n001;ext=\"1\"\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nGET /next";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    Feeder feeder;
    ASSERT_EQ(feeder.feed(text, piece), Outcome::Complete) << piece;
    EXPECT_EQ(feeder.body(), "hello 0123456789");
    const std::string_view rest(
        reinterpret_cast<const char*>(feeder.buffer.data()) + feeder.parser.end(),
        feeder.buffer.size() - feeder.parser.end());
    EXPECT_EQ(rest, "GET /next") << piece;
  }
}

TEST(RequestParserTest, LargeBodiesGrowTheBufferAndViewsFollow) {
  const std::string body(300'000, 'b');
  std::string chunked;
  for (std::size_t i = 0; i < body.size(); i += 1000) {
    chunked += "3E8\r\n" + body.substr(i, 1000) + "\r\n";
  }
  const std::string sized_head =
      "PUT /p?q HTTP/1.1\r\nHost: name\r\nContent-Length: 300000\r\n\r\n";
  const std::string chunked_head =
      "PUT /p?q HTTP/1.1\r\nHost: name\r\nTransfer-Encoding: Chunked\r\n\r\n";
  for (const std::string& text : {sized_head + body, chunked_head + chunked + "0\r\n\r\n"}) {
    Feeder feeder;
    ASSERT_EQ(feeder.feed(text, 4096), Outcome::Complete);
    EXPECT_EQ(feeder.body(), body);
    EXPECT_EQ(feeder.parser.method(), "PUT");
    EXPECT_EQ(feeder.parser.path(), "/p");
    EXPECT_EQ(feeder.parser.query(), "q");
    EXPECT_EQ(feeder.parser.headers()[0].value, "name");
    // The slack after the body is readable (a sanitizer build checks that).
    volatile std::uint8_t sink = 0;
    const auto view = feeder.parser.body(feeder.buffer);
    for (std::size_t i = 0; i < kBodySlack; ++i) sink = view.data()[view.size() + i];
    (void)sink;
  }
}

TEST(RequestParserTest, AcceptsTheFormsOfTheTarget) {
  struct Row {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const Row& row : {Row{"/", "/", ""}, Row{"/?", "/", ""}, Row{"/a?b?c", "/a", "b?c"},
                         Row{"https://host:1/a/b?q", "/a/b", "q"}, Row{"HTTP://host", "/", ""},
                         Row{"https://host?q=1", "/", "q=1"}, Row{"//x", "//x", ""}}) {
    Feeder feeder;
    ASSERT_EQ(feeder.feed(std::string("GET ") + row.target + " HTTP/1.1\r\nHost: h\r\n\r\n"),
              Outcome::Complete)
        << row.target;
    EXPECT_EQ(feeder.parser.path(), row.path);
    EXPECT_EQ(feeder.parser.query(), row.query);
  }
}

TEST(RequestParserTest, KnowsWhenTheConnectionEnds) {
  struct Row {
    const char* head;
    bool keep_alive;
  };
  for (const Row& row : {Row{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
                         Row{"GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", false},
                         Row{"GET / HTTP/1.0\r\n\r\n", false},
                         Row{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true}}) {
    Feeder feeder;
    ASSERT_EQ(feeder.feed(row.head), Outcome::Complete) << row.head;
    EXPECT_EQ(feeder.parser.keep_alive(), row.keep_alive) << row.head;
  }
}

TEST(RequestParserTest, AsksForContinueOnlyBeforeTheBody) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  Feeder waiting;
  ASSERT_EQ(waiting.feed(head), Outcome::NeedMore);
  EXPECT_TRUE(waiting.parser.wants_continue(waiting.buffer));
  Feeder begun;
  ASSERT_EQ(begun.feed(head + "a"), Outcome::NeedMore);
  EXPECT_FALSE(begun.parser.wants_continue(begun.buffer));
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\nContent-Length: 2\r\n\r\n"),
            417);
}

TEST(RequestParserTest, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string rows[] = {
      post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
      post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      post + "Content-Length: 1, 1\r\n\r\na",
      post + "Content-Length: +1\r\n\r\na",
      post + "Content-Length: -1\r\n\r\na",
      post + "Content-Length: 0x1\r\n\r\na",
      post + "Content-Length:\r\n\r\n",
      post + "Content-Length: 1 1\r\n\r\na",
      post + "Content-Length: 99999999999999999999\r\n\r\na",
      post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na",
      post + "Transfer-Encoding: identity\r\n\r\n",
      post + "Transfer-Encoding: xchunked\r\n\r\n",
      post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      post + "X: a\r\n b\r\n\r\n",
      post + "X:\r\n b\r\n\r\n",
      post + " X: a\r\n\r\n",
      post + "X: a\nY: b\r\n\r\n",
      post + "X: a\rY: b\r\n\r\n",
      post + "X: a\r\r\n\r\n",
      post + std::string("X: a\0b\r\n\r\n", 10),
      post + "X: a\x01\r\n\r\n",
      post + "X: a\x7f\r\n\r\n",
      post + "X y: a\r\n\r\n",
      post + ": a\r\n\r\n",
      post + "no colon\r\n\r\n",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\n\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET /\r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET https:///x HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET ftp://h/x HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n",
      "\x16\x03\x01\n",
  };
  for (const std::string& row : rows) EXPECT_EQ(refusal_of(row), 400) << row;
}

TEST(RequestParserTest, RefusesBadChunks) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& body :
       {std::string("g\r\n"), std::string("-1\r\n"), std::string("+1\r\na\r\n"),
        std::string("0x1\r\na\r\n"), std::string(" 1\r\na\r\n"), std::string("1 \r\na\r\n"),
        std::string("1\na\r\n"), std::string("\r\n"), std::string("1\r\nab\r\n"),
        std::string("1\r\na\n"), std::string("1\r\na\rX"), std::string("0\r\nX: y\r\n\r\n"),
        std::string("0\r\n \r\n"), std::string("1;\x01\r\n"), std::string("1;a\rb\r\n"),
        "1;" + std::string(1100, 'x') + "\r\na\r\n"}) {
    EXPECT_EQ(refusal_of(head + body), 400) << body;
  }
}

TEST(RequestParserTest, LimitsAreExact) {
  const ParserLimits limits{.max_header_bytes = 100, .max_headers = 3, .max_body_bytes = 10};
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  const auto padded = [&](std::size_t total) {  // a head of exactly `total` bytes
    return start + "X: " + std::string(total - start.size() - 7, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(refusal_of(padded(100), limits), 200);
  EXPECT_EQ(refusal_of(padded(101), limits), 431);
  EXPECT_EQ(refusal_of(std::string(101, 'x'), limits), 431);
  EXPECT_EQ(refusal_of(start + "A: 1\r\nB: 2\r\n\r\n", limits), 200);
  EXPECT_EQ(refusal_of(start + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits), 431);
  EXPECT_EQ(refusal_of(start + "Content-Length: 10\r\n\r\n0123456789", limits), 200);
  EXPECT_EQ(refusal_of(start + "Content-Length: 11\r\n\r\n", limits), 413);
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(refusal_of(chunked + "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", limits), 200);
  EXPECT_EQ(refusal_of(chunked + "4\r\n0123\r\n7\r\n", limits), 413);
  EXPECT_EQ(refusal_of(chunked + "FFFFFFFFFFFFFFFF\r\n", limits), 413);
  EXPECT_EQ(refusal_of(chunked + "10000000000000000\r\n", limits), 413);
}

TEST(RequestParserTest, AnnouncedBodyIsRefusedBeforeMemoryIsTaken) {
  Feeder feeder(ParserLimits{.max_body_bytes = 1 << 20});
  const auto before = feeder.buffer.capacity();
  EXPECT_EQ(feeder.feed("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n"),
            Outcome::Refused);
  EXPECT_EQ(feeder.buffer.capacity(), before);
}

TEST(RequestParserTest, HeadOfTheFullLimitFits) {
  Feeder feeder;
  const std::string value(30'000, 'v');
  ASSERT_EQ(feeder.feed("GET / HTTP/1.1\r\nHost: h\r\nX: " + value + "\r\n\r\n", 1000),
            Outcome::Complete);
  EXPECT_EQ(feeder.parser.headers()[1].value, value);
}

TEST(RequestParserTest, IsTotalOnMutatedInput) {
  const std::string seeds[] = {
      "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
      "GET https://h/x HTTP/1.0\r\nConnection: keep-alive\r\nX: 1\r\n\r\n"};
  std::mt19937 random(20240611);
  constexpr std::string_view kBytes = "\r\n\t :;,0159aAfF/?#%\x01\x7f\xff";
  for (int round = 0; round < 30'000; ++round) {
    std::string text = seeds[random() % 3];
    for (unsigned change = random() % 4 + 1; change > 0 && !text.empty(); --change) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          text.erase(at, random() % 4);
          break;
        default:
          text.insert(at, 1, kBytes[random() % kBytes.size()]);
          break;
      }
    }
    Feeder feeder(ParserLimits{.max_header_bytes = 200, .max_body_bytes = 64});
    const Outcome outcome = feeder.feed(text, random() % 9 + 1);
    if (outcome == Outcome::Complete) {
      ASSERT_LE(feeder.parser.end(), feeder.buffer.size());
      ASSERT_LE(feeder.body().size(), 64U);
      ASSERT_TRUE(feeder.parser.path().starts_with('/'));
    }
  }
}

TEST(BufferTest, WipesWhatItGivesBack) {
  BlockPool pool;
  Buffer buffer;
  buffer.acquire(&pool);
  const std::uint8_t* const block = buffer.data();
  std::memcpy(buffer.room().data(), "secret secret", 13);
  buffer.commit(13);
  buffer.close_gap(0, 7);
  EXPECT_EQ(buffer.size(), 6U);
  EXPECT_EQ(std::count(block, block + 16, 0), 10);  // "secret" is left
  buffer.release(&pool);
  EXPECT_FALSE(buffer.allocated());
  buffer.acquire(&pool);
  ASSERT_EQ(buffer.data(), block);  // the pool gave it again
  EXPECT_EQ(std::count(block, block + 16, 0), 16);
}

}  // namespace
}  // namespace keyhaven::net
