#include "net/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <optional>

#include "net/header_text.h"

namespace keyhaven::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

std::string_view std_view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

bool is_visible_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// Collects what Beast finds in a head; the views point into the receive buffer. It sees complete
// heads only, in one piece.
class RequestParser::Beast {
 public:
  explicit Beast(RequestParser& owner) : owner_(owner) {}

  void restart() {
    parser_.emplace(owner_);
    parser_->header_limit(static_cast<std::uint32_t>(owner_.limits_.max_header_bytes + 1));
    parser_->body_limit(owner_.limits_.max_body_bytes);
  }
  std::size_t put(std::uint8_t* data, std::size_t size, error_code& ec) {
    return parser_->put(boost::asio::const_buffer(data, size), ec);
  }
  http::basic_parser<true>& parser() { return *parser_; }
  std::string_view target() const { return parser_->target; }

 private:
  struct Parser final : http::basic_parser<true> {
    explicit Parser(RequestParser& request_parser) : owner(request_parser) {}

    void on_request_impl(http::verb, boost::beast::string_view method_text,
                         boost::beast::string_view target_text, int version, error_code&) override {
      owner.method_ = std_view(method_text);
      target = std_view(target_text);
      owner.http10_ = version == 10;
    }
    void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
    void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                       error_code&) override {
      owner.headers_.push_back({std_view(name), std_view(value)});
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

    RequestParser& owner;
    std::string_view target;
  };

  RequestParser& owner_;
  std::optional<Parser> parser_;
};

RequestParser::RequestParser(ParserLimits limits)
    : limits_(limits), beast_(std::make_unique<Beast>(*this)) {
  headers_.reserve(16);
  reset();
}

RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  stage_ = Stage::Head;
  head_begin_ = line_begin_ = scanned_ = lines_ = head_end_ = 0;
  body_begin_ = body_size_ = raw_begin_ = end_ = 0;
  method_ = path_ = query_ = {};
  headers_.clear();
  http10_ = keep_alive_ = expects_continue_ = false;
}

RequestParser::Outcome RequestParser::refuse(int status, std::string_view what) {
  stage_ = Stage::Refused;
  refusal_ = {status, what};
  return Outcome::Refused;
}

RequestParser::Outcome RequestParser::advance(Buffer& buffer) {
  switch (stage_) {
    case Stage::Head:
      return advance_head(buffer);
    case Stage::SizedBody:
      return advance_sized_body(buffer);
    case Stage::ChunkedBody:
      return advance_chunked_body(buffer);
    case Stage::Complete:
      return Outcome::Complete;
    case Stage::Refused:
      return Outcome::Refused;
  }
  return Outcome::Refused;
}

bool RequestParser::wants_continue(const Buffer& buffer) const noexcept {
  return expects_continue_ && (stage_ == Stage::SizedBody || stage_ == Stage::ChunkedBody) &&
         buffer.size() == head_end_;
}

RequestParser::Outcome RequestParser::advance_head(Buffer& buffer) {
  const bool found = scan_lines(buffer);
  if (stage_ == Stage::Refused) return Outcome::Refused;
  const std::size_t head_bytes = (found ? head_end_ : buffer.size()) - head_begin_;
  if (head_bytes > limits_.max_header_bytes) return refuse(431, "the request head is too large");
  if (found) return parse_head(buffer);
  if (buffer.room().empty()) {
    buffer.reserve(std::max(buffer.capacity() + 1, head_begin_ + limits_.max_header_bytes + 1));
  }
  return Outcome::NeedMore;
}

bool RequestParser::scan_lines(const Buffer& buffer) {
  const char* const data = reinterpret_cast<const char*>(buffer.data());
  while (scanned_ < buffer.size()) {
    const void* const found = std::memchr(data + scanned_, '\n', buffer.size() - scanned_);
    if (found == nullptr) {
      scanned_ = buffer.size();
      return false;
    }
    const auto line_feed = static_cast<std::size_t>(static_cast<const char*>(found) - data);
    const std::string_view line(data + line_begin_, line_feed - line_begin_);
    if (scan_line(line, line_feed + 1)) return true;
    line_begin_ = scanned_ = line_feed + 1;
  }
  return false;
}

