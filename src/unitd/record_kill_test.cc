// A unit that dies at any moment of its work on the journal, and a disk that is full at any write:
// no answered change is forgotten, and no start is refused.
//
// As in sealing_kill_test.cc the calls are this program's own functions; rename and fsync are
// there.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "unit/record_store_for_tests.h"
#include "unitd/moments_for_tests.h"
#include "unitd/records.h"
#include "unitd/sealing_for_tests.h"

namespace {

// The disk takes this many more writes, and half of the one after; -1: all.
int writes_left = -1;

}  // namespace

extern "C" {
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
  using keyhaven::unitd::moment;
  moment();
  if (writes_left == 0) {
    errno = ENOSPC;
    return -1;
  }
  // Dies, or has no more room, in the middle of a frame.
  const bool is_last = writes_left == 1;
  const std::size_t half = size > 1 ? size / 2 : size;
  if (writes_left > 0) --writes_left;
  const auto first = ::syscall(SYS_pwrite64, fd, bytes, half, offset);
  if (first != static_cast<long>(half) || half == size || is_last) return first;
  moment();
  const auto* rest = static_cast<const char*>(bytes) + half;
  const auto second = ::syscall(SYS_pwrite64, fd, rest, size - half, offset + off_t(half));
  moment();
  return second < 0 ? first : first + second;
}
int fdatasync(int fd) {
  keyhaven::unitd::moment();
  const auto result = ::syscall(SYS_fdatasync, fd);
  keyhaven::unitd::moment();
  return static_cast<int>(result);
}
}

namespace keyhaven::unitd {
namespace {

using unit::RecordChange;

class RecordKillTest : public testing::Test {
 protected:
  RecordKillTest() {
    std::string path = testing::TempDir() + "keyhaven-kill-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    options_.state_directory = directory_ + "/unit";
    std::filesystem::create_directory(options_.state_directory);
  }
  ~RecordKillTest() override {
    moments_left = writes_left = -1;
    std::filesystem::remove_all(directory_);
  }

  // The keys rest in a file of their own here, atomically as the state does.
  class KeySink final : public unit::StateSink {
   public:
    explicit KeySink(std::string path) : path_(std::move(path)) {}
    Result<void> save(const SecretBytes& state) override {
      return write_file_atomic(path_, state.expose(), 0600);
    }
    std::string path_;
  };
  struct Unit {
    std::unique_ptr<KeySink> sink;
    std::unique_ptr<unit::DomainTable> keys;
    Records records;
  };
  Result<Unit> start() {
    Unit out;
    out.sink = std::make_unique<KeySink>(options_.state_directory + "/state");
    auto state = read_secret_file(out.sink->path_, 1 << 20);
    out.keys = state ? KH_TRY(unit::DomainTable::restore(*state, *out.sink))
                     : KH_TRY(unit::DomainTable::create(*out.sink));
    out.records = KH_TRY(open_records(*out.keys, options_, {}));
    return out;
  }

  static RecordChange put(std::uint32_t number, std::string_view content, std::uint8_t scope = 1) {
    return {unit::scope_for_tests(scope), unit::name_for_tests(number),
            unit::digest_for_tests(content)};
  }
  static RecordChange removal(std::uint32_t number) {
    return {unit::scope_for_tests(1), unit::name_for_tests(number), {}};
  }
  static std::vector<std::vector<RecordChange>> groups() {
    std::vector<std::vector<RecordChange>> out = {{put(1, "a"), put(2, "b")},
                                                  {put(1, "a2"), removal(2), put(3, "c")},
                                                  {put(4, "d", 2), put(5, "e", 0)},
                                                  {put(3, "c2"), put(2, "again")}};
    out.emplace_back();  // one that is large enough to compact
    for (std::uint32_t i = 100; i < 300; ++i) out.back().push_back(put(i, "many"));
    return out;
  }

