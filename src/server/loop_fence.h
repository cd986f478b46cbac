// Makes a change take effect before it is acknowledged: a "forget these blobs" down every channel
// of the unit.
//
// Each loop posts the drop behind the calls it has already made; the unit answers a channel in
// order. So when all have answered, no call decided under the old state is under way and no opened
// copy is left.
#pragma once

#include <chrono>
#include <vector>

#include "keys/fence.h"
#include "net/http_server.h"
#include "unit/async_unit.h"

namespace keyhaven::server {

// Thread-safe; not from a loop thread (it waits for the loops).
class LoopFence final : public keys::Fence {
 public:
  // `units`: one per loop of `server`, in order; `blocking`: the worker pool's channel. Borrows
  // all.
  LoopFence(net::Server& server, std::vector<unit::AsyncUnit*> units, unit::CryptoUnit& blocking,
            std::chrono::milliseconds timeout);

  Result<void> fence(const std::vector<unit::KeyBlob>& drop) override;

 private:
  net::Server& server_;
  const std::vector<unit::AsyncUnit*> units_;
  unit::CryptoUnit& blocking_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace keyhaven::server
