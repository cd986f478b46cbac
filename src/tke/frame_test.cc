#include "tke/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/wire.h"
#include "tke/admin.h"
#include "tke/document_for_tests.h"

namespace keyhaven::tke {
namespace {

Request query_frame(std::uint32_t command, std::uint32_t inner_domain, Bytes input) {
  AdminBlock block;
  block.command = command;
  block.domain_index = inner_domain;
  block.input = std::move(input);
  return {2, 3, encode(AdminRequest{3, encode(block), {}})};
}

// Frames of the compatibility notes (instances-tke-iam.md 3.12), which a mock of them verified
// against the official client: our encoder writes exactly these and our parser accepts them.
TEST(FrameTest, GoldenRequestsOfTheDocument) {
  const auto frames = DocumentExample(KH_SOURCE_DIR, "tke.md").frames();
  const std::map<std::string, Request> expected = {
      {"attributes", query_frame(kQueryAttributes, 3, {})},
      {"domain info", {2, 3, encode(InfoRequest{3, kInfoDomain})}},
      {"certificate 1", query_frame(kQueryOaCertificate, 0, {0, 0, 0, 1})},
      {"certificate count", query_frame(kQueryOaCertificate, 0, {})},
  };
  ASSERT_EQ(frames.size(), expected.size());
  for (const auto& [name, request] : expected) {
    EXPECT_EQ(format_request(request), frames.at(name)) << name;
    const auto parsed = parse_request(frames.at(name));
    ASSERT_TRUE(parsed.has_value()) << name;
    EXPECT_EQ(*parsed, request) << name;
  }
}

// The same frames spelled out from the notes, so that a changed document is noticed too.
TEST(FrameTest, GoldenBytesOfTheNotes) {
  const std::string cprb = "0020040000805434000000000000000300000000000000000000000000";
  EXPECT_EQ(format_request(query_frame(kQueryAttributes, 3, {})),
            "181;PCI request;XPNUM   ;2;        ;" + cprb +
                "00002A"
                "30280404000100290404000000030418"
                "301604040001000A0408000000030000000004000400"
                "0400"
                "0400");
  EXPECT_EQ(to_hex_upper(encode(InfoRequest{3, kInfoDomain})),
            "3018040400010026040400000003040400000003040400000000");
  EXPECT_EQ(format_request(query_frame(kQueryOaCertificate, 0, {0, 0, 0, 1})),
            "189;PCI request;XPNUM   ;2;        ;" + cprb +
                "00002E"
                "302C040400010029040400000003041C"
                "301A04040001000304080000000000000000040004000404"
                "00000001"
                "0400");
  EXPECT_EQ(to_hex_upper(query_frame(kQueryOaCertificate, 0, {}).payload),
            "30280404000100290404000000030418"
            "3016040400010003040800000000000000000400040004000400");
}

TEST(FrameTest, RefusalsSayWhatTheResponseFrameMustSay) {
  const std::string good = format_request(query_frame(kQueryAttributes, 3, {}));
  const std::string tail = good.substr(good.find(';'));
  const auto with = [&](std::string from, const std::string& to) {
    std::string changed = tail;
    changed.replace(changed.find(from), from.size(), to);
    return std::to_string(changed.size()) + changed;
  };
  const std::pair<std::string, std::uint32_t> kCases[] = {
      {"", 43},
      {";", 43},
      {"garbage", 43},
      {"180" + tail, 43},
      {"99999999999" + tail, 43},
      {with("PCI request", "PCI answer"), 43},
      {with("XPNUM   ", "XPNUM"), 43},
      {with(";2;", ";two;"), 1},
      {with(";2;", ";-2;"), 1},
      {with(";2;", ";99999999999;"), 1},
      {with("00200400", "0020040"), 43},
      {with("00200400", "0020040G"), 43},
      {with("00200400", "00210400"), 43},
      {with("5434", "5435"), 43},
      {with("0000002A30", "0000002B30"), 43},
      {good + "00", 43},
      {std::string(kMaxFrameCharacters + 1, '1'), 43},
  };
  for (const auto& [text, code] : kCases) {
    HtpError why;
    const auto parsed = parse_request(text, &why);
    ASSERT_FALSE(parsed.has_value()) << text.substr(0, 80);
    EXPECT_EQ(why.type, 9u);
    EXPECT_EQ(why.return_code, code) << text.substr(0, 80);
    EXPECT_FALSE(parse_request(text).has_value());
  }
}

TEST(FrameTest, ResponseRoundTrip) {
  const Response response{7, 0, 0, {1, 2, 3}};
  const std::string text = format_response(response);
  const auto parsed = parse_response(text);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed, response);
  const std::size_t first = text.find(';');
  EXPECT_EQ(text.substr(0, first), std::to_string(text.size() - first));
  EXPECT_EQ(text.find(';', first + 1) - first - 1, kFrameInfoSize);
}

TEST(FrameTest, ErrorsOfFrameAndParameterBlockAreErrors) {
  const auto frame = parse_response(format_error_response({9, 43, 0, "bad; very bad"}));
  ASSERT_FALSE(frame.has_value());
  EXPECT_EQ(frame.error().reason, Reason::UnitUnavailable);
  EXPECT_NE(frame.error().message.find("9-43-0: bad, very bad"), std::string::npos);

  const auto block = parse_response(format_response({7, 8, 48, {}}));
  ASSERT_FALSE(block.has_value());
  EXPECT_EQ(block.error().reason, Reason::UnitUnavailable);
  EXPECT_NE(block.error().message.find("return code 8, reason code 48"), std::string::npos);
}

TEST(FrameTest, EveryTruncationOfAResponseIsRefused) {
  const std::string text = format_response({7, 0, 0, {1, 2, 3}});
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_response(text.substr(0, size)).has_value()) << size;
  }
}

