// The console: its files, where it runs, and its session. docs/operations/console.md.
#pragma once

#include "http/route.h"
#include "iam/authority.h"
#include "web/web_files.h"

namespace keyhaven::http {

// GET / leads to /console/; GET and HEAD below it answer files of `files` or the page itself
// (web/web_files.h), GET /console/environment.json tells the page that the server of that public
// address delivers it, and what the OpenID provider is called (empty: there is none). All open and
// unrecorded. `files` must outlive the routes.
Routes web_routes(const web::WebFiles& files, std::string public_url,
                  std::string openid_title = {});

// POST /v1/console/session exchanges an API key for a cookie, GET says whose it is, DELETE ends it
// and its token. `authority` must outlive the routes.
Routes console_session_routes(iam::Authority& authority);

}  // namespace keyhaven::http
