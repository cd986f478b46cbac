#include "web/web_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace keyhaven::web {
namespace {

namespace fs = std::filesystem;

class WebFilesTest : public ::testing::Test {
 protected:
  WebFilesTest() {
    char name[] = "/tmp/keyhaven-web-XXXXXX";
    directory = ::mkdtemp(name);
    write("index.html", "<!DOCTYPE html>");
    write("index.html.br", "index-br");
    write("favicon.svg", "<svg/>");
    write("assets/index-DiwrgTda.js", "plain");
    write("assets/index-DiwrgTda.js.br", "brotli");
    write("assets/index-DiwrgTda.js.gz", "gzip");
    write("assets/logo.png", "png");
    write("assets/alone-DiwrgTda.css.gz", "only compressed");
    write(".hidden/secret.txt", "no");
    write(".env", "no");
  }
  ~WebFilesTest() override { fs::remove_all(directory); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((directory / path).parent_path());
    std::ofstream(directory / path) << text;
  }
  WebFiles load() const {
    auto files = WebFiles::load(directory);
    EXPECT_TRUE(files) << files.error().message;
    return std::move(files).value();
  }
  static std::string header(const net::Response& response, std::string_view name) {
    std::string found;
    for (const auto& [key, value] : response.headers) {
      if (key != name) continue;
      EXPECT_EQ(found, "") << name << " is sent twice";
      found = value;
    }
    return found;
  }

  fs::path directory;
};

TEST_F(WebFilesTest, PathsLeadToFilesToThePageOrNowhere) {
  const WebFiles files = load();
  const struct {
    std::string_view path;
    std::string_view body;  // empty: nothing
  } rows[] = {
      {"/console", "<!DOCTYPE html>"},
      {"/console/", "<!DOCTYPE html>"},
      {"//console//index.html", "<!DOCTYPE html>"},
      {"/console/favicon.svg", "<svg/>"},
      {"/console/assets/index-DiwrgTda.js", "plain"},
      {"/console/keys/2291e4ae-a14c-4af9-88f0-27c0cb2739e2", "<!DOCTYPE html>"},
      {"/console/instances/%EC%97%B4%EC%87%A0", "<!DOCTYPE html>"},
      {"/console/assets", "<!DOCTYPE html>"},
      {"/console/assets/index-DiwrgTda.js.br", ""},  // a form, not a file
      {"/console/assets/alone-DiwrgTda.css", ""},
      {"/console/assets/other.js", ""},
      {"/console/.env", ""},
      {"/console/.hidden/secret.txt", ""},
      {"/console/../etc/passwd", ""},
      {"/console/%2e%2e/etc/passwd", ""},
      {"/console/..%2fetc%2fpasswd", ""},
      {"/console/keys/..", ""},
      {"/console/./keys", ""},
      {"/console/.git/config", ""},
      {"/console/keys/%00", ""},
      {"/console/keys/%zz", ""},
      {"/console/keys%2e", ""},
  };
  for (const auto& row : rows) {
    const auto response = files.respond({row.path, {}, {}});
    ASSERT_EQ(response.has_value(), !row.body.empty()) << row.path;
    if (response) {
      EXPECT_EQ(response->body, row.body) << row.path;
    }
  }
}

TEST_F(WebFilesTest, BestFormThatTheClientTakesIsSent) {
  const WebFiles files = load();
  const struct {
    std::string_view accept, coding, body;
  } rows[] = {
      {"", "", "plain"},
      {"gzip, deflate, br, zstd", "br", "brotli"},
      {"gzip", "gzip", "gzip"},
      {"br;q=0, gzip;q=0.5", "gzip", "gzip"},
      {"br;q=0.0,gzip;q=0", "", "plain"},
      {"br ; q=0.1", "br", "brotli"},
      {"brx, agzip, identity", "", "plain"},
      {"*", "", "plain"},
  };
  for (const auto& row : rows) {
    const auto response = files.respond({"/console/assets/index-DiwrgTda.js", row.accept, {}});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, row.body) << row.accept;
    EXPECT_EQ(header(*response, "Content-Encoding"), row.coding) << row.accept;
    EXPECT_EQ(header(*response, "Vary"), "Accept-Encoding");
    EXPECT_EQ(response->content_type, "text/javascript; charset=utf-8");
  }
}

