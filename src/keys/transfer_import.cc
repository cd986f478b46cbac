#include "keys/transfer_import.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"

namespace keyhaven::keys {
namespace {

// Refusals of a store that one key of a change is to blame for.
bool is_of_one_key(Reason reason) {
  return reason == Reason::AliasNotUnique || reason == Reason::Conflict ||
         reason == Reason::KeyRingExists;
}

// Whether all that `theirs` would bring is there. Of a standard key the version's id is all there
// is to compare.
bool holds(const KeyRecord& ours, const KeyRecord& theirs) {
  if (ours.kind != theirs.kind || ours.versions.size() < theirs.versions.size()) return false;
  return std::equal(theirs.versions.begin(), theirs.versions.end(), ours.versions.begin(),
                    [](const KeyVersion& a, const KeyVersion& b) {
                      return a.id == b.id && a.commitment == b.commitment;
                    });
}

Error invalid(std::string message) { return {Reason::InvalidField, std::move(message), "chunk"}; }

Error id_taken() {
  return {Reason::AlreadyExists,
          "the id names a key of this instance with other versions; keys keep their ids in a "
          "transfer, so delete and purge that one first if it is not the right one",
          ""};
}

// The details of an audit record: how many keys had which outcome, and their ids.
void note_outcomes(Change& change, const std::vector<TransferredKey>& keys) {
  for (const TransferOutcome outcome :
       {TransferOutcome::Imported, TransferOutcome::Present, TransferOutcome::Refused}) {
    std::string ids;
    std::size_t count = 0;
    for (const TransferredKey& key : keys) {
      if (key.outcome != outcome) continue;
      ++count;
      ids += (ids.empty() ? "" : ",") + key.id.text();
    }
    const std::string name = "responseData." + std::string(name_of(outcome));
    add_detail(change, name, std::to_string(count));
    if (count > 0) add_detail(change, name + "KeyIds", std::move(ids));
  }
}

// The first of two people who delete a key is known to the other deployment only: here he could be
// the second one as well.
void drop_authorization(KeyRecord& key) {
  const KeyPolicies& said = key.policies();
  if (!said.authorization) return;
  key.set_policies(
      {said.rotation, said.dual_auth, std::nullopt, said.migration_intent, said.synced});
}

}  // namespace

std::string_view name_of(TransferOutcome outcome) noexcept {
  switch (outcome) {
    case TransferOutcome::Imported:
      return "imported";
    case TransferOutcome::Present:
      return "present";
    case TransferOutcome::Refused:
      return "refused";
  }
  fatal(__FILE__, __LINE__, "unknown TransferOutcome");
}

// A key on its way in: as it came, then as it shall be.
struct TransferImport::Arrival {
  TransferredKey result;
  TransferRecord record;

  bool comes() const noexcept { return result.outcome == TransferOutcome::Imported; }
  void refuse(Error why) {
    result.outcome = TransferOutcome::Refused;
    result.refusal = std::move(why);
  }
};

// The names and places of keys that come together, given back unless they were stored.
class TransferImport::Batch {
 public:
  Batch(Directory& directory, const InstanceId& instance)
      : directory_(directory), instance_(instance) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() {
    if (kept_) return;
    for (const Claim& claim : claims_) directory_.release(claim);
    for (const KeyRing& ring : stored_.put_rings) directory_.release_ring(instance_, ring.id);
  }

  // Errors: those of the directory's claims: nothing is claimed for this key.
  Result<void> add(const TransferRecord& record, const Change& change, Timestamp now,
                   const Limits& limits) {
    const std::string& ring = record.key.key_ring;
    const bool made_here = has_ring(ring);
    const bool makes_ring = !made_here && !directory_.has_ring(instance_, ring);
    const KeyRing made{instance_, ring, now, change.actor};
    if (makes_ring) KH_TRY(directory_.claim_ring(made, limits));
    Claim claim{.instance = instance_,
                .key = record.key.id,
                .new_key = true,
                .ring = ring,
                .aliases = record.key.aliases,
                .with_ring = made_here || makes_ring};
    if (auto claimed = directory_.claim(claim, limits); !claimed) {
      if (makes_ring) directory_.release_ring(instance_, ring);
      return claimed;
    }
    claims_.push_back(std::move(claim));
    if (makes_ring) stored_.put_rings.push_back(made);
    stored_.put.push_back(record.key);
    stored_.put_registrations.insert(stored_.put_registrations.end(), record.registrations.begin(),
                                     record.registrations.end());
    return {};
  }

  bool empty() const noexcept { return claims_.empty(); }

  // Commits all of it and shows it. Errors: of KeyStore::commit.
  Result<void> commit(KeyChanges& changes, Dependents& dependents, Change& change) {
    const std::vector<std::uint64_t> revisions = KH_TRY(changes.commit(stored_, change));
    kept_ = true;
    for (const KeyRing& ring : stored_.put_rings) directory_.publish_ring(instance_, ring.id);
    dependents.publish(stored_);
    for (std::size_t i = 0; i < stored_.put.size(); ++i) {
      const auto record = std::make_shared<KeyRecord>(std::move(stored_.put[i]));
      record->revision = revisions.at(i);
      changes.note_due(*record);
      directory_.publish(record);
    }
    return {};
  }

 private:
  bool has_ring(const std::string& id) const {
    return std::any_of(stored_.put_rings.begin(), stored_.put_rings.end(),
                       [&](const KeyRing& ring) { return ring.id == id; });
  }

