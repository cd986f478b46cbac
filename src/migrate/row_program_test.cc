#include "migrate/row_program.h"

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using std::chrono::milliseconds;
using testing::content_of;
using testing::TemporaryDirectory;

class Program : public ::testing::Test {
 protected:
  // A shell script that is run as a program of its own.
  Result<RowProgram> start(const std::string& script,
                           milliseconds patience = milliseconds(20'000)) {
    const std::string path = directory.write("program", "#!/bin/sh\n" + script, 0700);
    return RowProgram::start({path, "argument with blanks; $(touch " + (directory / "shell") + ")"},
                             patience);
  }
  // What a run of `script` says to `rows` rows and at the end; "" for no error.
  std::string error_of(const std::string& script, int rows = 3,
                       milliseconds patience = milliseconds(20'000)) {
    auto program = start(script, patience);
    if (!program) return program.error().message;
    auto told =
        program->tell(std::vector<std::string>(static_cast<std::size_t>(rows), "{\"a\":1}"));
    if (!told) return told.error().message;
    auto finished = program->finish();
    return finished ? "" : finished.error().message;
  }
  TemporaryDirectory directory;
};

constexpr const char* kAnswerAll =
    "n=0\nwhile read -r line; do n=$((n+1)); echo \"$line\" >> \"$0.rows\"; "
    "echo '{\"seq\":'$n',\"ok\":true}'; done\n";

TEST_F(Program, IsToldEachRowOnceWithItsNumber) {
  auto program = start(kAnswerAll);
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_TRUE(program->tell({"{\"ref\":\"a\"}", "{\"ref\":\"b\"}"}));
  ASSERT_TRUE(program->tell({}));
  ASSERT_TRUE(program->tell({"{\"ref\":\"c\"}"}));
  ASSERT_TRUE(program->finish());
  EXPECT_EQ(content_of(directory / "program.rows"),
            "{\"seq\":1,\"ref\":\"a\"}\n{\"seq\":2,\"ref\":\"b\"}\n{\"seq\":3,\"ref\":\"c\"}\n");
  EXPECT_FALSE(std::filesystem::exists(directory / "shell"));  // arguments pass through no shell
}

TEST_F(Program, MayRefuseARowAndSayWhy) {
  auto program = start(
      "read -r l; echo '{\"seq\":1,\"ok\":false,\"error\":\"no such\\u0001row\"}'\n"
      "read -r l; echo '{\"seq\":2,\"ok\":false}'\nread -r l; echo '{\"seq\":3,\"ok\":true}'\n");
  ASSERT_TRUE(program);
  const auto answers = program->tell({"{\"a\":1}", "{\"a\":1}", "{\"a\":1}"});
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ((*answers)[0].refusal, "no such row");
  EXPECT_FALSE((*answers)[1].refusal.empty());
  EXPECT_EQ((*answers)[2].refusal, "");
}

TEST_F(Program, ThatGoesWrongIsSaidSo) {
  const std::pair<const char*, const char*> cases[] = {
      {"exit 0\n", "ended after 0 answer(s)"},
      {"read -r l; echo '{\"seq\":1,\"ok\":true}'; exit 3\n", "ended after 1 answer(s)"},
      {"read -r l; echo done\n", "answered \"done\""},
      {"read -r l; echo '{\"seq\":2,\"ok\":true}'\n", "another row than 1"},
      {"read -r l; echo '{\"seq\":1,\"ok\":\"yes\"}'\n", "is not {\"seq\":1,\"ok\":true}"},
      {"read -r l; echo '{\"seq\":1}'\n", "is not {\"seq\":1,\"ok\":true}"},
      {"head -c 20000 /dev/zero; sleep 60\n", "more than 8 KiB"},
      {"for i in 1 2 3 4; do echo '{\"seq\":'$i',\"ok\":true}'; done; cat > /dev/null\n",
       "more rows than it was told"},
      {"for i in 1 2 3; do read -r l; echo '{\"seq\":'$i',\"ok\":true}'; done; exit 9\n",
       "exit status 9"},
      {"for i in 1 2 3; do read -r l; echo '{\"seq\":'$i',\"ok\":true}'; done; kill -9 $$\n",
       "signal 9"},
  };
  for (const auto& [script, why] : cases) {
    const std::string error = error_of(script);
    EXPECT_NE(error.find(why), std::string::npos) << script << error;
  }
  EXPECT_EQ(error_of(kAnswerAll), "");
}

TEST_F(Program, ThatHangsIsKilledInTime) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_NE(error_of("exec sleep 600\n", 3, milliseconds(200)).find("did not answer within"),
            std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(60));
}

TEST_F(Program, ReadsMoreThanAPipeHoldsWhileItAnswers) {
  auto program = start(kAnswerAll);
  ASSERT_TRUE(program);
  const std::string row = "{\"wdek\":\"" + std::string(2000, 'A') + "\"}";
  const auto answers = program->tell(std::vector<std::string>(500, row));  // 1 MB
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ(answers->size(), 500U);
  EXPECT_TRUE(program->finish());
}

TEST_F(Program, GetsNoSecretOfTheEnvironment) {
  ASSERT_EQ(::setenv("KH_API_KEY", "secret", 1), 0);
  ASSERT_EQ(::setenv("MIGRATE_TEST", "passed on", 1), 0);
  EXPECT_EQ(error_of("env > \"$0.env\"\n" + std::string(kAnswerAll)), "");
  ::unsetenv("KH_API_KEY");
  ::unsetenv("MIGRATE_TEST");
  const std::string seen = content_of(directory / "program.env");
  EXPECT_EQ(seen.find("KH_API_KEY"), std::string::npos);
  EXPECT_NE(seen.find("MIGRATE_TEST=passed on"), std::string::npos);
}

TEST_F(Program, ThatIsNotThereIsNamed) {
  const auto started = RowProgram::start({directory / "none"}, milliseconds(1000));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason, Reason::Io);
  EXPECT_NE(started.error().message.find("none"), std::string::npos);
}

TEST(RowAnswer, IsReadStrictly) {
  EXPECT_TRUE(parse_row_answer("{\"seq\":7,\"ok\":true}", 7));
  EXPECT_TRUE(parse_row_answer(" {\"ok\":true,\"seq\":7,\"more\":[1]} \r", 7));
  for (const char* bad : {"", "{}", "[]", "null", "{\"seq\":7}", "{\"ok\":true}",
                          "{\"seq\":7.5,\"ok\":true}", "{\"seq\":-7,\"ok\":true}",
                          "{\"seq\":\"7\",\"ok\":true}", "{\"seq\":8,\"ok\":true}", "{\"seq\":7,"})
    EXPECT_FALSE(parse_row_answer(bad, 7)) << bad;
}

}  // namespace
}  // namespace keyhaven::migrate
