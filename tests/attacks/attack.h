// How an attempt is written: a row of a table with what is expected and a function that tries it.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "captured_server.h"
#include "knowledge.h"

namespace keyhaven::attacks {

// What came of an attempt. `worked`: the step did what the attacker wanted of it; whether a key was
// obtained is decided by the canaries alone.
struct Seen {
  bool worked = false;
  std::string text;
};

// Collects every byte that an attempt obtains from the unit, its files or the kernel.
class Loot {
 public:
  explicit Loot(int fd) : fd_(fd) {}
  void take(ByteView bytes);
  std::size_t size() const noexcept { return size_; }

 private:
  int fd_;
  std::size_t size_ = 0;
};

struct Attacker {
  CapturedServer& server;
  const Knowledge& known;
  Loot& loot;

  pid_t unit() const { return server.unit_pid(); }
  pid_t launcher() const { return server.launcher_pid(); }
  std::string state() const { return server.config().unit_directory() + "/state"; }
  std::string sealing_key() const { return server.config().unit_key_path(); }
  std::string own(const std::string& name) const {
    return server.config().server_directory() + "/" + name;
  }
  std::string of_unit(const std::string& name) const {
    return "/proc/" + std::to_string(unit()) + "/" + name;
  }
  std::string of_launcher(const std::string& name) const {
    return "/proc/" + std::to_string(launcher()) + "/" + name;
  }
};

// Expected outcome in four circumstances, one letter each:
//   1 started by root    2 the same without the server's call filter
//   3 one ordinary user  4 the same without the server's call filter
// R refused or without effect, W works (the row's note says why no key is lost), ? up to the
// kernel.
struct Attack {
  const char* group;
  const char* what;
  const char* expected;
  std::function<Seen(Attacker&)> attempt;
  const char* note = "";
};

const std::vector<Attack>& file_attacks();
const std::vector<Attack>& memory_attacks();
const std::vector<Attack>& process_attacks();
const std::vector<Attack>& kernel_attacks();
const std::vector<Attack>& channel_attacks();
const std::vector<Attack>& last_attacks();  // these stop the unit

// --- Helpers ---
inline Seen refused() { return {false, ::strerrorname_np(errno)}; }
// Of a system call: negative is refused.
inline Seen seen(long result) { return result < 0 ? refused() : Seen{true, "ok"}; }
// Opens and takes what is there, at most 1 MiB.
Seen read_file_of(Attacker& attacker, const std::string& path, int flags = 0);
Seen write_to(const std::string& path, const std::string& text);
// In a child, where namespaces may be left and programs executed; errno is its exit status.
Seen in_child(const std::function<long()>& attempt);
// In a child that has all rights in a user namespace of its own.
Seen in_user_namespace(const std::function<long()>& attempt);

}  // namespace keyhaven::attacks
