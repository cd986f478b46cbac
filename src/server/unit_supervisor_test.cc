// The real keyhaven-unit under its launcher: start, death, return, isolation, end.
#include "server/unit_supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/landlock.h"
#include "base/seccomp.h"
#include "channel/blocking_client.h"
#include "server/confine.h"

namespace keyhaven::server {
namespace {

using std::chrono::seconds;
constexpr seconds kPatience{60};  // sanitizer builds on a busy machine

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// Runs `check` in a forked child; its number is the result (0: as expected).
template <class Check>
int in_child(Check check) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(check());
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class UnitSupervisorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "kh-unit-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    ASSERT_EQ(::chmod(base_.c_str(), 0755), 0);
    options_.program = KH_UNIT_PROGRAM;
    options_.state_directory = base_ + "/unit";
    options_.key_file = base_ + "/unit/sealing.key";
    options_.channels = 3;
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(base_);
  }
  void start() {
    auto launcher = UnitLauncher::fork_launcher(options_);
    ASSERT_TRUE(launcher) << launcher.error().message;
    launcher_pid_ = launcher->pid();
    supervisor_ = std::make_unique<UnitSupervisor>(
        std::move(launcher).value(),
        UnitSupervisor::Callbacks{[this](std::vector<FileDescriptor> channels, pid_t unit) {
                                    EXPECT_EQ(channels.size(), options_.channels);
                                    const std::lock_guard lock(mutex_);
                                    unit_ = unit;
                                    client_.attach(std::move(channels[0]));
                                    others_.clear();
                                    for (std::size_t i = 1; i < channels.size(); ++i) {
                                      others_.push_back(
                                          std::make_unique<channel::BlockingClient>());
                                      others_.back()->attach(std::move(channels[i]));
                                    }
                                    changed_.notify_all();
                                  },
                                  [](const std::string&) {}});
  }
  void start_and_wait() {
    start();
    const auto up = supervisor_->wait_until_up(kPatience);
    ASSERT_TRUE(up) << up.error().message;
  }
  void stop() {
    client_.detach();
    {
      const std::lock_guard lock(mutex_);
      others_.clear();
    }
    supervisor_.reset();
  }
  pid_t unit() {
    const std::lock_guard lock(mutex_);
    return unit_;
  }
  // Waits for another unit than `old`.
  pid_t next_unit(pid_t old) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return unit_ != old; }));
    return unit_;
  }

  std::string base_;
  UnitLaunchOptions options_;
  channel::BlockingClient client_{{.deadline = std::chrono::seconds(30)}};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<channel::BlockingClient>> others_;
  pid_t unit_ = 0;
  pid_t launcher_pid_ = 0;
  std::unique_ptr<UnitSupervisor> supervisor_;
};

InstanceId some_instance() {
  InstanceId id;
  id.uuid.bytes.fill(0x42);
  return id;
}

TEST_F(UnitSupervisorTest, ServesOnEveryChannelAndStops) {
  start_and_wait();
  const auto root = client_.attestation_root();
  ASSERT_TRUE(root) << root.error().message;
  for (const auto& other : others_) EXPECT_EQ(*other->attestation_root(), *root);
  EXPECT_TRUE(supervisor_->status().up);
  EXPECT_EQ(supervisor_->status().unit_pid, unit());
  EXPECT_EQ(supervisor_->status().restarts, 0U);
  const pid_t pid = unit();
  stop();
  EXPECT_EQ(::kill(pid, 0), -1) << "the unit outlived its launcher";
}

TEST_F(UnitSupervisorTest, KilledItComesBackWithItsStateAndTheServiceGoesOn) {
  start_and_wait();
  const auto made = client_.create_units(some_instance(), "eu-de", 2);
  ASSERT_TRUE(made) << made.error().message;
  const Bytes root = *client_.attestation_root();
  pid_t pid = unit();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    pid = next_unit(pid);
    const auto units = client_.list_units(some_instance());
    ASSERT_TRUE(units) << units.error().message;
    ASSERT_EQ(units->size(), 2U);
    EXPECT_EQ((*units)[0].id, (*made)[0].id);
    EXPECT_EQ(*client_.attestation_root(), root);
  }
  ASSERT_TRUE(supervisor_->wait_until_up(kPatience));
  EXPECT_EQ(supervisor_->status().restarts, 3U);
  EXPECT_EQ(supervisor_->status().last_cause, "the unit was killed by signal 9");
}

