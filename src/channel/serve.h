// The unit's end of one channel.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "unit/crypto_unit.h"
#include "unit/key_transfer.h"
#include "unit/record_guard.h"

namespace keyhaven::channel {

// Of one channel; written by its thread, read by any.
struct ServeCounters {
  std::atomic<std::uint64_t> calls{0};    // answered
  std::atomic<std::uint64_t> expired{0};  // of those, not begun because their deadline had passed
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> writes{0};
};

// What answers the calls of a channel; those that nothing is given for are NotSupported.
struct Served {
  // NOLINTNEXTLINE(google-explicit-constructor): a unit alone is one that serves keys
  Served(unit::CryptoUnit& answers, unit::RecordGuard* records_or_null = nullptr,
         unit::KeyTransfer* transfers_or_null = nullptr)
      : unit(answers), records(records_or_null), transfers(transfers_or_null) {}
  unit::CryptoUnit& unit;
  unit::RecordGuard* records;
  unit::KeyTransfer* transfers;
};

// Serves the stream socket `fd` (blocking or not) on the calling thread until the peer closes it:
// reads what is there, answers every whole call in order, sends all the answers with one write. The
// deadline of each call is checked before it is begun, never in the middle. `served` is called from
// this thread only. Returns success when the peer closed between two frames. Errors:
// InvalidArgument, TooLarge (the peer breaks the protocol), Io. Does not close `fd`; shutting it
// down from another thread ends the call.
Result<void> serve(int fd, const Served& served, ServeCounters* counters = nullptr);

}  // namespace keyhaven::channel
