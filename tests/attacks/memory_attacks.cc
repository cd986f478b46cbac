// The unit's memory, descriptors and what /proc tells of it; the launcher's too.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "attack.h"
#include "base/file.h"

namespace keyhaven::attacks {
namespace {

constexpr const char* kGroup = "memory of the unit and of its launcher";

Attack proc_file(const char* what, const char* name) {
  return {kGroup, what, "RRRR", [name](Attacker& a) { return read_file_of(a, a.of_unit(name)); }};
}

Seen attach(long request, pid_t pid) {
  const long done = ::syscall(SYS_ptrace, request, pid, nullptr, nullptr);
  if (done >= 0) (void)::syscall(SYS_ptrace, PTRACE_DETACH, pid, nullptr, nullptr);
  return seen(done);
}

// Some address of a position-independent program; refused before it matters whether it is mapped.
constexpr std::uintptr_t kSomewhere = 0x555555554000;

Seen read_of(Attacker& attacker, pid_t pid) {
  std::uint8_t bytes[4096] = {};
  const iovec local{bytes, sizeof bytes};
  const iovec remote{reinterpret_cast<void*>(kSomewhere), sizeof bytes};  // NOLINT
  const ssize_t count = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  if (count > 0) attacker.loot.take({bytes, static_cast<std::size_t>(count)});
  // EFAULT would mean that the kernel had looked.
  if (count < 0 && errno == EFAULT) return {true, "EFAULT"};
  return seen(count);
}

Seen take_descriptors(pid_t pid) {
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return refused();
  Seen out{false, "nothing"};
  for (int number = 0; number < 32; ++number) {
    const FileDescriptor taken(
        static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
    if (taken.valid()) return {true, "descriptor " + std::to_string(number)};
    out = refused();
  }
  return out;
}

Seen page_out(pid_t pid) {
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return refused();
  const iovec range{reinterpret_cast<void*>(kSomewhere), 4096};  // NOLINT
  return seen(::syscall(SYS_process_madvise, process.get(), &range, 1, MADV_PAGEOUT, 0));
}

Seen count_events_of(pid_t pid) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.exclude_kernel = 1;
  return seen(::syscall(SYS_perf_event_open, &attributes, pid, -1, -1, 0));
}

Seen move_pages_of(pid_t pid) {
  void* page = reinterpret_cast<void*>(kSomewhere);  // NOLINT
  int status = 0;
  return seen(::syscall(SYS_move_pages, pid, 1UL, &page, nullptr, &status, 0));
}

Seen robust_list_of(pid_t pid) {
  void* head = nullptr;
  std::size_t size = 0;
  return seen(::syscall(SYS_get_robust_list, pid, &head, &size));
}

Seen read_a_threads_memory(Attacker& attacker) {
  return read_file_of(attacker,
                      attacker.of_unit("task/" + std::to_string(attacker.unit()) + "/mem"));
}

}  // namespace

const std::vector<Attack>& memory_attacks() {
  static const std::vector<Attack> table = {
      proc_file("read /proc/UNIT/mem", "mem"),
      {kGroup, "read the memory through a thread's directory", "RRRR", read_a_threads_memory},
      {kGroup, "write to /proc/UNIT/mem", "RRRR",
       [](Attacker& a) { return write_to(a.of_unit("mem"), "x"); }},
      proc_file("read its map (maps)", "maps"),
      proc_file("read smaps", "smaps"),
      proc_file("read pagemap (physical addresses)", "pagemap"),
      proc_file("read its environment", "environ"),
      proc_file("read its auxiliary vector (addresses)", "auxv"),
      proc_file("read its kernel stack", "stack"),
      proc_file("read its system call and registers", "syscall"),
      proc_file("read its command line", "cmdline"),
      proc_file("read its status", "status"),
      {kGroup, "ptrace: attach", "RRRR",
       [](Attacker& a) { return attach(PTRACE_ATTACH, a.unit()); }},
      {kGroup, "ptrace: seize", "RRRR", [](Attacker& a) { return attach(PTRACE_SEIZE, a.unit()); }},
      {kGroup, "ptrace from an own user namespace", "RRRR",
       [](Attacker& a) {
         return in_user_namespace(
             [&] { return ::syscall(SYS_ptrace, PTRACE_ATTACH, a.unit(), nullptr, nullptr); });
       }},
      {kGroup, "process_vm_readv", "RRRR", [](Attacker& a) { return read_of(a, a.unit()); }},
      {kGroup, "process_vm_writev", "RRRR",
       [](Attacker& a) {
         char byte = 0;
         const iovec local{&byte, 1};
         const iovec remote{reinterpret_cast<void*>(kSomewhere), 1};  // NOLINT
         return seen(::process_vm_writev(a.unit(), &local, 1, &remote, 1, 0));
       }},
      {kGroup, "take its descriptors (pidfd_getfd)", "RRRR",
       [](Attacker& a) { return take_descriptors(a.unit()); }},
      {kGroup, "compare its kernel objects (kcmp)", "RRRR",
       [](Attacker& a) {
         return seen(::syscall(SYS_kcmp, ::getpid(), a.unit(), KCMP_FILE, 0, 0));
       }},
      {kGroup, "page its memory out (process_madvise)", "RRRR",
       [](Attacker& a) { return page_out(a.unit()); }},
      {kGroup, "ask where its pages are (move_pages)", "RRRR",
       [](Attacker& a) { return move_pages_of(a.unit()); }},
      {kGroup, "address of its threads (get_robust_list)", "RRRR",
       [](Attacker& a) { return robust_list_of(a.unit()); }},
      {kGroup, "count its events (perf_event_open)", "RRRR",
       [](Attacker& a) { return count_events_of(a.unit()); }},
      {kGroup, "widen its core dumps (coredump_filter)", "RRRR",
       [](Attacker& a) { return write_to(a.of_unit("coredump_filter"), "0x7f"); }},
      {kGroup, "dump it with gcore", "RRRR",
       [](Attacker& a) {
         return in_child([&]() -> long {
           const std::string pid = std::to_string(a.unit());
           return ::execl("/usr/bin/gcore", "gcore", "-o", a.own("core").c_str(), pid.c_str(),
                          nullptr);
         });
       }},
      {kGroup, "launcher: ptrace", "RRRR",
       [](Attacker& a) { return attach(PTRACE_ATTACH, a.launcher()); }},
      {kGroup, "launcher: read its memory", "RRRR",
       [](Attacker& a) { return read_file_of(a, a.of_launcher("mem")); }},
      {kGroup, "launcher: process_vm_readv", "RRRR",
       [](Attacker& a) { return read_of(a, a.launcher()); }},
      {kGroup, "launcher: take its descriptors", "RRRR",
       [](Attacker& a) { return take_descriptors(a.launcher()); }},
      {kGroup, "read /dev/mem", "RRRR", [](Attacker& a) { return read_file_of(a, "/dev/mem"); }},
      {kGroup, "read /proc/kcore", "RRRR",
       [](Attacker& a) { return read_file_of(a, "/proc/kcore"); }},
      {kGroup, "read /proc/vmcore", "RRRR",
       [](Attacker& a) { return read_file_of(a, "/proc/vmcore"); }},
      {kGroup, "read kernel addresses (kallsyms)", "RRRR",
       [](Attacker& a) { return read_file_of(a, "/proc/kallsyms"); }},
      {kGroup, "find and read the swap", "RRRR",
       [](Attacker& a) { return read_file_of(a, "/proc/swaps"); }},
      {kGroup, "read what others left in /dev/shm", "RRRR",
       [](Attacker& a) {
         const FileDescriptor fd(::open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
         (void)a;
         return fd.valid() ? Seen{true, "ok"} : refused();
       }},
  };
  return table;
}

}  // namespace keyhaven::attacks
