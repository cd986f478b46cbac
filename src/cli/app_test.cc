// The command tree: help, argument errors, secrets, completion, manual page, configuration.
#include "cli/app.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include "cli/completion.h"
#include "cli/man_page.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "cli/run_for_tests.h"

namespace keyhaven::cli {
namespace {

void visit(const CLI::App& app, const std::string& path,
           const std::function<void(const std::string&, const CLI::App&)>& see) {
  see(path, app);
  for (const CLI::App* verb : app.get_subcommands(nullptr))
    visit(*verb, path + ' ' + verb->get_name(), see);
}

class TreeTest : public testing::Test {
 protected:
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  ScriptedPrompt prompt_;
  Context context_{in_, out_, err_, prompt_, {}};
  std::unique_ptr<CLI::App> app_ = build_app(context_);
};

TEST_F(TreeTest, HasTheNounsOfTheProduct) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app_->get_subcommands(nullptr)) names.push_back(verb->get_name());
  for (const char* noun : {"login", "logout", "instance", "tke", "key", "key-ring", "iam",
                           "migrate", "audit", "health", "completion", "man"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), noun), names.end()) << noun;
  }
}

TEST_F(TreeTest, KnowsTheVendorsCeremonyVerbs) {
  const CLI::App* tke = app_->get_subcommand("tke");
  for (const char* verb : {"sigkey-add",
                           "sigkeys",
                           "sigkey-rm",
                           "cryptounits",
                           "cryptounit-add",
                           "cryptounit-rm",
                           "cryptounit-admins",
                           "cryptounit-admin-add",
                           "cryptounit-admin-rm",
                           "cryptounit-thrhlds",
                           "cryptounit-thrhld-set",
                           "mk-add",
                           "mks",
                           "mk-rm",
                           "cryptounit-mk",
                           "cryptounit-mk-load",
                           "cryptounit-mk-commit",
                           "cryptounit-mk-setimm",
                           "cryptounit-mk-clrnew",
                           "cryptounit-compare",
                           "cryptounit-zeroize",
                           "attestation",
                           "init"}) {
    EXPECT_NO_THROW(static_cast<void>(tke->get_subcommand(verb))) << verb;
  }
}

// argv is public (ps, shell history, audit): whatever may be secret comes from a file, standard
// input or a question.
TEST_F(TreeTest, NoOptionTakesASecret) {
  int options = 0;
  visit(*app_, "keyhaven", [&](const std::string& path, const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
      ++options;
      const std::string name = option->get_name(true);
      const bool sounds_secret =
          name.find("password") != std::string::npos || name.find("secret") != std::string::npos ||
          name.find("api-key") != std::string::npos || name.find("payload") != std::string::npos ||
          name.find("plaintext") != std::string::npos ||
          name.find("material") != std::string::npos ||
          name.find("passphrase") != std::string::npos || name.find("value") != std::string::npos;
      if (!sounds_secret) continue;
      const bool is_flag = option->get_type_size() == 0;
      const bool names_a_file = name.ends_with("-file") || name.ends_with("-out") ||
                                name.find("material") != std::string::npos;
      EXPECT_TRUE(is_flag || names_a_file) << path << ' ' << name;
      if (is_flag) continue;
      EXPECT_NE(option->get_description().find("file"), std::string::npos) << path << ' ' << name;
    }
  });
  EXPECT_GT(options, 100);
}

TEST_F(TreeTest, EveryVerbAndOptionIsExplained) {
  visit(*app_, "keyhaven", [](const std::string& path, const CLI::App& app) {
    EXPECT_FALSE(app.get_description().empty()) << path;
    for (const CLI::Option* option : app.get_options())
      EXPECT_FALSE(option->get_description().empty()) << path << ' ' << option->get_name();
  });
}

TEST_F(TreeTest, CompletionAndManualNameEveryVerb) {
  const std::string completion = bash_completion(*app_);
  const std::string manual = man_page(*app_);
  visit(*app_, "", [&](const std::string& path, const CLI::App& app) {
    if (path.empty()) return;
    EXPECT_NE(completion.find('\'' + path.substr(1) + '\''), std::string::npos) << path;
    if (app.get_subcommands(nullptr).empty()) {
      std::string escaped = "keyhaven" + path;
      for (std::size_t at = 0; (at = escaped.find('-', at)) != std::string::npos; at += 2)
        escaped.insert(at, "\\");
      EXPECT_NE(manual.find(".SS \"" + escaped + '"'), std::string::npos) << path;
    }
  });
  EXPECT_EQ(manual.substr(0, 15), ".TH KEYHAVEN 1 ");
  EXPECT_EQ(manual.find("help VALUE"), std::string::npos) << "flags take no value";
  EXPECT_NE(manual.find("url VALUE"), std::string::npos);
}

TEST(AppTest, TheCompletionScriptIsValidBashAndCompletes) {
  if (std::system("command -v bash >/dev/null 2>&1") != 0) GTEST_SKIP() << "no bash";
  const TemporaryDirectory directory;
  const std::string script = directory.write("completion", run_program({"completion", "bash"}).out);
  const std::string test = directory.write(
      "test", "source " + script +
                  "\n"
                  "COMP_WORDS=(keyhaven tke cryptounit-mk-); COMP_CWORD=2; _keyhaven\n"
                  "echo \"${COMPREPLY[*]}\" | grep -q cryptounit-mk-load || exit 1\n"
                  "COMP_WORDS=(keyhaven key wrap --pl); COMP_CWORD=3; _keyhaven\n"
                  "echo \"${COMPREPLY[*]}\" | grep -q -- --plaintext-file || exit 2\n");
  EXPECT_EQ(std::system(("bash -eu " + test).c_str()), 0);
}

