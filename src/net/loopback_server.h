// The server without TLS, for one machine: what a tool serves to the browser of the person who runs
// it.
#pragma once

#include <memory>

#include "net/http_server.h"

namespace keyhaven::net {

// As Server::create, but plain HTTP. Errors: also InvalidArgument when the address is not a
// loopback one (127.0.0.0/8 or ::1): nothing of this ever leaves the machine.
Result<std::unique_ptr<Server>> create_loopback_server(ServerOptions options);

}  // namespace keyhaven::net
