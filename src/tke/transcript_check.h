// Whether a transcript is what crypto units and administrators signed, judged with nothing but the
// attestation root that the reader pins. Pure: the caller brings the entries and, if it can, the
// verified state of the units.
//
// What is checked of each entry: its place in the chain of hashes; that the answer is signed by a
// module whose certificates lead to the root, and answers this command of this unit; that the
// unit's counter has no gap; that a command which the unit counted is signed by as many
// administrators as the rules ask for, with certificates from earlier entries (or from the unit, if
// the entries begin later). At the end: that the units' counters and administrators are those that
// the entries lead to, which a transcript that was cut off or made anew for other administrators
// cannot arrange.
//
// What a unit signs does not name the bytes of the command. Who rewrites the whole chain can
// therefore change commands that carry no administrator's signature (imprint mode); the comparison
// with the units at the end finds a changed administrator or threshold.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tke/certificate.h"
#include "tke/command_rules.h"
#include "tke/oa_certificate.h"
#include "tke/transcript_entry.h"

namespace keyhaven::tke {

// Of a service of ours: so many of the newest entries are kept at least.
inline constexpr std::uint64_t kKeptTranscriptEntries = 10'000;

// One thing that is wrong (or, as a note, cannot be told). `sequence` 0: the transcript as a whole.
struct TranscriptFinding {
  std::uint64_t sequence = 0;
  std::string what;
};

// A unit as a verified session shows it, read before the entries are.
struct LiveUnit {
  Uuid id;
  std::string serial_number;
  std::uint32_t domain_index = 0;
  UnitMoment moment;
  std::vector<AdministratorCertificate> administrators;
};

// Which entries are to be expected.
struct TranscriptRange {
  std::uint64_t first = 0;  // the oldest that the service keeps; 0: none
  std::uint64_t last = 0;   // the newest
  std::uint64_t start = 0;  // where the reader begins; 0: with `first`
  bool whole_end = true;    // whether the reader reads up to `last`
  // A sequence and its hash that the reader kept elsewhere.
  std::optional<std::pair<std::uint64_t, Digest>> known;
};

struct TranscriptReport {
  std::vector<TranscriptFinding> faults;
  std::vector<TranscriptFinding> notes;  // e.g. commands without an answer
  std::uint64_t entries = 0;
  std::uint64_t last = 0;  // sequence and hash of the newest entry: what to keep elsewhere
  Digest last_hash{};
  bool ok() const noexcept { return faults.empty(); }
};

// Takes the entries one after another, so that a transcript need not fit into memory. Not
// thread-safe.
class TranscriptCheck {
 public:
  // `units`: those that could be asked, perhaps none.
  TranscriptCheck(const Uuid& instance, AttestationRoot root, TranscriptRange range,
                  std::vector<LiveUnit> units);
  // Returns what is wrong with this entry, in words; empty: nothing.
  std::vector<std::string> add(const TranscriptEntry& entry);
  TranscriptReport finish();

 private:
  // What the entries of a unit lead to.
  struct Unit {
    std::string serial_number;
    std::uint32_t domain_index = 0;
    std::uint32_t domain_instance = 0;
    Bytes counter;         // of the last counted command; empty: none yet
    Bytes seen;            // the highest in any signed answer
    bool exact = false;    // the state below is the unit's
    bool rebuilt = false;  // zeroized: the next answer names a higher domain instance
    DomainAttributes attributes;
    std::map<Ski, AdministratorCertificate> installed;
    // Commands without an answer, by entry, that may have been carried out after `counter`.
    std::map<std::uint64_t, AdminBlock> unanswered;
  };

  // Modules whose certificates lead to the root, by the key that signs.
  struct Module {
    crypto::P521PublicKey key;
    std::string serial_number;
    std::vector<Bytes> certificates;
  };

  void fault(std::string what);
  void note(std::string what);
  void check_chain(const TranscriptEntry& entry);
  bool check_unit_signature(const TranscriptEntry& entry, const ReadEntry& read);
  bool check_identity(const TranscriptEntry& entry, const ReadEntry& read, Unit& unit);
  void check_command(const ReadEntry& read, Unit& unit);
  bool place(const ReadEntry& read, Unit& unit);
  const Module* module_of(const TranscriptEntry& entry, const Ski& signer);
  bool explain_gap(Unit& unit, const Bytes& counter);
  void check_signers(const ReadEntry& read, const Unit& unit);
  void check_key_parts(const AdminBlock& block, const Unit& unit);
  std::size_t count_signers(ByteView block, const std::vector<SignerInfo>& infos, const Unit& unit);
  const AdministratorCertificate* find(const Ski& ski, const Unit& unit) const;
  void apply(const AdminBlock& block, Unit& unit);
  void begin(Unit& unit, const Bytes& counter);
  bool from_start() const noexcept { return range_.start <= 1 && range_.first <= 1; }
  void compare(const LiveUnit& live, const Unit* unit);

  const Uuid instance_;
  const AttestationRoot root_;
  const TranscriptRange range_;
  const std::vector<LiveUnit> live_;
  TranscriptReport report_;
  std::uint64_t sequence_ = 0;         // of the entry being checked; 0: the whole
  std::vector<std::string> of_entry_;  // its faults
  std::optional<Digest> previous_;     // computed hash of the entry before
  std::map<Uuid, Unit> units_;
  std::map<std::pair<std::string, std::uint32_t>, std::map<std::uint32_t, Uuid>> owners_;
  std::map<Ski, Module> modules_;
  std::map<Ski, AdministratorCertificate> known_;  // every certificate that was learnt
  std::set<Digest> answers_;                       // so that none is used twice
};

}  // namespace keyhaven::tke
