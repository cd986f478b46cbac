// The description of the API by the server itself: GET /api/docs (a page for people) and
// GET /api/openapi.json (for machines). Both are open.
#pragma once

#include "http/route.h"

namespace keyhaven::http {

// Both answer 200 with an ETag that changes when the document does, or 304 for its If-None-Match.
// Caches may keep them but must ask again, because the document changes with the program. The page
// may load nothing and run nothing: its Content-Security-Policy allows its own style element only.
Routes document_routes();

}  // namespace keyhaven::http
