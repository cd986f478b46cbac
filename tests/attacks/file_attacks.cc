// The unit's state file and sealing key, by every name and handle a process can have for them.
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "attack.h"
#include "base/file.h"

namespace keyhaven::attacks {
namespace {

constexpr const char* kGroup = "state file and sealing key";

// file_handle with room for any file system's handle.
struct Handle {
  unsigned bytes = 128;
  int type = 0;
  unsigned char data[128] = {};
};

long handle_of(const std::string& path, Handle& handle) {
  int mount = 0;
  return ::syscall(SYS_name_to_handle_at, AT_FDCWD, path.c_str(), &handle, &mount, 0);
}

long open_by_handle(const std::string& path) {
  Handle handle;
  if (handle_of(path, handle) < 0) return -1;
  const int mount = ::open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return ::syscall(SYS_open_by_handle_at, mount, &handle, O_RDONLY);
}

Seen through_link(Attacker& attacker, const std::string& link, long made) {
  if (made < 0) return refused();
  Seen out = read_file_of(attacker, link);
  ::unlink(link.c_str());
  return out;
}

Seen reopen_path_descriptor(Attacker& attacker) {
  const FileDescriptor path(::open(attacker.sealing_key().c_str(), O_PATH | O_CLOEXEC));
  if (!path.valid()) return refused();
  return read_file_of(attacker, "/proc/self/fd/" + std::to_string(path.get()));
}

Seen link_path_descriptor(Attacker& attacker) {
  const FileDescriptor path(::open(attacker.sealing_key().c_str(), O_PATH | O_CLOEXEC));
  if (!path.valid()) return refused();
  const std::string name = "/proc/self/fd/" + std::to_string(path.get());
  const std::string link = attacker.own("linked");
  return through_link(attacker, link,
                      ::linkat(AT_FDCWD, name.c_str(), AT_FDCWD, link.c_str(), AT_SYMLINK_FOLLOW));
}

Seen read_every_entry_of(Attacker& attacker, const std::string& directory) {
  std::error_code failed;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    (void)read_file_of(attacker, entry.path());
    ++count;
  }
  if (failed) {
    errno = failed.value();
    return refused();
  }
  return {count > 0, std::to_string(count) + " entries"};
}

Seen truncate_to_its_length(const std::string& path) {
  struct stat info {};
  const off_t length = ::stat(path.c_str(), &info) == 0 ? info.st_size : 4096;
  return seen(::truncate(path.c_str(), length));
}

Seen replace_by_own(Attacker& attacker) {
  const std::string own = attacker.own("forged-state");
  if (!create_file(own, Bytes(64), 0600)) return refused();
  const long done = ::rename(own.c_str(), attacker.state().c_str());
  const Seen out = seen(done);
  ::unlink(own.c_str());
  return out;
}

Seen watch(const std::string& path) {
  const FileDescriptor notify(::inotify_init1(IN_CLOEXEC));
  if (!notify.valid()) return refused();
  return seen(::inotify_add_watch(notify.get(), path.c_str(), IN_ALL_EVENTS));
}

Seen watch_file_system(const std::string& path) {
  constexpr unsigned kNames = 0x00000200;  // FAN_REPORT_FID: what an ordinary user may ask for
  const FileDescriptor notify(
      static_cast<int>(::syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | kNames, O_RDONLY)));
  if (!notify.valid()) return refused();
  return seen(
      ::syscall(SYS_fanotify_mark, notify.get(), FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, path.c_str()));
}

std::string directory_of(Attacker& attacker) { return attacker.server.config().unit_directory(); }

}  // namespace

