#include "console/console.h"

#include <algorithm>
#include <boost/json.hpp>

#include "console/answers.h"
#include "console/last_use.h"
#include "console/local_session.h"
#include "console/workers.h"
#include "net/http_server.h"
#include "net/loopback_server.h"
#include "net/url.h"
#include "web/own_page.h"

namespace keyhaven::console {
namespace {

constexpr std::string_view kSessionPath = "/v1/console/session";
constexpr std::string_view kMigrations = "/local/migrations";

Refusal not_found() { return {404, "PATH_NOT_FOUND_ERR", "there is no such path here"}; }

Refusal refusal_of(const Error& error) {
  if (error.code() == Errc::NotFound) return {404, "NOT_FOUND_ERR", error.message};
  if (error.code() == Errc::Unauthenticated) return {401, "UNAUTHORIZED_ERR", error.message};
  return {400, "BAD_REQUEST_ERR", error.message};
}

class ConsoleImpl final : public Console {
 public:
  ConsoleImpl(ConsoleOptions options, const Clock& clock, std::unique_ptr<net::Server> server,
              std::vector<Upstream> upstreams)
      : options_(std::move(options)),
        server_(std::move(server)),
        last_use_(options_.steady_now),
        session_(clock, server_->port()),
        hosts_{"127.0.0.1:" + std::to_string(server_->port()),
               "localhost:" + std::to_string(server_->port())},
        workers_(std::move(upstreams)) {}
  ~ConsoleImpl() override { stop(); }

  void serve() {
    server_->serve(
        [this](net::Request& request, net::Reply reply) { handle(request, std::move(reply)); },
        plain_refusal);
  }

  std::uint16_t port() const noexcept override { return server_->port(); }
  SecretBytes start_address() const override {
    const std::string front = "http://" + hosts_[0] + "/console/#start=";
    const SecretBytes token = session_.start_token();
    SecretBytes out(front.size() + token.size());
    const auto text = out.expose_mutable();
    std::copy(front.begin(), front.end(), text.begin());
    std::copy(token.expose().begin(), token.expose().end(),
              text.begin() + static_cast<std::ptrdiff_t>(front.size()));
    return out;
  }
  std::chrono::seconds idle() const override { return last_use_.idle(); }
  void stop() override {
    server_->stop();
    workers_.stop();
  }

 private:
  // A page of another name that leads to this address (DNS rebinding) has another Host.
  bool is_for_us(const net::Request& request) const {
    const auto host = request.header("Host");
    return request.count("Host") == 1 && (*host == hosts_[0] || *host == hosts_[1]);
  }

  void handle(net::Request& request, net::Reply reply) {
    if (!is_for_us(request)) {
      return reply(refusal_response(
          {403, "HOST_NOT_ALLOWED_ERR",
           "this console answers under http://" + hosts_[0] + " only; open the printed address"}));
    }
    if (request.path == "/" || request.path == web::kRoot ||
        request.path.starts_with(std::string(web::kRoot) + "/"))
      return reply(page(request));
    if (const auto own = web::check_own_page(request, web::Scheme::Http); !own)
      return reply(refusal_response(refusal_of(own.error())));
    if (request.path == "/local/session" && request.method == "POST") return reply(log_in(request));
    if (!session_.has_cookie(request)) {
      return reply(refusal_response({401, "UNAUTHORIZED_ERR",
                                     "this browser has no session here; end keyhaven console, "
                                     "start it again and open the address that it prints"}));
    }
    last_use_.called(request);
    answer(request, std::move(reply));
  }

  net::Response page(const net::Request& request) const {
    if (request.method != "GET" && request.method != "HEAD")
      return refusal_response({405, "METHOD_NOT_ALLOWED_ERR", "this path takes GET, HEAD"});
    if (request.path == "/") {
      net::Response response;
      response.status = 302;
      response.content_type = "";
      response.headers.emplace_back("Location", std::string(web::kRoot) + "/");
      return response;
    }
    if (request.path == "/console/environment.json") {
      return web::environment_response({.local = true,
                                        .server = options_.server.url,
                                        .migrations = options_.migrations != nullptr});
    }
    auto file =
        options_.files.respond({.path = request.path,
                                .accept_encoding = request.header("Accept-Encoding").value_or(""),
                                .if_none_match = request.header("If-None-Match").value_or("")});
    return file ? std::move(*file) : refusal_response(not_found());
  }

  net::Response log_in(const net::Request& request) {
    auto token = start_token_of(request.body);
    if (!token) {
      return refusal_response(
          {400, "BAD_BODY_ERR", "the body must be {\"token\": the text after #start=}"});
    }
    auto cookie = session_.start(*token);
    wipe(*token);
    if (!cookie) return refusal_response(refusal_of(cookie.error()));
    last_use_.used();
    net::Response response = json_response(R"({"mode":"local"})", 201);
    response.headers.emplace_back("Set-Cookie", std::move(cookie).value());
    return response;
  }

