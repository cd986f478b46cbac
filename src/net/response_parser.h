// Frames one answer for the client: head, then a body of known length, in chunks, or up to the end
// of the connection. No I/O. The body goes straight into secret memory.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "net/chunk_decoder.h"

namespace keyhaven::net {

class ResponseParser {
 public:
  static constexpr std::size_t kMaxHeadBytes = 64 * 1024;
  static constexpr std::size_t kMaxHeaders = 200;

  enum class Outcome { NeedMore, Complete, Malformed, TooLarge };
  struct Step {
    Outcome outcome = Outcome::NeedMore;
    std::size_t consumed = 0;  // how much of the input is done
  };
  enum class Body { Expected, None };  // None: the answer to HEAD

  ResponseParser(Body body, std::size_t max_body_bytes)
      : body_kind_(body), max_body_bytes_(max_body_bytes) {}

  // Looks at `in`, which must begin where the last call's `consumed` ended. A head is consumed only
  // when it is there as a whole. Interim answers (1xx) are skipped.
  Step advance(ByteView in);
  // The connection has ended properly. Complete, or Malformed when bytes are missing.
  Outcome end_of_stream();

  int status() const noexcept { return status_; }
  // Names in lower case, in the order received.
  std::vector<std::pair<std::string, std::string>>& headers() noexcept { return headers_; }
  SecretBytes take_body();
  // Whether the connection can carry another request.
  bool keep_alive() const noexcept { return keep_alive_; }

 private:
  enum class Stage { Head, SizedBody, ChunkedBody, BodyToEnd, Complete };

  Outcome parse_head(ByteView head);
  Outcome choose_body(bool chunked, std::optional<std::uint64_t> length);
  Step advance_chunks(ByteView in);
  Outcome add(ByteView data);

  Body body_kind_;
  std::size_t max_body_bytes_;
  Stage stage_ = Stage::Head;
  int status_ = 0;
  std::vector<std::pair<std::string, std::string>> headers_;
  bool keep_alive_ = false;
  std::size_t wanted_ = 0;  // SizedBody: bytes still to come
  ChunkDecoder chunks_{0, ChunkDecoder::Trailers::Skip};
  SecretBytes body_;
  std::size_t body_size_ = 0;
};

}  // namespace keyhaven::net
