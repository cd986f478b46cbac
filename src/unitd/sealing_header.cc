#include "unitd/sealing_header.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/hash.h"

namespace keyhaven::unitd {
namespace {

constexpr std::string_view kMagic = "KHSS";
constexpr std::uint16_t kFormat = 2;

Error wrong(std::string message) { return {Reason::InvalidArgument, std::move(message), {}}; }

bool is_known(std::uint16_t method) {
  return method >= static_cast<std::uint16_t>(unit::SealingMethod::KeyFile) &&
         method <= static_cast<std::uint16_t>(unit::SealingMethod::None);
}

}  // namespace

Bytes encode_header(const StateHeader& header) {
  KH_ASSERT(header.key.parameters.size() <= kMaxSealingParameters &&
            header.key.wrapped.size() <= kMaxWrappedKey);
  Bytes out;
  Writer writer(out);
  writer.raw(as_bytes(kMagic));
  writer.u16(kFormat);
  writer.u16(static_cast<std::uint16_t>(header.method));
  writer.u64(header.counter);
  writer.u64(header.age);
  writer.bytes32(header.key.parameters);
  writer.bytes32(header.key.wrapped);
  writer.raw(crypto::sha256(out));
  return out;
}

Result<ParsedHeader> parse_header(ByteView file) {
  Reader in(file);
  const std::string_view magic = as_text(in.raw(kMagic.size()));
  const std::uint16_t format = in.u16();
  const std::uint16_t method = in.u16();
  if (!in.ok() || magic != kMagic)
    return wrong("it is not a state file of a crypto unit, or it is cut short");
  if (format != kFormat || !is_known(method)) {
    return wrong("it has format " + std::to_string(format) + ", sealing method " +
                 std::to_string(method) +
                 "; this program knows formats 1 and 2, methods 1 to 6; a newer program wrote it, "
                 "or it is damaged");
  }
  ParsedHeader out;
  out.header.method = static_cast<unit::SealingMethod>(method);
  out.header.counter = in.u64();
  out.header.age = in.u64();
  out.header.key.parameters = to_bytes(in.bytes32(kMaxSealingParameters));
  out.header.key.wrapped = to_bytes(in.bytes32(kMaxWrappedKey));
  const std::size_t signed_size = file.size() - in.remaining();
  const ByteView checksum = in.raw(sizeof(Digest));
  if (!in.ok()) return wrong("it is damaged or cut short; restore the last good copy of it");
  const Digest expected = crypto::sha256(file.first(signed_size));
  if (!std::equal(checksum.begin(), checksum.end(), expected.begin())) {
    return Error{Reason::DecryptFailed, "it is damaged; restore the last good copy of it", {}};
  }
  out.size = file.size() - in.remaining();
  return out;
}

}  // namespace keyhaven::unitd
