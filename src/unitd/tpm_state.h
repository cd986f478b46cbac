// The TSS side of tpm.h: connection, primary key, sessions, return codes. Internal to tpm*.cc.
#pragma once

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tcti.h>

#include <algorithm>
#include <utility>

#include "unitd/tpm.h"

namespace keyhaven::unitd {

struct Tpm::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  TSS2_TCTI_CONTEXT* tcti = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  ESYS_TR primary = ESYS_TR_NONE;
};

namespace tpm {

// One object or session in the TPM, flushed at the end.
class Loaded {
 public:
  explicit Loaded(ESYS_CONTEXT* esys) : esys_(esys) {}
  Loaded(Loaded&& other) noexcept
      : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Loaded& operator=(Loaded&&) = delete;
  ~Loaded();
  ESYS_TR get() const noexcept { return handle_; }
  ESYS_TR* out() noexcept { return &handle_; }

 private:
  ESYS_CONTEXT* esys_;
  ESYS_TR handle_ = ESYS_TR_NONE;
};

// What the TSS allocated; wiped before it is freed when it may hold a secret.
template <class T>
class Answer {
 public:
  Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (value_ == nullptr) return;
    wipe({reinterpret_cast<std::uint8_t*>(value_), sizeof(T)});
    Esys_Free(value_);
  }
  T** out() noexcept { return &value_; }
  const T* operator->() const noexcept { return value_; }
  const T& operator*() const noexcept { return *value_; }

 private:
  T* value_ = nullptr;
};

// Which parameters of a command a session encrypts.
enum class Encrypts : std::uint8_t { Nothing = 0, Command = 1, Response = 2 };

// A salted session; `type` TPM2_SE_HMAC or TPM2_SE_POLICY.
Result<Loaded> start_session(Tpm::State& state, TPM2_SE type);
void set_encryption(ESYS_CONTEXT* esys, ESYS_TR session, Encrypts what);

// The TPM's own code without the number of the handle, parameter or session: TPM2_RC_AUTH_FAIL.
TSS2_RC base_code(TSS2_RC code) noexcept;
// UnitUnavailable with the decoded code.
Error failed(const char* command, TSS2_RC code);

// Fails above the structure's size.
template <class T>
void copy_into(T& out, ByteView bytes) {
  KH_ASSERT(bytes.size() <= sizeof out.buffer);
  out.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.buffer);
}

}  // namespace tpm
}  // namespace keyhaven::unitd
