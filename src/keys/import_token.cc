#include "keys/import_token.h"

#include <algorithm>

#include "base/wire.h"

namespace keyhaven::keys {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kTextLimit = 8192;
constexpr std::size_t kPublicKeyLimit = 1024;
constexpr std::size_t kBlobLimit = 8192;

}  // namespace

Bytes encode(const ImportToken& token) {
  Bytes bytes;
  Writer out(bytes);
  out.u8(kFormat);
  out.uuid(token.instance.uuid);
  out.uuid(token.id);
  out.i64(token.created.us);
  out.text32(token.created_by);
  out.i64(token.expires.us);
  out.u32(token.max_retrievals);
  out.u32(token.remaining_retrievals);
  out.bytes32(token.public_key);
  out.raw(token.nonce);
  out.bytes32(token.private_key.bytes);
  return bytes;
}

Result<ImportToken> decode_import_token(ByteView bytes) {
  Reader in(bytes);
  ImportToken out;
  if (in.u8() != kFormat) in.fail();
  out.instance = InstanceId{in.uuid()};
  out.id = in.uuid();
  out.created.us = in.i64();
  out.created_by = in.text32(kTextLimit);
  out.expires.us = in.i64();
  out.max_retrievals = in.u32();
  out.remaining_retrievals = in.u32();
  out.public_key = to_bytes(in.bytes32(kPublicKeyLimit));
  const ByteView nonce = in.raw(out.nonce.size());
  std::copy(nonce.begin(), nonce.end(), out.nonce.begin());
  out.private_key.bytes = to_bytes(in.bytes32(kBlobLimit));
  if (!in.at_end() || out.remaining_retrievals > out.max_retrievals) {
    return Error{Reason::Internal, "a stored import token is damaged", ""};
  }
  return out;
}

}  // namespace keyhaven::keys
