#include "unitd/tpm.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "unitd/tpm_state.h"

namespace keyhaven::unitd {

using namespace tpm;

namespace {

constexpr TPMT_SYM_DEF kSessionCipher = {
    .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};

// The TCG's default template of a storage primary key on P-256.
TPM2B_PUBLIC primary_template() {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                          TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.parameters.eccDetail.symmetric = {
      .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  area.unique.ecc.x.size = 32;
  area.unique.ecc.y.size = 32;
  return out;
}

TPML_PCR_SELECTION selection_of(std::uint32_t pcrs) {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = 3;
  for (unsigned i = 0; i < 3; ++i)
    out.pcrSelections[0].pcrSelect[i] = static_cast<BYTE>(pcrs >> (8 * i));
  return out;
}

Result<void> run_policy(ESYS_CONTEXT* esys, ESYS_TR session, const TpmPolicy& policy) {
  const TPML_PCR_SELECTION pcrs = selection_of(policy.pcrs);
  TSS2_RC code =
      Esys_PolicyPCR(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &pcrs);
  if (code != TSS2_RC_SUCCESS) return failed("PolicyPCR", code);
  if (policy.auth.empty()) return {};
  code = Esys_PolicyAuthValue(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE);
  if (code != TSS2_RC_SUCCESS) return failed("PolicyAuthValue", code);
  return {};
}

Result<Bytes> name_of(ESYS_CONTEXT* esys, ESYS_TR object) {
  Answer<TPM2B_NAME> name;
  const TSS2_RC code = Esys_TR_GetName(esys, object, name.out());
  if (code != TSS2_RC_SUCCESS) return failed("GetName", code);
  return Bytes(name->name, name->name + name->size);
}

// Digest of the policy as the TPM computes it with the PCRs as they are now.
Result<TPM2B_DIGEST> policy_digest(Tpm::State& state, const TpmPolicy& policy) {
  const Loaded trial = KH_TRY(start_session(state, TPM2_SE_TRIAL));
  KH_TRY(run_policy(state.esys, trial.get(), policy));
  Answer<TPM2B_DIGEST> digest;
  const TSS2_RC code = Esys_PolicyGetDigest(state.esys, trial.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                            ESYS_TR_NONE, digest.out());
  if (code != TSS2_RC_SUCCESS) return failed("PolicyGetDigest", code);
  return *digest;
}

Result<TPM2B_PUBLIC> sealed_template(Tpm::State& state, const TpmPolicy& policy) {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_KEYEDHASH;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
  // Without a person's secret there is nothing to guess, so a locked TPM must not stop the unit.
  if (policy.auth.empty()) area.objectAttributes |= TPMA_OBJECT_NODA;
  if (policy.pcrs == 0) area.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
  area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  if (policy.pcrs != 0) area.authPolicy = KH_TRY(policy_digest(state, policy));
  return out;
}

template <class T, class Marshal>
Bytes marshalled(const T& value, Marshal marshal) {
  Bytes out(sizeof(T) + 16);
  std::size_t used = 0;
  KH_ASSERT(marshal(&value, out.data(), out.size(), &used) == TSS2_RC_SUCCESS);
  out.resize(used);
  return out;
}

Error no_longer(const char* why) {
  return {Reason::DecryptFailed, std::string("the TPM does not open it: ") + why, {}};
}

Error unseal_error(const char* command, TSS2_RC code) {
  switch (base_code(code)) {
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
      return {Reason::Unauthenticated, "the TPM refuses the authorization value", {}};
    case TPM2_RC_LOCKOUT:
      return {Reason::Unauthenticated,
              "the TPM is locked after wrong authorization values; wait for its recovery time, or "
              "clear the lockout with its lockout authorization",
              {}};
    case TPM2_RC_POLICY_FAIL:
      return no_longer(
          "the PCRs do not have the values they had when it was sealed (another boot loader, "
          "kernel or configuration?)");
    case TPM2_RC_INTEGRITY:
      return no_longer("it is damaged, or another TPM sealed it");
    default:
      return failed(command, code);
  }
}

}  // namespace

namespace tpm {

TSS2_RC base_code(TSS2_RC code) noexcept {
  const TSS2_RC tpm_code = code & 0xFFF;
  return (tpm_code & TPM2_RC_FMT1) != 0 ? tpm_code & (TPM2_RC_FMT1 | 0x3F) : tpm_code;
}

Error failed(const char* command, TSS2_RC code) {
  return {
      Reason::UnitUnavailable, std::string("TPM, ") + command + ": " + Tss2_RC_Decode(code), {}};
}

Loaded::~Loaded() {
  if (handle_ != ESYS_TR_NONE) (void)Esys_FlushContext(esys_, handle_);
}

Result<Loaded> start_session(Tpm::State& state, TPM2_SE type) {
  Loaded session(state.esys);
  const TSS2_RC code = Esys_StartAuthSession(state.esys, state.primary, ESYS_TR_NONE, ESYS_TR_NONE,
                                             ESYS_TR_NONE, ESYS_TR_NONE, nullptr, type,
                                             &kSessionCipher, TPM2_ALG_SHA256, session.out());
  if (code != TSS2_RC_SUCCESS) return failed("StartAuthSession", code);
  set_encryption(state.esys, session.get(), Encrypts::Nothing);
  return session;
}

void set_encryption(ESYS_CONTEXT* esys, ESYS_TR session, Encrypts what) {
  TPMA_SESSION flags = TPMA_SESSION_CONTINUESESSION;
  if (what == Encrypts::Command) flags |= TPMA_SESSION_DECRYPT;
  if (what == Encrypts::Response) flags |= TPMA_SESSION_ENCRYPT;
  KH_ASSERT(Esys_TRSess_SetAttributes(esys, session, flags, 0xFF) == TSS2_RC_SUCCESS);
}

}  // namespace tpm

Tpm::State::~State() {
  if (primary != ESYS_TR_NONE) (void)Esys_FlushContext(esys, primary);
  if (esys != nullptr) Esys_Finalize(&esys);
  if (tcti != nullptr) Tss2_TctiLdr_Finalize(&tcti);
}

Tpm::Tpm(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Tpm::Tpm(Tpm&&) noexcept = default;
Tpm& Tpm::operator=(Tpm&&) noexcept = default;
Tpm::~Tpm() = default;

Result<Tpm> Tpm::connect(const std::string& tcti, const SecretBytes& owner_auth) {
  auto state = std::make_unique<State>();
  TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.c_str(), &state->tcti);
  if (code != TSS2_RC_SUCCESS) {
    return Error{Reason::UnitUnavailable,
                 "the TPM at \"" + tcti + "\" cannot be reached: " + Tss2_RC_Decode(code),
                 {}};
  }
  code = Esys_Initialize(&state->esys, state->tcti, nullptr);
  if (code != TSS2_RC_SUCCESS) return failed("Initialize", code);
  if (!owner_auth.empty()) {
    TPM2B_AUTH auth{};
    if (owner_auth.size() > sizeof auth.buffer)
      return Error{Reason::InvalidArgument, "the owner authorization is too long for a TPM", {}};
    copy_into(auth, owner_auth.expose());
    code = Esys_TR_SetAuth(state->esys, ESYS_TR_RH_OWNER, &auth);
    wipe({auth.buffer, sizeof auth.buffer});
    if (code != TSS2_RC_SUCCESS) return failed("SetAuth", code);
  }
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_PUBLIC area = primary_template();
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcrs{};
  code = Esys_CreatePrimary(state->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                            ESYS_TR_NONE, &sensitive, &area, &outside, &no_pcrs, &state->primary,
                            nullptr, nullptr, nullptr, nullptr);
  const TSS2_RC base = base_code(code);
  if (code != TSS2_RC_SUCCESS && (base == TPM2_RC_BAD_AUTH || base == TPM2_RC_AUTH_FAIL)) {
    return Error{Reason::InvalidArgument,
                 "the TPM's owner hierarchy has a password; name a credential that holds it with "
                 "owner-auth=NAME in the reference",
                 {}};
  }
  if (code != TSS2_RC_SUCCESS) return failed("CreatePrimary", code);
  return Tpm(std::move(state));
}

Result<TpmSealedObject> Tpm::seal(const SecretBytes& data, const TpmPolicy& policy) {
  KH_ASSERT(!data.empty() && data.size() <= 128 && policy.auth.size() <= 32);
  const TPM2B_PUBLIC area = KH_TRY(sealed_template(*state_, policy));
  const Loaded session = KH_TRY(start_session(*state_, TPM2_SE_HMAC));
  set_encryption(state_->esys, session.get(), Encrypts::Command);
  TPM2B_SENSITIVE_CREATE sensitive{};
  const WipeOnExit wiped({reinterpret_cast<std::uint8_t*>(&sensitive), sizeof sensitive});
  copy_into(sensitive.sensitive.userAuth, policy.auth.expose());
  copy_into(sensitive.sensitive.data, data.expose());
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcrs{};
  Answer<TPM2B_PRIVATE> private_area;
  Answer<TPM2B_PUBLIC> public_area;
  const TSS2_RC code = Esys_Create(
      state_->esys, state_->primary, session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &area,
      &outside, &no_pcrs, private_area.out(), public_area.out(), nullptr, nullptr, nullptr);
  if (code != TSS2_RC_SUCCESS) return failed("Create", code);
  TpmSealedObject out;
  out.primary_name = KH_TRY(name_of(state_->esys, state_->primary));
  out.public_area = marshalled(*public_area, Tss2_MU_TPM2B_PUBLIC_Marshal);
  out.private_area = marshalled(*private_area, Tss2_MU_TPM2B_PRIVATE_Marshal);
  return out;
}

Result<SecretBytes> Tpm::unseal(const TpmSealedObject& object, const TpmPolicy& policy) {
  const Bytes primary = KH_TRY(name_of(state_->esys, state_->primary));
  if (primary != object.primary_name) {
    return no_longer(
        "another TPM sealed it, or this one's owner was changed or cleared since; use the TPM that "
        "sealed it");
  }
  TPM2B_PUBLIC public_area{};
  TPM2B_PRIVATE private_area{};
  std::size_t offset = 0;
  if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(object.public_area.data(), object.public_area.size(), &offset,
                                     &public_area) != TSS2_RC_SUCCESS) {
    return no_longer("the object's public area is damaged");
  }
  offset = 0;
  if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(object.private_area.data(), object.private_area.size(),
                                      &offset, &private_area) != TSS2_RC_SUCCESS) {
    return no_longer("the object's private area is damaged");
  }
  const Loaded hmac = KH_TRY(start_session(*state_, TPM2_SE_HMAC));
  Loaded loaded(state_->esys);
  TSS2_RC code = Esys_Load(state_->esys, state_->primary, hmac.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                           &private_area, &public_area, loaded.out());
  if (code != TSS2_RC_SUCCESS) return unseal_error("Load", code);
  if (!policy.auth.empty()) {
    TPM2B_AUTH auth{};
    const WipeOnExit wiped({auth.buffer, sizeof auth.buffer});
    copy_into(auth, policy.auth.expose());
    code = Esys_TR_SetAuth(state_->esys, loaded.get(), &auth);
    if (code != TSS2_RC_SUCCESS) return failed("SetAuth", code);
  }
  const Loaded session =
      KH_TRY(start_session(*state_, policy.pcrs != 0 ? TPM2_SE_POLICY : TPM2_SE_HMAC));
  if (policy.pcrs != 0) KH_TRY(run_policy(state_->esys, session.get(), policy));
  set_encryption(state_->esys, session.get(), Encrypts::Response);
  Answer<TPM2B_SENSITIVE_DATA> data;
  code = Esys_Unseal(state_->esys, loaded.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                     data.out());
  if (code != TSS2_RC_SUCCESS) return unseal_error("Unseal", code);
  return SecretBytes::copy_of(ByteView(data->buffer, data->size));
}

}  // namespace keyhaven::unitd
