// Key material and DEKs in files: base64 text by default, because that is what the API and the
// vendor's tools use.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::cli {

class Context;

enum class Encoding : std::uint8_t { Base64, Raw };

// At most 7,500 bytes of material; "-" is standard input. Errors: InvalidArgument (unreadable,
// empty, not base64: the offset, never the text).
Result<SecretBytes> read_material(Context& context, const std::string& path, Encoding encoding);

// Base64 and a newline to a file made new with 0600, or to standard output for "-". Errors:
// AlreadyExists, Io.
Result<void> write_material(Context& context, const std::string& path, const SecretBytes& material);

}  // namespace keyhaven::cli
