// The crypto units of a deployment and their administration: what is rare, serialised and saved.
//
// One simulated module per position (the first operational unit of every instance is a domain of
// module 1, the second of module 2, ...; recovery units are in modules 7 and 8, failover units from
// 9 on), so clients verify one certificate chain per module. Every change is
// made on a copy, the whole state is given to the StateSink, and only then the change becomes
// visible and is answered; if saving fails nothing has changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"
#include "unit/crypto_unit.h"
#include "unit/master_key.h"
#include "unit/record_sinks.h"

namespace keyhaven::unit {

inline constexpr std::uint32_t kMaxUnitsPerInstance = 6;  // operational ones, and failover ones
inline constexpr std::uint32_t kMaxRecoveryUnits = 2;
inline constexpr std::uint32_t kFirstRecoveryModule = kMaxUnitsPerInstance + 1;
inline constexpr std::uint32_t kFirstFailoverModule = kFirstRecoveryModule + kMaxRecoveryUnits;
inline constexpr std::uint32_t kModules = kFirstFailoverModule + kMaxUnitsPerInstance - 1;
inline constexpr std::size_t kMaxInstances = 1024;
inline constexpr std::size_t kMaxStateBytes = std::size_t{64} * 1024 * 1024;
inline constexpr std::size_t kMaxRegionBytes = 64;

// Keeps the state. Called with the table's lock held; must not call the table.
class StateSink {
 public:
  virtual ~StateSink() = default;
  // Stores `state` durably (DomainTable::serialize: clear secrets, to be sealed by the receiver).
  // An error means the old state is still the stored one.
  virtual Result<void> save(const SecretBytes& state) = 0;
};

// What key operations of one instance may use. Immutable.
struct InstanceKey {
  enum class State : std::uint8_t { Ready, NotInitialized, UnitsDiffer };
  State state = State::NotInitialized;
  struct MasterKey {
    BlobPattern pattern{};
    MasterKeyPtr key;
    bool operator==(const MasterKey&) const = default;
  };
  // Ready: one, or two while a committed new key waits. All open blobs; the first seals new ones.
  std::vector<MasterKey> keys;
  bool operator==(const InstanceKey&) const = default;
};

// The keys of all instances at one generation. Immutable, shared by all engines that have seen this
// generation.
class KeySnapshot {
 public:
  // Null for an unknown instance.
  const InstanceKey* find(const InstanceId& instance) const;
  std::uint64_t generation() const noexcept { return generation_; }

 private:
  friend class DomainTable;
  std::uint64_t generation_ = 0;
  std::vector<std::pair<InstanceId, std::shared_ptr<const InstanceKey>>> keys_;  // sorted
};

struct DomainState;
struct TableState;
struct UnitOfTable;

// Thread-safe. The sink must outlive it.
class DomainTable final : public RecordKeySink {
 public:
  // A new deployment: attestation root key, module keys and certificates; saved. `keys` is where
  // master keys of operational and failover units are kept that come in from now on, and must
  // outlive the table; recovery units keep theirs in the state, because they export them. Errors:
  // what the sink gives.
  static Result<std::unique_ptr<DomainTable>> create(
      StateSink& sink, MasterKeyBackend& keys = software_master_keys());
  // From what serialize() gave. Errors: InvalidArgument (damaged, unknown version, inconsistent,
  // or a master key is in a token and `keys` is not).
  static Result<std::unique_ptr<DomainTable>> restore(
      const SecretBytes& state, StateSink& sink, MasterKeyBackend& keys = software_master_keys());
  ~DomainTable() override;

  // The whole state (docs/protocols/unit-state.md). Holds master keys and private keys in clear.
  SecretBytes serialize() const;
  // Gives the state as it is to the sink once more, for a sink that seals it anew.
  Result<void> save() const;

  // As in CryptoUnit, plus what the sink gives for changes.
  Result<std::vector<UnitStatus>> create_units(const InstanceId& instance,
                                               const std::string& region, UnitCounts counts);
  Result<std::vector<UnitStatus>> resize_units(const InstanceId& instance, UnitCounts counts);
  Result<void> remove_units(const InstanceId& instance);
  Result<std::vector<UnitStatus>> list_units(const InstanceId& instance) const;
  // A command whose effect cannot be saved is answered with the signed return code "internal
  // error", and has no effect.
  Result<std::string> administer(const InstanceId& instance, const UnitId& unit,
                                 const std::string& request);
  // What the administrators' acceptance of stored records goes to; without it that command finds no
  // difference. Called with the table's lock held. Set it before the first command.
  void set_record_acceptance(RecordAcceptance& records) noexcept { records_ = &records; }

  // The keys of stored records rest in this state.
  RecordKeys record_keys() const;
  Result<void> save_record_keys(const RecordKeys& keys) override;
  bool has_units(const InstanceId& instance) const override;

  // Copies of the instance's units as they are, with the modules that sign for them.
  std::vector<UnitOfTable> units(const InstanceId& instance) const;
  // As KeyTransfer::close_transfer, plus what the sink gives.
  Result<void> close_transfer(const InstanceId& instance, const Uuid& transfer);

  Bytes attestation_root() const;  // SubjectPublicKeyInfo, 158 bytes

  // Counts changes of the keys. An engine compares it per call and fetches a new snapshot only when
  // it moved.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  // Takes the lock of the table for a moment.
  std::shared_ptr<const KeySnapshot> snapshot() const;

 private:
  DomainTable(std::unique_ptr<TableState> state, StateSink& sink, MasterKeyBackend& keys);
  Result<void> save_locked() const;
  // Gives the keys that a command brought into `next` to the backend, in place of their bytes.
  Result<void> take_new_keys(const DomainState& before, DomainState& next);
  // Those of `unit` that no register holds any more.
  void forget_unheld_keys(const DomainState& unit);
  void publish_locked();

  StateSink& sink_;
  MasterKeyBackend& keys_;
  RecordAcceptance* records_ = nullptr;
  mutable std::mutex mutex_;
  std::unique_ptr<TableState> state_;
  std::shared_ptr<const KeySnapshot> snapshot_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace keyhaven::unit
