// Logging in to the console at an OpenID provider: docs/operations/oidc.md, ADR 0030.
#pragma once

#include <atomic>
#include <string>

#include "http/route.h"
#include "iam/authority.h"
#include "oidc/login_states.h"
#include "oidc/provider.h"

namespace keyhaven::http {

inline constexpr std::string_view kOidcCallbackPath = "/v1/console/oidc/callback";
inline constexpr std::string_view kLoginCookie = "__Host-keyhaven-openid";

// What the two calls work with; all of it must outlive the routes.
struct OidcFront {
  oidc::Provider& provider;
  oidc::LoginStates& states;
  iam::Authority& authority;
  std::string public_url;  // the only address that log-ins begin and end at
  unsigned asking_limit;   // threads of the worker pool that may ask the provider at a time
  std::atomic<unsigned> asking = 0;
};

// GET /v1/console/oidc/start leads the browser to the provider, GET /v1/console/oidc/callback takes
// its answer: a session as by an API key, or the log-in page with a word that says what was wrong
// (in the fragment, which no server sees). Anybody may call both, so what is not an answer to a
// log-in of this browser is refused before anything is asked, and at most asking_limit threads ask.
// Null: there is no provider, and both are refused (FeatureRestricted).
Routes oidc_routes(OidcFront* front);

// The path to return to after the log-in: `wanted` when it is a path of the console, without dot
// segments, else the console's start.
std::string return_path(std::string_view wanted);

}  // namespace keyhaven::http
