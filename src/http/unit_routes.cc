#include "http/unit_routes.h"

#include <array>

#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

using unit::SealingMethod;

constexpr std::size_t kMaxText = 256;

// The names and what an administrator should know of each.
struct MethodRow {
  SealingMethod method;
  std::string_view name;
  std::string_view advice;
};
constexpr std::array<MethodRow, 6> kMethods = {{
    {SealingMethod::KeyFile, "file",
     "Whoever copies both the state file and the key file has the master keys: keep copies apart, "
     "or choose another method."},
    {SealingMethod::Passphrase, "passphrase",
     "Whoever copies the state file can guess passphrases at leisure: it must be a long one."},
    {SealingMethod::SystemdCredential, "systemd-creds",
     "The state opens for whoever has the credential; encrypt it with systemd-creds to this "
     "machine."},
    {SealingMethod::Pkcs11, "pkcs11",
     "The state opens where the token is. An old copy put back is not noticed."},
    {SealingMethod::Tpm2, "tpm2",
     "The state opens on this machine only: without it, the quorum's key parts are what is left. "
     "An old copy put back is noticed."},
    {SealingMethod::None, "none",
     "Master keys are in memory only: after each start of the unit the quorum loads them again."},
}};

Response answer(const unit::SealingStatus& status) {
  Response response;
  JsonWriter json(response.body);
  for (const MethodRow& row : kMethods) {
    if (row.method != status.method) continue;
    json.begin_object()
        .field("method", row.name)
        .field("reference", status.reference)
        .field("saves", static_cast<std::int64_t>(status.saves))
        .field("detects_old_state", status.detects_old_state)
        .field("advice", row.advice)
        .end_object();
  }
  return response;
}

Result<SealingMethod> method_from(const std::string& name) {
  for (const MethodRow& row : kMethods) {
    if (row.name == name) return row.method;
  }
  return Error{Reason::InvalidField,
               "method must be file, passphrase, systemd-creds, pkcs11, tpm2 or none", "method"};
}

Result<Response> change(unit::CryptoUnit& unit, Call& call) {
  std::string method;
  unit::SealingChange wanted;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "method" && name != "reference") return unknown_field(value);
    if (value.is_null()) return {};
    if (name == "method") method = KH_TRY(value.text("method", kMaxText));
    if (name == "reference") wanted.reference = KH_TRY(value.text("reference", kMaxText));
    return {};
  };
  const Body body = KH_TRY(read_json(call.body(), visit));
  if (body == Body::Absent) return Error{Reason::NoBody, "the body names the method", {}};
  wanted.method = KH_TRY(method_from(method));
  auto changed = unit.change_sealing(wanted);
  if (changed) return answer(*changed);
  // What a caller can put right is his mistake, and no fault of the server's.
  Error error = std::move(changed).error();
  if (error.reason == Reason::NotSupported) error.reason = Reason::FeatureRestricted;
  if (error.reason == Reason::InvalidArgument) error.reason = Reason::InvalidField;
  if (error.reason == Reason::InvalidField && error.target.empty()) error.target = "reference";
  return error;
}

}  // namespace

Routes unit_routes(unit::CryptoUnit& unit) {
  constexpr const char* kSealing = "/v1/unit/sealing";
  const auto read = [&unit](Call&) -> Result<Response> {
    const unit::SealingStatus status = KH_TRY(unit.sealing());
    return answer(status);
  };
  const auto write = [&unit](Call& call) { return change(unit, call); };
  return {
      blocking(Method::Get, kSealing, iam::Action::UnitSealingRead, Check::Account, read),
      blocking(Method::Put, kSealing, iam::Action::UnitSealingChange, Check::Account, write),
  };
}

}  // namespace keyhaven::http
