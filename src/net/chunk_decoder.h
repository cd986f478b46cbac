// Decodes a body in chunks (RFC 9112 section 7.1), a piece at a time, without memory of its own.
//
// Beast's decoder is not used: with the last chunk split after "0 CR LF" it stops the process on an
// assertion (1.81, basic_parser.ipp, parse_chunk_header), and it takes trailers as if they stood in
// the head.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace keyhaven::net {

class ChunkDecoder {
 public:
  enum class Trailers { Refuse, Skip };
  static constexpr std::size_t kMaxLineBytes = 1024;     // a chunk's size line with its extensions
  static constexpr std::size_t kMaxTrailerBytes = 8192;  // all of them

  struct Step {
    enum class Kind {
      Progress,   // `consumed` bytes are done; `data`, which lies in the input, belongs to the body
      NeedMore,   // nothing consumed; call again with more input
      Complete,   // `consumed` bytes are done and the body has ended
      Malformed,  // the peer and we do not agree about the framing: close
      TooLarge,   // the body would exceed the limit
    };
    Kind kind = Kind::NeedMore;
    std::size_t consumed = 0;
    ByteView data;
  };

  ChunkDecoder(std::size_t max_body_bytes, Trailers trailers)
      : body_left_(max_body_bytes), trailers_(trailers) {}

  // Looks at the front of `in`, which must begin where the last step's `consumed` ended.
  Step next(ByteView in);

 private:
  enum class State { SizeLine, Data, DataEnd, TrailerLine, Complete, Failed };
  Step fail(Step::Kind kind);
  Step size_line(std::string_view line);
  Step trailer_line(std::string_view line);

  State state_ = State::SizeLine;
  std::size_t body_left_;       // how much more the body may have
  std::size_t chunk_left_ = 0;  // of the current chunk
  std::size_t trailer_bytes_ = 0;
  Trailers trailers_;
};

}  // namespace keyhaven::net