TEST(AppTest, HelpGoesToStandardOutput) {
  const Ran ran = run_program({"key", "wrap", "--help"});
  EXPECT_EQ(ran.status, kExitOk);
  EXPECT_NE(ran.out.find("--plaintext-file"), std::string::npos);
  EXPECT_TRUE(ran.err.empty());
  EXPECT_EQ(run_program({"--version"}).out, "keyhaven " KH_VERSION "\n");
}

TEST(AppTest, ArgumentErrorsAreStatusTwoWithARemedy) {
  const std::vector<std::vector<std::string>> rows = {
      {},
      {"nonsense"},
      {"key"},
      {"key", "nonsense"},
      {"key", "create"},
      {"key", "create", "name", "--unknown"},
      {"key", "create", "name", "--standard", "--root"},
      {"key", "list", "--output", "xml"},
      {"key", "unwrap", "K", "AAAA"},
      {"tke", "init", "--signature-threshold", "9"},
      {"tke", "sigkeys"},
      {"key", "list"},
      {"key", "list", "--url", "https://localhost", "--states", "gone", "-i", "x", "--api-key-file",
       "/nonexistent"},
      {"instance", "update", "--name", ""},
      {"instance", "update", "--limit", "keys"},
      {"instance", "update", "--limit", "=5"},
      {"instance", "update", "--limit", "keys=5x"},
      {"instance", "policy", "set", "metrics"},
      {"instance", "policy", "set", "metrics", "maybe"},
      {"audit", "verify", "--log", "/nonexistent", "--public-key", "zz"},
      {"key", "list", "--config", "/nonexistent/profile.json"},
  };
  for (const auto& arguments : rows) {
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.status, kExitUsage) << join(arguments, " ");
    EXPECT_EQ(ran.err.substr(0, 7), "FAILED\n") << join(arguments, " ");
    EXPECT_GT(ran.err.size(), 20U) << join(arguments, " ");
    EXPECT_TRUE(ran.out.empty()) << join(arguments, " ");
  }
}

TEST(AppTest, AnUnreachableServiceIsStatusOneAndJsonSaysWhy) {
  const TemporaryDirectory directory;
  const std::string key = directory.write("key", "secret-api-key\n");
  // Port 1 of the loopback answers nobody; health asks once.
  const Ran ran =
      run_program({"health", "--url", "https://127.0.0.1:1", "--api-key-file", key, "-o", "json"});
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.out.find(R"("ok":false)"), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("FAILED\n"), std::string::npos);
  EXPECT_EQ((ran.out + ran.err).find("secret-api-key"), std::string::npos);
}

TEST(SettingsTest, OptionsWinOverEnvironmentOverProfile) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/keyhaven/profile.json";
  ASSERT_TRUE(save_profile(path, {"https://profile", "https://iam", "ca.pem", "key-file", "P"}));
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  std::istringstream in;
  std::ostringstream out;
  ScriptedPrompt prompt;
  const auto settings = [&](Environment environment, const GlobalOptions& options) {
    environment["XDG_CONFIG_HOME"] = directory.path();
    Context context(in, out, out, prompt, std::move(environment));
    context.options = options;
    auto found = context.settings();
    EXPECT_TRUE(found);
    return found.value();
  };
  EXPECT_EQ(settings({}, {}).url, "https://profile");
  EXPECT_EQ(settings({}, {}).iam_url, "https://iam");
  EXPECT_EQ(settings({}, {}).api_key_file, "key-file");
  const Settings vendor = settings({{"KP_TARGET_ADDR", "https://vendor"},
                                    {"KP_INSTANCE_ID", "V"},
                                    {"TKE_PRIVATE_ADDR", "https://tke"}},
                                   {});
  EXPECT_EQ(vendor.url, "https://vendor");
  EXPECT_EQ(vendor.tke_url, "https://tke");
  EXPECT_EQ(vendor.instance, "V");
  EXPECT_EQ(vendor.iam_url, "") << "the profile's identity service is not another service's";
  EXPECT_EQ(vendor.ca_file, "");
  EXPECT_EQ(settings({{"KH_URL", "https://kh"}, {"KP_TARGET_ADDR", "https://vendor"}}, {}).url,
            "https://kh");
  EXPECT_EQ(settings({{"KH_API_KEY", "x"}}, {}).api_key_file, "")
      << "a key in the environment wins over the profile's";
  GlobalOptions options;
  options.url = "https://option";
  EXPECT_EQ(settings({{"KH_URL", "https://kh"}}, options).url, "https://option");
}

TEST(ProfileTest, RefusesWhatItDoesNotKnow) {
  const TemporaryDirectory directory;
  for (const char* text : {"[]", "{", R"({"url":1})", R"({"api_key":"never stored here"})"}) {
    const auto profile = load_profile(directory.write("p.json", text));
    ASSERT_FALSE(profile) << text;
    EXPECT_EQ(profile.error().reason, Reason::InvalidArgument);
  }
  const auto absent = load_profile(directory.path() + "/none.json");
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent.value());
}

TEST(OutputTest, TablesAlignByCodePointAndHideControlCharacters) {
  Table table({"NAME", "N"});
  table.add({"Ünï", "1"});
  table.add({"a\x1b[2Jb", "22"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME     N\nÜnï      1\na?[2Jb   22\n");
}

TEST(OutputTest, TheRemedyOfAnUninitialisedInstanceIsTheCeremony) {
  EXPECT_NE(remedy_of({Reason::InstanceNotInitialized, "", ""}).find("tke init"),
            std::string_view::npos);
}

}  // namespace
}  // namespace keyhaven::cli
