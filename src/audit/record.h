// One record of a stream: a line of JSON whose last members chain it to the one before.
//
//   {"seq":7,"event":{...},"prev":"<64 hex>","hash":"<64 hex>"}\n
//   {"seq":8,"event":{...},"outbox":12,"prev":"<64 hex>","hash":"<64 hex>"}\n
//   {"seq":9,"event":{...},"prev":"<64 hex>","hash":"<64 hex>","signature":"<128 hex>"}\n
//   (checkpoints)
//
// The covered bytes of a record are its line up to, not including, `,"prev":`. hash = SHA-256(prev
// ‖ covered bytes), prev as 32 raw bytes. Everything after them has a fixed size, so no JSON parser
// decides what was hashed. Format: docs/protocols/audit-log.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "audit/event.h"
#include "base/bytes.h"

namespace keyhaven::audit {

inline constexpr std::size_t kMaxRecordBytes = 1 << 20;  // a line longer than this is damage
using Signature = std::array<std::uint8_t, 64>;

// The newest record of a stream; seq 0 is the start of an empty stream.
struct Head {
  std::uint64_t seq = 0;
  Digest hash{};
  bool operator==(const Head&) const = default;
};

// The start of stream `name`: hash = SHA-256("keyhaven audit v1\n" ‖ name). The name is in it, so
// that one stream's file cannot stand in for another's.
Head genesis(std::string_view name);

// Append one record to `out` and return the new head. `outbox_id` 0: none.
Head append_record(std::string& out, const Head& head, const Event& event);
Head append_record(std::string& out, const Head& head, std::string_view event_json,
                   std::uint64_t outbox_id);

// The signature member replaces the closing brace of the record that ends `out`.
void append_signature(std::string& out, const Signature& signature);

// Views into the line.
struct ParsedRecord {
  std::uint64_t seq = 0;
  std::string_view covered;  // the bytes that the hash covers
  std::string_view event_json;
  std::uint64_t outbox_id = 0;
  Digest prev{};
  Digest hash{};
  std::optional<Signature> signature;

  Digest computed_hash() const;  // what `hash` has to be
};

// Parses one line without its newline; nothing if it does not have the form above.
std::optional<ParsedRecord> parse_record(std::string_view line);

// Takes `prefix` off `text`; false if it does not begin so.
bool take(std::string_view& text, std::string_view prefix) noexcept;
// Takes a decimal number without leading zeros off `text`; false if there is none or it overflows.
bool take_number(std::string_view& text, std::uint64_t& number) noexcept;
// Takes 2 * out.size() lower-case hexadecimal digits off `text`.
bool take_hex(std::string_view& text, std::span<std::uint8_t> out) noexcept;

}  // namespace keyhaven::audit
