#include "console/answers.h"

#include <boost/json.hpp>

namespace keyhaven::console {
namespace {

std::string_view phrase_of(int status) noexcept {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

}  // namespace

void add_data_headers(net::Response& response) {
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; sandbox");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

net::Response json_response(std::string body, int status) {
  net::Response response;
  response.status = status;
  response.headers.emplace_back("Cache-Control", "no-store");
  add_data_headers(response);
  response.body = std::move(body);
  return response;
}

net::Response refusal_response(const Refusal& refusal) {
  using boost::json::array;
  using boost::json::object;
  const std::string line = std::string(phrase_of(refusal.status)) + ": " + refusal.message + " (" +
                           std::string(refusal.code) + ")";
  const object reason{
      {"code", refusal.code}, {"message", refusal.message}, {"status", refusal.status}};
  const object body{
      {"metadata",
       {{"collectionType", "application/vnd.ibm.kms.error+json"}, {"collectionTotal", 1}}},
      {"resources", array{object{{"errorMsg", line}, {"reasons", array{reason}}}}}};
  net::Response response = json_response(boost::json::serialize(body), refusal.status);
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

net::Response plain_refusal(int status, std::string_view what) {
  return refusal_response({status, "HTTP_ERR", std::string(what)});
}

}  // namespace keyhaven::console