RC_GTEST_PROP(FrameTest, RequestRoundTrip,
              (std::uint32_t module_index, std::uint32_t domain_index, const Bytes& payload)) {
  const Request request{module_index, domain_index, payload};
  const auto parsed = parse_request(format_request(request));
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(*parsed == request);
}

RC_GTEST_PROP(FrameTest, ParsersAreTotal, (const std::string& text, const Bytes& payload)) {
  (void)parse_request(text);
  (void)parse_response(text);
  (void)parse_request_payload(payload);
  (void)parse_admin_block(payload);
  (void)parse_admin_requests(payload, 16);
  (void)parse_admin_response(payload);
  (void)parse_admin_response_block(payload);
  (void)parse_info_response(payload);
  (void)parse_domain_info(payload);
}

RC_GTEST_PROP(AdminTest, BlocksRoundTrip,
              (std::uint32_t command, std::uint32_t domain, std::uint32_t instance,
               const Bytes& input)) {
  const AdminBlock block{command, domain, instance, Bytes(16, 1), Bytes(16, 2), input};
  RC_ASSERT(*parse_admin_block(encode(block)) == block);
  const AdminRequest request{domain, encode(block), input};
  RC_ASSERT(std::get<AdminRequest>(*parse_request_payload(encode(request))) == request);
  const AdminResponseBlock answer{command, domain, instance, Bytes(16, 1), Bytes(16, 2), 0, input};
  RC_ASSERT(*parse_admin_response_block(encode(answer)) == answer);
  const AdminResponse response{domain, 0, encode(answer), input};
  RC_ASSERT(*parse_admin_response(encode(response)) == response);
}

TEST(AdminTest, ShortFormCarriesOnlyTheReturnCode) {
  const auto parsed = parse_admin_response(encode(AdminResponse{3, 7, {}, {}}));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->return_code, 7u);
  // Success without a block is no answer.
  const Bytes no_block = from_hex(
                             "301204040001002904040000000304040000"
                             "0000")
                             .value();
  EXPECT_FALSE(parse_admin_response(no_block).has_value());
}

TEST(AdminTest, ReasonCodeStandsInTheOutputOfARefusal) {
  AdminResponseBlock block;
  block.output = {0, 0, 0, 60};
  EXPECT_EQ(block.reason_code(), 0u);
  block.return_code = 96;
  EXPECT_EQ(block.reason_code(), 60u);
  block.output.clear();
  EXPECT_EQ(block.reason_code(), 0u);
}

TEST(AdminTest, InnerRequestsAreBounded) {
  const Bytes one = encode(AdminRequest{1, {1}, {}});
  Bytes many;
  for (int i = 0; i < 3; ++i) append(many, one);
  EXPECT_EQ(parse_admin_requests(many, 3)->size(), 3u);
  EXPECT_EQ(parse_admin_requests(many, 2).error().reason, Reason::TooLarge);
  EXPECT_EQ(parse_admin_requests({}, 2)->size(), 0u);
}

}  // namespace
}  // namespace keyhaven::tke
