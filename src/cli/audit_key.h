// The public key of an audit log's checkpoints, as an operator gives it.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::cli {

// 64 hex digits given as such, or the same in a file. Errors: InvalidArgument (`option`), Io.
Result<Bytes> audit_key_of(const std::string& given, std::string_view option);

}  // namespace keyhaven::cli
