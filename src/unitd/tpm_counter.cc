// Counters in a TPM's non-volatile memory.
#include "crypto/random.h"
#include "unitd/tpm.h"
#include "unitd/tpm_state.h"

namespace keyhaven::unitd {

using namespace tpm;

namespace {

// The owner's range without what others by custom use: 0x01800000 to 0x01BFFFFF.
constexpr std::uint32_t kFirstIndex = 0x01880000;
constexpr std::uint32_t kIndexMask = 0x0007FFFF;
constexpr int kIndexTries = 16;

TPM2B_NV_PUBLIC counter_template(std::uint32_t index) {
  TPM2B_NV_PUBLIC out{};
  out.nvPublic.nvIndex = index;
  out.nvPublic.nameAlg = TPM2_ALG_SHA256;
  // Only whoever has the data key reads or increments it; nobody can lock it by guessing.
  out.nvPublic.attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA |
                            (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT);
  out.nvPublic.dataSize = 8;
  return out;
}

std::uint32_t random_index() {
  std::array<std::uint8_t, 4> bytes{};
  crypto::random_nonce(bytes);
  const std::uint32_t value = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                              std::uint32_t{bytes[2]} << 8 | bytes[3];
  return kFirstIndex + (value & kIndexMask);
}

// An index as the TPM describes it, known to the TSS; nothing stays loaded in the TPM.
class Index {
 public:
  static Result<Index> find(Tpm::State& state, std::uint32_t index) {
    Index out(state.esys);
    const TSS2_RC code = Esys_TR_FromTPMPublic(state.esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, &out.handle_);
    if (code == TSS2_RC_SUCCESS) return out;
    if (base_code(code) == TPM2_RC_HANDLE || base_code(code) == TPM2_RC_VALUE)
      return Error{Reason::NotFound, "the TPM has no such counter", {}};
    return failed("NV_ReadPublic", code);
  }
  Index(Index&& other) noexcept
      : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Index& operator=(Index&&) = delete;
  ~Index() {
    if (handle_ != ESYS_TR_NONE) (void)Esys_TR_Close(esys_, &handle_);
  }
  ESYS_TR get() const noexcept { return handle_; }
  void removed() noexcept { handle_ = ESYS_TR_NONE; }  // by the TSS, with the index

  Result<void> give_auth(const SecretBytes& auth) {
    KH_ASSERT(auth.size() <= 32);
    TPM2B_AUTH value{};
    const WipeOnExit wiped({value.buffer, sizeof value.buffer});
    copy_into(value, auth.expose());
    const TSS2_RC code = Esys_TR_SetAuth(esys_, handle_, &value);
    if (code != TSS2_RC_SUCCESS) return failed("SetAuth", code);
    return {};
  }
  Result<Bytes> name() const {
    Answer<TPM2B_NAME> name;
    const TSS2_RC code = Esys_TR_GetName(esys_, handle_, name.out());
    if (code != TSS2_RC_SUCCESS) return failed("GetName", code);
    return Bytes(name->name, name->name + name->size);
  }