TEST_F(UnitSupervisorTest, ALostChannelAloneAlsoLeadsToFreshOnes) {
  start_and_wait();
  const pid_t pid = unit();
  {
    const std::lock_guard lock(mutex_);
    others_[0]->detach();
  }
  (void)next_unit(pid);
  EXPECT_TRUE(client_.attestation_root());
}

TEST_F(UnitSupervisorTest, NeitherDumpsNorGainsPrivilegesAndIsFiltered) {
  start_and_wait();
  const std::string proc = "/proc/" + std::to_string(unit());
  const std::string limits = text_of(proc + "/limits");
  const std::size_t core = limits.find("Max core file size");
  ASSERT_NE(core, std::string::npos);
  std::istringstream values(limits.substr(core + 18));
  std::string soft;
  std::string hard;
  values >> soft >> hard;
  EXPECT_EQ(soft, "0");
  EXPECT_EQ(hard, "0");
  struct stat info {};
  ASSERT_EQ(::stat((proc + "/environ").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U) << "a dumpable process's entries belong to its user";
  const std::string status = text_of(proc + "/status");
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos);
  EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos);
}

TEST_F(UnitSupervisorTest, StateAndKeyAreClosedToOthers) {
  start_and_wait();
  for (const char* name : {"/unit", "/unit/state", "/unit/sealing.key"}) {
    struct stat info {};
    ASSERT_EQ(::stat((base_ + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 077, 0U) << name;
  }
  EXPECT_EQ(std::filesystem::file_size(base_ + "/unit/sealing.key"), 32U);
}

// What a wrong start says, and that putting it right is enough: no restart of the server.
TEST_F(UnitSupervisorTest, WrongOrMissingKeyAndDamagedStateAreRefusedWithTheReason) {
  start_and_wait();
  const Bytes root = *client_.attestation_root();
  const pid_t first = unit();
  stop();
  const std::string key = options_.key_file;
  const std::string state = options_.state_directory + "/state";
  const auto refusal = [&] {
    start();
    const auto up = supervisor_->wait_until_up(kPatience);
    EXPECT_FALSE(up);
    if (up) return std::string("came up");
    EXPECT_EQ(up.error().reason, Reason::InvalidArgument);
    const std::string message = up.error().message;
    return message;
  };
  const auto good_key = std::move(read_file(key, 32)).value();
  const auto good_state = std::move(read_file(state, 1 << 20)).value();

  ASSERT_TRUE(write_file_atomic(key, Bytes(32, 7), 0600));
  EXPECT_NE(refusal().find("sealed with another sealing key"), std::string::npos);
  stop();
  std::filesystem::remove(key);
  EXPECT_NE(refusal().find("is missing"), std::string::npos);
  stop();
  ASSERT_TRUE(write_file_atomic(key, good_key, 0600));
  ASSERT_TRUE(write_file_atomic(state, ByteView(good_state).first(good_state.size() - 1), 0600));
  EXPECT_NE(refusal().find("damaged or cut short"), std::string::npos);
  stop();
  ASSERT_TRUE(write_file_atomic(state, good_state, 0600));
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  EXPECT_NE(refusal().find("closed to others"), std::string::npos);

  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  (void)next_unit(first);
  EXPECT_EQ(*client_.attestation_root(), root);
}

TEST_F(UnitSupervisorTest, ASecondUnitOnTheSameStateIsRefused) {
  start_and_wait();
  auto launcher = UnitLauncher::fork_launcher(options_);
  ASSERT_TRUE(launcher);
  UnitSupervisor second(std::move(launcher).value(),
                        {[](std::vector<FileDescriptor>, pid_t) { ADD_FAILURE(); }, nullptr});
  const auto up = second.wait_until_up(kPatience);
  ASSERT_FALSE(up);
  EXPECT_NE(up.error().message.find("is in use by process"), std::string::npos)
      << up.error().message;
}

TEST_F(UnitSupervisorTest, WhenTheServerIsKilledLauncherAndUnitEnd) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  int report[2];
  ASSERT_EQ(::pipe2(report, O_CLOEXEC), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    start();
    if (!supervisor_ || !supervisor_->wait_until_up(kPatience)) ::_exit(1);
    const pid_t pids[2] = {launcher_pid_, unit()};
    (void)!::write(report[1], pids, sizeof pids);
    for (;;) ::pause();
  }
  ::close(report[1]);
  pid_t pids[2] = {0, 0};
  ASSERT_EQ(::read(report[0], pids, sizeof pids), ssize_t{sizeof pids});
  ::close(report[0]);
  ASSERT_EQ(::kill(server, SIGKILL), 0);
  ASSERT_EQ(::waitpid(server, nullptr, 0), server);
  EXPECT_EQ(::waitpid(pids[0], nullptr, 0), pids[0]) << "the launcher";
  (void)::waitpid(pids[1], nullptr, 0);  // reaped by the launcher already, or ours now
  EXPECT_EQ(::kill(pids[1], 0), -1) << "the unit";
  EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

TEST_F(UnitSupervisorTest, WhenTheLauncherIsKilledTheUnitEndsAndTheServerIsTold) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  start_and_wait();
  const pid_t pid = unit();
  ASSERT_EQ(::kill(launcher_pid_, SIGKILL), 0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(launcher_pid_), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  while (!supervisor_->status().launcher_lost) std::this_thread::yield();
  EXPECT_FALSE(supervisor_->status().up);
  EXPECT_EQ(supervisor_->wait_until_up(kPatience).error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

TEST_F(UnitSupervisorTest, ALandlockedServerReachesNeitherTheUnitsFilesNorItsMemory) {
  if (landlock_abi() == 0) GTEST_SKIP() << "the kernel has no Landlock";
  start_and_wait();
  const std::string own = base_ + "/server";
  ASSERT_TRUE(make_directory(own, 0700));
  const pid_t pid = unit();
  EXPECT_EQ(
      in_child([&] {
        ServerFiles files;
        files.read_write = {own};
        files.forbidden = {options_.state_directory, options_.key_file};
        if (!restrict_server_with_landlock(files)) return 1;
        if (::open((options_.state_directory + "/state").c_str(), O_RDONLY) >= 0 || errno != EACCES)
          return 2;
        if (::open(options_.key_file.c_str(), O_RDONLY) >= 0 || errno != EACCES) return 3;
        if (::rename(options_.key_file.c_str(), (own + "/key").c_str()) == 0) return 4;
        if (::link(options_.key_file.c_str(), (own + "/key").c_str()) == 0) return 5;
        const std::string memory = "/proc/" + std::to_string(pid) + "/mem";
        if (::open(memory.c_str(), O_RDONLY) >= 0) return 6;
        if (::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) == 0) return 7;
        if (::open((own + "/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0) return 8;
        if (::open("/etc/passwd", O_RDONLY) < 0) return 9;
        if (::open("/dev/null", O_WRONLY) < 0) return 10;
        ::execl("/bin/true", "true", nullptr);
        return errno == EACCES ? 0 : 11;
      }),
      0);
}

TEST_F(UnitSupervisorTest, LandlockRefusesAUnitInsideTheServersDirectories) {
  ServerFiles files;
  files.read_write = {base_};
  files.forbidden = {base_ + "/unit"};
  const auto refused = restrict_server_with_landlock(files);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::InvalidArgument);
}

// What Landlock leaves to the owner of files and processes, as one user with the unit.
TEST_F(UnitSupervisorTest, AConfinedServerCannotTurnToTheUnitByOtherCalls) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "no call filter in a build with a sanitizer";
  start_and_wait();
  const pid_t pid = unit();
  const std::string state = options_.state_directory;
  const int failed = in_child([&] {
    if (!restrict_server_system_calls(Connections::None)) return 1;
    const auto refused = [](long result) { return result < 0 && errno == EPERM; };
    if (!refused(::chmod(state.c_str(), 0755))) return 2;
    if (!refused(::truncate((state + "/state").c_str(), 0))) return 3;
    if (!refused(::kill(pid, 0))) return 4;
    if (!refused(::socket(AF_UNIX, SOCK_STREAM, 0))) return 5;
    if (!refused(::syscall(SYS_prlimit64, pid, RLIMIT_CORE, nullptr, nullptr))) return 6;
    if (!refused(::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), 0))) return 7;
    if (!refused(::fork())) return 8;
    if (!refused(::fcntl(STDERR_FILENO, F_SETOWN, pid))) return 9;
    if (::getpriority(PRIO_PROCESS, 0) == -1) return 10;
    int ran = 0;
    std::thread([&ran] { ran = 1; }).join();
    return ran == 1 ? 0 : 11;
  });
  EXPECT_EQ(failed, 0);
}

TEST_F(UnitSupervisorTest, AServerWithAnOpenIdProviderConnectsToTheInternetOnly) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "no call filter in a build with a sanitizer";
  const int failed = in_child([] {
    if (!restrict_server_system_calls(Connections::Outbound)) return 1;
    for (const int family : {AF_UNIX, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK}) {
      if (::socket(family, SOCK_STREAM, 0) >= 0 || errno != EPERM) return 2;
    }
    const int stream = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream < 0 || ::socket(AF_INET6, SOCK_DGRAM, 0) < 0) return 3;
    sockaddr_in nobody{};
    nobody.sin_family = AF_INET;
    nobody.sin_port = htons(1);
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = reinterpret_cast<const sockaddr*>(&nobody);
    if (::connect(stream, address, sizeof nobody) == 0 || errno != ECONNREFUSED) return 4;
    if (::bind(stream, address, sizeof nobody) == 0 || errno != EPERM) return 5;
    return ::listen(stream, 1) == 0 || errno != EPERM ? 6 : 0;
  });
  EXPECT_EQ(failed, 0);
}