  void answer(net::Request& request, net::Reply reply) {
    if (request.path == kSessionPath && request.method == "DELETE") {
      net::Response response;
      response.status = 204;
      response.headers.emplace_back("Set-Cookie", session_.end());
      return reply(std::move(response));
    }
    if (request.path == kSessionPath && request.method != "GET") {
      return reply(refusal_response({405, "METHOD_NOT_ALLOWED_ERR",
                                     "keyhaven console has the login of its profile; there is "
                                     "nothing to log in to"}));
    }
    if (request.path.starts_with("/local/")) return answer_local(request, std::move(reply));
    if (!is_passed_on(request.method, request.path)) return reply(refusal_response(not_found()));
    run(std::move(reply), [&request](Upstream& upstream) { return upstream.pass_on(request); });
  }

  void answer_local(net::Request& request, net::Reply reply) {
    if (request.method != "GET")
      return reply(refusal_response({405, "METHOD_NOT_ALLOWED_ERR", "this path takes GET"}));
    if (request.path == "/local/attestation-root") {
      if (!options_.attestation_root.empty())
        return reply(json_response(options_.attestation_root));
      return reply(refusal_response(
          {404, "NOT_FOUND_ERR",
           "no attestation root is pinned for this server: start keyhaven console with "
           "--attestation-root FILE, the root that the installation printed, or pin it by "
           "keyhaven tke attestation"}));
    }
    if (options_.migrations && request.path.starts_with(kMigrations)) {
      return run(std::move(reply), [this, &request](Upstream&) { return migrations(request); });
    }
    reply(refusal_response(not_found()));
  }

  // /local/migrations, /local/migrations/{name}/plan, …/status, …/report
  net::Response migrations(const net::Request& request) const {
    std::string_view path = request.path.substr(kMigrations.size());
    auto names = options_.migrations->names();
    if (!names) return refusal_response(refusal_of(names.error()));
    if (path.empty() || path == "/") {
      boost::json::array list(names->begin(), names->end());
      return json_response(
          boost::json::serialize(boost::json::object{{"migrations", std::move(list)}}));
    }
    const std::size_t slash = path.rfind('/');
    const auto name = path.starts_with('/') && slash > 0
                          ? net::percent_decode(path.substr(1, slash - 1))
                          : Result<std::string>(std::string());
    // Only names that the directory has: the path never becomes a file name.
    if (!name || std::find(names->begin(), names->end(), *name) == names->end())
      return refusal_response(not_found());
    const std::string_view what = path.substr(slash + 1);
    if (what == "plan") return migration(options_.migrations->plan(*name));
    if (what == "status") return migration(options_.migrations->status(*name));
    if (what == "report") return migration(options_.migrations->report(*name));
    return refusal_response(not_found());
  }

  static net::Response migration(Result<std::string> text) {
    return text ? json_response(std::move(text).value())
                : refusal_response(refusal_of(text.error()));
  }

  // On a worker; the request lives until its reply is used.
  template <class Work>
  void run(net::Reply reply, Work work) {
    // std::function wants copyable tasks, a Reply is not.
    auto waiting = std::make_shared<net::Reply>(std::move(reply));
    const bool taken = workers_.submit(
        [waiting, work = std::move(work)](Upstream& upstream) { (*waiting)(work(upstream)); });
    if (!taken) {
      (*waiting)(refusal_response(
          {503, "BUSY_ERR", "too many calls wait for the server; try again in a moment"}));
    }
  }

  ConsoleOptions options_;
  std::unique_ptr<net::Server> server_;
  LastUse last_use_;
  LocalSession session_;
  const std::array<std::string, 2> hosts_;
  Workers workers_;  // last: its tasks use the members above
};

}  // namespace

Result<std::unique_ptr<Console>> Console::start(ConsoleOptions options, const Clock& clock) {
  std::vector<Upstream> upstreams;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    Upstream made = KH_TRY(Upstream::create(options.server, options.tokens));
    upstreams.push_back(std::move(made));
  }
  net::ServerOptions listen;
  listen.port = options.port;
  listen.loops = 1;
  listen.max_connections = 100;
  listen.drain_timeout = std::chrono::seconds(1);
  auto server = KH_TRY(net::create_loopback_server(std::move(listen)));
  auto console = std::make_unique<ConsoleImpl>(std::move(options), clock, std::move(server),
                                               std::move(upstreams));
  console->serve();
  return std::unique_ptr<Console>(std::move(console));
}

}  // namespace keyhaven::console
