#include "web/content_tag.h"

#include "base/bytes.h"
#include "crypto/hash.h"

namespace keyhaven::web {
namespace {

constexpr std::size_t kTagBytes = 16;  // enough to tell versions apart

}  // namespace

std::string content_tag(std::string_view content) {
  const Digest digest = crypto::sha256(as_bytes(content));
  return '"' + to_hex(ByteView(digest).first(kTagBytes)) + '"';
}

}  // namespace keyhaven::web
