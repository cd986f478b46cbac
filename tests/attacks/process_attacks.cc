// Signals to, and limits and scheduling of, the unit and its launcher.
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "attack.h"
#include "base/file.h"

namespace keyhaven::attacks {
namespace {

constexpr const char* kGroup = "signals, limits, scheduling";
constexpr const char* kDenial = "would stop the service, and give nothing";

Attack signal_unit(const char* what, int signal) {
  return {kGroup, what, "RRR?",
          [signal](Attacker& a) {
            const Seen out = seen(::kill(a.unit(), signal));
            if (out.worked && signal == SIGSTOP) (void)::kill(a.unit(), SIGCONT);
            return out;
          },
          kDenial};
}

siginfo_t forged() {
  siginfo_t info{};
  info.si_signo = SIGUSR1;
  info.si_code = SI_QUEUE;
  return info;
}

// The kernel sends the signal for us when the pipe becomes readable. Whether it does is seen by the
// unit, whose answer to SIGIO is death.
Seen signal_by_descriptor_owner(Attacker& attacker) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refused();
  const FileDescriptor read_end(ends[0]);
  const FileDescriptor write_end(ends[1]);
  const pid_t unit = attacker.unit();
  if (::fcntl(read_end.get(), F_SETOWN, unit) != 0) return refused();
  if (::fcntl(read_end.get(), F_SETFL, O_ASYNC) != 0) return refused();
  (void)!::write(write_end.get(), "x", 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const bool alive = attacker.server.unit_serves() && attacker.unit() == unit;
  return alive ? Seen{false, "no effect"} : Seen{true, "it died"};
}

Seen set_limit(pid_t pid, int which, rlim_t least) {
  rlimit now{};
  if (::syscall(SYS_prlimit64, pid, which, nullptr, &now) != 0) return refused();
  if (least > 0) now.rlim_cur = now.rlim_max = least;
  return seen(::syscall(SYS_prlimit64, pid, which, &now, nullptr));
}

}  // namespace

const std::vector<Attack>& process_attacks() {
  static const std::vector<Attack> table = {
      signal_unit("kill it (SIGKILL)", SIGKILL),
      signal_unit("freeze it (SIGSTOP)", SIGSTOP),
      signal_unit("make it dump its core (SIGABRT)", SIGABRT),
      signal_unit("make it dump its core (SIGSEGV)", SIGSEGV),
      signal_unit("make it dump its core (SIGQUIT)", SIGQUIT),
      {kGroup, "signal one of its threads (tgkill)", "RRR?",
       [](Attacker& a) { return seen(::syscall(SYS_tgkill, a.unit(), a.unit(), SIGUSR1)); },
       kDenial},
      {kGroup, "queue a signal with a forged sender", "RRR?",
       [](Attacker& a) {
         siginfo_t info = forged();
         return seen(::syscall(SYS_rt_sigqueueinfo, a.unit(), SIGUSR1, &info));
       },
       kDenial},
      {kGroup, "signal it by a descriptor (pidfd_send_signal)", "RRR?",
       [](Attacker& a) {
         const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, a.unit(), 0)));
         if (!process.valid()) return refused();
         return seen(::syscall(SYS_pidfd_send_signal, process.get(), SIGUSR1, nullptr, 0));
       },
       kDenial},
      {kGroup, "let the kernel signal it (owner of a pipe)", "RRR?", signal_by_descriptor_owner,
       kDenial},
      {kGroup, "kill the launcher", "RRR?",
       [](Attacker& a) { return seen(::kill(a.launcher(), SIGKILL)); }, kDenial},
      {kGroup, "set a limit of the unit (prlimit)", "RRRW",
       [](Attacker& a) { return set_limit(a.unit(), RLIMIT_CORE, 0); },
       "could only lower limits: a denial of service"},
      {kGroup, "allow the unit core dumps (prlimit)", "RRRR",
       [](Attacker& a) { return set_limit(a.unit(), RLIMIT_CORE, RLIM_INFINITY); }},
      {kGroup, "take its locked memory away (prlimit)", "RRRW",
       [](Attacker& a) { return set_limit(a.unit(), RLIMIT_MEMLOCK, 0); },
       "what is locked stays locked; more would stop the unit"},
      {kGroup, "slow it down (setpriority)", "RRRW",
       [](Attacker& a) {
         return seen(::setpriority(PRIO_PROCESS, static_cast<id_t>(a.unit()), 0));
       },
       "a denial of service"},
      {kGroup, "choose its processor (sched_setaffinity)", "RRRW",
       [](Attacker& a) {
         cpu_set_t all;
         CPU_ZERO(&all);
         for (int i = 0; i < CPU_SETSIZE; ++i) CPU_SET(i, &all);
         return seen(::sched_setaffinity(a.unit(), sizeof all, &all));
       },
       "helps to measure caches: see the threat model on side channels"},
      {kGroup, "change its scheduling class", "RRRW",
       [](Attacker& a) {
         const sched_param parameter{};
         return seen(::sched_setscheduler(a.unit(), SCHED_OTHER, &parameter));
       },
       "a denial of service"},
      {kGroup, "change its share of the disk (ioprio_set)", "RRRW",
       [](Attacker& a) { return seen(::syscall(SYS_ioprio_set, 1, a.unit(), 2 << 13 | 4)); },
       "a denial of service"},
      {kGroup, "offer it to the memory killer (oom_score_adj)", "RRRR",
       [](Attacker& a) { return write_to(a.of_unit("oom_score_adj"), "1000"); }},
  };
  return table;
}

}  // namespace keyhaven::attacks
