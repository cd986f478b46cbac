// The entity tag of content that is served as it is.
#pragma once

#include <string>
#include <string_view>

namespace keyhaven::web {

// A strong tag with its quotes (RFC 9110 section 8.8.3): the first 16 bytes of the content's
// SHA-256. Thread-safe.
std::string content_tag(std::string_view content);

}  // namespace keyhaven::web