TEST_F(WebFilesTest, OnlyHashedAssetsAreKeptForever) {
  const WebFiles files = load();
  const auto policy = [&](std::string_view path) {
    return header(files.respond({path, {}, {}}).value(), "Cache-Control");
  };
  EXPECT_EQ(policy("/console/assets/index-DiwrgTda.js"), "public, max-age=31536000, immutable");
  EXPECT_EQ(policy("/console/assets/logo.png"), "no-cache");
  EXPECT_EQ(policy("/console/favicon.svg"), "no-cache");
  EXPECT_EQ(policy("/console/"), "no-cache");
  EXPECT_EQ(policy("/console/keys"), "no-cache");
}

TEST_F(WebFilesTest, KnownFormIsNotSentAgain) {
  const WebFiles files = load();
  const std::string path = "/console/assets/index-DiwrgTda.js";
  const std::string plain = header(files.respond({path, {}, {}}).value(), "ETag");
  const std::string brotli = header(files.respond({path, "br", {}}).value(), "ETag");
  EXPECT_NE(plain, brotli);  // else a cache could mix them
  for (const std::string& known :
       {brotli, "W/" + brotli, "\"other\", " + brotli, std::string("*")}) {
    const auto again = files.respond({path, "br", known});
    EXPECT_EQ(again->status, 304) << known;
    EXPECT_EQ(again->body, "");
  }
  EXPECT_EQ(files.respond({path, "br", plain})->status, 200);
}

TEST_F(WebFilesTest, EveryAnswerBindsTheBrowser) {
  const WebFiles files = load();
  for (const WebFiles& each : {files, WebFiles()}) {
    const net::Response page = each.respond({"/console/", {}, {}}).value();
    EXPECT_EQ(header(page, "Content-Security-Policy"), kContentSecurityPolicy);
    EXPECT_EQ(header(page, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(page, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(page, "Cross-Origin-Opener-Policy"), "same-origin");
  }
  EXPECT_EQ(kContentSecurityPolicy.find("unsafe"), std::string_view::npos);
}

TEST_F(WebFilesTest, WithoutFilesAPageSaysHowToGetThem) {
  const auto page = WebFiles().respond({"/console/keys", {}, {}});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 404);
  EXPECT_NE(page->body.find("--target web"), std::string::npos);
  EXPECT_EQ(page->body.find("style="), std::string::npos);
}

TEST_F(WebFilesTest, LoadRefusesWhatIsNoConsole) {
  EXPECT_EQ(WebFiles::load(directory / "none").error().reason, Reason::NotFound);
  fs::remove(directory / "index.html");
  EXPECT_EQ(WebFiles::load(directory).error().reason, Reason::NotFound);
}

TEST_F(WebFilesTest, LinksAreNotFollowed) {
  fs::create_symlink("/etc/hostname", directory / "link.txt");
  fs::create_directory_symlink("/etc", directory / "etc");
  const WebFiles files = load();
  EXPECT_FALSE(files.respond({"/console/link.txt", {}, {}}));
  EXPECT_FALSE(files.respond({"/console/etc/ld.so.conf", {}, {}}));
}

TEST_F(WebFilesTest, LimitsHoldWhileLoading) {
  const std::size_t have = 8;  // without the hidden ones
  for (std::size_t i = have; i < kMaxFiles; ++i) write("many/" + std::to_string(i) + ".txt", "");
  EXPECT_TRUE(WebFiles::load(directory));
  write("many/more.txt", "");
  EXPECT_EQ(WebFiles::load(directory).error().reason, Reason::TooLarge);
  fs::remove_all(directory / "many");
  write("big.bin", "");
  fs::resize_file(directory / "big.bin", kMaxFileBytes);
  EXPECT_TRUE(WebFiles::load(directory));
  fs::resize_file(directory / "big.bin", kMaxFileBytes + 1);
  EXPECT_EQ(WebFiles::load(directory).error().reason, Reason::TooLarge);
}

TEST(WebEnvironmentTest, SaysWhereThePageRuns) {
  EXPECT_EQ(environment_response({false, "https://a/\"", false}).body,
            R"({"mode":"server","version":")" KH_VERSION
            R"(","server":"https://a/\"","migrations":false})");
  EXPECT_EQ(environment_response({true, "https://a", true}).body,
            R"({"mode":"local","version":")" KH_VERSION
            R"(","server":"https://a","migrations":true})");
}

}  // namespace
}  // namespace keyhaven::web
