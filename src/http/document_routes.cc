#include "http/document_routes.h"

#include "http/api_documents.h"
#include "http/call.h"
#include "net/header_text.h"
#include "web/content_tag.h"

namespace keyhaven::http {
namespace {

struct Document {
  std::string_view text;
  std::string_view content_type;
  std::string tag;  // quoted
  std::string content_security_policy;
};

LoopHandler serve(Document document) {
  return [document = std::move(document)](const CallPtr& call) {
    Response response;
    response.content_type = document.content_type;
    response.headers.emplace_back("ETag", document.tag);
    response.headers.emplace_back("Cache-Control", "public, no-cache");
    response.headers.emplace_back("Content-Security-Policy", document.content_security_policy);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    const auto known = call->header("If-None-Match");
    if (known && net::names_tag(*known, document.tag)) {
      response.status = 304;
    } else {
      response.body = document.text;
    }
    call->finish(std::move(response));
  };
}

}  // namespace

Routes document_routes() {
  const std::string nothing =
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  // The icon is an empty data: address, so that browsers do not ask for one.
  const std::string page = nothing + "; img-src data:; style-src " + std::string(kApiPageStyleHash);
  return {
      on_loop(Method::Get, "/api/docs", iam::Action::DocumentRead, Check::Handler,
              serve({kApiPage, "text/html; charset=utf-8", web::content_tag(kApiPage), page})),
      on_loop(Method::Get, "/api/openapi.json", iam::Action::DocumentRead, Check::Handler,
              serve({kApiDocument, "application/json", web::content_tag(kApiDocument), nothing})),
  };
}

}  // namespace keyhaven::http
