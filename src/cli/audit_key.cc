#include "cli/audit_key.h"

#include "cli/context.h"

namespace keyhaven::cli {

Result<Bytes> audit_key_of(const std::string& given, std::string_view option) {
  constexpr std::size_t kMaxKeyFile = 4096;
  constexpr std::size_t kPublicKeySize = 32;
  auto bytes = from_hex(given);
  if (!bytes) {
    std::string text = KH_TRY(read_text(given, kMaxKeyFile));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
      text.pop_back();
    bytes = from_hex(text);
  }
  if (!bytes || bytes.value().size() != kPublicKeySize) {
    return Error{Reason::InvalidArgument,
                 "--" + std::string(option) +
                     " must be 64 hex digits (an Ed25519 key), or a file that holds them",
                 std::string(option)};
  }
  return bytes;
}

}  // namespace keyhaven::cli
