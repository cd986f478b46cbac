#include "cli/armour.h"

#include <algorithm>

namespace keyhaven::cli {
namespace {

constexpr std::size_t kLineLength = 64;

std::string line_of(std::string_view word, std::string_view label) {
  return "-----" + std::string(word) + ' ' + std::string(label) + "-----";
}

Error malformed(std::string_view label, std::string_view what) {
  return {
      Reason::InvalidArgument, "no " + std::string(label) + " is there: " + std::string(what), {}};
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::string armour(std::string_view label, ByteView bytes) {
  const std::string text = to_base64(bytes);
  std::string out = line_of("BEGIN", label) + '\n';
  for (std::size_t at = 0; at < text.size(); at += kLineLength)
    out += text.substr(at, kLineLength) + '\n';
  return out + line_of("END", label) + '\n';
}

Result<Bytes> parse_armour(std::string_view label, std::string_view text) {
  const std::string begin = line_of("BEGIN", label);
  const std::string end = line_of("END", label);
  const auto start = text.find(begin);
  if (start == std::string_view::npos) return malformed(label, "the line " + begin + " is missing");
  std::string_view rest = text.substr(start + begin.size());
  const auto stop = rest.find(end);
  if (stop == std::string_view::npos) return malformed(label, "the line " + end + " is missing");
  if (rest.find(begin) != std::string_view::npos) return malformed(label, "there is more than one");
  std::string base64(rest.substr(0, stop));
  std::erase_if(base64, is_space);
  auto bytes = from_base64(base64);
  if (!bytes || bytes->empty()) return malformed(label, "what is between the lines is no base64");
  return bytes;
}

}  // namespace keyhaven::cli
