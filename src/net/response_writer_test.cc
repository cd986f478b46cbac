#include "net/response_writer.h"

#include <gtest/gtest.h>

namespace keyhaven::net {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string written(const Response& response, ResponseFraming framing = {}) {
  std::string out = "old content";
  write_response(out, response, framing, kDate);
  return out;
}

TEST(ResponseWriterTest, WritesHeadAndBodyInOnePiece) {
  Response response;
  response.headers = {{"Correlation-Id", "c-1"}, {"Key-Total", "3"}};
  response.body = "{}";
  EXPECT_EQ(written(response),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\nCache-Control: no-store\r\n"
            "Correlation-Id: c-1\r\nKey-Total: 3\r\n\r\n{}");
}

TEST(ResponseWriterTest, HeadHasTheLengthButNotTheBody) {
  Response response;
  response.body = "12345";
  const std::string out = written(response, {.head_request = true});
  EXPECT_NE(out.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
}

TEST(ResponseWriterTest, NoContentHasNeitherLengthNorTypeNorBody) {
  for (int status : {204, 304}) {
    Response response;
    response.status = status;
    response.body = "ignored";
    const std::string out = written(response);
    EXPECT_EQ(out.find("Content-"), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with("\r\n\r\n"));
  }
}

TEST(ResponseWriterTest, SaysHowTheConnectionGoesOn) {
  EXPECT_NE(written({}, {.close = true}).find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(written({}, {.http10 = true}).find("Connection: keep-alive\r\n"), std::string::npos);
  EXPECT_EQ(written({}).find("Connection"), std::string::npos);
}

TEST(ResponseWriterTest, NoHeaderValueEndsItsLine) {
  Response response;
  response.headers = {{"X-Echo", "a\r\nSet-Cookie: b\n\x7f"}};
  EXPECT_NE(written(response).find("X-Echo: a  Set-Cookie: b  \r\n"), std::string::npos);
}

TEST(ResponseWriterTest, OwnCacheControlReplacesNoStore) {
  Response response;
  response.headers = {{"Cache-Control", "max-age=60"}};
  const std::string out = written(response);
  EXPECT_EQ(out.find("no-store"), std::string::npos);
  EXPECT_NE(out.find("Cache-Control: max-age=60\r\n"), std::string::npos);
}

TEST(ResponseWriterTest, KnowsReasonPhrasesAndDates) {
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(409), "Conflict");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Entity");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(799), "Unknown");
  EXPECT_EQ(http_date(784111777), kDate);
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace keyhaven::net