  // What the server has durably: the store after each commit, written as bytes to a pipe by the
  // process that dies. Kinds: group begun with its seals (s), committed (c), settled (d).
  void work(unit::RecordTable& table, int out) {
    std::uint64_t group = 1;
    for (const auto& changes : groups()) {
      const auto seals = table.seal_records(group, changes);
      if (!seals) ::_exit(3);
      send(out, 'c', *seals);
      if (!table.settle_records(group, true)) ::_exit(4);
      send(out, 'd', {});
      ++group;
    }
    if (!table.renew_record_key(unit::scope_for_tests(1))) ::_exit(5);
    if (!table.rewrite_journal()) ::_exit(6);
  }
  static void send(int out, char kind, const std::vector<unit::RecordSeal>& seals) {
    std::string bytes(1, kind);
    const std::size_t size = seals.size() * sizeof(unit::RecordSeal);
    bytes.append(reinterpret_cast<const char*>(seals.data()), size);
    KH_ASSERT(::write(out, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  // The store that the commits up to the death have made.
  static unit::RecordStoreForTests received(int in) {
    unit::RecordStoreForTests store;
    for (const auto& changes : groups()) {
      char kind = 0;
      if (::read(in, &kind, 1) != 1) break;
      std::vector<unit::RecordSeal> seals(changes.size());
      const auto size = static_cast<ssize_t>(seals.size() * sizeof(unit::RecordSeal));
      KH_ASSERT(kind == 'c' && ::read(in, seals.data(), static_cast<std::size_t>(size)) == size);
      store.apply(changes, seals);
      if (::read(in, &kind, 1) != 1) break;
    }
    return store;
  }

  std::string directory_;
  RecordOptions options_;
};

TEST_F(RecordKillTest, AtAnyMomentOfItsWork) {
  { ASSERT_TRUE(start()); }
  const std::string kept = directory_ + "/kept";
  std::filesystem::copy(options_.state_directory, kept, std::filesystem::copy_options::recursive);
  int deaths = 0;
  for (int last = 0;; ++last) {
    std::filesystem::remove_all(options_.state_directory);
    std::filesystem::copy(kept, options_.state_directory, std::filesystem::copy_options::recursive);
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      moments_left = last;
      auto unit = start();
      if (!unit) ::_exit(1);
      if (!unit->records.table->begin_guarding()) ::_exit(2);
      work(*unit->records.table, pipe[1]);
      ::_exit(0);
    }
    ::close(pipe[1]);
    const unit::RecordStoreForTests store = received(pipe[0]);
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFEXITED(status)) << status;
    const bool was_killed = WEXITSTATUS(status) == kKilled;
    ASSERT_TRUE(was_killed || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    deaths += was_killed;
    for (int again = 0; again < 2; ++again) {
      auto unit = start();
      ASSERT_TRUE(unit) << "killed at moment " << last << ": " << unit.error().message;
      const auto checked = store.check(*unit->records.table);
      ASSERT_TRUE(checked);
      ASSERT_TRUE(checked->is_clean()) << "killed at moment " << last;
    }
    if (!was_killed) break;
    ASSERT_LT(last, 2000);
  }
  EXPECT_GT(deaths, 60);
}

TEST_F(RecordKillTest, AFullDiskAtAnyWriteRefusesTheChangeAndLosesNothing) {
  unit::RecordStoreForTests store;
  std::uint64_t group = 0;
  int refused = 0;
  for (int room = 0; room < 6; ++room) {
    auto unit = start();
    ASSERT_TRUE(unit) << unit.error().message;
    unit::RecordTable& table = *unit->records.table;
    ASSERT_TRUE(store.check(table)->is_clean()) << room;
    for (const auto& changes : groups()) {
      writes_left = room;
      ++group;
      const auto seals = table.seal_records(group, changes);
      bool settled = false;
      if (seals) {
        store.apply(changes, *seals);
        settled = table.settle_records(group, true).has_value();
      } else {
        EXPECT_EQ(seals.error().reason, Reason::StoreUnavailable);
        ++refused;
      }
      writes_left = -1;
      if (seals && !settled) {
        ASSERT_TRUE(table.settle_records(group, true));
      }
      ASSERT_TRUE(store.check(table)->is_clean()) << room;
    }
    writes_left = room;
    (void)table.rewrite_journal();
    writes_left = -1;
    ASSERT_TRUE(store.check(table)->is_clean()) << room;
  }
  EXPECT_GT(refused, 5);
}

}  // namespace
}  // namespace keyhaven::unitd
