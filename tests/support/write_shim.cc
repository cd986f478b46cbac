// Loaded into a program (LD_PRELOAD), it ends that program at a chosen one of its durable writes,
// so that a test need not guess a moment by the clock: what SQLite and our own files make durable
// goes through fsync, fdatasync, rename and unlink. There is a point before and a point after each.
//
// KEYHAVEN_WRITES_KILL_AT  the number of the point, from 1, at which the program kills itself
// KEYHAVEN_WRITES_COUNT    a file that gets the number of points when the program ends
// KEYHAVEN_STOP_AT_EXIT    set: the program stops (SIGSTOP) when its work is done, before its
//                          memory is gone, so that a test can look at it
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<long> points{0};

long chosen_point() {
  const char* text = std::getenv("KEYHAVEN_WRITES_KILL_AT");
  return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
}

void pass_point() {
  static const long chosen = chosen_point();
  if (++points == chosen) ::kill(::getpid(), SIGKILL);
}

// The function that ours stands before.
template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <class Function, class... Arguments>
int write_between_points(Function* function, Arguments... arguments) {
  pass_point();
  const int out = function(arguments...);
  pass_point();
  return out;
}

struct AtExit {
  ~AtExit() {
    if (const char* path = std::getenv("KEYHAVEN_WRITES_COUNT"); path != nullptr) {
      if (std::FILE* file = std::fopen(path, "w"); file != nullptr) {
        std::fprintf(file, "%ld\n", points.load());
        std::fclose(file);
      }
    }
    if (std::getenv("KEYHAVEN_STOP_AT_EXIT") != nullptr) ::raise(SIGSTOP);
  }
};
const AtExit at_exit;

}  // namespace

extern "C" {

int fsync(int fd) {
  static auto* const next = real<int(int)>("fsync");
  return write_between_points(next, fd);
}

int fdatasync(int fd) {
  static auto* const next = real<int(int)>("fdatasync");
  return write_between_points(next, fd);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const next = real<int(const char*, const char*)>("rename");
  return write_between_points(next, from, to);
}

int unlink(const char* path) noexcept {
  static auto* const next = real<int(const char*)>("unlink");
  return write_between_points(next, path);
}

}  // extern "C"
