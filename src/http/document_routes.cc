#include "http/document_routes.h"

#include "crypto/hash.h"
#include "http/api_documents.h"
#include "http/call.h"

namespace keyhaven::http {
namespace {

constexpr std::size_t kTagBytes = 16;  // of the SHA-256: enough to tell versions apart

struct Document {
  std::string_view text;
  std::string_view content_type;
  std::string tag;  // quoted
  std::string content_security_policy;
};

std::string tag_of(std::string_view text) {
  const Digest digest = crypto::sha256(as_bytes(text));
  return '"' + to_hex(ByteView(digest).first(kTagBytes)) + '"';
}

// Whether If-None-Match names the tag: a list, weak or not (RFC 9110 section 13.1.2).
bool names_tag(std::string_view header, std::string_view tag) noexcept {
  return header == "*" || header.find(tag) != std::string_view::npos;
}

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
    if (known && names_tag(*known, document.tag)) {
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
              serve({kApiPage, "text/html; charset=utf-8", tag_of(kApiPage), page})),
      on_loop(Method::Get, "/api/openapi.json", iam::Action::DocumentRead, Check::Handler,
              serve({kApiDocument, "application/json", tag_of(kApiDocument), nothing})),
  };
}

}  // namespace keyhaven::http
