// Transfers of keys over a table of crypto units: what keyhaven-unit answers the server with.
//
// Calls are rare, take some milliseconds and keep nothing between them, so any thread may make them
// while the engines of others go on.
#pragma once

#include "base/clock.h"
#include "unit/domain_table.h"
#include "unit/key_transfer.h"

namespace keyhaven::unit {

// Thread-safe. Table and clock must outlive it.
class TableTransfer final : public KeyTransfer {
 public:
  TableTransfer(DomainTable& table, const Clock& clock) : table_(table), clock_(clock) {}

  Result<TransferStatus> transfers(const InstanceId& instance) override;
  Result<TransferChunk> export_chunk(const InstanceId& instance, const Uuid& transfer,
                                     std::uint32_t index,
                                     const std::vector<TransferKey>& keys) override;
  Result<Bytes> sign_manifest(const InstanceId& instance, const Uuid& transfer, std::uint32_t keys,
                              const std::vector<ChunkProof>& chunks) override;
  Result<std::vector<TransferKey>> import_chunk(const InstanceId& instance, ByteView manifest,
                                                std::uint32_t index, ByteView chunk) override;
  Result<void> close_transfer(const InstanceId& instance, const Uuid& transfer) override;

 private:
  DomainTable& table_;
  const Clock& clock_;
};

}  // namespace keyhaven::unit
