#include "audit/checkpoint.h"

namespace keyhaven::audit {
namespace {

constexpr std::string_view kTime = "{\"eventTime\":\"";
constexpr std::string_view kHeads = "\",\"action\":\"hs-crypto.audit.checkpoint\",\"heads\":[";
constexpr std::size_t kMaxStreams = 4096;
constexpr std::size_t kMaxStreamName = 32;

Bytes signed_message(const Digest& hash) {
  Bytes message = to_bytes(as_bytes("keyhaven audit checkpoint v1\n"));
  append(message, hash);
  return message;
}

bool parse_head(std::string_view& text, Heads& heads) {
  if (!take(text, "{\"stream\":\"")) return false;
  const std::size_t name_size = text.find('"');
  if (name_size == std::string_view::npos || name_size > kMaxStreamName) return false;
  std::string name(text.substr(0, name_size));
  text.remove_prefix(name_size);
  Head head;
  if (!take(text, "\",\"seq\":") || !take_number(text, head.seq) || !take(text, ",\"hash\":\"") ||
      !take_hex(text, head.hash) || !take(text, "\"}")) {
    return false;
  }
  return heads.emplace(std::move(name), head).second;
}

}  // namespace

Head append_checkpoint(std::string& out, const Head& head, Timestamp now, const Heads& heads,
                       const crypto::Ed25519PrivateKey& key) {
  std::string event(kTime);
  append_rfc3339(event, now);
  event += kHeads;
  for (const auto& [name, stream_head] : heads) {
    if (event.back() == '}') event += ',';
    event += "{\"stream\":\"" + name + "\",\"seq\":" + std::to_string(stream_head.seq) +
             ",\"hash\":\"" + to_hex(stream_head.hash) + "\"}";
  }
  event += "]}";
  const Head next = append_record(out, head, event, 0);
  append_signature(out, key.sign(signed_message(next.hash)));
  return next;
}

bool signature_holds(const ParsedRecord& record, ByteView public_key) {
  return record.signature &&
         crypto::ed25519_verify(public_key, signed_message(record.hash), *record.signature);
}

std::optional<Heads> parse_heads(std::string_view event_json) {
  std::string_view text = event_json;
  if (!take(text, kTime)) return std::nullopt;
  const std::size_t time_size = text.find('"');
  if (time_size == std::string_view::npos) return std::nullopt;
  text.remove_prefix(time_size);
  if (!take(text, kHeads)) return std::nullopt;
  Heads heads;
  while (!text.starts_with(']')) {
    if (!heads.empty() && !take(text, ",")) return std::nullopt;
    if (heads.size() >= kMaxStreams || !parse_head(text, heads)) return std::nullopt;
  }
  if (text != "]}") return std::nullopt;
  return heads;
}

}  // namespace keyhaven::audit
