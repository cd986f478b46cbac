#include "keys/transfer_export.h"

#include <algorithm>
#include <utility>

namespace keyhaven::keys {
namespace {

constexpr std::size_t kLookAhead = 64;  // keys taken from the directory at once

unit::BlobPurpose purpose_of(KeyKind kind) {
  return kind == KeyKind::RootKey ? unit::BlobPurpose::RootKey : unit::BlobPurpose::StandardKey;
}

// Whether a deleted key can still be restored; then it goes, as deleted as it is.
Result<void> require_restorable(const KeyRecord& key, const KeyTimes& times, Timestamp now) {
  if (key.state != KeyState::Destroyed) return {};
  if (now > key.deleted.plus_seconds(times.restorable_seconds)) {
    return Error{
        Reason::KeyRestoreExpired,
        "the key was deleted at " + format_rfc3339(key.deleted) + " and can no longer be restored",
        ""};
  }
  if (key.expires.is_set() && key.expires <= now) {
    return Error{Reason::KeyExpired,
                 "the key was deleted and has expired, so it can no longer be restored", ""};
  }
  return {};
}

Error too_large(std::string what) {
  return {Reason::TooLarge,
          std::move(what) +
              ", more than a sealed transfer takes for one key; carry it over with `keyhaven "
              "migrate`",
          ""};
}

Result<void> require_few_versions(const KeyRecord& key) {
  if (key.versions.size() <= unit::kMaxTransferVersionsPerChunk) return {};
  return too_large("the key has " + std::to_string(key.versions.size()) + " versions");
}

// Whether the key fits a chunk of its own.
Result<void> require_fit(const unit::TransferKey& key, std::size_t registrations) {
  if (key.record.size() > unit::kMaxTransferRecordBytes) {
    return too_large("with " + std::to_string(key.versions.size()) + " versions and " +
                     std::to_string(registrations) + " registrations the key's record takes " +
                     std::to_string(key.record.size()) + " bytes");
  }
  if (unit::transfer_size(key) + unit::kTransferChunkOverhead > unit::kMaxTransferChunkBytes)
    return too_large("the key takes " + std::to_string(unit::transfer_size(key)) + " bytes");
  return {};
}

}  // namespace

// Fills one chunk, key by key in the order of ids; the keys that are not in use stand between.
class TransferExport::Filler {
 public:
  Filler(const Parts& parts, const Request& request)
      : parts_(parts),
        instance_(request.instance),
        now_(parts.clock.now()),
        quarantined_(parts.changes.directory().quarantine().key_ids(request.instance)),
        last_(request.after) {
    next_quarantined_ = std::upper_bound(quarantined_.begin(), quarantined_.end(), last_);
  }

  void fill(ExportedChunk& out) {
    bool full = false;
    for (auto batch = look_ahead(); !full && !batch.empty(); batch = look_ahead()) {
      for (const KeyRecordPtr& key : batch) {
        full = !pass_quarantined(&key->id, out) || !take(key, out);
        if (full) break;
      }
    }
    if (!full) full = !pass_quarantined(nullptr, out);
    if (full) out.next = last_;
  }
  std::vector<unit::TransferKey> take_sealed() { return std::move(sealed_); }

 private:
  std::vector<KeyRecordPtr> look_ahead() const {
    std::vector<KeyRecordPtr> out;
    parts_.changes.directory().walk_after(instance_, last_, [&](const KeyRecordPtr& key) {
      out.push_back(key);
      return out.size() < kLookAhead;
    });
    return out;
  }

  // Those before `limit`, or all that are left. False when no more can be told in one answer.
  bool pass_quarantined(const KeyId* limit, ExportedChunk& out) {
    for (; next_quarantined_ != quarantined_.end(); ++next_quarantined_) {
      const KeyId& id = *next_quarantined_;
      if (limit != nullptr && *limit < id) return true;
      if (out.left_out.size() == kMaxLeftOut) return false;
      const auto refused = parts_.changes.directory().quarantine().check_key(instance_, id);
      if (!refused) out.left_out.push_back({id, {}, refused.error()});
      last_ = std::max(last_, id);
    }
    return true;
  }

  unit::TransferKey to_transfer(const KeyRecord& key, std::size_t& registrations) const {
    TransferRecord record{key, {}};
    RegistrationQuery all;
    all.key = &key;
    all.limit = SIZE_MAX;
    for (const RegistrationPtr& each : parts_.registrations.list(instance_, all).registrations)
      record.registrations.push_back(*each);
    registrations = record.registrations.size();
    // What cannot be counted in the record does not fit it either: a registration has 80 bytes.
    record.registrations.resize(std::min<std::size_t>(registrations, UINT16_MAX));
    unit::TransferKey out;
    out.purpose = purpose_of(key.kind);
    out.key = key.id;
    out.record = encode(record);
    for (const KeyVersion& version : key.versions)
      out.versions.push_back({version.id, version.blob, version.commitment, version.bits});
    return out;
  }

