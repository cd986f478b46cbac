// Everything that sealing can use, made for one test: credentials, a SoftHSM2 token, a software
// TPM, and the helper on a thread.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "unit/ceremony_for_tests.h"
#include "unitd/state_file.h"

namespace keyhaven::unitd {

using unit::SealingMethod;

inline constexpr SealingMethod kAllMethods[] = {
    SealingMethod::KeyFile, SealingMethod::Passphrase, SealingMethod::SystemdCredential,
    SealingMethod::Pkcs11,  SealingMethod::Tpm2,       SealingMethod::None};

// A software TPM (Debian's swtpm) on two neighbouring free ports of loopback.
class TestTpm {
 public:
  explicit TestTpm(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directory(directory_);
    start();
  }
  ~TestTpm() { stop(); }

  std::string tcti() const { return "swtpm:host=127.0.0.1,port=" + std::to_string(port_); }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // As a machine that is shut down and started: what is loaded is gone, what is stored stays.
  void restart() {
    shut_down();
    stop();
    start();
  }
  // Another TPM at the same place.
  void replace() {
    stop();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    start();
  }

  // TPM2_PCR_Extend of PCR 16, as if something else had been booted.
  void extend_pcr16() const {
    const FileDescriptor fd = connected(port_);
    std::uint8_t command[65] = {0x80, 2,    0, 0, 0, 65, 0, 0, 1, 0x82, 0, 0, 0, 16, 0, 0,    0,
                                9,    0x40, 0, 0, 9, 0,  0, 0, 0, 0,    0, 0, 0, 1,  0, 0x0b, 0x55};
    std::uint8_t answer[64] = {};
    ASSERT_EQ(::write(fd.get(), command, sizeof command), 65);
    ASSERT_GE(::read(fd.get(), answer, sizeof answer), 10);
    ASSERT_EQ(answer[9], 0);
  }

