// Just enough of HTTP/1.1 to know where an answer ends: status and Content-Length.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keyhaven::bench {

// Collects one answer of at most kLargest bytes. Not for hostile servers: it trusts Content-Length.
class ResponseReader {
 public:
  static constexpr std::size_t kLargest = 16U << 20;
  enum class State { Incomplete, Complete, Malformed };

  char* room() noexcept { return buffer_.data() + size_; }
  std::size_t room_size() const noexcept { return buffer_.size() - size_; }
  void clear() noexcept { size_ = header_size_ = body_size_ = 0; }

  State received(std::size_t bytes) {
    size_ += bytes;
    if (header_size_ == 0 && !parse_header()) return State::Malformed;
    if (header_size_ == 0) return wait_for_more();
    if (size_ > header_size_ + body_size_) return State::Malformed;  // nothing was pipelined
    return size_ == header_size_ + body_size_ ? State::Complete : wait_for_more();
  }
  int status() const noexcept { return status_; }
  std::string_view body() const noexcept {
    return {buffer_.data() + header_size_, size_ - header_size_};
  }

 private:
  State wait_for_more() {
    if (room_size() > 0) return State::Incomplete;
    if (buffer_.size() >= kLargest) return State::Malformed;
    buffer_.resize(buffer_.size() * 2);
    return State::Incomplete;
  }

  // False: malformed. Leaves header_size_ at 0 while the header is not complete.
  bool parse_header() {
    const std::string_view seen(buffer_.data(), size_);
    const std::size_t end = seen.find("\r\n\r\n");
    if (end == std::string_view::npos) return true;
    const std::string_view header = seen.substr(0, end + 2);
    if (!header.starts_with("HTTP/1.1 ") || !number(header.substr(9), status_)) return false;
    for (std::size_t at = header.find("\r\n") + 2; at < header.size();) {
      const std::size_t line_end = header.find("\r\n", at);
      const std::string_view line = header.substr(at, line_end - at);
      if (is_content_length(line) && !number(line.substr(kName.size()), body_size_)) return false;
      at = line_end + 2;
    }
    header_size_ = end + 4;
    return true;
  }
  static bool is_content_length(std::string_view line) {
    return line.size() > kName.size() &&
           std::equal(kName.begin(), kName.end(), line.begin(),
                      [](char lower, char c) { return lower == (c | 0x20); });
  }
  template <class T>
  static bool number(std::string_view text, T& out) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
  }

  static constexpr std::string_view kName = "content-length:";
  std::vector<char> buffer_ = std::vector<char>(16 * 1024);
  std::size_t size_ = 0;
  std::size_t header_size_ = 0;
  std::size_t body_size_ = 0;
  int status_ = 0;
};

}  // namespace keyhaven::bench
