#include "migrate/csv.h"

#include <gtest/gtest.h>

#include <sstream>

namespace keyhaven::migrate {
namespace {

// Every record of a text: its line and fields joined by '|', or "line: ERROR message".
std::vector<std::string> read_all(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  std::vector<std::string> out;
  while (out.size() < 1000) {
    const auto record = reader.next();
    if (!record) {
      out.push_back(std::to_string(reader.line()) + ": ERROR " + record.error().message);
      continue;
    }
    if (!*record) break;
    std::string line = std::to_string((**record).line) + ": ";
    for (const std::string& field : (**record).fields) line += field + "|";
    out.push_back(line);
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST(Csv, ReadsRecords) {
  const std::pair<std::string, Lines> cases[] = {
      {"", {}},
      {"\n\r\n\n", {}},
      {"a", {"1: a|"}},
      {"a,b\nc,d\n", {"1: a|b|", "2: c|d|"}},
      {"a,b\r\nc,d\r\n", {"1: a|b|", "2: c|d|"}},
      {"a,b\r\n\r\nc,d", {"1: a|b|", "3: c|d|"}},
      {",,\n", {"1: |||"}},
      {"a,\n", {"1: a||"}},
      {"\"a,b\",\"c\"\"d\"\r\n", {"1: a,b|c\"d|"}},
      {"\"\",x\n", {"1: |x|"}},
      {"\"\"\n", {"1: |"}},
      {"\"a\nb\",c\nd\n", {"1: a\nb|c|", "3: d|"}},
      {"\"a\r\nb\"\r\nd", {"1: a\r\nb|", "3: d|"}},
      {" a , b \n", {"1:  a | b |"}},
      {"\xEF\xBB\xBFkey,wdek\n", {"1: key|wdek|"}},
      {"a\xEF\xBB\xBF\n\xEF\xBB\xBF\n", {"1: a\xEF\xBB\xBF|", "2: \xEF\xBB\xBF|"}},
      {"\"[\"\"x\"\"]\"", {"1: [\"x\"]|"}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(read_all(text), expected) << text;
}

TEST(Csv, NulBytesAreData) {
  EXPECT_EQ(read_all(std::string("a\0b,c\n", 6)), (Lines{"1: " + std::string("a\0b|c|", 6)}));
}

TEST(Csv, ABadRecordHidesNoOther) {
  const std::pair<std::string, Lines> cases[] = {
      {"a\"b,c\nd\n", {"1: ERROR a quote inside a field that does not begin with one", "2: d|"}},
      {"\"a\"b\nd\n", {"1: ERROR text after a closing quote", "2: d|"}},
      {"\"a\"\rb\nd\n", {"1: ERROR text after a closing quote", "2: d|"}},
      {"\"", {"1: ERROR a quote is not closed"}},
      {"x\n\"a,1\nb,2\nc,3\n", {"1: x|", "2: ERROR a quote is not closed", "3: b|2|", "4: c|3|"}},
      // The next quote seems to close the open one; both rows after it are still read.
      {"\"a,1\nb,2\n\"c\",3\n", {"1: ERROR text after a closing quote", "2: b|2|", "3: c|3|"}},
      {"\"a\n\"b\n\"c\nd\n",
       {"1: ERROR text after a closing quote", "2: ERROR text after a closing quote",
        "3: ERROR a quote is not closed", "4: d|"}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(read_all(text), expected) << text;
}

TEST(Csv, BoundsFieldsLinesAndRecords) {
  const std::string field(kMaxCsvFieldBytes, 'x');
  EXPECT_EQ(read_all(field + "\n"), (Lines{"1: " + field + "|"}));
  EXPECT_EQ(read_all(field + "x\na\n"),
            (Lines{"1: ERROR a field has more than 65536 bytes", "2: a|"}));
  EXPECT_EQ(read_all("\"" + field + "x\"\na\n"),
            (Lines{"1: ERROR a field has more than 65536 bytes", "2: a|"}));
  EXPECT_EQ(read_all(std::string(kMaxCsvFields - 1, ',') + "\n"),
            (Lines{"1: " + std::string(kMaxCsvFields, '|')}));
  EXPECT_EQ(read_all(std::string(kMaxCsvFields, ',') + "\na\n"),
            (Lines{"1: ERROR more than 64 fields", "2: a|"}));
  EXPECT_EQ(read_all(std::string(kMaxLineBytes + 1, ',') + "\na\n"),
            (Lines{"1: ERROR the line has more than 262144 bytes", "2: a|"}));
  EXPECT_EQ(read_all("\"a\n" + std::string(kMaxLineBytes + 1, ',') + "\nb\n"),
            (Lines{"1: ERROR the line has more than 262144 bytes", "3: b|"}));
  std::string open = "\"a\n";
  for (std::size_t i = 1; i < kMaxCsvRecordLines; ++i) open += "b\n";
  const Lines many = read_all(open + "c\n");
  EXPECT_EQ(many.front(), "1: ERROR a quote is not closed within 64 lines");
  EXPECT_EQ(many.back(), "65: c|");
  EXPECT_EQ(many.size(), 65U);
}

TEST(Csv, WritesWhatItReads) {
  const std::vector<std::vector<std::string_view>> cases = {
      {"a", "b"},      {"", ""},         {""},
      {"a,b", "c\"d"}, {"line\nend"},    {"\r"},
      {"a", "b\r"},    {"\"", "\"\"\""}, {"\xEF\xBB\xBFmark", "x"},
      {" a ", ""},
  };
  for (const auto& fields : cases) {
    std::string text;
    append_csv(text, fields);
    std::istringstream in(text);
    const auto record = CsvReader(in).next();
    ASSERT_TRUE(record && *record) << text;
    EXPECT_EQ((**record).fields, std::vector<std::string>(fields.begin(), fields.end())) << text;
  }
}

}  // namespace
}  // namespace keyhaven::migrate
