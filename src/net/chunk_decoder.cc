#include "net/chunk_decoder.h"

#include <algorithm>
#include <charconv>

namespace keyhaven::net {

using Kind = ChunkDecoder::Step::Kind;

ChunkDecoder::Step ChunkDecoder::fail(Step::Kind kind) {
  state_ = State::Failed;
  return {kind, 0, {}};
}

ChunkDecoder::Step ChunkDecoder::next(ByteView in) {
  switch (state_) {
    case State::SizeLine:
    case State::TrailerLine: {
      const std::string_view text = as_text(in.first(std::min(in.size(), kMaxLineBytes)));
      const std::size_t line_feed = text.find('\n');
      if (line_feed == std::string_view::npos) {
        return in.size() >= kMaxLineBytes ? fail(Kind::Malformed) : Step{};
      }
      const std::string_view line = text.substr(0, line_feed + 1);
      return state_ == State::SizeLine ? size_line(line) : trailer_line(line);
    }
    case State::Data: {
      const std::size_t count = std::min(chunk_left_, in.size());
      if (count == 0) return {};
      chunk_left_ -= count;
      if (chunk_left_ == 0) state_ = State::DataEnd;
      return {Kind::Progress, count, in.first(count)};
    }
    case State::DataEnd:
      if (!in.empty() && in[0] != '\r') return fail(Kind::Malformed);
      if (in.size() < 2) return {};
      if (in[1] != '\n') return fail(Kind::Malformed);
      state_ = State::SizeLine;
      return {Kind::Progress, 2, {}};
    case State::Complete:
      return {Kind::Complete, 0, {}};
    case State::Failed:
      return {Kind::Malformed, 0, {}};
  }
  return fail(Kind::Malformed);
}

// 1*HEXDIG [ ";" extension ] CRLF. Extensions are ignored, but must be printable.
ChunkDecoder::Step ChunkDecoder::size_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return fail(Kind::Malformed);
  const char* const last = line.data() + line.size() - 2;
  std::uint64_t size = 0;
  const auto [end, ec] = std::from_chars(line.data(), last, size, 16);
  if (ec == std::errc::result_out_of_range) return fail(Kind::TooLarge);
  if (ec != std::errc{} || line.front() == '-') return fail(Kind::Malformed);
  if (end != last && *end != ';') return fail(Kind::Malformed);
  for (const char* p = end; p != last; ++p) {
    if ((*p < ' ' && *p != '\t') || *p > '~') return fail(Kind::Malformed);
  }
  if (size > body_left_) return fail(Kind::TooLarge);
  body_left_ -= static_cast<std::size_t>(size);
  chunk_left_ = static_cast<std::size_t>(size);
  state_ = size == 0 ? State::TrailerLine : State::Data;
  return {Kind::Progress, line.size(), {}};
}

ChunkDecoder::Step ChunkDecoder::trailer_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return fail(Kind::Malformed);
  trailer_bytes_ += line.size();
  if (line.size() == 2) {
    state_ = State::Complete;
    return {Kind::Complete, 2, {}};
  }
  if (trailers_ == Trailers::Refuse || trailer_bytes_ > kMaxTrailerBytes) {
    return fail(Kind::Malformed);
  }
  return {Kind::Progress, line.size(), {}};
}

}  // namespace keyhaven::net
