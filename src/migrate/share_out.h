// Many items for few workers, each worker on a thread of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace keyhaven::migrate {

// Calls work(worker, i) once for every i below `count`, in no certain order, and returns when all
// are done. `work` must not throw. The first worker runs on the caller's thread.
template <class Worker, class Work>
void share_out(std::vector<Worker>& workers, std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&](Worker& worker) {
    for (std::size_t i = next++; i < count; i = next++) work(worker, i);
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < workers.size() && i < count; ++i)
    others.emplace_back([&run, &workers, i] { run(workers[i]); });
  if (!workers.empty()) run(workers[0]);
  for (std::thread& thread : others) thread.join();
}

}  // namespace keyhaven::migrate
