// keyhaven-attacker: see README.md. For tests only; never installed.
//
//   keyhaven-attacker list
//   keyhaven-attacker prepare DATA_DIRECTORY UNIT_PROGRAM CANARIES
//   keyhaven-attacker attack  DATA_DIRECTORY UNIT_PROGRAM LOOT [without-filter]
//
// list and attack print one line for each attempt, fields separated by tabs; attack first the
// process ids, and before the attempts that end the unit "pause", upon which it waits for a line.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "attack.h"
#include "base/file.h"

namespace {

using namespace keyhaven;
using namespace keyhaven::attacks;

constexpr std::size_t kMaxKnowledgeBytes = 4U << 20;

int failed(const Error& error) {
  std::fprintf(stderr, "keyhaven-attacker: %s\n", error.message.c_str());
  return 1;
}

template <class Each>
void for_each_attack(Each each) {
  for (const auto* table : {&file_attacks(), &memory_attacks(), &process_attacks(),
                            &kernel_attacks(), &channel_attacks(), &last_attacks()}) {
    for (const Attack& attack : *table) each(attack);
  }
}

void list() {
  for_each_attack([](const Attack& attack) {
    std::printf("%s\t%s\t%s\t%s\n", attack.group, attack.what, attack.expected, attack.note);
  });
}

std::string knowledge_path(const CapturedServer& server) {
  return server.config().server_directory() + "/knowledge";
}

int prepare_deployment(const CapturedServer::Options& options, const char* canaries_file) {
  // Opened before the confinement, which keeps it out of the attacker's reach.
  const FileDescriptor out(::open(canaries_file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (!out.valid()) return failed(Error{Reason::Io, "cannot make the file of canaries", ""});
  auto server = CapturedServer::start(options);
  if (!server) return failed(server.error());
  std::string canaries;
  const auto known = prepare(**server, canaries);
  if (!known) return failed(known.error());
  const auto written = write_file_atomic(knowledge_path(**server), as_bytes(known->text()), 0600);
  if (!written) return failed(written.error());
  return ::write(out.get(), canaries.data(), canaries.size()) > 0 ? 0 : 1;
}

// The test looks at the processes while all are there.
void wait_for_the_test() {
  std::printf("pause\n");
  std::fflush(stdout);
  char line[8];
  (void)!::read(STDIN_FILENO, line, sizeof line);
}

int attack_deployment(const CapturedServer::Options& options, const char* loot_file) {
  const int out = ::open(loot_file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (out < 0) return failed(Error{Reason::Io, "cannot make the file of loot", ""});
  Loot loot(out);
  auto server = CapturedServer::start(options);
  if (!server) return failed(server.error());
  const auto text = read_file(knowledge_path(**server), kMaxKnowledgeBytes);
  if (!text) return failed(text.error());
  const auto known = Knowledge::parse(std::string(as_text(*text)));
  if (!known) return failed(known.error());
  Attacker attacker{**server, *known, loot};
  std::printf("pids\t%d\t%d\t%d\n", ::getpid(), attacker.launcher(), attacker.unit());
  for_each_attack([&](const Attack& attack) {
    if (&attack == &last_attacks().front()) wait_for_the_test();
    const std::size_t before = loot.size();
    errno = 0;
    const Seen outcome = attack.attempt(attacker);
    std::printf("%s\t%s\t%s\t%s\t%zu\n", attack.group, attack.what,
                outcome.worked ? "works" : "refused", outcome.text.c_str(), loot.size() - before);
    std::fflush(stdout);
  });
  std::_Exit(0);  // launcher and unit are gone
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "list" && argc == 2) {
    list();
    return 0;
  }
  if (argc < 5) {
    std::fprintf(stderr, "keyhaven-attacker: see main.cc\n");
    return 2;
  }
  const CapturedServer::Options options{argv[2], argv[3], argc == 5};
  if (verb == "prepare") return prepare_deployment(options, argv[4]);
  if (verb == "attack") return attack_deployment(options, argv[4]);
  return 2;
}