  Directory& directory_;
  const InstanceId instance_;
  std::vector<Claim> claims_;
  KeyChange stored_;
  bool kept_ = false;
};

// The unit is told the manifest only; that it is the one of this transfer stands here, so that the
// audit record names the right one.
Result<void> TransferImport::require_consent(const Request& request) {
  const unit::TransferStatus status = KH_TRY(parts_.unit.transfers(request.instance));
  const Digest manifest = crypto::sha256(request.manifest);
  for (const auto& open : status.incoming) {
    if (open.id != request.transfer) continue;
    if (open.manifest == manifest) return {};
    return Error{Reason::TransferNotAllowed,
                 open.manifest ? "the quorum has consented to another manifest of this transfer, " +
                                     to_hex(*open.manifest)
                               : "the quorum has not consented to a manifest of this transfer yet",
                 ""};
  }
  return Error{Reason::TransferNotAllowed,
               "no crypto unit of the instance has offered this transfer, or it was closed", ""};
}

Result<std::vector<unit::TransferKey>> TransferImport::open(const Request& request) {
  auto keys =
      parts_.unit.import_chunk(request.instance, request.manifest, request.index, request.chunk);
  if (keys || keys.error().reason != Reason::DecryptFailed) return keys;
  return invalid("the chunk does not open with the import key of this transfer: " +
                 keys.error().message);
}

// The key as it came, with our instance in place of the source's and the blobs of our unit.
TransferImport::Arrival TransferImport::receive(const InstanceId& instance,
                                                const unit::TransferKey& key) {
  Arrival out;
  out.result.id = key.key;
  auto record = decode_transfer_record(key.record);
  if (!record) {
    out.refuse(std::move(record).error());
    return out;
  }
  out.record = std::move(record).value();
  out.result.name = out.record.key.name;
  if (auto checked = check_transfer_versions(out.record.key, key); !checked) {
    out.refuse(std::move(checked).error());
    return out;
  }
  out.record.key.instance = instance;
  drop_authorization(out.record.key);
  for (Registration& registration : out.record.registrations) registration.instance = instance;
  for (std::size_t i = 0; i < key.versions.size(); ++i)
    out.record.key.versions[i].blob = key.versions[i].blob;
  return out;
}

std::vector<TransferredKey> TransferImport::results_of(const std::vector<Arrival>& arrivals) {
  std::vector<TransferredKey> out;
  for (const Arrival& arrival : arrivals) out.push_back(arrival.result);
  return out;
}

// What can be said of a key without taking anything for it: Imported, if all goes well.
void TransferImport::judge(const InstanceId& instance, Arrival& arrival,
                           const Limits& limits) const {
  if (arrival.result.refusal) return;  // its record was
  const Directory& directory = parts_.changes.directory();
  const KeyRecord& theirs = arrival.record.key;
  if (const KeyRecordPtr ours = directory.find(instance, theirs.id)) {
    if (holds(*ours, theirs)) {
      arrival.result.outcome = TransferOutcome::Present;
      return;
    }
    return arrival.refuse(id_taken());
  }
  if (auto authentic = directory.quarantine().check_key(instance, theirs.id); !authentic)
    return arrival.refuse(std::move(authentic).error());
  if (auto checked = check_transfer_record(arrival.record, limits); !checked)
    return arrival.refuse(std::move(checked).error());
  arrival.result.outcome = TransferOutcome::Imported;
}

Result<void> TransferImport::store(const InstanceId& instance, std::vector<Arrival>& arrivals,
                                   Change& change) {
  const Limits limits = parts_.settings.rules(instance).limits;
  const Timestamp now = parts_.clock.now();
  Batch batch(parts_.changes.directory(), instance);
  for (Arrival& arrival : arrivals) {
    judge(instance, arrival, limits);
    if (!arrival.comes()) continue;
    if (auto added = batch.add(arrival.record, change, now, limits); !added)
      arrival.refuse(std::move(added).error());
  }
  note_outcomes(change, results_of(arrivals));
  if (batch.empty()) return {};
  return batch.commit(parts_.changes, parts_.dependents, change);
}

// A store refuses the whole change for one key (an alias of a record that is not in use, say): then
// each key has a transaction and an event of its own, and the guilty one stays behind.
Result<void> TransferImport::store_one_by_one(const InstanceId& instance,
                                              std::vector<Arrival>& arrivals,
                                              const Change& change) {
  for (Arrival& arrival : arrivals) {
    if (!arrival.comes()) continue;
    Change own = change;
    std::vector<Arrival> alone;
    alone.push_back(std::move(arrival));
    const Result<void> stored = store(instance, alone, own);
    arrival = std::move(alone.front());
    if (stored) continue;
    if (!is_of_one_key(stored.error().reason)) return stored;
    arrival.refuse(stored.error());
  }
  return {};
}

Result<std::vector<TransferredKey>> TransferImport::import_chunk(const Request& request,
                                                                 Change& change) {
  KH_TRY(require_consent(request));
  const SealGate::Pass pass = KH_TRY(parts_.gate.pass(request.instance));
  const std::vector<unit::TransferKey> opened = KH_TRY(open(request));
  std::vector<Arrival> arrivals;
  std::set<KeyId> ids;
  for (const unit::TransferKey& key : opened) {
    arrivals.push_back(receive(request.instance, key));
    if (!ids.insert(key.key).second)
      arrivals.back().refuse(invalid("the key is in the chunk twice"));
  }
  const std::lock_guard storing(storing_);
  const KeyChanges::ManyLock lock = parts_.changes.lock_many(std::vector(ids.begin(), ids.end()));
  Change whole = change;
  if (auto stored = store(request.instance, arrivals, whole); stored) {
    change = std::move(whole);
  } else {
    if (!is_of_one_key(stored.error().reason)) return std::move(stored).error();
    KH_TRY(store_one_by_one(request.instance, arrivals, change));
    note_outcomes(change, results_of(arrivals));
  }
  return results_of(arrivals);
}

}  // namespace keyhaven::keys
