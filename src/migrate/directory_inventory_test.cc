#include "migrate/directory_inventory.h"

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::TemporaryDirectory;

TEST(NameRule, TellsKeyAadAndTheNewPath) {
  const struct {
    const char* rule;
    const char* path;
    const char* key;
    const char* aad;
    const char* renamed;  // with the key NEW
  } cases[] = {
      {"{key}/{ref}.wdek", "payroll/a/b.wdek", "payroll", "", "NEW/a/b.wdek"},
      {"{key}/{ref}", "payroll/x.y", "payroll", "", "NEW/x.y"},
      {"deks/{ref}-{key}.b64", "deks/7-a-b.b64", "a-b", "", "deks/7-NEW.b64"},
      {"{aad}/{key}.{ref}", "tenant 1/k.a.b", "k", "tenant 1", "tenant 1/NEW.a.b"},
      {"{key}", "payroll", "payroll", "", "NEW"},
  };
  for (const auto& one : cases) {
    const auto rule = NameRule::parse(one.rule);
    ASSERT_TRUE(rule) << one.rule;
    const auto row = rule->read(one.path);
    ASSERT_TRUE(row) << one.rule;
    EXPECT_EQ(row->key, one.key);
    EXPECT_EQ(row->aad.empty() ? "" : row->aad.at(0), one.aad);
    EXPECT_EQ(rule->with_key(one.path, "NEW"), one.renamed);
  }
}

TEST(NameRule, RefusesPathsAndRulesThatDoNotFit) {
  for (const char* path : {"payroll", "payroll/", "/x.wdek", "payroll/x.wdek2", "x.wdek", ""})
    EXPECT_FALSE(NameRule::parse("{key}/{ref}.wdek")->read(path)) << path;
  for (const char* rule : {"{ref}", "{key}{ref}", "{key}/{key}", "{key", "{keys}/{key}", "plain"})
    EXPECT_FALSE(NameRule::parse(rule)) << rule;
  EXPECT_TRUE(NameRule::parse("")->is_empty());
}

class Directory : public ::testing::Test {
 protected:
  Directory() { std::filesystem::create_directories(directory / "in/sub"); }
  // "path: key|wdek|aad" or "path: PROBLEM text", sorted.
  std::vector<std::string> walk(std::string_view rule = {}) {
    std::vector<std::string> out;
    auto in = DekDirectory::open(directory / "in/", rule);
    EXPECT_TRUE(in) << (in ? "" : in.error().message);
    while (in) {
      auto file = in->next();
      EXPECT_TRUE(file);
      if (!file || !*file) break;
      std::string text = (**file).path + ": ";
      if ((**file).row) {
        text += (**file).row->key + "|" + (**file).row->wdek + "|";
        for (const std::string& one : (**file).row->aad) text += one + ";";
      } else {
        text += "PROBLEM " + (**file).problem;
      }
      out.push_back(std::move(text));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  TemporaryDirectory directory;
};

TEST_F(Directory, OfSidecars) {
  directory.write("in/a", "AAAA\n");
  directory.write("in/a.json", "{\"key\":\"k1\",\"aad\":[\"x,\\\"y\\\"\"],\"owner\":\"me\"}");
  directory.write("in/sub/b.bin", "BBBB");
  directory.write("in/sub/b.bin.json", "{\"key\":\"k2\"}");
  directory.write("in/bare", "CCCC");
  directory.write("in/bad", "CCCC");
  directory.write("in/bad.json", "{\"key\":7}");
  directory.write("in/empty", "\n");
  directory.write("in/empty.json", "{\"key\":\"k\"}");
  directory.write("in/large", std::string(70'000, 'A'));
  directory.write("in/large.json", "{\"key\":\"k\"}");
  directory.write("in/.hidden", "DDDD");
  std::filesystem::create_symlink(directory / "in/a", directory / "in/link");
  const auto seen = walk();
  ASSERT_EQ(seen.size(), 7U);
  EXPECT_EQ(seen[0], "a: k1|AAAA|x,\"y\";");
  EXPECT_EQ(seen[1], "bad: PROBLEM its sidecar must name \"key\": a key id, alias or CRN");
  EXPECT_TRUE(seen[2].starts_with("bare: PROBLEM its sidecar bare.json: it cannot be read"));
  EXPECT_EQ(seen[3], "empty: PROBLEM it is empty");
  EXPECT_EQ(seen[4], "large: PROBLEM it has more than 65536 bytes");
  EXPECT_TRUE(seen[5].starts_with("link: PROBLEM it cannot be read")) << seen[5];
  EXPECT_EQ(seen[6], "sub/b.bin: k2|BBBB|");
}

TEST_F(Directory, OfARule) {
  std::filesystem::create_directories(directory / "in/k1");
  directory.write("in/k1/a.wdek", "AAAA\r\n");
  directory.write("in/stray", "AAAA");
  EXPECT_EQ(walk("{key}/{ref}.wdek"),
            (std::vector<std::string>{"k1/a.wdek: k1|AAAA|",
                                      "stray: PROBLEM its path is not as the name rule says"}));
}

TEST(Sidecar, KeepsWhatItsOwnerWrote) {
  EXPECT_EQ(sidecar_with_key("{\"owner\":{\"a\":1},\"key\":\"old\",\"aad\":[\"x\"]}", "new"),
            "{\"owner\":{\"a\":1},\"key\":\"new\",\"aad\":[\"x\"]}\n");
  EXPECT_EQ(sidecar_of("a/b"), "a/b.json");
}

}  // namespace
}  // namespace keyhaven::migrate
