// Search, filter and the order of listings.
#include "keys/key_search.h"

#include <gtest/gtest.h>

#include "keys/key_filter.h"
#include "keys/key_list.h"

namespace keyhaven::keys {
namespace {

constexpr Timestamp at(std::int64_t seconds) { return {seconds * 1'000'000}; }
constexpr std::int64_t kNoon = 1'767'355'200;  // 2026-01-02T12:00:00Z

InstanceId the_instance() {
  InstanceId id;
  id.uuid.bytes.fill(7);
  return id;
}

KeyId id_of(unsigned number) {
  KeyId id;
  id.uuid.bytes = {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return id;
}

class KeySearchTest : public ::testing::Test {
 protected:
  KeyRecord key(unsigned number, std::string name, std::vector<std::string> aliases = {}) {
    KeyRecord out;
    out.instance = the_instance();
    out.id = id_of(number);
    out.name = std::move(name);
    out.aliases = std::move(aliases);
    out.created = at(kNoon);
    out.versions.emplace_back();
    return out;
  }
  void add(KeyRecord record) { directory.load(std::move(record)); }

  // Names found, in order, with '!' behind when the search was incomplete; else the reason.
  std::string find(std::string_view search, const std::function<void(ListQuery&)>& set = {}) {
    const auto parsed = KeySearch::parse(search);
    if (!parsed) return std::string(name_of(parsed.error().reason));
    ListQuery query;
    query.visible = [](std::string_view) { return true; };
    query.search = &parsed.value();
    if (set) set(query);
    const auto page = list_keys(directory, the_instance(), query, at(kNoon));
    if (!page) return std::string(name_of(page.error().reason));
    EXPECT_EQ(count_keys(directory, the_instance(), query, at(kNoon)).value(), page->keys.size());
    std::string out;
    for (const auto& found : page->keys) out += (out.empty() ? "" : " ") + found->name;
    return out + (page->incomplete_search ? "!" : "");
  }

  Directory directory;
};

TEST_F(KeySearchTest, SearchSyntax) {
  add(key(1, "Payroll-EU", {"pay-eu"}));
  add(key(2, "payroll", {"other", "Backup"}));
  add(key(3, "backup"));
  add(key(4, "name:odd"));
  const struct {
    std::string_view search;
    std::string_view found;
  } kCases[] = {
      {"payroll", "Payroll-EU payroll"},
      {"PAYROLL", "Payroll-EU payroll"},
      {"payroll,", "Payroll-EU payroll"},  // the Go client's comma
      {"exact:payroll", "payroll"},
      {"backup", "payroll backup"},
      {"name:backup", "backup"},
      {"alias:backup", "payroll"},
      {"name:alias:backup", "payroll backup"},
      {"not:name:pay", "backup name:odd"},
      {"not:backup", "Payroll-EU name:odd"},
      {"exact:not:backup", "Payroll-EU name:odd"},
      {"escape:name:odd", "name:odd"},
      {"name:escape:name:", "name:odd"},
      {"nothing-like-it", ""},
      {"name:", "InvalidQueryParam"},
      {"exact:,", "InvalidQueryParam"},
      {"\xff", "InvalidQueryParam"},
  };
  for (const auto& row : kCases) EXPECT_EQ(find(row.search), row.found) << row.search;
  EXPECT_EQ(find(std::string(kMaxSearchBytes + 1, 'a')), "InvalidQueryParam");
}

TEST_F(KeySearchTest, SearchFoldsLettersOfOtherScripts) {
  add(key(1, "M\u00dcLLER \u0414\u0430\u0447\u0430"));
  EXPECT_EQ(find("m\u00fcller"), "M\u00dcLLER \u0414\u0430\u0447\u0430");
  EXPECT_EQ(find("\u0434\u0410\u0427"), "M\u00dcLLER \u0414\u0430\u0447\u0430");
}

TEST_F(KeySearchTest, AFullKeyIdIsFoundAndComesFirst) {
  add(key(1, id_of(9).text()));  // its name is the id of another key
  add(key(9, "nine"));
  add(key(10, "ten", {"the-alias-of-ten"}));
  EXPECT_EQ(find(id_of(9).text()), "nine " + id_of(9).text());
  EXPECT_EQ(find("not:" + id_of(9).text()), "ten");
  EXPECT_EQ(find("alias:the-alias-of-ten"), "ten");
  EXPECT_EQ(find(id_of(9).text(), [](ListQuery& query) { query.ring = "elsewhere"; }), "");
}

TEST_F(KeySearchTest, TooManyKeysLeaveOnlyTheDirectLookup) {
  for (unsigned number = 0; number < kMaxSearchableKeys; ++number) add(key(number, "same"));
  EXPECT_EQ(find("needle"), "");
  KeyRecord last = key(60'000, "needle", {"alias-of-needle"});
  last.kind = KeyKind::StandardKey;
  add(last);
  EXPECT_EQ(find("needle"), "KeySearchTooBroad");
  EXPECT_EQ(find("name:needle"), "KeySearchTooBroad");
  EXPECT_EQ(find("alias:alias-of-needle"), "needle!");
  EXPECT_EQ(find("alias:alias-of"), "KeySearchTooBroad");
  EXPECT_EQ(find(id_of(60'000).text()), "needle!");
  EXPECT_EQ(find("not:" + id_of(60'000).text()), "KeySearchTooBroad");
  // Narrowed by kind there are few enough.
  EXPECT_EQ(find("needle", [](ListQuery& query) { query.kind = KeyKind::StandardKey; }), "needle");
}

TEST_F(KeySearchTest, FilterConditions) {
  KeyRecord plain = key(1, "plain");
  KeyRecord rich = key(2, "rich");
  rich.kind = KeyKind::StandardKey;
  rich.created = at(kNoon + 86'400);
  rich.created.us += 500'000;  // dates are compared in the seconds that are shown
  rich.updated = at(kNoon + 90'000);
  rich.expires = at(kNoon + 400'000);
  KeyRecord gone = key(3, "gone");
  gone.state = KeyState::Destroyed;
  gone.deleted = at(kNoon + 10);
  const auto matching = [&](std::string_view text) {
    const auto filter = KeyFilter::parse(text);
    if (!filter) return std::string(name_of(filter.error().reason));
    std::string out;
    for (const KeyRecord* record : {&plain, &rich, &gone}) {
      if (filter->matches(*record, at(kNoon + 20))) out += record->name[0];
    }
    return out;
  };
  const struct {
    std::string_view filter;
    std::string_view found;
  } kCases[] = {
      {"", "prg"},
      {"   ", "prg"},
      {"extractable=true", "r"},
      {"extractable=FALSE", "pg"},
      {"state=5", "g"},
      {"state=0,1,2,3", "pr"},
      {R"( creationDate=gt:"2026-01-02T12:00:00Z" state=1,2 extractable=true)", "r"},
      {R"(creationDate=gte:"2026-01-02T12:00:00Z")", "prg"},
      {R"(creationDate=lt:"2026-01-02T12:00:00.000000001Z")", ""},
      {R"(creationDate=lt:"2026-01-02T12:00:00.000001Z")", "pg"},
      {R"(creationDate=lte:"2026-01-03T12:00:00Z")", "prg"},
      {R"(creationDate=gt:"2026-01-03T12:00:00Z")", ""},
      {R"(creationDate="2026-01-02T12:00:00Z")", "pg"},
      {R"(creationDate="2026-01-02T13:00:00+01:00")", "pg"},
      {R"(creationDate="2026-01-02T00:00:00Z")", "pg"},  // the day
      {R"(creationDate="2026-01-03T00:00:00Z")", "r"},
      {R"(creationDate=gt:"2026-01-02T00:00:00Z" creationDate=lt:"2026-01-03T00:00:00Z")", "pg"},
      {R"(lastUpdateDate=gt:"2026-01-03T12:30:00Z")", "r"},
      {"expirationDate=none", "pg"},
      {"deletionDate=NONE expirationDate=none", "p"},
      {R"(expirationDate=gt:"2026-01-01T00:00:00Z")", "r"},
      {"lastRotateDate=none", "prg"},
      {"extractable=true extractable=false", "InvalidQueryParam"},
      {"state=1 state=2", "InvalidQueryParam"},
      {"state=4", "InvalidQueryParam"},
      {"state=", "InvalidQueryParam"},
      {"name=x", "InvalidQueryParam"},
      {"creationDate", "InvalidQueryParam"},
      {"creationDate=2026-01-02T12:00:00Z", "InvalidQueryParam"},
      {R"(creationDate=ge:"2026-01-02T12:00:00Z")", "InvalidQueryParam"},
      {R"(creationDate=gt:none)", "InvalidQueryParam"},
      {R"(creationDate="2026-01-02 12:00:00Z)", "InvalidQueryParam"},
      {"creationDate=none creationDate=none creationDate=none", ""},
      {"creationDate=none creationDate=none creationDate=none creationDate=none",
       "InvalidQueryParam"},
  };
  for (const auto& row : kCases) EXPECT_EQ(matching(row.filter), row.found) << row.filter;
  EXPECT_EQ(matching(std::string(kMaxFilterBytes + 1, ' ')), "InvalidQueryParam");
}

}  // namespace
}  // namespace keyhaven::keys
