// The transcript of an instance: every administration command that was passed to one of its crypto
// units, with the frame that its administrators signed and the one that the unit signed. Whoever
// pins the attestation root can verify each entry later, without the unit
// (docs/operations/proposals.md).
//
// Entries are only added. Each names the hash of the one before it, so that a removed, changed or
// reordered entry shows. Queries and the re-encryption of key blobs change nothing in a unit and
// have no entry. No entry holds a secret: key parts and exported keys in frames are encrypted to
// keys that only crypto units have.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "instances/administered_action.h"
#include "instances/unit_inquiry.h"

namespace keyhaven::instances {

inline constexpr std::size_t kMaxTranscriptFrame = 64 * 1024;  // characters
inline constexpr std::size_t kKeptTranscriptEntries = 10'000;  // of an instance; the newest

struct TranscriptEntry {
  InstanceId instance;
  std::uint64_t sequence = 0;  // 1, 2, ... of the instance; set by the store
  Digest previous{};           // hash of the entry before; zero for the first; set by the store
  Timestamp time;              // when the answer had come
  UnitId unit;
  std::string location;
  std::string caller;               // iam id
  std::string request;              // HTPRequest
  std::string response;             // HTPResponse; empty: no answer came, the unit may have acted
  std::vector<Bytes> certificates;  // of the module that signed, 0 first; empty if unobtainable
  bool operator==(const TranscriptEntry&) const = default;
};

// Canonical encoding, format 1: the fields in the order of declaration (base/wire.h). Errors of
// decode: Internal (stored data damaged).
Bytes encode(const TranscriptEntry& entry);
Result<TranscriptEntry> decode_transcript_entry(ByteView bytes);
// SHA-256 over "keyhaven transcript entry", 00, and the encoding.
Digest hash_of(const TranscriptEntry& entry);

struct TranscriptPage {
  std::vector<TranscriptEntry> entries;  // oldest first
  std::uint64_t first = 0;               // sequences that are kept; 0: none
  std::uint64_t last = 0;
};

// Thread-safe, durable. Errors: StoreUnavailable, AuditUnavailable, Internal (damaged).
class TranscriptStore {
 public:
  virtual ~TranscriptStore() = default;
  // Sets sequence and previous; removes what is older than the newest kKeptTranscriptEntries.
  // Returns the sequence.
  virtual Result<std::uint64_t> append_transcript(TranscriptEntry entry) = 0;
  // At most `limit` entries from sequence `start` on.
  virtual Result<TranscriptPage> read_transcript(const InstanceId& instance, std::uint64_t start,
                                                 std::size_t limit) = 0;
};

// Thread-safe.
class Transcript {
 public:
  struct Parts {
    InstanceService& instances;
    TranscriptStore& store;
    const Clock& clock;
  };
  explicit Transcript(Parts parts) : parts_(parts) {}

  // Whether frames that ask for this belong into the transcript.
  static bool covers(const AdministeredAction& asked) noexcept;
  // After the unit has answered; an empty `response` when no answer came. Errors: those of the
  // store; TooLarge.
  Result<void> record(const InstanceId& instance, const UnitId& unit, const std::string& caller,
                      const std::string& request, const std::string& response);
  Result<TranscriptPage> read(const InstanceId& instance, std::uint64_t start, std::size_t limit) {
    return parts_.store.read_transcript(instance, start, limit);
  }

 private:
  std::vector<Bytes> certificates_of(UnitInquiry& inquiry, const unit::UnitStatus& unit,
                                     const std::string& response);

  Parts parts_;
  std::mutex mutex_;
  // By the identifier of the key that signs; as many as there are modules.
  std::map<Digest, std::vector<Bytes>> certificates_;
};

}  // namespace keyhaven::instances
