// A running console, spoken to over its port as a browser does.
#include "console/console.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <iterator>

#include "console/last_use.h"

namespace keyhaven::console {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

std::atomic<std::int64_t> steady_seconds{1000};
SteadyTime steady_now() { return SteadyTime(std::chrono::seconds(steady_seconds.load())); }

class NoTokens final : public client::TokenSource {
 public:
  Result<SecretBytes> authorization() override { return Error{Reason::UnknownApiKey, "none", {}}; }
  bool refused(const SecretBytes&) override { return false; }
};

class ConsoleTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Console> started(const Clock& clock) {
    ConsoleOptions options;
    options.server.url = "https://127.0.0.1:1";
    options.tokens = std::make_shared<NoTokens>();
    options.attestation_root = "{}";
    options.steady_now = &steady_now;
    auto console = Console::start(std::move(options), clock);
    EXPECT_TRUE(console) << console.error().message;
    return std::move(console).value();
  }

  static std::string start_token(const Console& console) {
    const SecretBytes address = console.start_address();
    const std::string text(as_text(address.expose()));
    return text.substr(text.find("#start=") + 7);
  }

  // The whole answer to a request of the page.
  static std::string ask(const Console& console, const std::string& line,
                         const std::string& headers, const std::string& body = {}) {
    const std::string port = std::to_string(console.port());
    boost::asio::ip::tcp::iostream stream("127.0.0.1", port);
    stream << line << " HTTP/1.1\r\nHost: 127.0.0.1:" << port
           << "\r\nX-Keyhaven-Console: 1\r\nConnection: close\r\n"
           << headers << "Content-Length: " << body.size() << "\r\n\r\n"
           << body << std::flush;
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  // Header "Cookie: …" of a new session.
  static std::string log_in(const Console& console) {
    const std::string answer =
        ask(console, "POST /local/session", "", "{\"token\":\"" + start_token(console) + "\"}");
    const std::size_t from = answer.find("Set-Cookie: ") + 12;
    return "Cookie: " + answer.substr(from, answer.find(';', from) - from) + "\r\n";
  }

  static bool is_ok(const std::string& answer) { return answer.starts_with("HTTP/1.1 200 "); }

  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
};

TEST_F(ConsoleTest, OnlyWhatAPersonCausedIsUse) {
  const auto console = started(clock_);
  EXPECT_EQ(console->idle().count(), 0);
  steady_seconds += 100;
  EXPECT_EQ(console->idle().count(), 100);
  const std::string cookie = log_in(*console);
  EXPECT_EQ(console->idle().count(), 0);

  const std::string unattended = cookie + std::string(kUnattendedHeader) + ": 1\r\n";
  steady_seconds += 50;
  EXPECT_TRUE(is_ok(ask(*console, "GET /local/attestation-root", unattended)));
  EXPECT_EQ(console->idle().count(), 50);
  // Without the cookie nothing counts.
  EXPECT_TRUE(ask(*console, "GET /local/attestation-root", "").starts_with("HTTP/1.1 401 Unauth"));
  EXPECT_EQ(console->idle().count(), 50);
  EXPECT_TRUE(is_ok(ask(*console, "GET /local/attestation-root", cookie)));
  EXPECT_EQ(console->idle().count(), 0);
}

// A browser has one store of cookies for all ports of 127.0.0.1.
TEST_F(ConsoleTest, TwoConsolesInOneBrowserDoNotDisturbEachOther) {
  const auto one = started(clock_), other = started(clock_);
  const std::string cookie_of_one = log_in(*one), cookie_of_other = log_in(*other);
  const std::string both = cookie_of_one.substr(0, cookie_of_one.size() - 2) + "; " +
                           cookie_of_other.substr(std::string_view("Cookie: ").size());
  EXPECT_TRUE(is_ok(ask(*one, "GET /local/attestation-root", both)));
  EXPECT_TRUE(is_ok(ask(*other, "GET /local/attestation-root", both)));
  EXPECT_FALSE(is_ok(ask(*one, "GET /local/attestation-root", cookie_of_other)));
  const std::string ended = ask(*one, "DELETE /v1/console/session", both);
  EXPECT_NE(ended.find("Set-Cookie: keyhaven-local-" + std::to_string(one->port()) + "=;"),
            std::string::npos)
      << ended;
  EXPECT_FALSE(is_ok(ask(*one, "GET /local/attestation-root", both)));
  EXPECT_TRUE(is_ok(ask(*other, "GET /local/attestation-root", both)));
}

}  // namespace
}  // namespace keyhaven::console
