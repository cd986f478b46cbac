#include "tke/paper.h"

#include <algorithm>

#include "crypto/hash.h"

namespace keyhaven::tke {

namespace {

constexpr std::size_t kSyllableSize = 3;
constexpr std::size_t kWordSize = 2 * kSyllableSize;
constexpr std::size_t kLineCheckBytes = 2;
constexpr std::size_t kTypedBytes = kPaperLineBytes + kLineCheckBytes;
// One consonant each in front; vowel and ending together are unique too.
constexpr std::string_view kSyllables[16] = {"ban", "dar", "fal", "gas", "hen", "jer",
                                             "kel", "les", "min", "nir", "pil", "ris",
                                             "son", "tor", "vol", "zos"};

std::array<std::uint8_t, kLineCheckBytes> line_check(PaperKind kind, unsigned line,
                                                     std::span<const std::uint8_t> bytes) {
  const std::uint8_t place[] = {static_cast<std::uint8_t>(kind), static_cast<std::uint8_t>(line)};
  const Digest digest = crypto::sha256({as_bytes("keyhaven paper line 1"), place, bytes});
  return {digest[0], digest[1]};
}

Digest content_check(PaperKind kind, std::span<const std::uint8_t> content) {
  const std::uint8_t place[] = {static_cast<std::uint8_t>(kind)};
  return crypto::sha256({as_bytes("keyhaven paper 1"), place, content});
}

Error wrong_line(unsigned line, const std::string& what) {
  return {Reason::InvalidArgument, "line " + std::to_string(line) + what, "paper"};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
  c = lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int syllable_value(std::string_view text) {
  for (int value = 0; value < 16; ++value) {
    if (std::equal(text.begin(), text.end(), kSyllables[value].begin(), kSyllables[value].end(),
                   [](char one, char other) { return lower(one) == other; })) {
      return value;
    }
  }
  return -1;
}

std::string_view next_token(std::string_view& text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t start = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(start);
  const std::size_t end = std::min(text.find_first_of(kBlank), text.size());
  const std::string_view token = text.substr(0, end);
  text.remove_prefix(end);
  return token;
}

bool is_hex(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return hex_digit(c) >= 0; });
}

// The six bytes of a typed line.
Result<SecretBytes> read_words(unsigned line, std::string_view text) {
  SecretBytes out(kTypedBytes);
  std::size_t count = 0;
  for (std::string_view word = next_token(text); !word.empty(); word = next_token(text), ++count) {
    if (count == kTypedBytes) return wrong_line(line, " has more than 6 words");
    const auto byte = byte_of_check_word(word);
    if (!byte)
      return wrong_line(line, ", word " + std::to_string(count + 1) + " is not a check word");
    out.expose_mutable()[count] = *byte;
  }
  if (count < kTypedBytes)
    return wrong_line(line, " has " + std::to_string(count) + " words, not 6");
  return out;
}

Result<SecretBytes> read_digits(unsigned line, std::string_view text) {
  SecretBytes out(kTypedBytes);
  std::size_t count = 0;
  for (std::string_view token = next_token(text); !token.empty(); token = next_token(text)) {
    for (const char c : token) {
      const int digit = hex_digit(c);
      if (digit < 0)
        return wrong_line(line,
                          ", digit " + std::to_string(count + 1) + " is not 0 to 9 or a to f");
      if (count == 2 * kTypedBytes) return wrong_line(line, " has more than 12 digits");
      std::uint8_t& byte = out.expose_mutable()[count / 2];
      byte = static_cast<std::uint8_t>(byte << 4 | digit);
      ++count;
    }
  }
  if (count < 2 * kTypedBytes)
    return wrong_line(line, " has " + std::to_string(count) + " digits, not 12");
  return out;
}

// Appends to a page that is made in one piece of secret memory.
class Page {
 public:
  explicit Page(std::size_t limit) : out_(limit) {}
  void put(char c) {
    KH_ASSERT(size_ < out_.size());
    out_.expose_mutable()[size_++] = static_cast<std::uint8_t>(c);
  }
  void put(std::string_view text) {
    for (const char c : text) put(c);
  }
  void put_hex(std::uint8_t byte) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    put(kDigits[byte >> 4]);
    put(kDigits[byte & 15]);
  }
  void put_word(std::uint8_t byte) {
    for (const char c : check_word(byte)) put(c);
  }
  SecretBytes take() {
    out_.shrink(size_);
    return std::move(out_);
  }

