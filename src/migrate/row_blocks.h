// Many rows, several workers, one order: rows are read in blocks, worked on in parallel and handed
// on in their order, so memory does not grow with the inventory.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "base/result.h"

namespace keyhaven::migrate {

inline constexpr std::size_t kRowsPerWorker = 64;

// read:  Result<std::vector<In>>(std::size_t most)   the next rows; empty at the end
// work:  Out(Worker&, In&)                            in parallel, each worker by one thread
// emit:  Result<void>(std::vector<Out>&&)             one block, in the order of reading, by the
//                                                     calling thread
// Errors: of read and emit.
template <class In, class Out, class Worker, class Read, class Work, class Emit>
Result<void> work_in_blocks(std::vector<Worker>& workers, Read read, Work work, Emit emit) {
  while (true) {
    std::vector<In> rows = KH_TRY(read(workers.size() * kRowsPerWorker));
    if (rows.empty()) return {};
    std::vector<Out> results(rows.size());
    std::atomic<std::size_t> next{0};
    const auto run = [&](Worker& worker) {
      for (std::size_t i = next++; i < rows.size(); i = next++) results[i] = work(worker, rows[i]);
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < workers.size(); ++i)
      others.emplace_back([&run, &workers, i] { run(workers[i]); });
    run(workers[0]);
    for (std::thread& thread : others) thread.join();
    KH_TRY(emit(std::move(results)));
  }
}

}  // namespace keyhaven::migrate