// `line` lacks its LF. True: this was the empty line after the head, or the head is refused.
bool RequestParser::scan_line(std::string_view line, std::size_t next_line) {
  if (line.empty() || line.back() != '\r') {
    refuse(400, "a line does not end with CRLF");
    return true;
  }
  line.remove_suffix(1);
  if (line.empty()) {
    if (lines_ > 0) {
      head_end_ = next_line;
      return true;
    }
    // RFC 9112 section 2.2: one empty line before a request is tolerated.
    if (head_begin_ > 0) {
      refuse(400, "the request line is empty");
      return true;
    }
    head_begin_ = next_line;
    return false;
  }
  if (line.front() == ' ' || line.front() == '\t') {
    refuse(400, "a header line is folded or the request line begins with a space");
    return true;
  }
  if (std::memchr(line.data(), '\r', line.size()) != nullptr ||
      std::memchr(line.data(), '\0', line.size()) != nullptr) {
    refuse(400, "a line holds a forbidden character");
    return true;
  }
  if (++lines_ > limits_.max_headers + 1) {
    refuse(431, "too many headers");
    return true;
  }
  return false;
}

RequestParser::Outcome RequestParser::parse_head(Buffer& buffer) {
  beast_->restart();
  http::basic_parser<true>& parser = beast_->parser();
  error_code ec;
  const std::size_t size = head_end_ - head_begin_;
  const std::size_t used = beast_->put(buffer.data() + head_begin_, size, ec);
  if (ec == http::error::body_limit) return refuse(413, "the request body is too large");
  if (ec == http::error::bad_content_length || ec == http::error::multiple_content_length ||
      ec == http::error::bad_transfer_encoding) {
    return refuse(400, "Content-Length or Transfer-Encoding is not valid");
  }
  if (ec || used != size || !parser.is_header_done()) {
    return refuse(400, "the request is not valid HTTP/1.1");
  }
  if (const char* problem = split_target(beast_->target())) return refuse(400, problem);
  if (const char* problem = check_framing()) return refuse(400, problem);
  for (const Header& header : headers_) {
    if (!equals_ignoring_case(header.name, "Expect") || http10_) continue;
    if (!equals_ignoring_case(header.value, "100-continue")) {
      return refuse(417, "only the expectation 100-continue is known");
    }
    expects_continue_ = true;
  }
  keep_alive_ = parser.keep_alive();
  body_begin_ = raw_begin_ = head_end_;
  if (parser.chunked()) {
    stage_ = Stage::ChunkedBody;
    chunks_ = ChunkDecoder(limits_.max_body_bytes, ChunkDecoder::Trailers::Refuse);
    return advance_chunked_body(buffer);
  }
  const auto length = parser.content_length();
  body_size_ = length ? static_cast<std::size_t>(*length) : 0;
  stage_ = Stage::SizedBody;
  reserve(buffer, head_end_ + body_size_);
  return advance_sized_body(buffer);
}

// Null, or why two readers could disagree about where this request ends or for which host it is.
const char* RequestParser::check_framing() {
  std::size_t lengths = 0, codings = 0, hosts = 0;
  for (const Header& header : headers_) {
    switch (header.name.size()) {
      case 4:
        if (equals_ignoring_case(header.name, "Host")) ++hosts;
        break;
      case 14:
        if (!equals_ignoring_case(header.name, "Content-Length")) break;
        ++lengths;
        if (!all_digits(header.value)) return "Content-Length is not a number";
        break;
      case 17:
        if (!equals_ignoring_case(header.name, "Transfer-Encoding")) break;
        ++codings;
        if (!equals_ignoring_case(header.value, "chunked")) {
          return "the only Transfer-Encoding supported is chunked";
        }
        break;
      default:
        break;
    }
  }
  if (lengths > 1) return "Content-Length occurs more than once";
  if (codings > 1) return "Transfer-Encoding occurs more than once";
  if (lengths + codings > 1) return "Content-Length and Transfer-Encoding exclude each other";
  if (codings > 0 && http10_) return "HTTP/1.0 has no Transfer-Encoding";
  if (hosts > 1 || (hosts == 0 && !http10_)) return "a request has exactly one Host header";
  return nullptr;
}

