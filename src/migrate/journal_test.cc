#include "migrate/journal.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "migrate/progress.h"
#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::TemporaryDirectory;

const JournalOwner kOwner = {"plan-1", "source-1", "target-1"};

TEST(Journal, RemembersIntentAndResultOverAReopen) {
  TemporaryDirectory directory;
  {
    const auto journal = Journal::open(directory / "j", kOwner);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_FALSE((*journal)->find("k", "create").value());
    ASSERT_TRUE((*journal)->intend("k", "create", "import"));
    ASSERT_TRUE((*journal)->intend("k2", "create"));
    ASSERT_TRUE((*journal)->finish("k2", "create", "target-id"));
    ASSERT_TRUE((*journal)->record_run("verify", "{\"deks\":1}", Timestamp::from_seconds(5)));
  }
  const auto journal = Journal::open(directory / "j", kOwner);
  ASSERT_TRUE(journal);
  const auto begun = (*journal)->find("k", "create").value();
  ASSERT_TRUE(begun);
  EXPECT_FALSE(begun->done);
  EXPECT_EQ(begun->intent, "import");
  const auto done = (*journal)->find("k2", "create").value();
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->done);
  EXPECT_EQ(done->detail, "target-id");
  EXPECT_EQ((*journal)->steps()->size(), 2U);
  EXPECT_EQ((*journal)->last_run("verify").value(), "{\"deks\":1}");
  EXPECT_FALSE((*journal)->last_run("rewrap").value());
}

TEST(Journal, TheResultKeepsTheIntentAndANewIntentDropsTheResult) {
  TemporaryDirectory directory;
  const auto journal = Journal::open(directory / "j", kOwner);
  ASSERT_TRUE((*journal)->intend("k", "s", "why"));
  ASSERT_TRUE((*journal)->finish("k", "s", "d"));
  EXPECT_EQ((*journal)->find("k", "s").value()->intent, "why");
  ASSERT_TRUE((*journal)->intend("k", "s", "again"));
  const auto step = (*journal)->find("k", "s").value();
  EXPECT_FALSE(step->done);
  EXPECT_EQ(step->intent, "again");
  EXPECT_EQ(step->detail, "");
}

