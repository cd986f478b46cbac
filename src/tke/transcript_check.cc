#include "tke/transcript_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "tke/key_part.h"
#include "tke/unit_session.h"

namespace keyhaven::tke {
namespace {

// Refusals that come before a unit has verified all signatures: it does not count them.
bool is_uncounted(const Status& status) {
  switch (status.return_code) {
    case kWrongDomain:
    case kInvalidCounter:
    case kSignatureInvalid:
    case kSignatureMalformed:
    case kNotEnoughSignatures:
    case kUnauthorisedSigner:
    case kInternalError:
      return true;
    case kInvalidData:
      return status.reason_code == kModuleIdFormat ||
             status.reason_code == kModuleInstanceDiffers ||
             status.reason_code == kSerialNumberDiffers;
    default:
      return false;
  }
}

// How far `to` is above `from`, as text: small numbers in decimal.
std::string steps_text(const Bytes& from, const Bytes& to) {
  constexpr unsigned kMost = 1000;
  Bytes at = from;
  for (unsigned steps = 1; steps <= kMost; ++steps) {
    at = next_counter(std::move(at));
    if (at == to) return std::to_string(steps);
  }
  return "more than 1000";
}

std::string unit_text(const std::string& serial_number, std::uint32_t domain) {
  return fmt::format("crypto unit {}, domain {}", serial_number, domain);
}

}  // namespace

TranscriptCheck::TranscriptCheck(const Uuid& instance, AttestationRoot root, TranscriptRange range,
                                 std::vector<LiveUnit> units)
    : instance_(instance), root_(std::move(root)), range_(range), live_(std::move(units)) {
  for (const LiveUnit& unit : live_) {
    for (const AdministratorCertificate& one : unit.administrators) known_.emplace(one.ski, one);
  }
  if (range_.first > 1 && range_.last - range_.first + 1 < kKeptTranscriptEntries) {
    fault(fmt::format("the entries 1 to {} are missing, although the service keeps the newest {}",
                      range_.first - 1, kKeptTranscriptEntries));
  }
}

void TranscriptCheck::fault(std::string what) {
  if (sequence_ != 0) of_entry_.push_back(what);
  report_.faults.push_back({sequence_, std::move(what)});
}

void TranscriptCheck::note(std::string what) {
  report_.notes.push_back({sequence_, std::move(what)});
}

std::vector<std::string> TranscriptCheck::add(const TranscriptEntry& entry) {
  sequence_ = entry.sequence;
  of_entry_.clear();
  check_chain(entry);
  const ReadEntry read = read_entry(entry);
  if (!read.block) {
    fault("the request is no command for a crypto unit");
    return of_entry_;
  }
  Unit& unit = units_[entry.unit];
  switch (read.kind) {
    case ReadEntry::Answer::Broken:
      fault("the response is no answer of a crypto unit");
      break;
    case ReadEntry::Answer::Unsigned:
      note(
          "the answer is not signed: the unit did not take the frame for a command of its own, or "
          "somebody else answered");
      break;
    case ReadEntry::Answer::None:
      note("no answer came: whether the command was carried out shows in the unit's counter");
      unit.unanswered.emplace(entry.sequence, *read.block);
      break;
    case ReadEntry::Answer::Signed:
      if (check_unit_signature(entry, read) && check_identity(entry, read, unit))
        check_command(read, unit);
      break;
  }
  return of_entry_;
}

// --- The chain of hashes ---

void TranscriptCheck::check_chain(const TranscriptEntry& entry) {
  const std::uint64_t expected = report_.entries != 0 ? report_.last + 1
                                 : range_.start != 0  ? range_.start
                                                      : range_.first;
  if (entry.sequence != expected)
    fault(fmt::format("entry {} is missing here: the chain goes on with {}", expected,
                      entry.sequence));
  const Digest computed = hash_of(instance_, entry);
  if (computed != entry.hash) fault("the hash is not that of the entry's fields");
  const bool is_first = entry.sequence == 1;
  if (is_first && entry.previous != Digest{}) fault("the first entry names an entry before it");
  if (!is_first && previous_ && entry.previous != *previous_)
    fault("it does not follow the entry before: that one was changed, removed, or another one");
  if (range_.known && range_.known->first == entry.sequence && range_.known->second != computed)
    fault("its hash is not the one that was kept: this entry, or one before it, was changed");
  previous_ = computed;
  ++report_.entries;
  report_.last = entry.sequence;
  report_.last_hash = computed;
}

// --- The unit ---

const TranscriptCheck::Module* TranscriptCheck::module_of(const TranscriptEntry& entry,
                                                          const Ski& signer) {
  const auto known = modules_.find(signer);
  const bool again = known != modules_.end() && (entry.certificates.empty() ||
                                                 entry.certificates == known->second.certificates);
  if (again) return &known->second;
  if (entry.certificates.empty()) {
    fault("the entry has no certificates of the module that signed");
    return nullptr;
  }
  auto key = verify_chain(entry.certificates, root_);
  const auto leaf = parse_oa_certificate(entry.certificates.front());
  if (!key || !leaf) {
    fault("the module's certificates do not lead to the attestation root" +
          (key ? std::string() : ": " + key.error().message));
    return nullptr;
  }
  if (ski_of(key->point()) != signer) {
    fault("the answer is signed by another module than the certificates name");
    return nullptr;
  }
  Module module{std::move(*key), leaf->serial_number, entry.certificates};
  return &modules_.insert_or_assign(signer, std::move(module)).first->second;
}

bool TranscriptCheck::check_unit_signature(const TranscriptEntry& entry, const ReadEntry& read) {
  const auto infos = parse_signer_infos(read.response.signer_infos);
  if (!infos || infos->size() != 1) {
    fault("the answer does not carry one signature");
    return false;
  }
  const SignerInfo& info = infos->front();
  const Module* module = module_of(entry, info.ski);
  if (module == nullptr) return false;
  if (info.algorithm != SignatureAlgorithm::EcdsaSha512 ||
      !module->key.verify_sha512_der(read.response.block, info.signature)) {
    fault("the unit's signature does not verify");
    return false;
  }
  if (!answers_.insert(crypto::sha256({read.response.block, info.signature})).second) {
    fault("the unit's answer is that of an earlier entry");
    return false;
  }
  const ByteView serial = as_bytes(module->serial_number);
  const ByteView named = read.answer.module_id;
  if (named.size() >= serial.size() && std::ranges::equal(serial, named.first(serial.size())))
    return true;
  fault("the answer is signed by another module (" + module->serial_number + ") than it names");
  return false;
}

// The answer is one to this command, by the unit that the entry names.
bool TranscriptCheck::check_identity(const TranscriptEntry& entry, const ReadEntry& read,
                                     Unit& unit) {
  const AdminResponseBlock& answer = read.answer;
  if (answer.command != read.block->command || answer.domain_index != read.block->domain_index) {
    fault("the unit's answer is one to another command");
    return false;
  }
  if (answer.module_id.size() != kModuleIdSize || answer.counter.size() != kCounterSize) {
    fault("the unit's answer names no module or counter");
    return false;
  }
  const std::string serial(as_text(ByteView(answer.module_id).first(kSerialNumberSize)));
  if (unit.serial_number.empty()) {
    unit.serial_number = serial;
    unit.domain_index = answer.domain_index;
  }
  const auto live = std::ranges::find(live_, entry.unit, &LiveUnit::id);
  const bool same_live = live == live_.end() || (live->serial_number == serial &&
                                                 live->domain_index == answer.domain_index);
  const auto place = target_from_location(entry.location, serial);
  const bool same_place =
      entry.location.empty() || (place && place->domain_index == answer.domain_index);
  if (unit.serial_number != serial || unit.domain_index != answer.domain_index || !same_live ||
      !same_place) {
    fault("the answer is signed for another crypto unit (" +
          unit_text(serial, answer.domain_index) + ')');
    return false;
  }
  const Uuid& owner = owners_[{serial, answer.domain_index}]
                          .emplace(answer.domain_instance, entry.unit)
                          .first->second;
  if (owner == entry.unit) return true;
  fault("the answer belongs to crypto unit " + owner.text());
  return false;
}

// --- The command ---

void TranscriptCheck::check_command(const ReadEntry& read, Unit& unit) {
  const AdminBlock& block = *read.block;
  if (read.accepted()) {
    const bool unnamed = block.module_id.empty() && block.counter.empty();  // imprint mode
    if (!unnamed &&
        (block.counter != read.answer.counter || block.module_id != read.answer.module_id ||
         block.domain_instance != read.answer.domain_instance)) {
      return fault("the unit accepted a command with another counter, module or domain instance");
    }
  }
  if (!place(read, unit)) return;
  check_signers(read, unit);
  if (read.accepted()) apply(block, unit);
}

// The first command of a unit that these entries show.
void TranscriptCheck::begin(Unit& unit, const Bytes& counter) {
  if (!from_start()) return;
  if (counter == next_counter(Bytes(kCounterSize, 0))) {
    unit.exact = true;
    return;
  }
  fault(fmt::format("{} begins with counter {}: the commands before are missing",
                    unit_text(unit.serial_number, unit.domain_index), to_hex(counter)));
}

// Whether the unit counted the command. The counter has no gap and goes up.
bool TranscriptCheck::place(const ReadEntry& read, Unit& unit) {
  const AdminResponseBlock& answer = read.answer;
  unit.seen = std::max(unit.seen, answer.counter);
  const bool first = unit.counter.empty();
  const Bytes base = first ? Bytes(kCounterSize, 0) : unit.counter;
  if (!read.accepted()) {
    // A refusal counts if it was signed as demanded.
    const bool made_for_it = read.block->counter == answer.counter || read.block->counter.empty();
    if (is_uncounted(read.status) || read.signers.empty() || !made_for_it || answer.counter <= base)
      return false;
  }
  if (first) {
    const bool explained =
        answer.counter != next_counter(base) && explain_gap(unit, answer.counter);
    if (!explained) begin(unit, answer.counter);
  } else if (answer.counter <= base) {
    fault("the unit's counter goes back: the entry was moved, or is not of this time");
    return false;
  } else if (answer.counter != next_counter(base) && !explain_gap(unit, answer.counter)) {
    fault(fmt::format("the unit's counter has a gap; commands that are missing before this one: {}",
                      steps_text(next_counter(base), answer.counter)));
    unit.exact = false;
  }
  const bool instance_went_back = answer.domain_instance < unit.domain_instance;
  const bool instance_is_new = !first && answer.domain_instance != unit.domain_instance;
  if (instance_went_back || (instance_is_new && unit.exact && !unit.rebuilt))
    fault("the unit's domain instance changed without a zeroize command");
  unit.rebuilt = false;
  unit.domain_instance = answer.domain_instance;
  unit.counter = answer.counter;
  unit.unanswered.clear();
  return true;
}

// Whether commands without an answer fill what is missing before `counter`: then each of them was
// carried out or refused, and the state is not known for sure.
bool TranscriptCheck::explain_gap(Unit& unit, const Bytes& counter) {
  std::vector<std::pair<std::uint64_t, AdminBlock>> filling;
  Bytes at = next_counter(unit.counter.empty() ? Bytes(kCounterSize, 0) : unit.counter);
  for (const auto& [sequence, block] : unit.unanswered) {
    if (at == counter) break;
    if (block.counter != at && !block.counter.empty()) continue;
    filling.emplace_back(sequence, block);
    at = next_counter(std::move(at));
  }
  if (at != counter || filling.empty()) return false;
  for (const auto& [sequence, block] : filling) {
    note(fmt::format(
        "the unit carried out or refused the command of entry {}, whose answer is missing",
        sequence));
    apply(block, unit);
  }
  unit.exact = false;
  return true;
}

// --- The administrators ---

const AdministratorCertificate* TranscriptCheck::find(const Ski& ski, const Unit& unit) const {
  if (const auto found = unit.installed.find(ski); found != unit.installed.end())
    return &found->second;
  if (unit.exact) return nullptr;
  const auto found = known_.find(ski);
  return found == known_.end() ? nullptr : &found->second;
}

// How many administrators signed `block`; every signature must verify.
std::size_t TranscriptCheck::count_signers(ByteView block, const std::vector<SignerInfo>& infos,
                                           const Unit& unit) {
  std::set<Ski> signers;
  for (const SignerInfo& info : infos) {
    const AdministratorCertificate* administrator = find(info.ski, unit);
    if (administrator == nullptr && unit.exact) {
      fault("it is signed by " + to_hex(info.ski) + ", who was no administrator of the unit then");
    } else if (administrator == nullptr) {
      note("the certificate of signer " + to_hex(info.ski) + " is not in these entries");
      signers.insert(info.ski);
    } else if (!administrator->key.verify(block, info.algorithm, info.signature)) {
      fault("the signature of administrator " + to_hex(info.ski) + " does not verify");
    } else {
      signers.insert(info.ski);
    }
  }
  return signers.size();
}

void TranscriptCheck::check_signers(const ReadEntry& read, const Unit& unit) {
  const AdminBlock& block = *read.block;
  if (block.command == kImportKeyParts) return check_key_parts(block, unit);
  const std::size_t given = count_signers(read.request->block, read.signers, unit);
  if (!unit.exact) return;
  const std::size_t needed = signatures_needed(block, unit.attributes);
  if (given < needed)
    fault(fmt::format("it has {} of the {} signatures that the unit asked for", given, needed));
}

void TranscriptCheck::check_key_parts(const AdminBlock& block, const Unit& unit) {
  const auto parts = parse_admin_requests(block.input, kMaxKeyParts);
  if (!parts) return fault("its key parts are malformed");
  for (const AdminRequest& part : *parts) {
    const auto infos = parse_signer_infos(part.signer_infos);
    if (!infos || infos->empty()) {
      fault("a key part in it is signed by nobody");
    } else {
      count_signers(part.block, *infos, unit);
    }
  }
}

// What an accepted command made of the unit.
void TranscriptCheck::apply(const AdminBlock& block, Unit& unit) {
  const auto install = [&](ByteView der) {
    auto certificate = parse_administrator_certificate(der);
    if (!certificate) return fault("the administrator's certificate in it cannot be read");
    known_.insert_or_assign(certificate->ski, *certificate);
    unit.installed.insert_or_assign(certificate->ski, std::move(*certificate));
  };
  const auto remove = [&](ByteView ski) {
    Ski removed{};
    if (ski.size() == removed.size()) std::ranges::copy(ski, removed.begin());
    unit.installed.erase(removed);
  };
  const ByteView input = block.input;
  switch (block.command) {
    case kAddAdministrator:
      return install(input);
    case kRemoveAdministrator:
      return remove(input);
    case kReplaceAdministrator:
      if (input.size() <= sizeof(Ski)) return;
      remove(input.first(sizeof(Ski)));
      return install(input.subspan(sizeof(Ski)));
    case kSetAttributes:
      if (const auto next = apply_attribute_list(unit.attributes, input)) unit.attributes = *next;
      return;
    case kZeroize:
      unit.attributes = {};
      unit.installed.clear();
      unit.exact = true;  // whatever was before
      unit.rebuilt = true;
      return;
    default:
      return;  // the other commands change neither administrators nor rules
  }
}

// --- The end ---

void TranscriptCheck::compare(const LiveUnit& live, const Unit* unit) {
  const std::string name = unit_text(live.serial_number, live.domain_index);
  const Bytes& now = live.moment.counter;
  const Bytes none(kCounterSize, 0);
  const Bytes& last = unit == nullptr || unit->counter.empty() ? none : unit->counter;
  if (last == none && !from_start()) return;
  if (now > last) {
    Unit trial = unit == nullptr ? Unit{} : *unit;
    if (explain_gap(trial, next_counter(now))) return;
    return fault(name +
                 ": the transcript lacks its end; commands of the unit that are not in it: " +
                 steps_text(last, now));
  }
  if (now < last || unit == nullptr || !unit->exact) return;  // later commands came meanwhile
  std::set<Ski> here;
  std::set<Ski> there;
  for (const auto& [ski, certificate] : unit->installed) here.insert(ski);
  for (const AdministratorCertificate& one : live.administrators) there.insert(one.ski);
  if (here != there) fault(name + ": its administrators are not those that the entries lead to");
  const DomainAttributes& rules = live.moment.attributes;
  if (rules.signature_threshold != unit->attributes.signature_threshold ||
      rules.revocation_threshold != unit->attributes.revocation_threshold ||
      rules.permissions != unit->attributes.permissions)
    fault(name + ": its thresholds or permissions are not those that the entries lead to");
}

TranscriptReport TranscriptCheck::finish() {
  sequence_ = 0;
  if (range_.whole_end && report_.last < range_.last)
    fault(fmt::format("the entries after {} are missing: the service says that {} is the last",
                      report_.last, range_.last));
  if (range_.known && range_.known->first > range_.last)
    fault(fmt::format("entry {}, whose hash was kept, is missing: the end was cut off",
                      range_.known->first));
  if (!range_.whole_end) return std::move(report_);
  for (const auto& [id, unit] : units_) {
    const Bytes last = unit.counter.empty() ? Bytes(kCounterSize, 0) : unit.counter;
    if ((from_start() || !unit.counter.empty()) && unit.seen > last && unit.unanswered.empty())
      fault(unit_text(unit.serial_number, unit.domain_index) +
            ": a refusal names a counter that no command of the entries led to; some are missing");
  }
  for (const LiveUnit& live : live_) {
    const auto found = units_.find(live.id);
    compare(live, found == units_.end() ? nullptr : &found->second);
  }
  return std::move(report_);
}

}  // namespace keyhaven::tke
