#include "migrate/bundle_parts.h"

#include <algorithm>
#include <string>

#include "base/wire.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxTextBytes = 2048;

void read_digest(Reader& r, Digest& out) {
  const ByteView bytes = r.raw(out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
}

std::string read_text(Reader& r) { return std::string(r.text32(kMaxTextBytes)); }

}  // namespace

Bytes encode_bundle_head(const BundleHead& head) {
  Bytes out;
  Writer w(out);
  w.uuid(head.transfer);
  w.uuid(head.source.uuid);
  w.uuid(head.target.uuid);
  w.bytes32(head.offer);
  return out;
}

std::optional<BundleHead> decode_bundle_head(ByteView content) {
  Reader r(content);
  BundleHead out{r.uuid(), {r.uuid()}, {r.uuid()}, to_bytes(r.bytes32(kMaxBundleOfferBytes))};
  if (!r.at_end() || out.offer.empty()) return std::nullopt;
  return out;
}

Bytes encode_bundle_step(const client::ExportedChunk& step) {
  Bytes out;
  Writer w(out);
  w.u32(step.index);
  w.bytes32(step.chunk);
  w.raw(step.proof.digest);
  w.raw(step.proof.tag);
  w.u8(step.next ? 1 : 0);
  w.uuid(step.next.value_or(KeyId{}).uuid);
  w.u32(static_cast<std::uint32_t>(step.keys.size()));
  for (const client::TransferredKey& key : step.keys) {
    w.uuid(key.id.uuid);
    w.text32(key.name);
    w.text32(key.kind);
    w.u32(key.versions);
  }
  w.u32(static_cast<std::uint32_t>(step.left_out.size()));
  for (const client::LeftOutKey& key : step.left_out) {
    w.uuid(key.id.uuid);
    w.text32(key.name);
    w.text32(key.code);
    w.text32(key.reason);
  }
  return out;
}

std::optional<client::ExportedChunk> decode_bundle_step(ByteView content) {
  Reader r(content);
  client::ExportedChunk out;
  out.index = r.u32();
  out.chunk = to_bytes(r.bytes32(kMaxBundleChunkBytes));
  read_digest(r, out.proof.digest);
  read_digest(r, out.proof.tag);
  const std::uint8_t has_next = r.u8();
  const KeyId next{r.uuid()};
  if (has_next == 1) out.next = next;
  // Nothing is set aside for a count: a list grows as its elements are found to be there.
  for (std::uint32_t left = r.u32(); left > 0 && r.ok(); --left)
    out.keys.push_back({{r.uuid()}, read_text(r), read_text(r), r.u32()});
  for (std::uint32_t left = r.u32(); left > 0 && r.ok(); --left)
    out.left_out.push_back({{r.uuid()}, read_text(r), read_text(r), read_text(r)});
  const bool is_plain = has_next == 1 || (has_next == 0 && next == KeyId{});
  if (!r.at_end() || !is_plain || out.keys.empty() != out.chunk.empty()) return std::nullopt;
  return out;
}

}  // namespace keyhaven::migrate
