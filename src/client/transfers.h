// Sealed transfers of keys to another deployment, as a service of ours tells them
// (docs/operations/sealed-transfer.md). Claims in all but the sealed bytes: what binds is in the
// documents that crypto units sign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace keyhaven::client {

// What the crypto units of an instance have open.
struct Transfers {
  struct Outgoing {
    Uuid id;
    InstanceId target;
    Timestamp expires;
  };
  struct Incoming {
    Uuid id;
    InstanceId source;
    Timestamp expires;
    std::optional<Digest> manifest;  // that the quorum has consented to
  };
  std::vector<Outgoing> outgoing;
  std::vector<Incoming> incoming;

  const Outgoing* find_outgoing(const Uuid& id) const noexcept;
  const Incoming* find_incoming(const Uuid& id) const noexcept;
};

struct TransferredKey {
  KeyId id;
  std::string name;
  std::string kind;  // "root", "standard"
  std::uint32_t versions = 0;
};
struct LeftOutKey {
  KeyId id;
  std::string name;
  std::string code;
  std::string reason;
};
// What the crypto unit signs into the manifest of a bundle.
struct ChunkProof {
  Digest digest{};  // SHA-256 of the chunk
  Digest tag{};
};

// One step of an export.
struct ExportedChunk {
  std::uint32_t index = 0;
  Bytes chunk;  // empty: no key was left for one
  ChunkProof proof;
  std::vector<TransferredKey> keys;
  std::vector<LeftOutKey> left_out;
  std::optional<KeyId> next;  // nothing: this was the last step
};

struct ImportedKey {
  enum class Outcome : std::uint8_t { Imported, Present, Refused };
  KeyId id;
  std::string name;
  Outcome outcome = Outcome::Refused;
  std::string code;     // of a refusal, as the next
  std::string message;  // what, why and the remedy
};

// Errors: BadBody, naming the field. Texts for people come without control characters.
Result<Transfers> parse_transfers(std::string_view json);
Result<ExportedChunk> parse_exported_chunk(std::string_view json);
Result<Bytes> parse_manifest(std::string_view json);
Result<std::vector<ImportedKey>> parse_imported_keys(std::string_view json);

}  // namespace keyhaven::client
