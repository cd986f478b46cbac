// The API document and its page, made from api/ by tools/api_docs.py when the program is built.
#pragma once

#include <string_view>

namespace keyhaven::http {

extern const std::string_view kApiDocument;       // OpenAPI 3.0.3, JSON
extern const std::string_view kApiPage;           // HTML, complete in itself
extern const std::string_view kApiPageStyleHash;  // of its style element, as a CSP source

}  // namespace keyhaven::http
