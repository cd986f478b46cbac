#include "tke/paper.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <sstream>

#include "base/file.h"
#include "crypto/random.h"

namespace keyhaven::tke {
namespace {

std::string word(std::uint8_t byte) {
  const auto letters = check_word(byte);
  return {letters.begin(), letters.end()};
}

// The digits (with check) and the words of each line of a page.
struct Typed {
  std::vector<std::string> digits;
  std::vector<std::string> words;
};
Typed lines_of(const SecretBytes& page) {
  std::istringstream in{std::string(as_text(page.expose()))};
  Typed out;
  std::string line;
  while (std::getline(in, line) && line.find("line  value") == std::string::npos) {
  }
  while (std::getline(in, line) && !line.empty()) {
    out.digits.push_back(line.substr(6, 15));
    out.words.push_back(line.substr(24));
  }
  return out;
}

std::string message_of(const Result<void>& result) {
  return result ? "no error" : result.error().message;
}

TEST(CheckWordTest, ThereAre256AndNoSingleLetterMakesAnother) {
  std::set<std::string> words;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text = word(static_cast<std::uint8_t>(byte));
    EXPECT_EQ(byte_of_check_word(text), byte);
    words.insert(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (char letter = 'a'; letter <= 'z'; ++letter) {
        std::string other = text;
        other[at] = letter;
        EXPECT_TRUE(other == text || !byte_of_check_word(other)) << text << " and " << other;
      }
    }
    EXPECT_NE(text.find_first_not_of("0123456789abcdef"), std::string::npos)
        << text << " reads as digits";
  }
  EXPECT_EQ(words.size(), 256U);
  EXPECT_EQ(byte_of_check_word("BanFal"), 0x02);
  for (const char* bad : {"", "ban", "banfalx", "ban al", "banban "})
    EXPECT_FALSE(byte_of_check_word(bad)) << bad;
}

class PaperTest : public testing::TestWithParam<PaperKind> {
 protected:
  PaperKind kind_ = GetParam();
  SecretBytes content_ = crypto::random_secret(paper_content_size(kind_));
  PaperHeading heading_{"KEY PART", {{"label", "alice-part1"}, {"a long name of a fact", "<x>&"}}};
  Typed typed_ = lines_of(paper_page(kind_, heading_, content_, PaperFormat::Text));
};

TEST_P(PaperTest, ReadsBackFromDigitsAndFromWords) {
  ASSERT_EQ(typed_.digits.size(), paper_line_count(kind_));
  for (const auto& lines : {typed_.digits, typed_.words}) {
    PaperReader reader(kind_);
    for (const std::string& line : lines) {
      EXPECT_FALSE(reader.content());
      const auto added = reader.add(line);
      ASSERT_TRUE(added) << added.error().message << ": " << line;
    }
    ASSERT_TRUE(reader.complete());
    EXPECT_TRUE(reader.content().value() == content_);
    EXPECT_FALSE(reader.add(lines.back()));
  }
}

TEST_P(PaperTest, EveryWrongDigitIsNoticedInItsLine) {
  for (std::size_t at = 0; at < typed_.digits[2].size(); ++at) {
    std::string changed = typed_.digits[2];
    if (changed[at] == ' ') continue;
    changed[at] = changed[at] == '7' ? '8' : '7';
    PaperReader reader(kind_);
    ASSERT_TRUE(reader.add(typed_.digits[0]));
    ASSERT_TRUE(reader.add(typed_.digits[1]));
    const auto refused = reader.add(changed);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.starts_with("line 3 does not fit its check"));
    EXPECT_EQ(refused.error().message.find(changed.substr(0, 4)), std::string::npos);
    EXPECT_TRUE(reader.add(typed_.digits[2])) << "may be given again";
  }
}

TEST_P(PaperTest, ErrorsNameThePlaceAndNotWhatWasTyped) {
  PaperReader reader(kind_);
  std::string wrong = typed_.words[0];
  wrong[7] = 'x';  // first letter of the second word
  EXPECT_EQ(message_of(reader.add(wrong)), "line 1, word 2 is not a check word");
  EXPECT_EQ(message_of(reader.add("12g4 5678 9abc")), "line 1, word 1 is not a check word");
  EXPECT_EQ(message_of(reader.add("1234 5g78 9abc")), "line 1, digit 6 is not 0 to 9 or a to f");
  EXPECT_EQ(message_of(reader.add("1234")), "line 1 has 4 digits, not 12");
  EXPECT_EQ(message_of(reader.add("1234 5678 9abc d")), "line 1 has more than 12 digits");
  EXPECT_EQ(message_of(reader.add("banban")), "line 1 has 1 words, not 6");
  EXPECT_EQ(message_of(reader.add(typed_.words[0] + " banban")), "line 1 has more than 6 words");
  EXPECT_FALSE(reader.add(""));
  EXPECT_FALSE(reader.add(std::string(kMaxTypedLine + 1, ' ')));
  EXPECT_EQ(message_of(reader.add("2: " + typed_.digits[1])),
            "line 1 is expected, but another number is typed in front");
  EXPECT_FALSE(reader.add(typed_.digits[1])) << "another line's check";
  EXPECT_TRUE(reader.add("1: " + typed_.digits[0]));
}

TEST_P(PaperTest, LinesOfTwoPapersDoNotMix) {
  const SecretBytes other_content = crypto::random_secret(paper_content_size(kind_));
  const Typed other = lines_of(paper_page(kind_, heading_, other_content, PaperFormat::Text));
  PaperReader reader(kind_);
  for (std::size_t i = 0; i + 1 < typed_.digits.size(); ++i)
    ASSERT_TRUE(reader.add(i == 3 ? other.digits[i] : typed_.digits[i]));
  EXPECT_FALSE(reader.add(typed_.digits.back()));
  EXPECT_FALSE(reader.content());
}

TEST_P(PaperTest, HtmlHasTheSameLinesAndEscapesTheRest) {
  const SecretBytes page = paper_page(kind_, heading_, content_, PaperFormat::Html);
  const std::string text(as_text(page.expose()));
  EXPECT_NE(text.find("&lt;x>&amp;"), std::string::npos);
  for (const std::string& line : typed_.digits) EXPECT_NE(text.find(line), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PaperTest, testing::Values(PaperKind::Part, PaperKind::Share));

RC_GTEST_PROP(PaperReaderTest, IsTotal, (const std::string& text)) {
  PaperReader reader(PaperKind::Part);
  RC_ASSERT(!reader.add(text));
}

// The page of bytes 00 to 1f in docs/protocols/key-shares.md, which was computed with Python.
TEST(PaperReaderTest, TheDocumentsExample) {
  SecretBytes content(32);
  for (std::size_t i = 0; i < 32; ++i) content.expose_mutable()[i] = static_cast<std::uint8_t>(i);
  const Typed typed = lines_of(paper_page(PaperKind::Part, {"X", {}}, content, PaperFormat::Text));
  const Bytes document =
      read_file(std::string(KH_SOURCE_DIR) + "/docs/protocols/key-shares.md", 1 << 16).value();
  ASSERT_EQ(typed.digits.size(), 9U);
  for (std::size_t i = 0; i < typed.digits.size(); ++i) {
    const std::string row = std::to_string(i + 1) + "  " + typed.digits[i] + "   " + typed.words[i];
    EXPECT_NE(as_text(document).find(row), std::string_view::npos) << row;
  }
}

}  // namespace
}  // namespace keyhaven::tke
