#include "migrate/inventory.h"

#include <sys/resource.h>

#include <csignal>

#include "migrate/output.h"
#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::TemporaryDirectory;

// Every item of a file as text: "line: key wdek [aad...] ref" or "line: PROBLEM ...".
std::vector<std::string> read_all(const std::string& path) {
  std::vector<std::string> out;
  auto reader = InventoryReader::open(path);
  if (!reader) return {"ERROR " + reader.error().message};
  while (out.size() < 100) {
    const auto item = (*reader)->next();
    if (!item) {
      out.push_back("ERROR " + item.error().message);
      break;
    }
    if (!*item) break;
    std::string text = std::to_string((**item).line) + ": ";
    if (const auto& row = (**item).row) {
      EXPECT_EQ(row->line, (**item).line);
      text += row->key + " " + row->wdek + " [";
      for (const std::string& aad : row->aad) text += aad + ";";
      text += "] " + row->ref;
    } else {
      text += "PROBLEM " + (**item).problem;
    }
    out.push_back(text);
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST(Inventory, ReadsCsv) {
  TemporaryDirectory directory;
  const std::string path = directory.write("a.csv",
                                           "key,wdek,aad,ref\n"
                                           "k1,AAAA,,first\n"
                                           "k2,BBBB,\"[\"\"a\"\",\"\"b,c\"\"]\",\"se\ncond\"\n"
                                           "k3,CCCC\n"
                                           ",DDDD,,\n"
                                           "k5,,,\n"
                                           "k6,EEEE,not json,\n"
                                           "k7,EEEE,\"{\"\"a\"\":1}\",\n"
                                           "k8,EEEE,[1],\n"
                                           "k9,EEEE,[],r,surplus\n"
                                           "k10,\"EEEE,,\n"
                                           "k11,FFFF,[],\n");
  const Lines lines = read_all(path);
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[0], "2: k1 AAAA [] first");
  EXPECT_EQ(lines[1], "3: k2 BBBB [a;b,c;] se\ncond");
  EXPECT_EQ(lines[2], "5: k3 CCCC [] ");
  EXPECT_EQ(lines[3], "6: PROBLEM key is empty; name a key id, alias or CRN");
  EXPECT_EQ(lines[4], "7: PROBLEM wdek is empty");
  EXPECT_TRUE(lines[5].starts_with("8: PROBLEM not JSON")) << lines[5];
  EXPECT_EQ(lines[6], "9: PROBLEM aad must be a JSON list of strings");
  EXPECT_EQ(lines[7], "10: PROBLEM aad must be a JSON list of strings");
  EXPECT_EQ(lines[8], "11: PROBLEM the row has 5 fields, the header names 4");
  EXPECT_EQ(lines[9], "12: PROBLEM a quote is not closed");
  EXPECT_EQ(lines[10], "13: k11 FFFF [] ");
}

TEST(Inventory, HeaderRules) {
  TemporaryDirectory directory;
  const std::pair<std::string, std::string> refused[] = {
      {"", "is empty; its first line must be key,wdek,aad,ref"},
      {"key,ref\n", "the header must name the columns key and wdek"},
      {"wdek\n", "the header must name the columns key and wdek"},
      {"key,wdek,KEY\n", "unknown column \"KEY\""},
      {"key,wdek,owner\n", "unknown column \"owner\""},
      {"key,wdek,key\n", "names the column key twice"},
      {"\"key,wdek\n", "line 1: a quote is not closed"},
      {"k1,AAAA,,\n", "unknown column \"k1\""},
  };
  for (const auto& [text, message] : refused) {
    const auto reader = InventoryReader::open(directory.write("a.csv", text));
    ASSERT_FALSE(reader) << text;
    EXPECT_NE(reader.error().message.find(message), std::string::npos) << reader.error().message;
  }
  EXPECT_EQ(read_all(directory.write("b.csv", "\xEF\xBB\xBFref,wdek,key\r\nr,AAAA,k\r\n")),
            (Lines{"2: k AAAA [] r"}));
}

TEST(Inventory, ReadsJsonLines) {
  TemporaryDirectory directory;
  const std::string path =
      directory.write("a.jsonl",
                      "{\"key\":\"k1\",\"wdek\":\"AAAA\",\"aad\":[\"x\",\"\"],\"ref\":\"r\"}\n"
                      "\n"
                      "{\"wdek\":\"BBBB\",\"key\":\"k2\",\"aad\":null}\r\n"
                      "{\"key\":\"k3\"}\n"
                      "{\"key\":\"k4\",\"wdek\":\"C\",\"extra\":1}\n"
                      "{\"key\":5,\"wdek\":\"C\"}\n"
                      "[\"key\"]\n"
                      "{\"key\":\"k5\",\"wdek\":\"C\",\"aad\":\"x\"}\n"
                      "{\"key\":\"k6\",\"wdek\":\"C\"} trailing\n"
                      "{\"key\":\"\xFF\",\"wdek\":\"C\"}\n" +
                          std::string(kMaxLineBytes + 1, ' ') +
                          "\n"
                          "{\"key\":\"k7\",\"wdek\":\"D\"}");
  const Lines lines = read_all(path);
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[0], "1: k1 AAAA [x;;] r");
  EXPECT_EQ(lines[1], "3: k2 BBBB [] ");
  EXPECT_EQ(lines[2], "4: PROBLEM wdek is empty");
  EXPECT_EQ(lines[3], "5: PROBLEM unknown member; a row has key, wdek, aad and ref");
  EXPECT_EQ(lines[4], "6: PROBLEM key, wdek and ref must be strings");
  EXPECT_EQ(lines[5], "7: PROBLEM a row must be a JSON object");
  EXPECT_EQ(lines[6], "8: PROBLEM aad must be a JSON list of strings");
  EXPECT_TRUE(lines[7].starts_with("9: PROBLEM not JSON")) << lines[7];
  EXPECT_TRUE(lines[8].starts_with("10: PROBLEM the row is not UTF-8")) << lines[8];
  EXPECT_EQ(lines[9], "11: PROBLEM the line has more than 262144 bytes");
  EXPECT_EQ(lines[10], "12: k7 D [] ");
}

