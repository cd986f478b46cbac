#include "instances/administered_action.h"

#include <algorithm>

#include "base/bytes.h"
#include "tke/admin.h"
#include "tke/attributes.h"
#include "tke/certificate.h"
#include "tke/codes.h"
#include "tke/control_points.h"
#include "tke/frame.h"
#include "tke/key_export.h"
#include "tke/key_part.h"
#include "tke/signer_info.h"
#include "tke/transfer.h"

namespace keyhaven::instances {
namespace {

using iam::Action;

Action action_of(std::uint32_t command) {
  switch (command) {
    case tke::kAddAdministrator:
    case tke::kReplaceAdministrator:
      return Action::TkeAdminAdd;
    case tke::kRemoveAdministrator:
      return Action::TkeAdminRemove;
    case tke::kSetAttributes:
      return Action::TkeThresholdSet;
    case tke::kGenerateImporter:
      return Action::TkeImporterGenerate;
    case tke::kImportKeyParts:
      return Action::TkeRegisterAdd;
    case tke::kCommitPending:
      return Action::TkeRegisterCommit;
    case tke::kFinalizePending:
      return Action::TkeRegisterActivate;
    case tke::kClearPending:
      return Action::TkeRegisterClear;
    case tke::kClearCurrent:
      return Action::TkeCurrentRegisterClear;
    case tke::kZeroize:
      return Action::TkeZeroize;
    case tke::kCreateRandomKey:
      return Action::TkeRandomKey;
    case tke::kExportCurrentKey:
    case tke::kExportPendingKey:
      return Action::TkeExport;
    case tke::kSetControlPoints:
    case tke::kEnableControlPoints:
    case tke::kDisableControlPoints:
      return Action::TkeControlPointsSet;
    case tke::kAcceptRecords:
      return Action::TkeRecordsAccept;
    case tke::kOfferTransfer:
      return Action::TkeTransferOffer;
    case tke::kAuthorizeTransfer:
      return Action::TkeTransferAuthorize;
    case tke::kConsentTransfer:
      return Action::TkeTransferConsent;
    case tke::kReencryptBlob:  // changes nothing, as a query
      return Action::TkeQuery;
    default:
      return tke::is_query(command) ? Action::TkeQuery : Action::TkeUnknown;  // an open set of ids
  }
}

void add(Details& details, std::string_view name, std::string value) {
  if (!value.empty()) details.emplace_back("requestData." + std::string(name), std::move(value));
}

// The identifiers of all signers, in their order: those of the block itself, or of an import's
// inner blocks.
std::string signers_text(ByteView signer_infos) {
  const auto infos = tke::parse_signer_infos(signer_infos);
  std::string out;
  if (!infos) return out;
  for (const tke::SignerInfo& info : *infos)
    out.append(out.empty() ? "" : ",").append(to_hex(info.ski));
  return out;
}

void describe_import(Details& details, ByteView input) {
  const auto parts = tke::parse_admin_requests(input, tke::kMaxKeyParts);
  if (!parts) return;
  add(details, "keyParts", std::to_string(parts->size()));
  std::string signers;
  for (const tke::AdminRequest& part : *parts) {
    signers.append(signers.empty() ? "" : ",").append(signers_text(part.signer_infos));
  }
  add(details, "signers", std::move(signers));
}

void describe_attributes(Details& details, ByteView input) {
  const auto attributes = tke::apply_attribute_list({}, input);
  if (!attributes) return;
  add(details, "signatureThreshold", std::to_string(attributes->signature_threshold));
  add(details, "revocationSignatureThreshold", std::to_string(attributes->revocation_threshold));
}

void describe_certificate(Details& details, ByteView input) {
  const auto certificate = tke::parse_administrator_certificate(input);
  if (!certificate) return;
  add(details, "adminId", to_hex(certificate->ski));
  add(details, "adminName", certificate->name);
}

// Who is replaced, then the certificate of who comes.
void describe_replacement(Details& details, ByteView input) {
  if (input.size() <= sizeof(tke::Ski)) return;
  add(details, "replacedAdminId", to_hex(input.first(sizeof(tke::Ski))));
  describe_certificate(details, input.subspan(sizeof(tke::Ski)));
}

// The identifier of a root, as `keyhaven tke attestation` shows it.
std::string root_text(const crypto::P521PublicKey& root) {
  return to_hex(tke::ski_of(root.point()));
}

void describe_offer(Details& details, ByteView input) {
  const auto offer = tke::parse_offer_input(input);
  if (!offer) return;
  add(details, "sourceInstance", offer->source.text());
  add(details, "sourceRoot", root_text(offer->source_root));
  add(details, "expires", format_rfc3339(offer->expires));
}

void describe_authorization(Details& details, ByteView input) {
  const auto allowed = tke::parse_authorize_input(input);
  if (!allowed) return;
  add(details, "targetRoot", root_text(allowed->target_root));
  add(details, "expires", format_rfc3339(allowed->expires));
  const auto offer =
      tke::verify_offer(allowed->offer, tke::AttestationRoot::of(allowed->target_root));
  if (!offer) return;  // the unit refuses it
  add(details, "transferId", offer->content.id.text());
  add(details, "targetInstance", offer->content.target.text());
}

void describe_consent(Details& details, ByteView input) {
  const auto consent = tke::parse_consent_input(input);
  if (!consent) return;
  add(details, "transferId", consent->id.text());
  add(details, "manifest", "SHA-256 " + to_hex(consent->manifest));  // as tke/block_text.h says it
  add(details, "keys", std::to_string(consent->keys));
}

void describe_input(Details& details, const tke::AdminBlock& block) {
  switch (block.command) {
    case tke::kAddAdministrator:
      return describe_certificate(details, block.input);
    case tke::kReplaceAdministrator:
      return describe_replacement(details, block.input);
    case tke::kExportCurrentKey:
    case tke::kExportPendingKey:  // whose key it was encrypted to
      if (const auto importer = tke::parse_export_request(block.input)) {
        add(details, "importerId", to_hex(tke::ski_of(importer->point())));
      }
      return;
    case tke::kSetControlPoints:
    case tke::kEnableControlPoints:
    case tke::kDisableControlPoints:
      if (block.input.size() == tke::kControlPointBytes) {
        add(details, "controlPoints", to_hex(block.input));
      }
      return;
    case tke::kRemoveAdministrator:
      if (block.input.size() == sizeof(tke::Ski)) add(details, "adminId", to_hex(block.input));
      return;
    case tke::kCommitPending:
    case tke::kFinalizePending:
      if (block.input.size() == sizeof(tke::VerificationPattern)) {
        add(details, "verificationPattern", to_hex(block.input));
      }
      return;
    case tke::kSetAttributes:
      return describe_attributes(details, block.input);
    case tke::kImportKeyParts:
      return describe_import(details, block.input);
    case tke::kOfferTransfer:
      return describe_offer(details, block.input);
    case tke::kAuthorizeTransfer:
      return describe_authorization(details, block.input);
    case tke::kConsentTransfer:
      return describe_consent(details, block.input);
    default:
      return;  // commands without input worth a record
  }
}

Details refusal(tke::Status status) {
  if (status.ok()) return {};
  return {{"responseData.returnCode", std::to_string(status.return_code)},
          {"responseData.reasonCode", std::to_string(status.reason_code)},
          {"reason.reasonForFailure", std::string(tke::explain(status).meaning)}};
}

}  // namespace

AdministeredAction administered_action(std::string_view request) {
  AdministeredAction out;
  const auto frame = tke::parse_request(request.substr(0, tke::kMaxFrameCharacters + 1));
  if (!frame) return out;
  const auto payload = tke::parse_request_payload(frame->payload);
  if (!payload) return out;
  if (std::holds_alternative<tke::InfoRequest>(*payload)) {
    out.action = Action::TkeQuery;
    return out;
  }
  const tke::AdminRequest& admin = std::get<tke::AdminRequest>(*payload);
  const auto block = tke::parse_admin_block(admin.block);
  if (!block) return out;
  out.action = action_of(block->command);
  out.command = block->command;
  add(out.details, "command", std::string(tke::name_of_command(block->command)));
  add(out.details, "signers", signers_text(admin.signer_infos));
  describe_input(out.details, *block);
  const bool names_key =
      block->command == tke::kCommitPending || block->command == tke::kFinalizePending;
  if (names_key && block->input.size() == sizeof(tke::VerificationPattern)) {
    std::copy_n(block->input.begin(), unit::BlobPattern().size(), out.master_key.emplace().begin());
  }
  return out;
}

Details administered_outcome(std::string_view response) {
  const auto frame = tke::parse_response(response);
  if (!frame) return {{"reason.reasonForFailure", frame.error().message}};
  if (const auto admin = tke::parse_admin_response(frame->payload)) {
    if (admin->return_code != 0) return refusal({admin->return_code, tke::kNoReason});
    const auto block = tke::parse_admin_response_block(admin->block);
    return block ? refusal({block->return_code, block->reason_code()}) : Details{};
  }
  if (const auto info = tke::parse_info_response(frame->payload))
    return refusal({info->return_code, tke::kNoReason});
  return {};
}

}  // namespace keyhaven::instances
