#include "audit/record.h"

#include <charconv>

#include "crypto/hash.h"

namespace keyhaven::audit {
namespace {

constexpr std::string_view kSeq = "{\"seq\":";
constexpr std::string_view kEvent = ",\"event\":";
constexpr std::string_view kOutbox = ",\"outbox\":";
constexpr std::string_view kPrev = ",\"prev\":\"";
constexpr std::string_view kHash = "\",\"hash\":\"";
constexpr std::string_view kSignature = "\",\"signature\":\"";
constexpr std::string_view kEnd = "\"}";
constexpr std::size_t kHexDigest = 64;
constexpr std::size_t kHexSignature = 128;
constexpr std::size_t kTail = kPrev.size() + kHexDigest + kHash.size() + kHexDigest + kEnd.size();
constexpr std::size_t kSignatureTail = kSignature.size() + kHexSignature;

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_hex(std::string& out, ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  const std::size_t at = out.size();
  out.resize(at + bytes.size() * 2);
  char* to = out.data() + at;
  for (const std::uint8_t byte : bytes) {
    *to++ = kDigits[byte >> 4];
    *to++ = kDigits[byte & 15];
  }
}

void begin_record(std::string& out, std::uint64_t seq) {
  out += kSeq;
  append_number(out, seq);
  out += kEvent;
}

// Hashes what was written since `start` and appends the chain members.
Head seal(std::string& out, std::size_t start, const Head& previous) {
  Head head{previous.seq + 1, {}};
  const ByteView covered = as_bytes(out).subspan(start);
  head.hash = crypto::sha256({ByteView(previous.hash), covered});
  out += kPrev;
  append_hex(out, previous.hash);
  out += kHash;
  append_hex(out, head.hash);
  out += kEnd;
  out += '\n';
  return head;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Splits `covered` into its members.
bool parse_covered(ParsedRecord& record) {
  std::string_view rest = record.covered;
  if (!take(rest, kSeq) || !take_number(rest, record.seq) || !take(rest, kEvent)) return false;
  if (rest.empty() || rest.front() != '{') return false;
  if (rest.back() != '}') {  // an event ends with a brace, an outbox id with a digit
    const std::size_t at = rest.rfind(kOutbox);
    if (at == std::string_view::npos || at == 0) return false;
    std::string_view number = rest.substr(at + kOutbox.size());
    if (!take_number(number, record.outbox_id) || !number.empty() || record.outbox_id == 0)
      return false;
    rest = rest.substr(0, at);
    if (rest.back() != '}') return false;
  }
  record.event_json = rest;
  return true;
}

}  // namespace

Head genesis(std::string_view name) {
  return {0, crypto::sha256({as_bytes("keyhaven audit v1\n"), as_bytes(name)})};
}

Head append_record(std::string& out, const Head& head, const Event& event) {
  const std::size_t start = out.size();
  begin_record(out, head.seq + 1);
  append_json(out, event);
  return seal(out, start, head);
}

Head append_record(std::string& out, const Head& head, std::string_view event_json,
                   std::uint64_t outbox_id) {
  const std::size_t start = out.size();
  begin_record(out, head.seq + 1);
  out += event_json;
  if (outbox_id != 0) {
    out += kOutbox;
    append_number(out, outbox_id);
  }
  return seal(out, start, head);
}

void append_signature(std::string& out, const Signature& signature) {
  out.resize(out.size() - kEnd.size() - 1);
  out += kSignature;
  append_hex(out, signature);
  out += kEnd;
  out += '\n';
}

Digest ParsedRecord::computed_hash() const {
  return crypto::sha256({ByteView(prev), as_bytes(covered)});
}

std::optional<ParsedRecord> parse_record(std::string_view line) {
  // The fixed part is at the end. A signed record is one signature longer; its bytes there cannot
  // be mistaken, because a hash has hexadecimal digits only.
  const auto tail_at = [&](std::size_t size) {
    return line.size() > size ? line.substr(line.size() - size) : std::string_view{};
  };
  ParsedRecord record;
  std::size_t tail_size = kTail;
  std::string_view tail = tail_at(tail_size);
  if (!tail.starts_with(kPrev)) {
    tail_size += kSignatureTail;
    tail = tail_at(tail_size);
  }
  record.covered = line.substr(0, line.size() - tail.size());
  if (!take(tail, kPrev) || !take_hex(tail, record.prev) || !take(tail, kHash) ||
      !take_hex(tail, record.hash)) {
    return std::nullopt;
  }
  if (tail_size != kTail) {
    record.signature.emplace();
    if (!take(tail, kSignature) || !take_hex(tail, *record.signature)) return std::nullopt;
  }
  if (tail != kEnd || !parse_covered(record)) return std::nullopt;
  return record;
}

bool take(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_number(std::string_view& text, std::uint64_t& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto size = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || size == 0 || (size > 1 && text.front() == '0')) return false;
  text.remove_prefix(size);
  return true;
}

bool take_hex(std::string_view& text, std::span<std::uint8_t> out) noexcept {
  if (text.size() < out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  text.remove_prefix(out.size() * 2);
  return true;
}

}  // namespace keyhaven::audit