TEST(Inventory, AadIsBoundedInNumberAndDepth) {
  std::string list = "[\"a\"";
  for (int i = 1; i < 255; ++i) list += ",\"a\"";
  EXPECT_EQ(parse_aad(list + "]")->size(), 255U);
  EXPECT_EQ(parse_aad(list + ",\"a\"]").error().message, "aad has more than 255 entries");
  EXPECT_FALSE(parse_aad(std::string(100'000, '[')));
  EXPECT_TRUE(parse_aad("")->empty());
  EXPECT_FALSE(parse_aad("null"));
}

TEST(Inventory, KeepsTheColumnsOfTheOldOne) {
  TemporaryDirectory directory;
  const std::string text =
      "ref,aad,wdek,key\n"
      "\"r,1\",\"[\"\"a\"\"]\",AAAA,k\n"
      ",,BBBB,k\n";
  const auto reader = InventoryReader::open(directory.write("a.csv", text));
  ASSERT_TRUE(reader);
  std::string out = header_of((*reader)->layout());
  while (true) {
    const auto item = (*reader)->next();
    ASSERT_TRUE(item);
    if (!*item) break;
    append_row(out, (*reader)->layout(), *(**item).row);
  }
  EXPECT_EQ(out, text);
}

TEST(Inventory, WritesJsonLines) {
  InventoryRow row;
  row.key = "k\"1";
  row.wdek = "AAAA";
  row.aad = {"a", "\n"};
  std::string out;
  append_row(out, {InventoryFormat::JsonLines, {}}, row);
  EXPECT_EQ(out, "{\"key\":\"k\\\"1\",\"wdek\":\"AAAA\",\"aad\":[\"a\",\"\\n\"]}\n");
  EXPECT_EQ(header_of({InventoryFormat::JsonLines, {}}), "");
}

TEST(Inventory, ADirectoryAndAMissingFileAreErrors) {
  TemporaryDirectory directory;
  EXPECT_EQ(InventoryReader::open(directory / "none.csv").error().reason, Reason::Io);
  EXPECT_EQ(InventoryReader::open(directory / "").error().reason, Reason::Io);
}

TEST(AtomicOutput, IsWholeOrNotThere) {
  TemporaryDirectory directory;
  {
    auto out = AtomicOutput::create(directory / "out");
    ASSERT_TRUE(out);
    ASSERT_TRUE(out->write(std::string(200'000, 'x')));
    EXPECT_EQ(directory.entries(), (Lines{"out.partial"}));
  }
  EXPECT_TRUE(directory.entries().empty());

  auto out = AtomicOutput::create(directory / "out");
  ASSERT_TRUE(out);
  ASSERT_TRUE(out->write("hello"));
  ASSERT_TRUE(out->finish());
  EXPECT_EQ(directory.entries(), (Lines{"out"}));
  EXPECT_EQ(testing::content_of(directory / "out"), "hello");
  EXPECT_EQ(std::filesystem::status(directory / "out").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(AtomicOutput, LeavesNothingWhenItFails) {
  TemporaryDirectory directory;
  EXPECT_EQ(AtomicOutput::create(directory / "none/out").error().reason, Reason::Io);
  std::filesystem::create_directories(directory / "out/full");  // cannot be replaced by a file
  {
    auto out = AtomicOutput::create(directory / "out");
    ASSERT_TRUE(out);
    EXPECT_EQ(out->finish().error().reason, Reason::Io);
  }
  EXPECT_EQ(directory.entries(), (Lines{"out"}));
}

TEST(AtomicOutput, FollowsNoLinkAndKeepsTheOldFileUntilTheEnd) {
  TemporaryDirectory directory;
  directory.write("precious", "old");
  std::filesystem::create_symlink(directory / "precious", directory / "out.partial");
  EXPECT_FALSE(AtomicOutput::create(directory / "out"));
  EXPECT_EQ(testing::content_of(directory / "precious"), "old");
  std::filesystem::remove(directory / "out.partial");
  {
    auto out = AtomicOutput::create(directory / "precious");
    ASSERT_TRUE(out);
    ASSERT_TRUE(out->write("new"));
  }
  EXPECT_EQ(testing::content_of(directory / "precious"), "old");
}

TEST(AtomicOutput, AFailedWriteIsAnErrorAndLeavesNothing) {
  TemporaryDirectory directory;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  auto* const old_handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    auto out = AtomicOutput::create(directory / "out");
    ASSERT_TRUE(out);
    const auto written = out->write(std::string(200'000, 'x'));
    EXPECT_FALSE(written && out->finish());
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(directory.entries().empty());
}

}  // namespace
}  // namespace keyhaven::migrate
