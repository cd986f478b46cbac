#include "console/answers.h"

#include <boost/json.hpp>

#include "net/response_writer.h"

namespace keyhaven::console {
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
  const std::string line = std::string(net::reason_phrase(refusal.status)) + ": " +
                           refusal.message + " (" + std::string(refusal.code) + ")";
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
