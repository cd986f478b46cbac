// For the tests of this folder only: the tool as a process that dies at a chosen write of its
// journal.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "migrate/apply.h"
#include "migrate/cutover.h"
#include "migrate/service_for_tests.h"

extern char** environ;

namespace keyhaven::migrate::testing {

inline constexpr int kKilled = -SIGKILL;

// The tool as a process of its own, so that it can be killed: this program again, told by its
// environment which verb to carry out with the plan of a directory, and to die at the n-th point of
// a journal write (0: never).
class ChildProcess : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* directory = std::getenv("KH_MIGRATE_TEST_APPLY");
    if (directory == nullptr) return;
    ::_exit(run_in(directory, std::getenv("KH_MIGRATE_TEST_VERB"),
                   std::atoi(std::getenv("KH_MIGRATE_TEST_KILL_AT"))));
  }

  // What the child reads; once, when the plan is as it will be.
  static void prepare(const Migration& migration) {
    ASSERT_TRUE(save_plan(migration.directory / "plan.yaml", migration.plan));
    migration.directory.write("source.pem", migration.source.ca_pem());
    migration.directory.write("target.pem", migration.target.ca_pem());
  }

  // `verb`: "apply", "cutover" (with everything) or "undo".
  static int run(const Migration& migration, const std::string& verb, int kill_at) {
    std::vector<std::string> variables = {"KH_MIGRATE_TEST_APPLY=" + (migration.directory / ""),
                                          "KH_MIGRATE_TEST_VERB=" + verb,
                                          "KH_MIGRATE_TEST_KILL_AT=" + std::to_string(kill_at)};
    std::vector<char*> environment;
    for (char** one = environ; *one != nullptr; ++one) environment.push_back(*one);
    for (std::string& one : variables) environment.push_back(one.data());
    environment.push_back(nullptr);
    std::string program = "/proc/self/exe";
    char* arguments[] = {program.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    EXPECT_EQ(
        ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environment.data()),
        0);
    ::posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  static int run_in(const std::string& directory, const std::string& verb, int kill_at) {
    auto plan = load_plan(directory + "plan.yaml");
    auto material = Material::load_csv(directory + "material.csv");
    if (!plan || !material) return 10;
    auto journal = Journal::open(directory + "journal",
                                 {plan->id, plan->source.instance, plan->target.instance});
    if (!journal) return 11;
    int writes = 0;
    (*journal)->set_write_probe([&writes, kill_at](Journal::WritePoint) {
      if (++writes == kill_at) ::kill(::getpid(), SIGKILL);
    });
    Notes notes;
    const Side source =
        FakeService::side_of(plan->source, testing::content_of(directory + "source.pem"));
    const Side target =
        FakeService::side_of(plan->target, testing::content_of(directory + "target.pem"));
    if (verb == "apply") {
      const auto result = apply(*plan, source, target, **journal, *material, {.jobs = 1}, notes);
      return result && result->failed == 0 ? 0 : 1;
    }
    if (verb == "cutover") {
      const CutoverOptions options{
          .jobs = 1, .intents = true, .disable_source = true, .unverified = true};
      const auto result = cutover(*plan, source, target, **journal, options, notes);
      return result && result->is_complete() ? 0 : 1;
    }
    const auto result = undo_cutover(*plan, source, target, **journal, 1, notes);
    return result && result->failed == 0 ? 0 : 1;
  }
};

inline const auto* const kChild = ::testing::AddGlobalTestEnvironment(new ChildProcess);

}  // namespace keyhaven::migrate::testing