 private:
  SecretBytes out_;
  std::size_t size_ = 0;
};

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string heading_text(const PaperHeading& heading) {
  std::string out = heading.title + "\n\n";
  for (const auto& [name, value] : heading.facts)
    out += "  " + name + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + value + '\n';
  return out +
         "\nWhoever reads this page knows the secret. Keep it sealed, apart from the others.\n"
         "To read it back, type each line's digits or its words, with the check.\n\n"
         "line  value      check  the same in words\n";
}

constexpr std::string_view kFootText =
    "\nThe last line is a check over all lines.\n"
    "\nsealed by ______________________   on __________   at ______________________\n";
constexpr std::string_view kHtmlHead =
    "<!doctype html><html><head><meta charset=\"utf-8\"><title>Keyhaven</title><style>"
    "pre{font:11pt/1.6 monospace}@page{margin:2cm}</style></head><body><pre>\n";
constexpr std::string_view kHtmlFoot = "</pre></body></html>\n";
constexpr std::size_t kMaxLineText = 80;

void put_line(Page& page, PaperKind kind, unsigned line, std::span<const std::uint8_t> bytes) {
  const auto check = line_check(kind, line, bytes);
  page.put(line < 10 ? "   " : "  ");
  page.put(std::to_string(line));
  page.put("  ");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 2) page.put(' ');
    page.put_hex(bytes[i]);
  }
  page.put("  ");
  for (const std::uint8_t byte : check) page.put_hex(byte);
  page.put("   ");
  for (const std::uint8_t byte : bytes) {
    page.put_word(byte);
    page.put(' ');
  }
  page.put(' ');
  page.put_word(check[0]);
  page.put(' ');
  page.put_word(check[1]);
  page.put('\n');
}

}  // namespace

std::array<char, 6> check_word(std::uint8_t byte) noexcept {
  std::array<char, kWordSize> out{};
  const auto middle = std::copy_n(kSyllables[byte >> 4].begin(), kSyllableSize, out.begin());
  std::copy_n(kSyllables[byte & 15].begin(), kSyllableSize, middle);
  return out;
}

std::optional<std::uint8_t> byte_of_check_word(std::string_view word) noexcept {
  if (word.size() != kWordSize) return std::nullopt;
  const int high = syllable_value(word.substr(0, kSyllableSize));
  const int low = syllable_value(word.substr(kSyllableSize));
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<std::uint8_t>(high << 4 | low);
}

SecretBytes paper_page(PaperKind kind, const PaperHeading& heading, const SecretBytes& content,
                       PaperFormat format) {
  KH_ASSERT(content.size() == paper_content_size(kind));
  const bool html = format == PaperFormat::Html;
  std::string head = heading_text(heading);
  if (html) head = std::string(kHtmlHead) + html_text(head);
  const std::string foot = std::string(kFootText) + std::string(html ? kHtmlFoot : "");
  Page page(head.size() + foot.size() + paper_line_count(kind) * kMaxLineText);
  page.put(head);
  const auto bytes = content.expose();
  const Digest all = content_check(kind, bytes);
  unsigned line = 1;
  for (; line < paper_line_count(kind); ++line)
    put_line(page, kind, line, bytes.subspan((line - 1) * kPaperLineBytes, kPaperLineBytes));
  put_line(page, kind, line, std::span(all).first(kPaperLineBytes));
  page.put(foot);
  return page.take();
}