  bool has_room_for(const unit::TransferKey& key) const {
    return sealed_.size() < unit::kMaxTransferKeysPerChunk &&
           versions_ + key.versions.size() <= unit::kMaxTransferVersionsPerChunk &&
           bytes_ + unit::transfer_size(key) <= unit::kMaxTransferChunkBytes;
  }

  // False when the chunk, or the answer, is full: the key waits for the next one.
  bool take(const KeyRecordPtr& key, ExportedChunk& out) {
    std::size_t registrations = 0;
    Result<void> fit = require_restorable(*key, parts_.changes.times(), now_);
    unit::TransferKey sealed;
    if (fit) fit = require_few_versions(*key);
    if (fit) {
      sealed = to_transfer(*key, registrations);
      fit = require_fit(sealed, registrations);
    }
    if (!fit) {
      if (out.left_out.size() == kMaxLeftOut) return false;
      out.left_out.push_back({key->id, key->name, std::move(fit).error()});
    } else {
      if (!has_room_for(sealed)) return false;
      versions_ += sealed.versions.size();
      bytes_ += unit::transfer_size(sealed);
      sealed_.push_back(std::move(sealed));
      out.keys.push_back(key);
    }
    last_ = key->id;
    return true;
  }

  const Parts& parts_;
  const InstanceId instance_;
  const Timestamp now_;
  const std::vector<KeyId> quarantined_;
  std::vector<KeyId>::const_iterator next_quarantined_;
  KeyId last_;  // everything up to it is dealt with
  std::vector<unit::TransferKey> sealed_;
  std::size_t versions_ = 0;
  std::size_t bytes_ = unit::kTransferChunkOverhead;
};

// The unit says only that something in the chunk did not open: each key is tried by itself.
Result<void> TransferExport::leave_out_damaged(const Request& request,
                                               std::vector<unit::TransferKey>& sealed,
                                               ExportedChunk& out) {
  std::vector<unit::TransferKey> whole;
  std::vector<KeyRecordPtr> keys;
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    const auto alone =
        parts_.unit.export_chunk(request.instance, request.transfer, request.index, {sealed[i]});
    if (alone) {
      whole.push_back(std::move(sealed[i]));
      keys.push_back(out.keys[i]);
    } else if (alone.error().reason == Reason::DecryptFailed) {
      out.left_out.push_back({out.keys[i]->id, out.keys[i]->name, alone.error()});
    } else {
      return alone.error();
    }
  }
  sealed = std::move(whole);
  out.keys = std::move(keys);
  std::sort(out.left_out.begin(), out.left_out.end(),
            [](const LeftOutKey& a, const LeftOutKey& b) { return a.id < b.id; });
  return {};
}

// What the unit says of itself when it seals something.
Result<void> TransferExport::require_open(const Request& request) {
  const unit::TransferStatus status = KH_TRY(parts_.unit.transfers(request.instance));
  for (const auto& open : status.outgoing) {
    if (open.id == request.transfer) return {};
  }
  return Error{Reason::TransferNotAllowed,
               "no crypto unit of the instance may send keys in this transfer; its quorum must "
               "authorise it first",
               ""};
}

Result<void> TransferExport::seal(const Request& request, std::vector<unit::TransferKey> sealed,
                                  ExportedChunk& out) {
  if (sealed.empty()) return require_open(request);
  auto chunk = parts_.unit.export_chunk(request.instance, request.transfer, request.index, sealed);
  if (!chunk && chunk.error().reason == Reason::DecryptFailed) {
    KH_TRY(leave_out_damaged(request, sealed, out));
    if (sealed.empty()) return {};
    chunk = parts_.unit.export_chunk(request.instance, request.transfer, request.index, sealed);
  }
  out.chunk = KH_TRY(std::move(chunk));
  return {};
}

Result<ExportedChunk> TransferExport::export_chunk(const Request& request) {
  if (!parts_.changes.directory().quarantine().check_registrations(request.instance)) {
    return Error{Reason::RecordNotAuthentic,
                 "no key of the instance is transferred while a stored registration is missing or "
                 "not the one that the crypto unit sealed last: a key could arrive without what "
                 "forbids its deletion; `keyhaven store verify` names it, docs/operations/"
                 "records.md says how to repair or accept it",
                 {}};
  }
  // Before anything is read: until the unit has opened them, the blobs are the stored ones.
  const SealGate::Pass pass = KH_TRY(parts_.gate.pass(request.instance));
  ExportedChunk out;
  Filler filler(parts_, request);
  filler.fill(out);
  KH_TRY(seal(request, filler.take_sealed(), out));
  return out;
}

}  // namespace keyhaven::keys