const std::vector<Attack>& file_attacks() {
  static const std::vector<Attack> table = {
      {kGroup, "read the state file", "RRRR",
       [](Attacker& a) { return read_file_of(a, a.state()); }},
      {kGroup, "read the sealing key", "RRRR",
       [](Attacker& a) { return read_file_of(a, a.sealing_key()); }},
      {kGroup, "list the state directory", "RRRR",
       [](Attacker& a) { return read_every_entry_of(a, directory_of(a)); }},
      {kGroup, "read it through /proc/UNIT/root", "RRRR",
       [](Attacker& a) { return read_file_of(a, a.of_unit("root" + a.sealing_key())); }},
      {kGroup, "read it through /proc/UNIT/cwd", "RRRR",
       [](Attacker& a) { return read_file_of(a, a.of_unit("cwd") + "/" + a.sealing_key()); }},
      {kGroup, "read it through /proc/self/root and ..", "RRRR",
       [](Attacker& a) {
         return read_file_of(a, std::string("/proc/self/root") + "/proc/.." + a.sealing_key());
       }},
      {kGroup, "open the unit's descriptors in /proc/UNIT/fd", "RRRR",
       [](Attacker& a) { return read_every_entry_of(a, a.of_unit("fd")); }},
      {kGroup, "open its mapped files in /proc/UNIT/map_files", "RRRR",
       [](Attacker& a) { return read_every_entry_of(a, a.of_unit("map_files")); }},
      {kGroup, "open the key as a path only and open that again", "RRRR", reopen_path_descriptor},
      {kGroup, "link such a path descriptor into an own directory", "RRRR", link_path_descriptor},
      {kGroup, "hard link the key into an own directory", "RRRR",
       [](Attacker& a) {
         const std::string link = a.own("linked");
         return through_link(a, link, ::link(a.sealing_key().c_str(), link.c_str()));
       }},
      {kGroup, "symbolic link to the key in an own directory", "RRRR",
       [](Attacker& a) {
         const std::string link = a.own("linked");
         return through_link(a, link, ::symlink(a.sealing_key().c_str(), link.c_str()));
       }},
      {kGroup, "rename the key into an own directory", "RRRR",
       [](Attacker& a) {
         return seen(::rename(a.sealing_key().c_str(), a.own("renamed").c_str()));
       }},
      {kGroup, "name the key by a handle (name_to_handle_at)", "RRRW",
       [](Attacker& a) {
         Handle handle;
         return seen(handle_of(a.sealing_key(), handle));
       },
       "a handle opens nothing by itself"},
      {kGroup, "open it by a handle (open_by_handle_at)", "RRRR",
       [](Attacker& a) { return seen(open_by_handle(a.sealing_key())); }},
      {kGroup, "open it by a handle, with all rights in an own user namespace", "RRRR",
       [](Attacker& a) {
         return in_user_namespace([&] { return open_by_handle(a.sealing_key()); });
       }},
      {kGroup, "bind-mount the state directory in an own user namespace", "RRRR",
       [](Attacker& a) {
         return in_user_namespace([&]() -> long {
           return ::mount(directory_of(a).c_str(), a.server.config().server_directory().c_str(),
                          nullptr, MS_BIND, nullptr);
         });
       }},
      {kGroup, "clone the mount there (open_tree) and open within", "RRRR",
       [](Attacker& a) {
         return in_user_namespace([&]() -> long {
           constexpr unsigned kClone = 1;  // OPEN_TREE_CLONE
           const long tree =
               ::syscall(SYS_open_tree, AT_FDCWD, directory_of(a).c_str(), kClone | O_CLOEXEC);
           return tree < 0 ? -1 : ::openat(static_cast<int>(tree), "sealing.key", O_RDONLY);
         });
       }},
      {kGroup, "enter the state directory and open by a relative name", "RRRR",
       [](Attacker& a) {
         if (::chdir(directory_of(a).c_str()) != 0) return refused();
         const Seen out = read_file_of(a, "sealing.key");
         (void)::chdir("/");
         return out;
       }},
      {kGroup, "change the mode of the state directory", "RRRW",
       [](Attacker& a) { return seen(::chmod(directory_of(a).c_str(), 0700)); },
       "only the call filter stops the owner"},
      {kGroup, "change the mode of the sealing key", "RRRW",
       [](Attacker& a) { return seen(::chmod(a.sealing_key().c_str(), 0600)); },
       "only the call filter stops the owner"},
      {kGroup, "change the owner of the sealing key", "RRRW",
       [](Attacker& a) { return seen(::chown(a.sealing_key().c_str(), ::getuid(), ::getgid())); },
       "only the call filter stops the owner"},
      {kGroup, "cut the state file off (truncate)", "RRR?",
       [](Attacker& a) { return truncate_to_its_length(a.state()); },
       "Landlock refuses it from ABI 3 on"},
      {kGroup, "open the state file cutting it off", "RRRR",
       [](Attacker& a) { return seen(::open(a.state().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)); }},
      {kGroup, "delete the state file", "RRRR",
       [](Attacker& a) { return seen(::unlink(a.state().c_str())); }},
      {kGroup, "put a forged state file in its place", "RRRR", replace_by_own},
      {kGroup, "make a file in the state directory", "RRRR",
       [](Attacker& a) {
         return seen(::open((directory_of(a) + "/new").c_str(), O_CREAT | O_WRONLY, 0600));
       }},
      {kGroup, "make a device or pipe there", "RRRR",
       [](Attacker& a) { return seen(::mkfifo((directory_of(a) + "/pipe").c_str(), 0600)); }},
      {kGroup, "open the unit's lock file to hold its lock", "RRRR",
       [](Attacker& a) { return seen(::open((directory_of(a) + "/LOCK").c_str(), O_RDWR)); }},
      {kGroup, "see the size and times of the state file", "RRWW",
       [](Attacker& a) {
         struct stat info {};
         return seen(::stat(a.state().c_str(), &info));
       },
       "says when the state was written"},
      {kGroup, "watch the state directory (inotify)", "RRRW",
       [](Attacker& a) { return watch(directory_of(a)); }, "would say when the state is written"},
      {kGroup, "watch the state file (fanotify)", "RRR?",
       [](Attacker& a) { return watch_file_system(a.state()); },
       "would say when the state is written"},
      {kGroup, "swap on the state file", "RRRR",
       [](Attacker& a) { return seen(::swapon(a.state().c_str(), 0)); }},
  };
  return table;
}

}  // namespace keyhaven::attacks
