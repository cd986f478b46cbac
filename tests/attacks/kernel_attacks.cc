// Programs, rights, namespaces, kernel interfaces, sockets: ways around the walls.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "attack.h"
#include "base/file.h"

namespace keyhaven::attacks {
namespace {

constexpr const char* kPrograms = "programs and rights";
constexpr const char* kKernel = "kernel interfaces";
constexpr const char* kSockets = "sockets";

Seen execute(const char* program, const std::vector<const char*>& arguments) {
  return in_child([&]() -> long {
    std::vector<char*> list = {const_cast<char*>(program)};
    for (const char* argument : arguments) list.push_back(const_cast<char*>(argument));
    list.push_back(nullptr);
    return ::execv(program, list.data());
  });
}

// A program in memory only, which no file rule sees; here one that does not even start.
Seen execute_from_memory() {
  return in_child([]() -> long {
    const int memory = static_cast<int>(::syscall(SYS_memfd_create, "program", 0));
    if (memory < 0) return -1;
    constexpr char kScript[] = "#!/proc/self/exe\n";
    if (::write(memory, kScript, sizeof kScript - 1) < 0) return -1;
    char* const nothing[] = {nullptr};
    ::syscall(SYS_execveat, memory, "", nothing, nothing, AT_EMPTY_PATH);
    // Landlock looks at the interpreter (EACCES): the memory itself passed.
    return errno == EACCES || errno == ENOENT || errno == ELOOP || errno == ENOEXEC ? 0 : -1;
  });
}

Seen raise_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{~0U, ~0U, 0}, {~0U, ~0U, 0}};
  return seen(::syscall(SYS_capset, &header, data));
}

