// The server's blocking end of one channel, for the worker pool: management calls, administration
// frames, fences, stored records.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/file.h"
#include "channel/codec.h"
#include "unit/crypto_unit.h"
#include "unit/key_transfer.h"
#include "unit/record_guard.h"

namespace keyhaven::channel {

struct BlockingClientOptions {
  std::chrono::milliseconds deadline{5000};  // of each call, waiting included
  std::size_t max_pending = 1024;
};

// Thread-safe; the threads' calls share the socket: whoever finds nobody writing writes for all,
// one reader thread hands out the answers. Errors besides those of the unit as LoopClient has them:
// UnitUnavailable at once when the channel is down, within the deadline else; the unit may then
// still carry the call out. Nothing is repeated. `drop` reaches the cache behind this channel only:
// see LoopClient.
class BlockingClient final : public unit::CryptoUnit,
                             public unit::RecordGuard,
                             public unit::KeyTransfer {
 public:
  explicit BlockingClient(BlockingClientOptions options = {});
  ~BlockingClient() override;
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  // Uses the stream socket from now on; calls on a previous one fail. Thread-safe.
  void attach(FileDescriptor socket);
  // Closes the channel; calls under way fail with `cause`. Thread-safe.
  void detach(const std::string& cause = "the crypto unit is stopped");

  Result<std::vector<unit::UnitStatus>> create_units(const InstanceId& instance,
                                                     const std::string& region,
                                                     unit::UnitCounts counts) override;
  Result<std::vector<unit::UnitStatus>> resize_units(const InstanceId& instance,
                                                     unit::UnitCounts counts) override;
  Result<void> remove_units(const InstanceId& instance) override;
  Result<std::vector<unit::UnitStatus>> list_units(const InstanceId& instance) override;
  Result<std::string> administer(const InstanceId& instance, const UnitId& unit,
                                 const std::string& request) override;
  Result<Bytes> attestation_root() override;
  Result<unit::SealingStatus> sealing() override;
  Result<unit::SealingStatus> change_sealing(const unit::SealingChange& change) override;
  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding& binding) override;
  Result<unit::SealedRootKey> import_root_key(const unit::KeyBinding& binding,
                                              const SecretBytes& material) override;
  Result<unit::ImportTokenKey> create_import_token(const unit::KeyBinding& token) override;
  Result<unit::SealedRootKey> import_encrypted_root_key(
      const unit::KeyBinding& binding, const unit::KeyBinding& token,
      const unit::KeyBlob& private_key, const unit::EncryptedMaterial& material) override;
  Result<unit::KeyBlob> create_standard_key(const unit::KeyBinding& binding,
                                            const SecretBytes& payload) override;
  Result<SecretBytes> open_standard_key(const unit::KeyBinding& binding,
                                        const unit::KeyBlob& blob) override;
  Result<unit::WrapResult> wrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                                const SecretBytes& dek, const unit::AadList& aad) override;
  Result<unit::UnwrapResult> unwrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                                    ByteView wrapped_dek, const unit::AadList& aad,
                                    const Newest* newest) override;
  Result<Bytes> rewrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                       ByteView wrapped_dek, const unit::AadList& aad,
                       const Newest& newest) override;
  Result<unit::KeyBlob> reseal(unit::BlobPurpose purpose, const unit::KeyBinding& binding,
                               const unit::KeyBlob& blob, const unit::BlobPattern& target) override;
  Result<void> drop(const std::vector<unit::KeyBlob>& blobs) override;

  Result<unit::RecordGuardStatus> record_status() override;
  Result<std::vector<unit::RecordSeal>> seal_records(
      std::uint64_t group, const std::vector<unit::RecordChange>& changes) override;
  Result<void> settle_records(std::uint64_t group, bool committed) override;
  Result<void> begin_guarding() override;
  Result<std::uint64_t> begin_record_check() override;
  Result<std::vector<unit::RecordVerdict>> check_records(
      std::uint64_t check, const std::vector<unit::StoredRecord>& records) override;
  Result<unit::RecordCheckResult> end_record_check(std::uint64_t check) override;
  Result<std::uint64_t> renew_record_key(const unit::RecordScope& scope) override;
  Result<Renewal> record_renewal(const unit::RecordScope& scope) override;

  Result<unit::TransferStatus> transfers(const InstanceId& instance) override;
  Result<unit::TransferChunk> export_chunk(const InstanceId& instance, const Uuid& transfer,
                                           std::uint32_t index,
                                           const std::vector<unit::TransferKey>& keys) override;
  Result<Bytes> sign_manifest(const InstanceId& instance, const Uuid& transfer, std::uint32_t keys,
                              const std::vector<unit::ChunkProof>& chunks) override;
  Result<std::vector<unit::TransferKey>> import_chunk(const InstanceId& instance, ByteView manifest,
                                                      std::uint32_t index, ByteView chunk) override;
  Result<void> close_transfer(const InstanceId& instance, const Uuid& transfer) override;

 private:
  class Connection;
  template <class T, class Encode>
  Result<T> call(Op op, Encode encode);
  void replace(std::shared_ptr<Connection> fresh, const std::string& cause);

  BlockingClientOptions options_;
  std::mutex mutex_;  // of the pointer only
  std::shared_ptr<Connection> connection_;
};

}  // namespace keyhaven::channel
