// What opening a key costs when its master key is in a PKCS#11 token, beside the token's own cost,
// in one run: keyhaven-bench-token MODULE LABEL PIN-FILE [CALLS]. One line of JSON, microseconds of
// elapsed time, medians. The token gets one key, which is destroyed at the end.
//
//   token_cmac     C_SignInit and C_Sign of CKM_AES_CMAC, called directly on a session of its own
//   client_cmac    the same through token::Token: thread, deadline, handle, healing
//   open_software  opening a key blob and one wrap, master key in memory, nothing kept
//   open_token     the same with the master key in the token: two CMACs
//   overhead       open_token less open_software and two token_cmac: what is ours
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/file.h"
#include "unit/ceremony_for_tests.h"
#include "unitd/token_master_key.h"

namespace keyhaven {
namespace {

template <class Call>
double median_us(std::size_t calls, const Call& call) {
  std::vector<double> times;
  for (std::size_t i = 0; i < calls; ++i) {
    const auto before = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - before;
    times.push_back(took.count());
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(calls / 2));
  return times[calls / 2];
}

// The module itself, which the Token of this process has initialised and logged in.
class Direct {
 public:
  Direct(const std::string& module, const std::string& serial, const ByteView id) {
    void* const library = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
    KH_ASSERT(library != nullptr);
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
    KH_ASSERT(get(&f_) == CKR_OK);
    CK_SLOT_ID slots[256];
    CK_ULONG count = std::size(slots);
    KH_ASSERT(f_->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK);
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      if (f_->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
      const std::string_view found(reinterpret_cast<char*>(info.serialNumber), 16);
      if (!found.starts_with(serial)) continue;
      KH_ASSERT(f_->C_OpenSession(slots[i], CKF_SERIAL_SESSION, nullptr, nullptr, &session_) ==
                CKR_OK);
    }
    CK_ATTRIBUTE wanted{CKA_ID, const_cast<std::uint8_t*>(id.data()), id.size()};
    KH_ASSERT(f_->C_FindObjectsInit(session_, &wanted, 1) == CKR_OK);
    KH_ASSERT(f_->C_FindObjects(session_, &key_, 1, &count) == CKR_OK && count == 1);
    KH_ASSERT(f_->C_FindObjectsFinal(session_) == CKR_OK);
  }
  void cmac() {
    CK_MECHANISM mechanism{CKM_AES_CMAC, nullptr, 0};
    std::uint8_t out[16];
    CK_ULONG size = sizeof out;
    KH_ASSERT(f_->C_SignInit(session_, &mechanism, key_) == CKR_OK);
    KH_ASSERT(f_->C_Sign(session_, data_, sizeof data_, out, &size) == CKR_OK);
  }

 private:
  CK_FUNCTION_LIST* f_ = nullptr;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
  std::uint8_t data_[45] = {};  // the size of a derivation's input
};

double median_open_us(unit::MasterKeyBackend& keys, std::size_t calls) {
  unit::backend_for_tests() = &keys;
  unit::TestDeployment deployment;
  const InstanceId instance = unit::test_instance(1);
  const unit::Administrators administrators(2);
  const auto units = deployment.initialise(instance, administrators, unit::random_parts(), 1);
  unit::KeyEngineOptions nothing_kept;
  nothing_kept.max_opened_keys = 0;
  nothing_kept.derived_key_lifetime = std::chrono::seconds(0);
  unit::KeyEngine engine(deployment.table(), deployment.clock(), nothing_kept);
  const unit::KeyBinding binding = unit::test_binding(instance);
  const unit::KeyBlob blob = engine.generate_root_key(binding).value().blob;
  const SecretBytes dek(32);
  const double us =
      median_us(calls, [&] { KH_ASSERT(engine.wrap(binding, blob.bytes, dek, {}).has_value()); });
  deployment.session(instance, units[0]).zeroize(administrators.all()).value();
  return us;
}

int measure(const token::TokenChoice& choice, SecretBytes pin, std::size_t calls) {
  token::TokenOptions options;
  options.needs = unitd::needs_of_master_keys();
  auto opened = token::Token::open(choice, std::move(pin), options);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  token::Token token = std::move(opened).value();
  unitd::TokenMasterKeys keys(token, [](const std::string&) {});
  const auto key = keys.take(crypto::random_secret(32), unit::KeyOwner{}).value();
  const Bytes id = to_bytes(key->reference());
  Direct direct(choice.module_path, token.facts().serial, id);
  const Bytes data(45);
  const double token_cmac = median_us(calls, [&] { direct.cmac(); });
  const double client_cmac = median_us(calls, [&] {
    KH_ASSERT(token.aes_cmac({{}, id}, data).has_value());
  });
  const double open_software = median_open_us(unit::software_master_keys(), calls);
  const double open_token = median_open_us(keys, calls);
  keys.forget(key);
  std::printf(
      "{\"library\": \"%s\", \"calls\": %zu, \"token_cmac\": %.1f, \"client_cmac\": %.1f, "
      "\"open_software\": %.1f, \"open_token\": %.1f, \"overhead\": %.1f}\n",
      token.facts().library.c_str(), calls, token_cmac, client_cmac, open_software, open_token,
      open_token - open_software - 2 * token_cmac);
  return 0;
}

}  // namespace
}  // namespace keyhaven

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "keyhaven-bench-token MODULE LABEL PIN-FILE [CALLS]\n");
    return 2;
  }
  auto pin = keyhaven::read_secret_file(argv[3], 256);
  if (!pin) return 2;
  keyhaven::SecretBytes line = std::move(pin).value();
  std::size_t size = line.size();
  while (size > 0 && line.expose()[size - 1] == '\n') --size;
  line.shrink(size);
  const std::size_t calls = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 2000;
  return keyhaven::measure({argv[1], argv[2], {}}, std::move(line),
                           std::max<std::size_t>(calls, 1));
}
