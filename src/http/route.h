// One row per call of the API: method, path, the action it is authorised and audited as, and its
// handler.
//
// Each *_routes.cc of this folder returns its table; http/api.h joins them. A route without an
// action does not compile.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "iam/action.h"
#include "net/http_server.h"

namespace keyhaven::http {

using net::Response;

class Call;
// Shared because std::function copies it on the way loop -> pool -> loop; one owner at a time uses
// it.
using CallPtr = std::shared_ptr<Call>;

enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete };
std::string_view name_of(Method method) noexcept;

// Who checks the right of the caller, and on what. Actions whose access is Open or AnyCaller pass
// in every mode.
enum class Check : std::uint8_t {
  Account,   // the framework, before the handler: the action on the whole account (empty scope)
  Instance,  // the framework, before the handler: the action on the whole instance of the
             // Bluemix-Instance header
  Key,  // header as above; the handler resolves what is touched and calls Call::authorize before it
        // answers
  Handler,  // no header; the handler finds the scope itself (e.g. an instance in the path) and
            // calls Call::authorize
};

// A blocking handler runs on the worker pool as a plain function: store, password hash and blocking
// unit calls are allowed. Its Error becomes the error body of the API.
using BlockingHandler = std::function<Result<Response>(Call&)>;
// A loop handler runs on the event loop and must not block; it ends the call by Call::finish or
// Call::fail, exactly once, at once or from a callback on the same loop.
using LoopHandler = std::function<void(const CallPtr&)>;

struct Route {
  Method method;
  std::string_view pattern;  // static text, e.g. "/api/v2/keys/{id}/metadata"; a literal segment
                             // wins over {name}
  iam::Action action;
  Check check;
  BlockingHandler blocking;  // exactly one of the two is set: see the makers below
  LoopHandler on_loop;
  // Legacy spelling `POST /keys/{id}?action=wrap`: the row is taken when the query names this
  // action. A row of the same method and pattern without it takes the rest.
  std::string_view legacy_action = {};
};

inline Route blocking(Method method, std::string_view pattern, iam::Action action, Check check,
                      BlockingHandler handler, std::string_view legacy_action = {}) {
  return {method, pattern, action, check, std::move(handler), {}, legacy_action};
}
inline Route on_loop(Method method, std::string_view pattern, iam::Action action, Check check,
                     LoopHandler handler, std::string_view legacy_action = {}) {
  return {method, pattern, action, check, {}, std::move(handler), legacy_action};
}

using Routes = std::vector<Route>;

}  // namespace keyhaven::http
