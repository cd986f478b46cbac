// Answers of the local console itself: JSON, and errors in the form of the API
// (key-management-api.md 3.3), so that the page reads both alike.
#pragma once

#include <string>
#include <string_view>

#include "net/http_server.h"

namespace keyhaven::console {

// Why a request is refused here.
struct Refusal {
  int status = 400;
  std::string_view code;  // "HOST_NOT_ALLOWED_ERR"
  std::string message;    // what, why, the remedy; never a secret
};

net::Response refusal_response(const Refusal& refusal);
net::Response json_response(std::string body, int status = 200);
// For errors that net/ answers itself.
net::Response plain_refusal(int status, std::string_view what);

// What every answer that is no file of the page carries: it is data, whatever a server has sent,
// and a browser must not run it as a page.
void add_data_headers(net::Response& response);

}  // namespace keyhaven::console
