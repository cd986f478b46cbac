// Secrets on paper: four bytes a line, as hexadecimal digits and as check words, each line with a
// check of its own, so that whoever types it back learns which line is wrong and nothing else.
//
// A check word is two of sixteen syllables, one for each half of a byte. Syllables differ in at
// least two letters, so no single wrong letter makes another word. A line is four bytes and a check
// of two; the last line holds four check bytes over everything before it, so that lines of two
// papers cannot be mixed.
//
//   line check   first 2 bytes of SHA-256("keyhaven paper line 1" ‖ kind ‖ line number ‖ 4 bytes)
//   last line    first 4 bytes of SHA-256("keyhaven paper 1" ‖ kind ‖ content)
//
// Source: docs/protocols/key-shares.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/key_share.h"

namespace keyhaven::tke {

inline constexpr std::size_t kPaperLineBytes = 4;
inline constexpr std::size_t kMaxTypedLine = 256;

// What is on a paper; the value is part of the checks.
enum class PaperKind : std::uint8_t { Part = 1, Share = 2 };
// Content: a part has 32 bytes, a share 60: number, threshold, shares, 0, set (8), value (32),
// blinding (16).
constexpr std::size_t paper_content_size(PaperKind kind) noexcept {
  return kind == PaperKind::Part ? 32 : 4 + kShareSetIdSize + 32 + kShareBlindingSize;
}
// Lines with the last one: 9 and 16.
constexpr unsigned paper_line_count(PaperKind kind) noexcept {
  return static_cast<unsigned>(paper_content_size(kind) / kPaperLineBytes) + 1;
}

// Six letters, e.g. "banfal". Not for secrets by itself: paper_page keeps them in secret memory.
std::array<char, 6> check_word(std::uint8_t byte) noexcept;
// In either case of letters; nullopt when it is none.
std::optional<std::uint8_t> byte_of_check_word(std::string_view word) noexcept;

// The public lines above the secret ones, and where the page goes.
struct PaperHeading {
  std::string title;                                       // "KEY PART"
  std::vector<std::pair<std::string, std::string>> facts;  // "label", "alice-part1"
};
enum class PaperFormat : std::uint8_t { Text, Html };
// The whole page. `content` has paper_content_size(kind) bytes, asserted.
SecretBytes paper_page(PaperKind kind, const PaperHeading& heading, const SecretBytes& content,
                       PaperFormat format);

SecretBytes paper_content(const KeyShare& share);
// Errors: InvalidArgument (a number, threshold or count out of range).
Result<KeyShare> share_of_paper(const SecretBytes& content);

// Takes typed lines in order and gives the content.
class PaperReader {
 public:
  explicit PaperReader(PaperKind kind);
  unsigned next_line() const noexcept { return next_; }  // from 1
  bool complete() const noexcept { return next_ > paper_line_count(kind_); }
  // One line: its digits or its words, both with the check, spaces as you like; a "3:" in front
  // must be the number of the line. A refused line may be given again. Errors: InvalidArgument: the
  // line and, where one can tell, the word or digit that is wrong; never what was typed.
  Result<void> add(std::string_view line);
  // Errors: InvalidArgument when lines are missing.
  Result<SecretBytes> content() const;

 private:
  PaperKind kind_;
  unsigned next_ = 1;
  SecretBytes bytes_;  // content and last line
};

}  // namespace keyhaven::tke
