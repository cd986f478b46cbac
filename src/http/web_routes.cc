#include "http/web_routes.h"

#include "http/call.h"

namespace keyhaven::http {
namespace {

void serve_file(const web::WebFiles& files, const CallPtr& call) {
  const web::Ask ask{.path = call->request().path,
                     .accept_encoding = call->header("Accept-Encoding").value_or(""),
                     .if_none_match = call->header("If-None-Match").value_or("")};
  auto response = files.respond(ask);
  if (!response) {
    return call->fail({Reason::RouteNotFound,
                       "the console has no such file; reload the page if it was open while the "
                       "server was brought up to date",
                       ""});
  }
  call->finish(std::move(*response));
}

void lead_to_console(const CallPtr& call) {
  Response response;
  response.status = 302;
  response.content_type = "";
  response.headers.emplace_back("Location", std::string(web::kRoot) + "/");
  response.headers.emplace_back("Cache-Control", "no-cache");
  call->finish(std::move(response));
}

}  // namespace

Routes web_routes(const web::WebFiles& files, std::string public_url, std::string openid_title) {
  using enum Method;
  const auto file = [&files](const CallPtr& call) { serve_file(files, call); };
  const web::Environment told{.local = false,
                              .server = std::move(public_url),
                              .migrations = false,
                              .openid_title = std::move(openid_title)};
  const auto environment = [told](const CallPtr& call) {
    call->finish(web::environment_response(told));
  };
  const auto row = [](Method method, std::string_view pattern, LoopHandler handler) {
    return on_loop(method, pattern, iam::Action::ConsoleRead, Check::Handler, std::move(handler));
  };
  return {
      row(Get, "/", lead_to_console),
      row(Head, "/", lead_to_console),
      row(Get, "/console", file),
      row(Head, "/console", file),
      row(Get, "/console/{path*}", file),
      row(Head, "/console/{path*}", file),
      row(Get, "/console/environment.json", environment),
  };
}

}  // namespace keyhaven::http