TEST_F(UnitSupervisorTest, StartedByRootTheUnitIsAnotherUserAndOthersAreKeptOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a start as root";
  constexpr uid_t kUnit = 61001;
  constexpr uid_t kServer = 61002;
  const bool reachable =
      in_child([&] {
        if (::setresgid(kUnit, kUnit, kUnit) != 0 || ::setresuid(kUnit, kUnit, kUnit) != 0)
          return 2;
        return ::access(options_.program.c_str(), X_OK) == 0 ? 0 : 1;
      }) == 0;
  if (!reachable) GTEST_SKIP() << "the build directory is closed to other users";
  options_.user = UnitLaunchOptions::User{kUnit, kUnit};
  start_and_wait();
  ASSERT_TRUE(client_.create_units(some_instance(), "eu-de", 2));
  const std::string status = text_of("/proc/" + std::to_string(unit()) + "/status");
  EXPECT_NE(status.find("Uid:\t61001\t61001\t61001\t61001"), std::string::npos) << status;
  struct stat info {};
  ASSERT_EQ(::stat((options_.state_directory + "/state").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kUnit);
  const pid_t pid = unit();
  EXPECT_EQ(in_child([&] {
              if (::setresgid(kServer, kServer, kServer) != 0 ||
                  ::setresuid(kServer, kServer, kServer) != 0)
                return 1;
              if (::open((options_.state_directory + "/state").c_str(), O_RDONLY) >= 0) return 2;
              if (::open(options_.key_file.c_str(), O_RDONLY) >= 0) return 3;
              if (::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY) >= 0)
                return 4;
              if (::kill(pid, SIGKILL) == 0) return 5;
              return 0;
            }),
            0);
}

TEST_F(UnitSupervisorTest, WrongOptionsAreRefusedBeforeTheFork) {
  UnitLaunchOptions missing = options_;
  missing.program = base_ + "/nothing";
  EXPECT_EQ(UnitLauncher::fork_launcher(missing).error().reason, Reason::InvalidArgument);
  UnitLaunchOptions none = options_;
  none.channels = 0;
  EXPECT_EQ(UnitLauncher::fork_launcher(none).error().reason, Reason::InvalidArgument);
}

}  // namespace
}  // namespace keyhaven::server