// Origin form "/path?query", or absolute form, whose scheme and host are dropped: the Host header
// must be there too.
const char* RequestParser::split_target(std::string_view target) {
  if (!is_visible_ascii(target) || target.find('#') != std::string_view::npos) {
    return "the request target holds a forbidden character";
  }
  for (std::string_view scheme : {"https://", "http://"}) {
    if (target.size() <= scheme.size() ||
        !equals_ignoring_case(target.substr(0, scheme.size()), scheme)) {
      continue;
    }
    target.remove_prefix(scheme.size());
    const std::size_t host_end = std::min(target.find_first_of("/?"), target.size());
    if (host_end == 0) return "the request target names no host";
    target.remove_prefix(host_end);
    if (target.empty() || target.front() == '?') {
      path_ = "/";
      query_ = target.empty() ? target : target.substr(1);
      return nullptr;
    }
    break;
  }
  if (!target.starts_with('/')) return "the request target must begin with '/'";
  const std::size_t mark = std::min(target.find('?'), target.size());
  path_ = target.substr(0, mark);
  query_ = mark < target.size() ? target.substr(mark + 1) : std::string_view{};
  return nullptr;
}

RequestParser::Outcome RequestParser::advance_sized_body(Buffer& buffer) {
  end_ = body_begin_ + body_size_;
  if (buffer.size() < end_) return Outcome::NeedMore;
  stage_ = Stage::Complete;
  return Outcome::Complete;
}

RequestParser::Outcome RequestParser::advance_chunked_body(Buffer& buffer) {
  using Kind = ChunkDecoder::Step::Kind;
  for (;;) {
    const ByteView raw(buffer.data() + raw_begin_, buffer.size() - raw_begin_);
    const ChunkDecoder::Step step = chunks_.next(raw);
    if (step.kind == Kind::TooLarge) return refuse(413, "the request body is too large");
    if (step.kind == Kind::Malformed) return refuse(400, "the chunked body is not valid");
    if (step.kind == Kind::NeedMore) break;
    if (!step.data.empty()) {  // moves down, over what is decoded already
      std::memmove(buffer.data() + body_begin_ + body_size_, step.data.data(), step.data.size());
      body_size_ += step.data.size();
    }
    raw_begin_ += step.consumed;
    if (step.kind == Kind::Complete) {
      end_ = raw_begin_;
      stage_ = Stage::Complete;
      return Outcome::Complete;
    }
  }
  buffer.close_gap(body_begin_ + body_size_, raw_begin_);
  raw_begin_ = body_begin_ + body_size_;
  if (buffer.room().size() < ChunkDecoder::kMaxLineBytes) {
    const std::size_t most = body_begin_ + limits_.max_body_bytes + 2 * ChunkDecoder::kMaxLineBytes;
    reserve(buffer, std::max(buffer.capacity() + ChunkDecoder::kMaxLineBytes,
                             std::min(2 * buffer.capacity(), most)));
  }
  return Outcome::NeedMore;
}

// Grows the buffer and lets the views follow it.
void RequestParser::reserve(Buffer& buffer, std::size_t capacity) {
  if (capacity <= buffer.capacity()) return;
  const auto offset = [base = reinterpret_cast<const char*>(buffer.data()),
                       size = buffer.size()](std::string_view view) {
    const bool inside = view.data() >= base && view.data() <= base + size;
    return inside ? static_cast<std::ptrdiff_t>(view.data() - base) : -1;
  };
  std::vector<std::ptrdiff_t> offsets;
  offsets.reserve(3 + 2 * headers_.size());
  for (std::string_view view : {method_, path_, query_}) offsets.push_back(offset(view));
  for (const Header& header : headers_) {
    offsets.push_back(offset(header.name));
    offsets.push_back(offset(header.value));
  }
  buffer.reserve(capacity);
  const char* const base = reinterpret_cast<const char*>(buffer.data());
  auto next = offsets.begin();
  const auto rebase = [&next, base](std::string_view& view) {
    const std::ptrdiff_t at = *next++;
    if (at >= 0) view = {base + at, view.size()};  // else a literal such as "/"
  };
  for (std::string_view* view : {&method_, &path_, &query_}) rebase(*view);
  for (Header& header : headers_) {
    rebase(header.name);
    rebase(header.value);
  }
}

}  // namespace keyhaven::net