 private:
  static int listening(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
  }
  static FileDescriptor connected(int port) {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
    return fd;
  }
  // TPM2_Shutdown(CLEAR). A TPM that loses its power without it counts that as a wrong
  // authorization value.
  void shut_down() const {
    const FileDescriptor fd = connected(port_);
    const std::uint8_t command[] = {0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x45, 0, 0};
    std::uint8_t answer[10] = {};
    ASSERT_EQ(::write(fd.get(), command, sizeof command), 12);
    ASSERT_EQ(::read(fd.get(), answer, sizeof answer), 10);
    ASSERT_EQ(answer[9], 0);
  }
  static std::uint16_t two_free_ports() {
    for (;;) {
      const int first = listening(0);
      sockaddr_in address{};
      socklen_t size = sizeof address;
      (void)::getsockname(first, reinterpret_cast<sockaddr*>(&address), &size);
      const std::uint16_t port = ntohs(address.sin_port);
      const int second = listening(static_cast<std::uint16_t>(port + 1));
      ::close(first);
      if (second < 0) continue;
      ::close(second);
      return port;
    }
  }
  void start() {
    port_ = two_free_ports();
    const std::string state = "dir=" + directory_;
    const std::string data = "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port_);
    const std::string control = "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port_ + 1);
    const char* const arguments[] = {"swtpm",
                                     "socket",
                                     "--tpm2",
                                     "--tpmstate",
                                     state.c_str(),
                                     "--server",
                                     data.c_str(),
                                     "--ctrl",
                                     control.c_str(),
                                     "--flags",
                                     "not-need-init,startup-clear",
                                     nullptr};
    ASSERT_EQ(::posix_spawnp(&pid_, "swtpm", nullptr, nullptr, const_cast<char* const*>(arguments),
                             environ),
              0)
        << "swtpm is needed (package swtpm)";
    // It offers no event; the control port answers once it listens on both.
    for (int i = 0; i < 1000 && !connected(port_ + 1).valid(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

// The helper on a thread, as a SealingSource of the unit.
class TestSealings final : public SealingSource {
 public:
  TestSealings(std::string key_file, const SealingMeans& means) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    thread_ = std::thread(
        [fd = ends[1], &means] { (void)run_sealing_helper(FileDescriptor(fd), means); });
    sealings_.emplace(std::move(key_file),
                      std::make_unique<SealingHelper>(FileDescriptor(ends[0])));
  }
  ~TestSealings() override {
    sealings_.reset();
    thread_.join();
  }
  Result<std::unique_ptr<Sealing>> create(SealingMethod method,
                                          const std::string& reference) override {
    return sealings_->create(method, reference);
  }
  Result<std::unique_ptr<Sealing>> stored(SealingMethod method, ByteView parameters) override {
    return sealings_->stored(method, parameters);
  }

 private:
  std::optional<UnitSealings> sealings_;
  std::thread thread_;
};

// A unit's directory and a unit on it.
class SealingFixture : public ::testing::Test {
 protected:
  static constexpr const char* kPin = "271828";

  static void SetUpTestSuite() {
    char name[] = "/tmp/keyhaven-sealing-test-XXXXXX";
    suite_ = ::mkdtemp(name);
    std::filesystem::create_directory(suite_ + "/tokens");
    std::ofstream(suite_ + "/softhsm2.conf")
        << "directories.tokendir = " << suite_ << "/tokens\nobjectstore.backend = file\n"
        << "log.level = ERROR\nslots.removable = false\n";
    ::setenv("TSS2_LOG", "all+none", 1);  // as the launcher sets it
    ::setenv("SOFTHSM2_CONF", (suite_ + "/softhsm2.conf").c_str(), 1);
    const std::string command =
        std::string("softhsm2-util --init-token --free --label seals --pin ") + kPin +
        " --so-pin 314159 >/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << "softhsm2-util is needed (package softhsm2)";
    tpm_ = new TestTpm(suite_ + "/tpm");
  }
  static void TearDownTestSuite() {
    delete tpm_;
    tpm_ = nullptr;
    std::filesystem::remove_all(suite_);
  }

  void SetUp() override {
    char name[] = "/tmp/keyhaven-sealing-test-XXXXXX";
    base_ = ::mkdtemp(name);
    std::filesystem::create_directory(base_ + "/credentials");
    put("passphrase", "correct horse battery staple\n");
    put("other-passphrase", "another passphrase");
    put("key", std::string(40, 'k'));
    put("pin", std::string(kPin) + "\n");
    put("tpm-auth", "an authorization value");
    means_.state_directory = base_ + "/unit";
    means_.credentials = Credentials(base_ + "/credentials", {});
    means_.argon2 = {256, 1, 4};
    means_.tpm2_tcti = tpm_->tcti();
    means_.pkcs11_module = "/usr/lib/softhsm/libsofthsm2.so";
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  std::string credential(const std::string& name) const { return base_ + "/credentials/" + name; }
  void put(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(write_file_atomic(credential(name), as_bytes(content), 0400));
  }
  std::string key_file() const { return base_ + "/unit/sealing.key"; }
  std::string state_path() const { return base_ + "/unit/state"; }

  static std::string reference_of(SealingMethod method) {
    switch (method) {
      case SealingMethod::Passphrase:
        return "passphrase";
      case SealingMethod::SystemdCredential:
        return "key";
      case SealingMethod::Pkcs11:
        return "token=seals;key=unit;pin=pin";
      case SealingMethod::Tpm2:
        return "pcrs=16;auth=tpm-auth";
      case SealingMethod::KeyFile:
      case SealingMethod::None:
        return "";
    }
    return "";
  }

  // A unit that runs: file, table.
  struct Unit {  // the members are destroyed from the last to the first
    std::unique_ptr<TestSealings> sealings;
    std::unique_ptr<StateFile> file;
    std::unique_ptr<unit::DomainTable> table;
  };
  Result<Unit> start(SealingMethod method = SealingMethod::KeyFile, std::uint64_t accept = 0) {
    Unit out;
    out.sealings = std::make_unique<TestSealings>(key_file(), means_);
    out.file = KH_TRY(
        StateFile::open({base_ + "/unit", method, reference_of(method), accept}, *out.sealings));
    auto state = out.file->take_state();
    auto table = state ? unit::DomainTable::restore(*state, *out.file)
                       : unit::DomainTable::create(*out.file);
    out.table = KH_TRY(std::move(table));
    return out;
  }
  static Result<unit::SealingStatus> change(Unit& unit, SealingMethod method,
                                            const std::string& reference) {
    return unit.file->change({method, reference}, [&] { return unit.table->save(); });
  }
  Bytes content(const std::string& path) const {
    return std::move(read_file(path, 1 << 20)).value();
  }

  inline static std::string suite_;
  inline static TestTpm* tpm_ = nullptr;
  std::string base_;
  SealingMeans means_;
};

inline std::string case_name(SealingMethod method) {
  std::string out(name_of(method));
  std::erase(out, '-');
  return out;
}

}  // namespace keyhaven::unitd