Seen join_network_of(Attacker& attacker) {
  const FileDescriptor space(::open(attacker.of_unit("ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.valid()) return refused();
  return seen(::setns(space.get(), CLONE_NEWNET));
}

// A daemon of the same user, such as systemd's session manager, would run programs for whoever
// asks. The test listens in its place.
Seen connect_to_daemon(Attacker& attacker) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return refused();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = attacker.server.config().data_directory + "/daemon";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return seen(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

Seen connect_to_loopback() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return refused();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return seen(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

Seen owner_of_channel(Attacker& attacker) {
  const int channel = attacker.server.unused_channel();
  ucred peer{};
  socklen_t size = sizeof peer;
  return seen(::getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size));
}

Seen raw_ring() {
  char parameters[256] = {};
  return seen(::syscall(SYS_io_uring_setup, 4, parameters));
}

Seen make_map() {
  struct {
    std::uint32_t type = 2, key = 4, value = 8, entries = 1, rest[28] = {};
  } attributes;
  return seen(::syscall(SYS_bpf, 0, &attributes, sizeof attributes));
}

}  // namespace

const std::vector<Attack>& kernel_attacks() {
  static const std::vector<Attack> table = {
      {kPrograms, "start a second unit on a directory of its own", "RRRR",
       [](Attacker& a) {
         const std::string directory = a.own("other-unit");
         return execute(a.server.unit_program().c_str(),
                        {"--state-dir", directory.c_str(), "--key-file", "k", "--channels", "0"});
       }},
      {kPrograms, "run a set-user-id helper (su)", "RRRR",
       [](Attacker&) {
         return execute("/usr/bin/su", {"-c", "true"});
       }},
      {kPrograms, "run a program from memory (memfd_create, execveat)", "RWRW",
       [](Attacker&) { return execute_from_memory(); }, "it would be confined all the same"},
      {kPrograms, "overwrite the unit's program", "RRRR",
       [](Attacker& a) { return write_to(a.server.unit_program(), "x"); }},
      {kPrograms, "put another program in its place", "RRRR",
       [](Attacker& a) {
         const std::string own = a.own("program");
         (void)create_file(own, Bytes(16), 0700);
         const Seen out = seen(::rename(own.c_str(), a.server.unit_program().c_str()));
         ::unlink(own.c_str());
         return out;
       }},
      {kPrograms, "have a library loaded into it (/etc/ld.so.preload)", "RRRR",
       [](Attacker&) {
         return seen(::open("/etc/ld.so.preload", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
       }},
      {kPrograms, "hand a library to the next unit (LD_PRELOAD)", "RRRR",
       [](Attacker& a) {
         (void)::setenv("LD_PRELOAD", a.own("library.so").c_str(), 1);
         const Seen out = read_file_of(a, a.of_unit("environ"));
         (void)::unsetenv("LD_PRELOAD");
         return out;
       },
       "the launcher gives the unit an environment of its own making"},
      {kPrograms, "become root", "RRRR", [](Attacker&) { return seen(::setuid(0)); }},
      {kPrograms, "become the unit's group", "RRRR", [](Attacker&) { return seen(::setgid(0)); }},
      {kPrograms, "raise capabilities", "RRRR", [](Attacker&) { return raise_capabilities(); }},
      {kPrograms, "make a user namespace", "RWRW",
       [](Attacker&) { return in_child([]() -> long { return ::unshare(CLONE_NEWUSER); }); },
       "rights in it do not reach the unit, which is in another"},
      {kPrograms, "mount a file system there", "RRRR",
       [](Attacker& a) {
         return in_user_namespace([&]() -> long {
           return ::mount("proc", a.server.config().server_directory().c_str(), "proc", 0, nullptr);
         });
       }},
      {kPrograms, "join the unit's network namespace", "RRRR", join_network_of},
      {kPrograms, "switch off address randomisation (personality)", "RWRW",
       [](Attacker&) { return seen(::personality(ADDR_NO_RANDOMIZE)); },
       "of its own programs only"},
      {kKernel, "open files past the filter (io_uring)", "R?R?",
       [](Attacker&) { return raw_ring(); }, "Landlock holds in the ring too"},
      {kKernel, "userfaultfd", "R?R?",
       [](Attacker&) { return seen(::syscall(SYS_userfaultfd, O_CLOEXEC | 1)); },
       "of its own memory only"},
      {kKernel, "load a program into the kernel (bpf)", "R?R?",
       [](Attacker&) { return make_map(); }},
      {kKernel, "read the session's keyring", "R?R?",
       [](Attacker& a) {
         char bytes[4096] = {};
         const long count = ::syscall(SYS_keyctl, 11, -3, bytes, sizeof bytes);  // read, session
         if (count > 0)
           a.loot.take({reinterpret_cast<std::uint8_t*>(bytes),
                        std::min(static_cast<std::size_t>(count), sizeof bytes)});
         return seen(count);
       },
       "the unit keeps nothing there"},
      {kKernel, "read the kernel's log", "R?R?",
       [](Attacker& a) {
         char bytes[65536] = {};
         const int count = ::klogctl(3, bytes, sizeof bytes);
         if (count > 0)
           a.loot.take({reinterpret_cast<std::uint8_t*>(bytes), static_cast<std::size_t>(count)});
         return seen(count);
       },
       "kernel.dmesg_restrict decides; no key gets there"},
      {kKernel, "send core dumps to a program (core_pattern)", "RRRR",
       [](Attacker&) { return write_to("/proc/sys/kernel/core_pattern", "|/bin/true"); }},
      {kKernel, "allow dumps of protected programs (suid_dumpable)", "RRRR",
       [](Attacker&) { return write_to("/proc/sys/fs/suid_dumpable", "1"); }},
      {kKernel, "make a memory device node", "RRRR",
       [](Attacker& a) {
         return seen(::mknod(a.own("mem").c_str(), S_IFCHR | 0600, makedev(1, 1)));
       }},
      {kKernel, "load a kernel module", "RRRR",
       [](Attacker&) { return seen(::syscall(SYS_init_module, "x", 1UL, "")); }},
      {kKernel, "start another kernel (kexec)", "RRRR",
       [](Attacker&) { return seen(::syscall(SYS_kexec_load, 0UL, 0UL, nullptr, 0UL)); }},
      {kKernel, "switch on a swap file of its own", "RRRR",
       [](Attacker& a) {
         (void)create_file(a.own("swap"), Bytes(65536), 0600);
         const Seen out = seen(::swapon(a.own("swap").c_str(), 0));
         ::unlink(a.own("swap").c_str());
         return out;
       }},
      {kKernel, "record every process's end (acct)", "RRRR",
       [](Attacker& a) { return seen(::syscall(SYS_acct, a.own("acct").c_str())); }},
      {kKernel, "set the clock back", "RRRR",
       [](Attacker&) {
         const timespec then{1, 0};
         return seen(::clock_settime(CLOCK_REALTIME, &then));
       }},
      {kKernel, "reboot", "RRRR",
       [](Attacker&) { return seen(::syscall(SYS_reboot, 1, 2, 3, nullptr)); }},
      {kKernel, "type on the terminal of whoever started it (TIOCSTI)", "RRRR",
       [](Attacker&) { return seen(::ioctl(STDERR_FILENO, TIOCSTI, "\n")); }},
      {kSockets, "ask a daemon of the same user to run a program", "RWRW", connect_to_daemon,
       "Landlock leaves unix sockets open; the call filter makes no socket"},
      {kSockets, "send to the network", "RWRW", [](Attacker&) { return connect_to_loopback(); },
       "only the call filter stops it"},
      {kSockets, "list the machine's sockets (netlink)", "RWRW",
       [](Attacker&) {
         return seen(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 4));  // NETLINK_SOCK_DIAG
       },
       "names no key"},
      {kSockets, "listen to all packets", "RRRR",
       [](Attacker&) { return seen(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); }},
      {kSockets, "ask who made a channel (SO_PEERCRED)", "WWWW", owner_of_channel,
       "says the launcher's process id, which is no secret"},
  };
  return table;
}

}  // namespace keyhaven::attacks
