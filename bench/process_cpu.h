// Processor time of processes, of all their threads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace keyhaven::bench {

// Nanoseconds on a processor, from /proc/PID/task/*/schedstat (exact; a thread that has ended no
// longer counts). 0 when there is no such process.
inline std::uint64_t process_cpu_ns(pid_t pid) {
  std::uint64_t total = 0;
  std::error_code error;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    std::uint64_t on_cpu = 0;
    if (std::ifstream(task.path() / "schedstat") >> on_cpu) total += on_cpu;
  }
  return total;
}

}  // namespace keyhaven::bench