SecretBytes paper_content(const KeyShare& share) {
  SecretBytes out(paper_content_size(PaperKind::Share));
  const auto bytes = out.expose_mutable();
  bytes[0] = share.share.x;
  bytes[1] = static_cast<std::uint8_t>(share.threshold);
  bytes[2] = static_cast<std::uint8_t>(share.share_count);
  auto at = std::copy(share.set.begin(), share.set.end(), bytes.begin() + 4);
  const auto y = share.share.y.expose();
  const auto blinding = share.blinding.expose();
  KH_ASSERT(y.size() == kMasterKeySize && blinding.size() == kShareBlindingSize);
  at = std::copy(y.begin(), y.end(), at);
  std::copy(blinding.begin(), blinding.end(), at);
  return out;
}

Result<KeyShare> share_of_paper(const SecretBytes& content) {
  const auto bytes = content.expose();
  if (bytes.size() != paper_content_size(PaperKind::Share) || bytes[0] == 0 ||
      bytes[1] < kMinShareThreshold || bytes[1] > bytes[2] || bytes[0] > bytes[2] ||
      bytes[2] > kMaxShares || bytes[3] != 0) {
    return Error{Reason::InvalidArgument, "what was typed is not a key share", "paper"};
  }
  KeyShare out;
  std::copy_n(bytes.begin() + 4, kShareSetIdSize, out.set.begin());
  out.threshold = bytes[1];
  out.share_count = bytes[2];
  out.share.x = bytes[0];
  out.share.y = SecretBytes::copy_of(bytes.subspan(4 + kShareSetIdSize, kMasterKeySize));
  out.blinding = SecretBytes::copy_of(bytes.last(kShareBlindingSize));
  return out;
}

PaperReader::PaperReader(PaperKind kind)
    : kind_(kind), bytes_(paper_line_count(kind) * kPaperLineBytes) {}

Result<void> PaperReader::add(std::string_view text) {
  if (complete()) return wrong_line(next_, " is more than there are");
  if (text.size() > kMaxTypedLine) return wrong_line(next_, " is too long");
  std::string_view rest = text;
  const std::string_view first = next_token(rest);
  if (first.ends_with(':')) {
    if (first.substr(0, first.size() - 1) != std::to_string(next_))
      return wrong_line(next_, " is expected, but another number is typed in front");
    text = rest;
  }
  std::string_view peek = text;
  const bool digits = is_hex(next_token(peek));
  const SecretBytes typed = KH_TRY(digits ? read_digits(next_, text) : read_words(next_, text));
  const auto value = typed.expose().first(kPaperLineBytes);
  const auto check = line_check(kind_, next_, value);
  if (!crypto::equal_constant_time(check, typed.expose().last(kLineCheckBytes))) {
    return wrong_line(next_, digits ? " does not fit its check: a digit is wrong, or it is "
                                      "another line"
                                    : " does not fit its check: a word is wrong, or it is "
                                      "another line");
  }
  const std::size_t content_size = paper_content_size(kind_);
  if (next_ == paper_line_count(kind_)) {
    const Digest all = content_check(kind_, bytes_.expose().first(content_size));
    if (!crypto::equal_constant_time(std::span(all).first(kPaperLineBytes), value)) {
      return wrong_line(next_,
                        " does not fit the lines before: they are of different papers, or "
                        "of another one than this line");
    }
  }
  std::copy(
      value.begin(), value.end(),
      bytes_.expose_mutable().begin() + static_cast<std::ptrdiff_t>((next_ - 1) * kPaperLineBytes));
  ++next_;
  return {};
}

Result<SecretBytes> PaperReader::content() const {
  if (!complete()) return wrong_line(next_, " is missing");
  return SecretBytes::copy_of(bytes_.expose().first(paper_content_size(kind_)));
}

}  // namespace keyhaven::tke
