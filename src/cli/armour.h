// Documents that people mail to each other: base64 between a line that begins and one that ends.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::cli {

// "-----BEGIN LABEL-----", lines of 64 characters, "-----END LABEL-----".
std::string armour(std::string_view label, ByteView bytes);
// What is before and behind it is passed over, as are line ends of mail programs. Errors:
// InvalidArgument (no such document, cut off, more than one, no base64).
Result<Bytes> parse_armour(std::string_view label, std::string_view text);

}  // namespace keyhaven::cli
