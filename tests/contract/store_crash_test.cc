// kill -9 at random moments: what was acknowledged is there afterwards, whole, sealed as it is,
// with exactly one audit record.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <thread>

#include "audit/log_test_directory.h"
#include "contract/record_table_in_files.h"
#include "store/database.h"
#include "store/test_samples.h"

namespace keyhaven::contract {
namespace {

using store::new_instance;
using store::sample_event;
using store::sample_key;

constexpr int kRounds = 20;
constexpr int kThreads = 8;
constexpr std::size_t kUuidBytes = 16;

// What a child says it got acknowledged: the key and its new revision. One write(2) below PIPE_BUF,
// so never torn.
struct Acknowledgement {
  std::array<std::uint8_t, kUuidBytes> key;
  std::uint64_t revision;
};

class StoreCrashTest : public testing::Test {
 protected:
  struct Deployment {
    SystemClock clock;
    std::unique_ptr<RecordTableInFiles> guard;
    std::unique_ptr<audit::Log> log;
    std::unique_ptr<store::Database> database;
  };

  std::unique_ptr<Deployment> open() {
    auto out = std::make_unique<Deployment>();
    auto key = crypto::Ed25519PrivateKey::from_seed(seed_);
    // Small segments, so that crashes meet rotations too.
    audit::LogOptions options{.directory = directory_.file("audit"),
                              .preallocate_bytes = 16 << 10,
                              .segment_bytes = 32 << 10};
    auto log = audit::Log::open(options, std::move(key).value(), out->clock);
    if (!log) fatal(__FILE__, __LINE__, log.error().message.c_str());
    out->log = std::move(log).value();
    out->guard = std::make_unique<RecordTableInFiles>(directory_.file("records"));
    auto database = store::Database::open({.directory = directory_.file("store")}, *out->log,
                                          **out->guard, out->clock);
    if (!database) fatal(__FILE__, __LINE__, database.error().message.c_str());
    out->database = std::move(database).value();
    return out;
  }

  // The child: creates keys and changes them, as fast as it can, until it is killed.
  [[noreturn]] void work(int pipe, int round) {
    auto deployment = open();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          const std::string name =
              std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i);
          keys::KeyChange change;
          change.put = {sample_key(instance_, {name})};
          for (std::uint64_t revision = 1; revision <= 3; ++revision) {
            const std::string id = change.put[0].id.text() + "@" + std::to_string(revision);
            const auto done = deployment->database->commit(change, sample_event(id));
            if (!done || done->at(0) != revision)
              fatal(__FILE__, __LINE__, "commit failed in the child");
            change.put[0].revision = revision;
            const Acknowledgement said{change.put[0].id.uuid.bytes, revision};
            if (::write(pipe, &said, sizeof said) != sizeof said) ::_exit(1);
          }
        }
      });
    }
    for (int i = 0;; ++i) {  // checkpoints run beside it, as in the server
      if (!deployment->log->checkpoint())
        fatal(__FILE__, __LINE__, "checkpoint failed in the child");
      ::usleep(2000);
    }
  }

  // Runs a child until it has acknowledged `after` changes, kills it, and adds all it acknowledged.
  void run_round(int round, std::size_t after) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      work(ends[1], round);
    }
    ::close(ends[1]);
    Acknowledgement said{};
    std::size_t count = 0;
    while (::read(ends[0], &said, sizeof said) == sizeof said) {
      auto& revision = acknowledged_[KeyId{Uuid{said.key}}];
      revision = std::max(revision, said.revision);
      if (++count == after) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself";
    ASSERT_GE(count, after);
  }

  // How often each event is in the audit log, by correlation id.
  std::map<std::string, int> audit_counts() {
    std::map<std::string, int> counts;
    constexpr std::string_view kName = "\"correlationId\":\"";
    for (const auto& entry : std::filesystem::directory_iterator(directory_.file("audit"))) {
      if (!entry.path().filename().string().starts_with("management.")) continue;
      for (const std::string& line : audit::lines_of(audit::read_text(entry.path()))) {
        const std::size_t at = line.find(kName);
        if (at == std::string::npos) continue;
        const std::size_t begin = at + kName.size();
        ++counts[line.substr(begin, line.find('"', begin) - begin)];
      }
    }
    return counts;
  }

  void check(int round) {
    auto deployment = open();
    std::map<KeyId, std::uint64_t> stored;
    ASSERT_TRUE(deployment->database->load_keys([&](keys::KeyRecord key) {
      EXPECT_EQ(key.versions.size(), 1U);
      stored[key.id] = key.revision;
    }));
    // A group that nobody settled is no false alarm, and nothing is left unsealed.
    ASSERT_TRUE(deployment->database->finish_start());
    ASSERT_EQ(deployment->database->found_at_start().faults, 0U) << "round " << round;
    ASSERT_EQ(deployment->database->found_at_start().records, stored.size());
    for (const auto& [id, revision] : acknowledged_) {
      ASSERT_GE(stored[id], revision)
          << "round " << round << ": an acknowledged change of " << id.text() << " is lost";
    }
    // Every revision that is stored has one event, and no event is without its revision.
    const auto counts = audit_counts();
    std::size_t expected = 0;
    for (const auto& [id, revision] : stored) {
      for (std::uint64_t r = 1; r <= revision; ++r, ++expected) {
        const auto found = counts.find(id.text() + "@" + std::to_string(r));
        ASSERT_TRUE(found != counts.end())
            << "round " << round << ": no audit record for " << id.text() << "@" << r;
        ASSERT_EQ(found->second, 1) << "round " << round << ": " << found->first;
      }
    }
    ASSERT_EQ(counts.size(), expected);
    ASSERT_TRUE(deployment->log->checkpoint());
    const auto verified = audit::verify_log(
        directory_.file("audit"), crypto::Ed25519PrivateKey::from_seed(seed_).value().public_key());
    ASSERT_TRUE(verified);
    ASSERT_TRUE(verified->problems.empty()) << verified->problems.front();
  }

  audit::TestDirectory directory_;
  SecretBytes seed_{32};
  InstanceId instance_ = new_instance();
  std::map<KeyId, std::uint64_t> acknowledged_;
};

TEST_F(StoreCrashTest, NothingAcknowledgedIsLostAndEventsAreThereOnce) {
  const std::uint32_t seed = 20240607;
  std::mt19937 random(seed);
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(run_round(round, 1 + random() % 300)) << "seed " << seed;
    ASSERT_NO_FATAL_FAILURE(check(round)) << "seed " << seed;
  }
  std::printf("%d rounds, %zu acknowledged keys\n", kRounds, acknowledged_.size());
}

}  // namespace
}  // namespace keyhaven::contract
