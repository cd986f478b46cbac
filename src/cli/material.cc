#include "cli/material.h"

#include <algorithm>
#include <ostream>

#include "base/file.h"
#include "cli/context.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxMaterialBytes = 7500;
constexpr std::size_t kMaxTextBytes =
    base64_size(kMaxMaterialBytes) + 4096;  // white space of a wrapped file

bool is_space(std::uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

}  // namespace

Result<SecretBytes> read_material(Context& context, const std::string& path, Encoding encoding) {
  SecretBytes content = KH_TRY(read_secret(context, path, kMaxTextBytes, Newline::Keep));
  if (encoding == Encoding::Base64) {
    auto bytes = content.expose_mutable();
    const auto end = std::remove_if(bytes.begin(), bytes.end(), is_space);
    content.shrink(static_cast<std::size_t>(end - bytes.begin()));
    auto decoded = secret_from_base64(as_text(content.expose()));
    if (!decoded) {
      return Error{Reason::InvalidArgument,
                   path + ": not base64 (" + decoded.error().message +
                       "); for a file that holds the bytes themselves give --raw",
                   path};
    }
    content = std::move(decoded).value();
  }
  if (content.empty() || content.size() > kMaxMaterialBytes) {
    return Error{Reason::InvalidArgument, path + ": must hold 1 to 7500 bytes of material", path};
  }
  return content;
}

Result<void> write_material(Context& context, const std::string& path,
                            const SecretBytes& material) {
  const SecretBytes text = secret_to_base64(material.expose());
  if (path == "-") {
    context.out() << as_text(text.expose()) << '\n';
    return {};
  }
  SecretBytes line(text.size() + 1);
  std::copy(text.expose().begin(), text.expose().end(), line.expose_mutable().begin());
  line.expose_mutable().back() = '\n';
  return create_file(path, line.expose(), 0600);
}

}  // namespace keyhaven::cli
