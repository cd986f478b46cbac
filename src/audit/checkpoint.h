// A checkpoint: the heads of all streams at one moment, signed. It is a record of the stream
// "checkpoint", so checkpoints are chained like events and none can be taken out of their middle.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "audit/record.h"
#include "base/clock.h"
#include "crypto/ec.h"

namespace keyhaven::audit {

inline constexpr std::string_view kCheckpointStream = "checkpoint";
inline constexpr std::string_view kManagementStream = "management";

using Heads = std::map<std::string, Head, std::less<>>;  // by stream name

// Appends the record with its signature to `out`; returns the new head of the checkpoint stream.
Head append_checkpoint(std::string& out, const Head& head, Timestamp now, const Heads& heads,
                       const crypto::Ed25519PrivateKey& key);

// Whether the signature of `record` is by `public_key`: Ed25519 over "keyhaven audit checkpoint
// v1\n" ‖ hash.
bool signature_holds(const ParsedRecord& record, ByteView public_key);

// The heads named in a checkpoint's event; nothing if it does not have the exact form.
std::optional<Heads> parse_heads(std::string_view event_json);

}  // namespace keyhaven::audit
