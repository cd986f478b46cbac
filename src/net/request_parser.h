// Frames requests in a receive buffer: where the head ends, what it says about the body, where the
// body ends. It does no I/O, so hostile input can be given to it byte by byte.
//
// Stricter than the grammar wherever two readers could disagree about where a request ends (request
// smuggling, RFC 9112 section 11.2): line ends are CRLF only, no folded lines, no NUL, one
// Content-Length of digits or one Transfer-Encoding that is exactly "chunked" and never both, one
// Host, no trailers. Beast's parser checks the grammar of the head.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/buffer.h"
#include "net/chunk_decoder.h"
#include "net/http_server.h"

namespace keyhaven::net {

struct ParserLimits {
  std::size_t max_header_bytes = 32 * 1024;  // request line and headers with their line ends
  std::size_t max_headers = 100;
  std::size_t max_body_bytes = 1024 * 1024;  // decoded
};

class RequestParser {
 public:
  enum class Outcome {
    NeedMore,  // read more into buffer.room(), which is not empty, and call advance again
    Complete,  // the accessors below are valid until the buffer changes
    Refused,   // answer refusal() and close: what follows in the buffer cannot be trusted
  };
  struct Refusal {
    int status = 400;
    std::string_view what;  // static text
  };

  explicit RequestParser(ParserLimits limits);
  ~RequestParser();

  // Forgets the last request; the next one begins at the front of the buffer.
  void reset();
  // Looks at the bytes that came since the last call. May grow and compact the buffer.
  Outcome advance(Buffer& buffer);

  const Refusal& refusal() const noexcept { return refusal_; }
  // The head is complete, asks for "100 Continue", and nothing of the body has come yet.
  bool wants_continue(const Buffer& buffer) const noexcept;
  // Offset of the first byte after the request.
  std::size_t end() const noexcept { return end_; }

  std::string_view method() const noexcept { return method_; }
  std::string_view path() const noexcept { return path_; }
  std::string_view query() const noexcept { return query_; }
  std::span<const Header> headers() const noexcept { return headers_; }
  std::span<std::uint8_t> body(Buffer& buffer) const noexcept {
    return {buffer.data() + body_begin_, body_size_};
  }
  bool is_head() const noexcept { return method_ == "HEAD"; }
  bool is_http10() const noexcept { return http10_; }
  // Whether the client wants to send another request on this connection.
  bool keep_alive() const noexcept { return keep_alive_; }

 private:
  class Beast;
  enum class Stage { Head, SizedBody, ChunkedBody, Complete, Refused };

  Outcome refuse(int status, std::string_view what);
  Outcome advance_head(Buffer& buffer);
  Outcome advance_sized_body(Buffer& buffer);
  Outcome advance_chunked_body(Buffer& buffer);
  bool scan_lines(const Buffer& buffer);  // true: the head is complete or refused
  bool scan_line(std::string_view line, std::size_t next_line);
  Outcome parse_head(Buffer& buffer);
  const char* check_framing();
  const char* split_target(std::string_view target);
  void reserve(Buffer& buffer, std::size_t capacity);

  ParserLimits limits_;
  std::unique_ptr<Beast> beast_;
  Stage stage_ = Stage::Head;
  Refusal refusal_;
  std::size_t head_begin_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;
  std::size_t head_end_ = 0;
  std::size_t body_begin_ = 0;
  std::size_t body_size_ = 0;
  std::size_t raw_begin_ = 0;  // chunked: the first byte not decoded yet
  ChunkDecoder chunks_{0, ChunkDecoder::Trailers::Refuse};
  std::size_t end_ = 0;
  std::string_view method_, path_, query_;
  std::vector<Header> headers_;
  bool http10_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
};

}  // namespace keyhaven::net
