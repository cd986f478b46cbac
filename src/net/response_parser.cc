#include "net/response_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

namespace keyhaven::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

constexpr std::size_t kFirstBodyBytes = 4096;  // when the size is not known beforehand

// Collects the head; it is given complete heads only, and no body.
class HeadParser final : public http::basic_parser<false> {
 public:
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;

 private:
  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int,
                       error_code&) override {}
  void on_response_impl(int code, boost::beast::string_view, int, error_code&) override {
    status = code;
  }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     error_code& ec) override {
    if (headers.size() == ResponseParser::kMaxHeaders) {
      ec = http::error::header_limit;
      return;
    }
    auto& [lower_name, text] = headers.emplace_back(name, value);
    for (char& c : lower_name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view text, error_code&) override {
    return text.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view text,
                                 error_code&) override {
    return text.size();
  }
  void on_finish_impl(error_code&) override {}
};

}  // namespace

ResponseParser::Step ResponseParser::advance(ByteView in) {
  switch (stage_) {
    case Stage::Head: {
      const std::size_t blank = as_text(in).find("\r\n\r\n");
      const std::size_t size = blank == std::string_view::npos ? in.size() : blank + 4;
      if (size > kMaxHeadBytes) return {Outcome::TooLarge, 0};
      if (blank == std::string_view::npos) return {};
      return {parse_head(in.first(size)), size};
    }
    case Stage::SizedBody: {
      const ByteView part = in.first(std::min(in.size(), wanted_));
      if (add(part) == Outcome::TooLarge) return {Outcome::TooLarge, 0};
      wanted_ -= part.size();
      if (wanted_ == 0) stage_ = Stage::Complete;
      return {wanted_ == 0 ? Outcome::Complete : Outcome::NeedMore, part.size()};
    }
    case Stage::ChunkedBody:
      return advance_chunks(in);
    case Stage::BodyToEnd:
      return {add(in), in.size()};
    case Stage::Complete:
      return {Outcome::Complete, 0};
  }
  return {Outcome::Malformed, 0};
}

ResponseParser::Outcome ResponseParser::end_of_stream() {
  if (stage_ == Stage::BodyToEnd) stage_ = Stage::Complete;
  return stage_ == Stage::Complete ? Outcome::Complete : Outcome::Malformed;
}

ResponseParser::Outcome ResponseParser::parse_head(ByteView head) {
  HeadParser parser;
  parser.header_limit(static_cast<std::uint32_t>(kMaxHeadBytes + 1));
  parser.body_limit(boost::none);
  parser.skip(body_kind_ == Body::None);
  error_code ec;
  const std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec == http::error::header_limit) return Outcome::TooLarge;
  if (ec || used != head.size() || !parser.is_header_done()) return Outcome::Malformed;
  if (parser.status / 100 == 1) {
    // Interim; 101 would be an answer to an upgrade that we never ask for.
    return parser.status == 101 ? Outcome::Malformed : Outcome::NeedMore;
  }
  status_ = parser.status;
  headers_ = std::move(parser.headers);
  keep_alive_ = parser.keep_alive();
  for (const auto& [name, value] : headers_) {
    if (name == "transfer-encoding" && !parser.chunked()) return Outcome::Malformed;
  }
  if (body_kind_ == Body::None || status_ == 204 || status_ == 304) {
    stage_ = Stage::Complete;
    return Outcome::Complete;
  }
  const auto length = parser.content_length();
  return choose_body(parser.chunked(),
                     length ? std::optional<std::uint64_t>(*length) : std::nullopt);
}

ResponseParser::Outcome ResponseParser::choose_body(bool chunked,
                                                    std::optional<std::uint64_t> length) {
  if (chunked) {
    chunks_ = ChunkDecoder(max_body_bytes_, ChunkDecoder::Trailers::Skip);
    stage_ = Stage::ChunkedBody;
    return Outcome::NeedMore;
  }
  if (!length) {
    stage_ = Stage::BodyToEnd;
    return Outcome::NeedMore;
  }
  if (*length > max_body_bytes_) return Outcome::TooLarge;
  wanted_ = static_cast<std::size_t>(*length);
  if (wanted_ == 0) {
    stage_ = Stage::Complete;
    return Outcome::Complete;
  }
  body_ = SecretBytes(wanted_);
  stage_ = Stage::SizedBody;
  return Outcome::NeedMore;
}

ResponseParser::Step ResponseParser::advance_chunks(ByteView in) {
  using Kind = ChunkDecoder::Step::Kind;
  std::size_t consumed = 0;
  for (;;) {
    const ChunkDecoder::Step step = chunks_.next(in.subspan(consumed));
    consumed += step.consumed;
    if (add(step.data) == Outcome::TooLarge || step.kind == Kind::TooLarge) {
      return {Outcome::TooLarge, consumed};
    }
    if (step.kind == Kind::Malformed) return {Outcome::Malformed, consumed};
    if (step.kind == Kind::NeedMore) return {Outcome::NeedMore, consumed};
    if (step.kind == Kind::Complete) {
      stage_ = Stage::Complete;
      return {Outcome::Complete, consumed};
    }
  }
}

ResponseParser::Outcome ResponseParser::add(ByteView data) {
  if (data.size() > max_body_bytes_ - body_size_) return Outcome::TooLarge;
  const std::size_t size = body_size_ + data.size();
  if (size > body_.size()) {
    SecretBytes bigger(
        std::min(std::max({size, 2 * body_.size(), kFirstBodyBytes}), max_body_bytes_));
    const auto old = body_.expose().first(body_size_);
    std::copy(old.begin(), old.end(), bigger.expose_mutable().begin());
    body_ = std::move(bigger);
  }
  std::copy(data.begin(), data.end(),
            body_.expose_mutable().begin() + static_cast<std::ptrdiff_t>(body_size_));
  body_size_ = size;
  return Outcome::NeedMore;
}

SecretBytes ResponseParser::take_body() {
  body_.shrink(body_size_);
  return std::move(body_);
}

}  // namespace keyhaven::net