 private:
  explicit Index(ESYS_CONTEXT* esys) : esys_(esys) {}
  ESYS_CONTEXT* esys_;
  ESYS_TR handle_ = ESYS_TR_NONE;
};

// The index of a counter, checked to be the one that was made.
Result<Index> open_counter(Tpm::State& state, const TpmCounter& counter, const SecretBytes& auth) {
  Index index = KH_TRY(Index::find(state, counter.index));
  const Bytes name = KH_TRY(index.name());
  if (name != counter.name) {
    return Error{Reason::Conflict, "the TPM's counter is not the one that belongs to it", {}};
  }
  KH_TRY(index.give_auth(auth));
  return index;
}

Error counter_error(const char* command, TSS2_RC code) {
  const TSS2_RC base = base_code(code);
  if (base == TPM2_RC_BAD_AUTH || base == TPM2_RC_AUTH_FAIL)
    return {Reason::Conflict, "the TPM's counter was made anew by somebody else", {}};
  return failed(command, code);
}

Result<void> increment(Tpm::State& state, const Index& index) {
  const Loaded session = KH_TRY(start_session(state, TPM2_SE_HMAC));
  const TSS2_RC code = Esys_NV_Increment(state.esys, index.get(), index.get(), session.get(),
                                         ESYS_TR_NONE, ESYS_TR_NONE);
  if (code != TSS2_RC_SUCCESS) return counter_error("NV_Increment", code);
  return {};
}

// Defines a counter at an index nobody uses.
Result<std::uint32_t> define(Tpm::State& state, const SecretBytes& auth) {
  KH_ASSERT(auth.size() <= 32);
  TPM2B_AUTH value{};
  const WipeOnExit wiped({value.buffer, sizeof value.buffer});
  copy_into(value, auth.expose());
  for (int i = 0; i < kIndexTries; ++i) {
    const TPM2B_NV_PUBLIC area = counter_template(random_index());
    const Loaded session = KH_TRY(start_session(state, TPM2_SE_HMAC));
    set_encryption(state.esys, session.get(), Encrypts::Command);
    ESYS_TR made = ESYS_TR_NONE;
    const TSS2_RC code = Esys_NV_DefineSpace(state.esys, ESYS_TR_RH_OWNER, session.get(),
                                             ESYS_TR_NONE, ESYS_TR_NONE, &value, &area, &made);
    if (code == TSS2_RC_SUCCESS) {
      (void)Esys_TR_Close(state.esys, &made);
      return area.nvPublic.nvIndex;
    }
    if (base_code(code) != TPM2_RC_NV_DEFINED) return failed("NV_DefineSpace", code);
  }
  return Error{Reason::UnitUnavailable, "TPM: no free index for a counter", {}};
}

}  // namespace

Result<TpmCounter> Tpm::make_counter(const SecretBytes& auth) {
  TpmCounter out;
  out.index = KH_TRY(define(*state_, auth));
  {
    Index fresh = KH_TRY(Index::find(*state_, out.index));
    KH_TRY(fresh.give_auth(auth));
    KH_TRY(increment(*state_, fresh));
  }
  const Index counting = KH_TRY(Index::find(*state_, out.index));  // its name has changed
  out.name = KH_TRY(counting.name());
  return out;
}

Result<std::uint64_t> Tpm::read_counter(const TpmCounter& counter, const SecretBytes& auth) {
  const Index index = KH_TRY(open_counter(*state_, counter, auth));
  const Loaded session = KH_TRY(start_session(*state_, TPM2_SE_HMAC));
  set_encryption(state_->esys, session.get(), Encrypts::Response);
  Answer<TPM2B_MAX_NV_BUFFER> data;
  const TSS2_RC code = Esys_NV_Read(state_->esys, index.get(), index.get(), session.get(),
                                    ESYS_TR_NONE, ESYS_TR_NONE, 8, 0, data.out());
  if (code != TSS2_RC_SUCCESS) return counter_error("NV_Read", code);
  if (data->size != 8) return Error{Reason::UnitUnavailable, "TPM: a counter of odd size", {}};
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value = value << 8 | data->buffer[i];
  return value;
}

Result<void> Tpm::increment_counter(const TpmCounter& counter, const SecretBytes& auth) {
  const Index index = KH_TRY(open_counter(*state_, counter, auth));
  return increment(*state_, index);
}

Result<void> Tpm::remove_counter(const TpmCounter& counter) {
  Index index = KH_TRY(Index::find(*state_, counter.index));
  const Bytes name = KH_TRY(index.name());
  if (name != counter.name)
    return Error{Reason::Conflict, "the TPM's counter is not the one that belongs to it", {}};
  const Loaded session = KH_TRY(start_session(*state_, TPM2_SE_HMAC));
  const TSS2_RC code = Esys_NV_UndefineSpace(state_->esys, ESYS_TR_RH_OWNER, index.get(),
                                             session.get(), ESYS_TR_NONE, ESYS_TR_NONE);
  if (code != TSS2_RC_SUCCESS) return failed("NV_UndefineSpace", code);
  index.removed();
  return {};
}

}  // namespace keyhaven::unitd
