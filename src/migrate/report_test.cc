#include "migrate/report.h"

#include <gtest/gtest.h>

#include "migrate/report_page.h"

namespace keyhaven::migrate {
namespace {

constexpr const char* kInstance = "11111111-2222-4333-8444-555555555555";

JournalStep done(std::string key, std::string step, std::string detail = {}) {
  return {std::move(key), std::move(step), {}, true, std::move(detail)};
}

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    plan_.id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    plan_.source = {.url = "https://old",
                    .iam_url = {},
                    .ca_file = {},
                    .api_key_file = {},
                    .instance = kInstance};
    plan_.target = plan_.source;
    plan_.target.url = "https://new";
    PlannedKey key;
    key.source = "key-1";
    key.name = "payroll";
    key.deks = 10;
    plan_.keys = {key};
    steps_ = {done("key-1", "create", "target-1"), done("key-1", "release")};
    verify_ = R"({"deks":10,"deks_equal":10,"standard_keys":0,"standard_equal":0})";
  }
  std::string make() {
    ReportSources sources{.plan = plan_};
    sources.plan_text = "plan";
    sources.steps = steps_;
    sources.notes = notes_;
    if (!verify_.empty()) sources.verify = JournalRun{verify_, Timestamp::from_seconds(2000)};
    sources.rewrap = JournalRun{R"({"rows":10})", Timestamp::from_seconds(rewrapped_at_)};
    sources.tool_version = "1";
    sources.made_by = "me";
    sources.now = Timestamp::from_seconds(3000);
    return make_report(sources);
  }
  // "verified", or what is lacking.
  std::string result() {
    const std::string document = make();
    const std::string result = text_in(document, "result");
    return result == "verified" ? result : text_in(document, "why");
  }
  void expect_lacks(const std::string& what) {
    EXPECT_NE(result().find(what), std::string::npos) << result();
  }

  Plan plan_;
  std::vector<JournalStep> steps_;
  std::vector<JournalNote> notes_;
  std::string verify_;
  std::int64_t rewrapped_at_ = 1000;
};

TEST_F(ReportTest, IsVerifiedOnlyWhenEverythingIsProved) { EXPECT_EQ(result(), "verified"); }

TEST_F(ReportTest, SaysWhatIsLacking) {
  const auto good = verify_;
  verify_.clear();
  expect_lacks("nothing was verified");
  verify_ = R"({"deks":10,"deks_different":1})";
  expect_lacks("1 DEKs differ");
  verify_ = R"({"deks":9,"deks_not_sampled":1})";
  expect_lacks("left out of the sample");
  verify_ = R"({"deks":9})";
  expect_lacks("more wrapped DEKs than were verified");
  verify_ = R"({"deks":10,"standard_keys":2,"standard_equal":1})";
  expect_lacks("1 standard keys differ");
  verify_ = "no json";
  expect_lacks("nothing was verified");
  verify_ = good;
  rewrapped_at_ = 2001;
  expect_lacks("after the last verification");
  rewrapped_at_ = 1000;
  steps_.pop_back();
  expect_lacks("1 keys are planned and not carried");
  steps_.push_back(done("key-1", "release"));
  notes_ = {{"key-1", "failed", "no right"}};
  expect_lacks("1 keys failed");
  notes_.clear();
  plan_.unknown_keys = {"who"};
  expect_lacks("no keys of the source");
  plan_.unknown_keys.clear();
  plan_.keys[0].action = KeyAction::Blocked;
  expect_lacks("1 keys are blocked");
}

TEST_F(ReportTest, TheDigestCoversPlanJournalAndRuns) {
  const std::string before = digest_of_report(make());
  EXPECT_EQ(digest_of_report(make()), before);
  steps_[0].detail = "target-2";
  const std::string other = digest_of_report(make());
  EXPECT_NE(other, before);
  notes_ = {{"key-1", "verified", "ok"}};
  EXPECT_NE(digest_of_report(make()), other);
}

TEST_F(ReportTest, FileAndPageGiveTheReportBack) {
  for (const bool recorded : {false, true}) {
    Report report{make(), std::nullopt};
    if (recorded) report.receipt = ReportReceipt{"{\"seq\":1}", "</script><b>", "ab"};
    const auto file = report_from_json(to_json(report));
    ASSERT_TRUE(file);
    EXPECT_EQ(file->document, report.document);
    const std::string page = to_page(report);
    const auto held = report_from_page(page);
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_EQ(to_json(*held), to_json(report));
    EXPECT_EQ(to_page(*held), page);
  }
  for (const char* bad : {"", "[]", "{}", R"({"report":{}})", R"({"report":{"format":"x"}})"}) {
    EXPECT_FALSE(report_from_json(bad)) << bad;
    EXPECT_FALSE(report_from_page(bad)) << bad;
  }
}

TEST_F(ReportTest, HostileNamesStayText) {
  plan_.keys[0].name = "<script>alert('1')</script>\"&\x01";
  plan_.keys[0].lost = {"</script><img src=x onerror=alert(1)>"};
  const std::string page = to_page({make(), std::nullopt});
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;?"),
            std::string::npos);
  const auto held = report_from_page(page);
  ASSERT_TRUE(held);
  EXPECT_EQ(to_page(*held), page);
}

// Whatever byte of the page is changed, the page is not what its data says any more.
TEST_F(ReportTest, AnAlteredPageShows) {
  const std::string page = to_page({make(), std::nullopt});
  for (std::size_t at = 0; at < page.size(); at += 7) {
    std::string altered = page;
    altered[at] = altered[at] == 'x' ? 'y' : 'x';
    const auto held = report_from_page(altered);
    const bool shows = !held || to_page(*held) != altered;
    // A change of the data is consistent only when the page shows it too, and it has another
    // digest.
    EXPECT_TRUE(shows || digest_of_report(held->document) != digest_of_report(make())) << at;
  }
}

}  // namespace
}  // namespace keyhaven::migrate
