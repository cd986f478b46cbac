// A SoftHSM2 of the test process behind the shim: one directory, any number of tokens.
//
// SoftHSM reads SOFTHSM2_CONF in C_Initialize, and a Module is finalised when its last Token
// closes, so a token made while none is open is seen by the next open.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "token/token.h"

namespace keyhaven::token {

inline constexpr const char* kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";
inline constexpr const char* kPin = "271828";

// Made once for the process and removed at its end.
class SoftHsmDirectory {
 public:
  static SoftHsmDirectory& get() {
    static SoftHsmDirectory the_one;
    return the_one;
  }
  // Makes a token; the label is returned for convenience.
  std::string make_token(const std::string& label) {
    const std::string command = "softhsm2-util --init-token --free --label '" + label + "' --pin " +
                                kPin + " --so-pin 314159 >/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << "softhsm2-util is needed (package softhsm2)";
    return label;
  }

 private:
  SoftHsmDirectory() {
    // In memory where there is such a place: SoftHSM syncs its files at each change.
    const bool in_memory = access("/dev/shm", W_OK) == 0;
    std::string name = in_memory ? "/dev/shm" : "/tmp";
    name += "/keyhaven-token-test-XXXXXX";
    path_ = mkdtemp(name.data());
    std::filesystem::create_directory(path_ / "tokens");
    std::ofstream(path_ / "softhsm2.conf")
        << "directories.tokendir = " << (path_ / "tokens").string()
        << "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n";
    setenv("SOFTHSM2_CONF", (path_ / "softhsm2.conf").c_str(), 1);
    setenv("KEYHAVEN_SHIM_MODULE", kSoftHsm, 1);
  }
  ~SoftHsmDirectory() { std::filesystem::remove_all(path_); }
  std::filesystem::path path_;
};

// What the shim in this process exports besides PKCS#11.
class Shim {
 public:
  Shim() : library_(dlopen(KH_TOKEN_SHIM, RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(library_, nullptr) << dlerror();
  }
  void plan(const std::string& text) const {
    symbol<void (*)(const char*)>("keyhaven_shim_set_plan")(text.c_str());
  }
  unsigned long calls(const char* function) const {
    return symbol<unsigned long (*)(const char*)>("keyhaven_shim_calls")(function);
  }
  unsigned long fired() const { return symbol<unsigned long (*)()>("keyhaven_shim_fired")(); }
  const CK_FUNCTION_LIST& functions() const {
    CK_FUNCTION_LIST* list = nullptr;
    EXPECT_EQ(symbol<CK_C_GetFunctionList>("C_GetFunctionList")(&list), CKR_OK);
    return *list;
  }

 private:
  template <class T>
  T symbol(const char* name) const {
    return reinterpret_cast<T>(dlsym(library_, name));
  }
  void* library_;
};

// A test with a token of its own.
class TokenFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    SoftHsmDirectory& directory = SoftHsmDirectory::get();
    static int tokens = 0;
    label_ = directory.make_token("token " + std::to_string(++tokens));
    shim_.plan("");
  }
  void TearDown() override { shim_.plan(""); }  // lets go of calls that hang

  TokenChoice choice() const { return {KH_TOKEN_SHIM, label_, {}}; }
  TokenOptions options() {
    TokenOptions out;
    out.needs = {.aes_gcm = true, .aes_cmac = true, .aes_ecb = true, .p521 = true};
    out.call_deadline = std::chrono::seconds(20);
    out.first_pause = std::chrono::milliseconds(1);
    out.longest_pause = std::chrono::milliseconds(2);
    out.alarm = [this](const std::string& line) {
      const std::lock_guard lock(alarm_mutex_);
      alarms_.push_back(line);
    };
    return out;
  }
  Result<Token> open(std::string_view pin, TokenOptions with) {
    return Token::open(choice(), SecretBytes::copy_of(pin), std::move(with));
  }
  Token open() {
    Result<Token> token = open(kPin, options());
    EXPECT_TRUE(token) << token.error().message;
    return std::move(token).value();
  }
  std::vector<std::string> alarms() {
    const std::lock_guard lock(alarm_mutex_);
    return alarms_;
  }

  std::string label_;
  Shim shim_;
  std::mutex alarm_mutex_;
  std::vector<std::string> alarms_;
};

}  // namespace keyhaven::token
