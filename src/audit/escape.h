// Text as records hold it.
#pragma once

#include <string>
#include <string_view>

namespace keyhaven::audit {

// What append_json writes between the quotes for `text`, uncut. Each character by itself decides
// what becomes of it, so a text occurs in another exactly where its escaped form does.
std::string escaped(std::string_view text);

}  // namespace keyhaven::audit