TEST(Journal, WritesOfManyThreadsShareTransactionsAndAllLast) {
  TemporaryDirectory directory;
  constexpr int kThreads = 8, kSteps = 50;
  int transactions = 0;
  {
    const auto journal = Journal::open(directory / "j", kOwner);
    ASSERT_TRUE(journal);
    (*journal)->set_write_probe(
        [&](Journal::WritePoint at) { transactions += at == Journal::WritePoint::After; });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kSteps; ++i) {
          const std::string key = std::to_string(t), step = std::to_string(i);
          EXPECT_TRUE((*journal)->intend(key, step));
          EXPECT_TRUE((*journal)->finish_all(key, {{step, "d"}, {step + "b", ""}}));
          EXPECT_TRUE((*journal)->find(key, step + "b").value()->done);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_LE(transactions, kThreads * kSteps * 2);
  const auto journal = Journal::open(directory / "j", kOwner);
  ASSERT_TRUE(journal);
  const auto steps = (*journal)->steps();
  ASSERT_TRUE(steps);
  EXPECT_EQ(steps->size(), static_cast<std::size_t>(kThreads * kSteps * 2));
  for (const JournalStep& step : *steps) EXPECT_TRUE(step.done);
}

TEST(Journal, KeepsTheLastWordOnAKey) {
  TemporaryDirectory directory;
  const auto journal = Journal::open(directory / "j", kOwner);
  ASSERT_TRUE((*journal)->note({{"k", "failed", "why"}, {"k", "verified", "equal"}}));
  ASSERT_TRUE((*journal)->note({{"k", "failed", "why else"}, {"l", "failed", "x"}}));
  ASSERT_TRUE((*journal)->note({{"l", "failed", ""}}));
  const auto notes = (*journal)->notes();
  ASSERT_TRUE(notes);
  ASSERT_EQ(notes->size(), 2U);
  EXPECT_EQ((*notes)[0].text, "why else");
  EXPECT_EQ((*notes)[1].text, "equal");
}

TEST(Journal, HostileNamesAreData) {
  TemporaryDirectory directory;
  const auto journal = Journal::open(directory / "j", kOwner);
  const std::string name = "'); DROP TABLE steps; --\n\0x";
  ASSERT_TRUE((*journal)->intend(name, name));
  ASSERT_TRUE((*journal)->finish(name, name, name));
  EXPECT_EQ((*journal)->find(name, name).value()->detail, name);
  EXPECT_TRUE((*journal)->find("", "").has_value());
}

TEST(Journal, IsReadableByItsOwnerOnly) {
  TemporaryDirectory directory;
  ASSERT_TRUE(Journal::open(directory / "j", kOwner));
  struct stat status {};
  ASSERT_EQ(::stat((directory / "j").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(Journal, AnotherPlanOrOtherInstancesAreRefused) {
  TemporaryDirectory directory;
  ASSERT_TRUE(Journal::open(directory / "j", kOwner));
  for (const JournalOwner& other : {JournalOwner{"plan-2", "source-1", "target-1"},
                                    JournalOwner{"plan-1", "source-2", "target-1"},
                                    JournalOwner{"plan-1", "source-1", "target-2"}}) {
    const auto refused = Journal::open(directory / "j", other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::Conflict) << refused.error().message;
    EXPECT_EQ(Journal::open_existing(directory / "j", other).error().reason, Reason::Conflict);
  }
  EXPECT_TRUE(Journal::open(directory / "j", kOwner));
}

TEST(Journal, ASecondProcessIsRefusedAndStatusIsNot) {
  TemporaryDirectory directory;
  const auto journal = Journal::open(directory / "j", kOwner);
  ASSERT_TRUE(journal);
  ASSERT_TRUE((*journal)->intend("k", "s"));
  // flock belongs to the open file, so a second open in this process stands for another process.
  const auto second = Journal::open(directory / "j", kOwner);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::AlreadyExists);
  EXPECT_NE(second.error().message.find("another keyhaven migrate"), std::string::npos);
  const auto status = Journal::open_existing(directory / "j", kOwner);
  ASSERT_TRUE(status && *status);
  EXPECT_EQ((*status)->steps()->size(), 1U);
}

TEST(Journal, TheLockEndsWithItsProcess) {
  TemporaryDirectory directory;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto journal = Journal::open(directory / "j", kOwner);
    const bool written = journal && (*journal)->intend("k", "s");
    ::kill(::getpid(), written ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  const auto journal = Journal::open(directory / "j", kOwner);
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_TRUE((*journal)->find("k", "s").value());
}

TEST(Journal, NoneYetIsNoErrorForStatus) {
  TemporaryDirectory directory;
  const auto none = Journal::open_existing(directory / "j", kOwner);
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, nullptr);
  directory.write("j", "");  // killed before the first write
  const auto empty = Journal::open_existing(directory / "j", kOwner);
  ASSERT_TRUE(empty);
  EXPECT_EQ(*empty, nullptr);
  EXPECT_TRUE(Journal::open(directory / "j", kOwner));
}

TEST(Journal, WhatIsNoJournalIsRefusedAndLeftAlone) {
  TemporaryDirectory directory;
  const std::string text(5000, 'x');
  directory.write("j", text);
  EXPECT_FALSE(Journal::open(directory / "j", kOwner));
  EXPECT_FALSE(Journal::open_existing(directory / "j", kOwner));
  EXPECT_EQ(testing::content_of(directory / "j"), text);
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  EXPECT_FALSE(Journal::open(directory / "link", kOwner));
  EXPECT_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

TEST(Progress, TellsHowFarAKeyIs) {
  PlannedKey key;
  key.source = "k";
  key.action = KeyAction::Import;
  key.material_versions = 2;
  key.aliases = {"a"};
  key.state = client::kSuspended;
  const std::vector<std::string> all = {"create", "version:2", "release", "alias:a", "disable"};
  EXPECT_EQ(steps_of(key), all);
  std::vector<JournalStep> steps = {{"other", "create", "", true, "x"}};
  for (const std::string& step : all) {
    EXPECT_FALSE(progress_of(steps)["k"].is_carried(key)) << step;
    steps.push_back({"k", step, "", false, ""});
    EXPECT_FALSE(progress_of(steps)["k"].is_carried(key)) << step;
    EXPECT_TRUE(progress_of(steps)["k"].begun.contains(step));
    steps.back().done = true;
    steps.back().detail = step == "create" ? "target" : "";
  }
  EXPECT_TRUE(progress_of(steps)["k"].is_carried(key));
  EXPECT_EQ(progress_of(steps)["k"].target, "target");
  key.action = KeyAction::Generate;
  EXPECT_EQ(steps_of(key).size(), 4U);
  key.policies.rotation = client::RotationPolicy{true, 1};
  EXPECT_EQ(steps_of(key).size(), 5U);
  key.hold_aliases = true;
  EXPECT_EQ(steps_of(key).size(), 4U);
  steps.push_back({"k", "cutover:disable", "", true, std::string(kUndone)});
  EXPECT_FALSE(progress_of(steps)["k"].done.contains("cutover:disable"));
  key.action = KeyAction::Existing;
  EXPECT_EQ(steps_of(key), (std::vector<std::string>{"create"}));
  key.action = KeyAction::Blocked;
  EXPECT_TRUE(steps_of(key).empty());
  EXPECT_FALSE(progress_of(steps)["k"].is_carried(key));
}

}  // namespace
}  // namespace keyhaven::migrate
