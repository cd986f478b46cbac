#include "unit/command_processor.h"

#include <algorithm>

#include "base/wire.h"
#include "tke/command_rules.h"
#include "tke/frame.h"
#include "tke/signer_info.h"
#include "unit/command_rules.h"
#include "unit/register_rules.h"
#include "unit/transfer_rules.h"
#include "unit/unit_queries.h"

namespace keyhaven::unit {

namespace {

using tke::Status;

Bytes reason_bytes(std::uint32_t reason) {
  Bytes out;
  if (reason != 0) Writer(out).u32(reason);
  return out;
}

Counter next_counter(Counter counter) {
  for (auto byte = counter.rbegin(); byte != counter.rend(); ++byte) {
    if (++*byte != 0) break;
  }
  return counter;
}

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// --- Answers ---

std::string frame_of(const DomainState& domain, Bytes payload) {
  return tke::format_response({domain.index, 0, 0, std::move(payload)});
}

// Unsigned short form: the request could not be read as a command for this unit.
std::string short_answer(const DomainState& domain, std::uint32_t return_code) {
  return frame_of(domain, tke::encode(tke::AdminResponse{domain.index, return_code, {}, {}}));
}

// `instance` and `counter` are those the answer speaks of: of the state after the command, but of
// the domain instance that the command was made for.
std::string signed_answer(const Module& module, const DomainState& domain,
                          const tke::AdminBlock& block, std::uint32_t instance,
                          const Counter& counter, Status status, Bytes output) {
  tke::AdminResponseBlock answer;
  answer.command = block.command;
  answer.domain_index = block.domain_index;
  answer.domain_instance = instance;
  answer.module_id = module.id;
  answer.counter = Bytes(counter.begin(), counter.end());
  answer.return_code = status.return_code;
  answer.output = status.ok() ? std::move(output) : reason_bytes(status.reason_code);

  tke::AdminResponse response;
  response.domain_index = domain.index;
  response.block = tke::encode(answer);
  response.signer_infos = tke::encode(tke::SignerInfo{tke::ski_of(module.key.public_key().point()),
                                                      module.key.sign_sha512_der(response.block)});
  return frame_of(domain, tke::encode(response));
}

// What stands in no need of a signature and changes nothing.
std::string answer_anybody(const Module& module, const DomainState& domain,
                           const tke::AdminBlock& block) {
  Bytes output;
  const Status status = answer_query(module, domain, block, output);
  return signed_answer(module, domain, block, domain.instance, domain.counter, status,
                       std::move(output));
}

// --- Commands: who may ---

// Verifies every signature over `block`; at least `required` different administrators must have
// signed.
Status check_signatures(const DomainState& domain, ByteView block, ByteView signer_infos,
                        std::size_t required, std::vector<tke::Ski>& signers) {
  const auto infos = tke::parse_signer_infos(signer_infos);
  if (!infos) return {tke::kSignatureMalformed, tke::kBadSignature};
  for (const tke::SignerInfo& info : *infos) {
    const auto* administrator = domain.administrator(info.ski);
    if (administrator == nullptr) return {tke::kUnauthorisedSigner, tke::kNoReason};
    if (!administrator->key.verify(block, info.algorithm, info.signature)) {
      return {tke::kSignatureInvalid, tke::kBadSignature};
    }
    if (std::find(signers.begin(), signers.end(), info.ski) == signers.end())
      signers.push_back(info.ski);
  }
  if (signers.size() < required) return {tke::kNotEnoughSignatures, tke::kTooFewSignatures};
  return {};
}

// Domain, instance, module and counter of a command block: it was made for the unit as it is now.
Status check_freshness(const Module& module, const DomainState& domain,
                       const tke::AdminBlock& block) {
  if (block.domain_index != domain.index) return {tke::kWrongDomain, tke::kNoReason};
  if (domain.imprint() && block.module_id.empty() && block.counter.empty()) return {};
  if (block.domain_instance != domain.instance)
    return {tke::kWrongDomain, tke::kDomainInstanceDiffers};
  if (block.module_id.size() != tke::kModuleIdSize)
    return {tke::kInvalidData, tke::kModuleIdFormat};
  if (!equal(ByteView(block.module_id).first(tke::kSerialNumberSize),
             ByteView(module.id).first(tke::kSerialNumberSize))) {
    return {tke::kInvalidData, tke::kSerialNumberDiffers};
  }
  if (!equal(block.module_id, module.id)) return {tke::kInvalidData, tke::kModuleInstanceDiffers};
  if (block.counter.size() != tke::kCounterSize) return {tke::kInvalidCounter, tke::kCounterFormat};
  // Exactly the next value: a far larger one, signed once, would lock the domain for good.
  if (!equal(block.counter, next_counter(domain.counter))) {
    return {tke::kInvalidCounter, tke::kCounterValue};
  }
  return {};
}

// Signatures that a command needs once the unit has left imprint mode (spec 2.2).
enum class Needs : std::uint8_t {
  One,
  SignatureThreshold,
  RevocationThreshold,
  BothThresholds,      // the higher of the two: takes an administrator out and puts one in
  OneIfPermitted,      // one with the command's permission, else the signature threshold
  OneInEachInnerBlock  // import: the envelope carries none
};

struct CommandRow {
  std::uint32_t command;
  bool in_imprint;  // accepted, unsigned, in imprint mode
  Needs needs;
  std::uint32_t permission = 0;
};

constexpr CommandRow kCommands[] = {
    {tke::kAddAdministrator, true, Needs::SignatureThreshold},
    {tke::kRemoveAdministrator, true, Needs::RevocationThreshold},
    {tke::kReplaceAdministrator, true, Needs::BothThresholds},
    {tke::kSetAttributes, true, Needs::SignatureThreshold},
    {tke::kGenerateImporter, false, Needs::One},
    {tke::kCreateRandomKey, false, Needs::One},
    {tke::kExportCurrentKey, false, Needs::SignatureThreshold},
    {tke::kExportPendingKey, false, Needs::SignatureThreshold},
    {tke::kImportKeyParts, false, Needs::OneInEachInnerBlock},
    {tke::kCommitPending, false, Needs::SignatureThreshold},
    {tke::kFinalizePending, false, Needs::One},
    {tke::kZeroize, true, Needs::OneIfPermitted, tke::permission::kZeroizeWithOne},
    {tke::kSetControlPoints, false, Needs::OneIfPermitted, tke::permission::kControlPointsWithOne},
    {tke::kEnableControlPoints, false, Needs::OneIfPermitted,
     tke::permission::kControlPointsWithOne},
    {tke::kDisableControlPoints, false, Needs::OneIfPermitted,
     tke::permission::kControlPointsWithOne},
    {tke::kClearCurrent, false, Needs::One},
    {tke::kClearPending, false, Needs::One},
    {tke::kAcceptRecords, false, Needs::SignatureThreshold},
    {tke::kOfferTransfer, false, Needs::SignatureThreshold},
    {tke::kAuthorizeTransfer, false, Needs::SignatureThreshold},
    {tke::kConsentTransfer, false, Needs::SignatureThreshold},
};

const CommandRow* find_command(std::uint32_t command) {
  const auto* found = std::find_if(std::begin(kCommands), std::end(kCommands),
                                   [&](const CommandRow& row) { return row.command == command; });
  return found == std::end(kCommands) ? nullptr : found;
}

Status check_supported(const DomainState& domain, const CommandRow* row) {
  if (row == nullptr) return {tke::kNotSupported, tke::kNoReason};
  if (domain.imprint() && !row->in_imprint) return {tke::kNotInImprint, tke::kStillImprint};
  return {};
}

// That keys may leave, or come in, is never one administrator's to decide.
bool opens_transfers(const tke::AdminBlock& block) {
  return block.command != tke::kDisableControlPoints && tke::names_transfer(block.input);
}

// `wanted` is the attribute list of set attributes.
std::size_t required_signatures(const DomainState& domain, const CommandRow& row,
                                const tke::AdminBlock& block, const tke::DomainAttributes& wanted) {
  const tke::DomainAttributes& now = domain.attributes;
  if (domain.imprint()) {
    return row.command == tke::kSetAttributes ? wanted.signature_threshold : 0;
  }
  switch (row.needs) {
    case Needs::One:
    case Needs::OneInEachInnerBlock:
      return 1;
    case Needs::SignatureThreshold:
      return now.signature_threshold;
    case Needs::RevocationThreshold:
      return now.revocation_threshold;
    case Needs::BothThresholds:
      return std::max(now.signature_threshold, now.revocation_threshold);
    case Needs::OneIfPermitted:
      if (row.permission == tke::permission::kControlPointsWithOne && opens_transfers(block))
        return now.signature_threshold;
      return (now.permissions & row.permission) != 0 ? 1 : now.signature_threshold;
  }
  return tke::kMaxAdministrators + 1;
}

// --- Commands: run ---

// A command on its way: what it may become the next state, and whether its signatures held.
struct Execution {
  DomainState next;
  bool authenticated = false;
  bool used_fresh_instance = false;
  Bytes output;
  std::optional<Digest> accepted_records;
};

// What a command may refer to besides the unit itself.
struct Surroundings {
  const Module& module;
  const InstanceId& instance;
  std::uint32_t fresh_instance = 0;
  const std::optional<Digest>& difference;  // of the instance's stored records
};

// The inner requests of an import: each for this unit, with the envelope's counter, and signed by
// itself.
Status verify_key_parts(const DomainState& domain, const tke::AdminBlock& envelope,
                        std::vector<VerifiedKeyPart>& parts) {
  const auto requests = tke::parse_admin_requests(envelope.input, tke::kMaxKeyParts);
  if (!requests) {
    if (requests.error().reason == Reason::TooLarge)
      return {tke::kInconsistent, tke::kTooManyKeyParts};
    return {tke::kBadArguments, tke::kInnerBlockMissing};
  }
  if (requests->empty()) return {tke::kMissingInput, tke::kNoKeyParts};
  for (const tke::AdminRequest& request : *requests) {
    auto inner = tke::parse_admin_block(request.block);
    if (!inner) return {tke::kBadArguments, tke::kInnerBlockMissing};
    if (request.domain_index != domain.index || inner->domain_index != envelope.domain_index ||
        inner->module_id != envelope.module_id) {
      return {tke::kWrongDomain, tke::kInnerForOtherDomain};
    }
    if (inner->domain_instance != envelope.domain_instance) {
      return {tke::kWrongDomain, tke::kInnerForOtherInstance};
    }
    if (inner->command != tke::kImportKeyParts)
      return {tke::kBadArguments, tke::kInnerBlockMissing};
    if (inner->counter != envelope.counter) return {tke::kInvalidCounter, tke::kCounterValue};
    if (request.signer_infos.empty())
      return {tke::kNotEnoughSignatures, tke::kInnerSignatureMissing};
    VerifiedKeyPart part;
    const Status status =
        check_signatures(domain, request.block, request.signer_infos, 1, part.signers);
    if (!status.ok()) return status;
    part.recipient_info = std::move(inner->input);
    parts.push_back(std::move(part));
  }
  return {};
}

Status run_import(const DomainState& domain, const tke::AdminBlock& block, Execution& execution) {
  std::vector<VerifiedKeyPart> parts;
  if (const Status status = verify_key_parts(domain, block, parts); !status.ok()) return status;
  execution.authenticated = true;
  return import_key_parts(execution.next, parts);
}

// Only where the instance's keys are: anybody who may add units could install administrators of his
// own in a new one.
Status accept_records(const DomainState& domain, const std::optional<Digest>& difference,
                      ByteView input, std::optional<Digest>& accepted) {
  if (input.size() != sizeof(Digest)) return {tke::kMissingInput, tke::kNoReason};
  if (!domain.joined || !domain.current.full()) return {tke::kNotAllowed, tke::kNotAServingUnit};
  if (!difference) return {tke::kInconsistent, tke::kNoRecordDifference};
  if (!equal(input, *difference)) return {tke::kInconsistent, tke::kOtherRecordDifference};
  accepted = difference;
  return {};
}

Status zeroize(std::uint32_t fresh_instance, Execution& execution) {
  execution.next = execution.next.zeroized(fresh_instance);
  execution.used_fresh_instance = true;
  return {};
}

// Commands that take no input refuse any: nothing signed may be ignored.
bool takes_input(std::uint32_t command) {
  return command != tke::kCreateRandomKey && command != tke::kZeroize &&
         command != tke::kClearCurrent && command != tke::kClearPending;
}

Status apply(const tke::AdminBlock& block, const tke::DomainAttributes& wanted,
             const Surroundings& around, Execution& execution) {
  DomainState& next = execution.next;
  if (!takes_input(block.command) && !block.input.empty()) {
    return {tke::kMissingInput, tke::kNoReason};
  }
  switch (block.command) {
    case tke::kAddAdministrator:
      return add_administrator(next, block.input);
    case tke::kRemoveAdministrator:
      return remove_administrator(next, block.input);
    case tke::kReplaceAdministrator:
      return replace_administrator(next, block.input);
    case tke::kSetAttributes:
      return set_attributes(next, wanted);
    case tke::kGenerateImporter:
      return generate_importer(next, block.input, execution.output);
    case tke::kCreateRandomKey:
      return create_random_key(next, execution.output);
    case tke::kExportCurrentKey:
      return export_key(next, next.current, tke::kNoMasterKey, block.input, execution.output);
    case tke::kExportPendingKey:
      return export_key(next, next.pending, tke::kNoPendingKey, block.input, execution.output);
    case tke::kCommitPending:
      return commit_pending(next, block.input);
    case tke::kFinalizePending:
      return finalize_pending(next, block.input);
    case tke::kSetControlPoints:
    case tke::kEnableControlPoints:
    case tke::kDisableControlPoints:
      return change_control_points(next, block.command, block.input);
    case tke::kClearCurrent:
      return clear(next.current);
    case tke::kClearPending:
      return clear(next.pending);
    case tke::kZeroize:
      return zeroize(around.fresh_instance, execution);
    case tke::kAcceptRecords:
      return accept_records(next, around.difference, block.input, execution.accepted_records);
    case tke::kOfferTransfer:
      return offer_transfer(around.module, next, around.instance, block.input, execution.output);
    case tke::kAuthorizeTransfer:
      return authorize_transfer(around.module, next, around.instance, block.input);
    case tke::kConsentTransfer:
      return consent_transfer(next, block.input);
    default:
      return {tke::kNotSupported, tke::kNoReason};
  }
}

// The attributes that a command's list makes of the present ones. Leaving imprint mode needs as
// many signatures as the new threshold, so there the list itself is judged before they are counted.
Status read_wanted(const DomainState& domain, const tke::AdminBlock& block,
                   tke::DomainAttributes& wanted) {
  wanted = domain.attributes;
  if (block.command != tke::kSetAttributes) return {};
  tke::ReasonCode why = tke::kAttributeListFault;
  auto parsed = tke::apply_attribute_list(domain.attributes, block.input, &why);
  if (!parsed) return {tke::kInvalidData, why};
  wanted = *parsed;
  if (!domain.imprint()) return {};
  DomainState trial = domain.clone();
  return set_attributes(trial, wanted);
}

Status run_command(const Module& module, const DomainState& domain, const Surroundings& around,
                   const tke::AdminBlock& block, const tke::AdminRequest& request,
                   Execution& execution) {
  const CommandRow* row = find_command(block.command);
  if (const Status status = check_supported(domain, row); !status.ok()) return status;
  if (const Status status = check_freshness(module, domain, block); !status.ok()) return status;
  if (block.command == tke::kImportKeyParts) return run_import(domain, block, execution);

  tke::DomainAttributes wanted;
  if (const Status status = read_wanted(domain, block, wanted); !status.ok()) return status;
  const std::size_t required = required_signatures(domain, *row, block, wanted);
  std::vector<tke::Ski> signers;
  const Status signatures =
      check_signatures(domain, request.block, request.signer_infos, required, signers);
  if (!signatures.ok()) return signatures;
  execution.authenticated = !signers.empty();
  return apply(block, wanted, around, execution);
}

CommandOutcome answer_command(const Module& module, const DomainState& domain,
                              const Surroundings& around, const tke::AdminBlock& block,
                              const tke::AdminRequest& request) {
  Execution execution{domain.clone(), false, false, {}, {}};
  const Status status = run_command(module, domain, around, block, request, execution);
  CommandOutcome outcome;
  Counter counter = domain.counter;
  if (status.ok() || execution.authenticated) {
    counter = next_counter(domain.counter);
    outcome.next = status.ok() ? std::move(execution.next) : domain.clone();
    outcome.next->counter = counter;
    outcome.used_fresh_instance = status.ok() && execution.used_fresh_instance;
    if (status.ok()) outcome.accepted_records = execution.accepted_records;
    outcome.unsaved_answer = signed_answer(module, domain, block, domain.instance, domain.counter,
                                           {tke::kInternalError, tke::kNoReason}, {});
  }
  outcome.answer = signed_answer(module, domain, block, domain.instance, counter, status,
                                 std::move(execution.output));
  return outcome;
}

CommandOutcome only(std::string answer) {
  CommandOutcome outcome;
  outcome.answer = std::move(answer);
  return outcome;
}

}  // namespace

CommandOutcome process_command(const Module& module, const DomainState& domain,
                               std::uint32_t fresh_instance, std::string_view text,
                               const std::optional<Digest>& difference,
                               const InstanceId& instance) {
  tke::HtpError why;
  const auto frame = tke::parse_request(text, &why);
  if (!frame) return only(tke::format_error_response(why));
  if (frame->module_index != module.index) {
    return only(
        tke::format_error_response({9, 2, 0, "module index is not that of this crypto unit"}));
  }
  if (frame->domain_index != domain.index) {
    return only(
        tke::format_error_response({9, 5, 0, "domain index is not that of this crypto unit"}));
  }
  const auto payload = tke::parse_request_payload(frame->payload);
  if (!payload) return only(short_answer(domain, tke::kBadArguments));
  if (const auto* info = std::get_if<tke::InfoRequest>(&*payload)) {
    return only(frame_of(domain, tke::encode(answer_info(module, domain, *info))));
  }
  const auto& request = std::get<tke::AdminRequest>(*payload);
  if (request.domain_index != domain.index) return only(short_answer(domain, tke::kWrongDomain));
  const auto block = tke::parse_admin_block(request.block);
  if (!block) return only(short_answer(domain, tke::kBadArguments));
  if (tke::is_query(block->command) || block->command == tke::kReencryptBlob) {
    return only(answer_anybody(module, domain, *block));
  }
  return answer_command(module, domain, {module, instance, fresh_instance, difference}, *block,
                        request);
}

}  // namespace keyhaven::unit
