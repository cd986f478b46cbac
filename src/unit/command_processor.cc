#include "unit/command_processor.h"

#include <algorithm>

#include "base/wire.h"
#include "tke/frame.h"
#include "tke/signer_info.h"
#include "unit/command_rules.h"

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

// --- Information queries (unsigned) ---

tke::DomainInfo domain_info(const DomainState& domain) {
  using tke::DomainInfo;
  DomainInfo info;
  info.domain_index = domain.index;
  info.current_pattern = domain.current.pattern();
  info.pending_pattern = domain.pending.pattern();
  if (!domain.administrators.empty()) info.flags |= DomainInfo::kHasAdministrators;
  if (domain.current.full()) info.flags |= DomainInfo::kHasCurrent;
  if (domain.pending.full()) info.flags |= DomainInfo::kHasPending;
  if (domain.pending.full() && domain.pending.committed)
    info.flags |= DomainInfo::kPendingCommitted;
  info.flags |= domain.imprint() ? DomainInfo::kEnforcesImprint : DomainInfo::kLeftImprint;
  return info;
}

Bytes module_info(const Module& module) {
  Bytes out;
  Writer w(out);
  w.u32(4);  // API ordinal
  w.u32(0);  // firmware id
  for (std::uint8_t version :
       {std::uint8_t{1}, std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0}}) {
    w.u8(version);
  }
  out.resize(108, 0);
  append(out, module.id);
  out.resize(196, 0);
  return out;
}

std::string answer_info(const Module& module, const DomainState& domain,
                        const tke::InfoRequest& request) {
  tke::InfoResponse response;
  response.domain_index = domain.index;
  if (request.domain_index != domain.index) {
    response.return_code = tke::kWrongDomain;
  } else if (request.subtype == tke::kInfoDomain) {
    response.payload = tke::encode(domain_info(domain));
  } else if (request.subtype == tke::kInfoModule) {
    response.payload = module_info(module);
  } else {
    response.return_code = tke::kNotSupported;
  }
  return frame_of(domain, tke::encode(response));
}

// --- Queries ---

Status query_administrators(const DomainState& domain, ByteView input, Bytes& output) {
  if (input.empty()) {
    for (const auto& administrator : domain.administrators) append(output, administrator.ski);
    return {};
  }
  tke::Ski ski{};
  if (input.size() != ski.size()) return {tke::kMissingInput, tke::kNoReason};
  std::copy(input.begin(), input.end(), ski.begin());
  const auto* administrator = domain.administrator(ski);
  if (administrator == nullptr) return {tke::kInvalidData, tke::kAdministratorNotFound};
  output = administrator->der;
  return {};
}

Status query_oa_certificate(const Module& module, ByteView input, Bytes& output) {
  constexpr std::uint32_t kChainLength =
      1;  // certificate 0; its issuer is the root, which is never sent
  if (input.empty()) {
    Writer(output).u32(kChainLength);
    return {};
  }
  if (input.size() != 4) return {tke::kMissingInput, tke::kNoReason};
  Reader r(input);
  if (r.u32() >= kChainLength) return {tke::kNotFound, tke::kOaIndexOutOfRange};
  output = module.certificate;
  return {};
}

std::string answer_query(const Module& module, const DomainState& domain,
                         const tke::AdminBlock& block) {
  Bytes output;
  Status status;
  const bool module_level = block.command == tke::kQueryOaCertificate && block.domain_index == 0;
  if (block.domain_index != domain.index && !module_level) {
    status = {tke::kWrongDomain, tke::kNoReason};
  } else if (block.command == tke::kQueryAdministrators) {
    status = query_administrators(domain, block.input, output);
  } else if (block.command == tke::kQueryOaCertificate) {
    status = query_oa_certificate(module, block.input, output);
  } else if (block.command == tke::kQueryControlPoints) {
    output = Bytes(domain.control_points.begin(), domain.control_points.end());
  } else if (block.command == tke::kQueryAttributes) {
    output = tke::encode_for_query(domain.attributes);
  } else {
    status = {tke::kNotSupported, tke::kNoReason};
  }
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
  if (!equal(block.module_id, module.id)) return {tke::kInvalidData, tke::kModuleInstanceDiffers};
  if (block.counter.size() != tke::kCounterSize) return {tke::kInvalidCounter, tke::kCounterFormat};
  // Exactly the next value: a far larger one, signed once, would lock the domain for good.
  if (!equal(block.counter, next_counter(domain.counter))) {
    return {tke::kInvalidCounter, tke::kCounterValue};
  }
  return {};
}

Status check_supported(const DomainState& domain, std::uint32_t command) {
  switch (command) {
    case tke::kAddAdministrator:
    case tke::kRemoveAdministrator:
    case tke::kSetAttributes:
    case tke::kZeroize:
      return {};
    case tke::kGenerateImporter:
    case tke::kImportKeyParts:
    case tke::kCommitPending:
    case tke::kFinalizePending:
    case tke::kSetControlPoints:
    case tke::kEnableControlPoints:
    case tke::kDisableControlPoints:
    case tke::kClearCurrent:
    case tke::kClearPending:
      if (domain.imprint()) return {tke::kNotInImprint, tke::kStillImprint};
      return {};
    case tke::kExportCurrentKey:
    case tke::kExportPendingKey:
      return {tke::kNotAllowed, tke::kExportProhibited};
    case tke::kCreateRandomKey:
      return {tke::kNotAllowed, tke::kRandomKeyProhibited};
    default:
      return {tke::kNotSupported, tke::kNoReason};
  }
}

// Signatures a command needs in the unit's state (spec 2.2). `wanted` is the attribute list of set
// attributes.
std::size_t required_signatures(const DomainState& domain, std::uint32_t command,
                                const tke::DomainAttributes& wanted) {
  const tke::DomainAttributes& now = domain.attributes;
  if (domain.imprint()) return command == tke::kSetAttributes ? wanted.signature_threshold : 0;
  switch (command) {
    case tke::kRemoveAdministrator:
      return now.revocation_threshold;
    case tke::kZeroize:
      return (now.permissions & tke::permission::kZeroizeWithOne) != 0 ? 1
                                                                       : now.signature_threshold;
    case tke::kGenerateImporter:
    case tke::kFinalizePending:
    case tke::kClearCurrent:
    case tke::kClearPending:
      return 1;
    default:
      return now.signature_threshold;
  }
}

// --- Commands: run ---

// A command on its way: what it may become the next state, and whether its signatures held.
struct Execution {
  DomainState next;
  bool authenticated = false;
  bool used_fresh_instance = false;
  Bytes output;
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
        inner->domain_instance != envelope.domain_instance ||
        inner->module_id != envelope.module_id) {
      return {tke::kWrongDomain, tke::kInnerForOtherDomain};
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

Status apply(const tke::AdminBlock& block, const tke::DomainAttributes& wanted,
             std::uint32_t fresh_instance, Execution& execution) {
  DomainState& next = execution.next;
  switch (block.command) {
    case tke::kAddAdministrator:
      return add_administrator(next, block.input);
    case tke::kRemoveAdministrator:
      return remove_administrator(next, block.input);
    case tke::kSetAttributes:
      return set_attributes(next, wanted);
    case tke::kGenerateImporter:
      return generate_importer(next, block.input, execution.output);
    case tke::kCommitPending:
      return commit_pending(next, block.input);
    case tke::kFinalizePending:
      return finalize_pending(next, block.input);
    case tke::kSetControlPoints:
    case tke::kEnableControlPoints:
    case tke::kDisableControlPoints:
      return change_control_points(next, block.command, block.input);
    case tke::kClearCurrent:
      next.current = Register{};
      return {};
    case tke::kClearPending:
      next.pending = Register{};
      return {};
    case tke::kZeroize:
      if (!block.input.empty()) return {tke::kMissingInput, tke::kNoReason};
      next = next.zeroized(fresh_instance);
      execution.used_fresh_instance = true;
      return {};
    default:
      return {tke::kNotSupported, tke::kNoReason};
  }
}

Status run_command(const Module& module, const DomainState& domain, std::uint32_t fresh_instance,
                   const tke::AdminBlock& block, const tke::AdminRequest& request,
                   Execution& execution) {
  if (const Status status = check_supported(domain, block.command); !status.ok()) return status;
  if (const Status status = check_freshness(module, domain, block); !status.ok()) return status;
  if (block.command == tke::kImportKeyParts) return run_import(domain, block, execution);

  tke::DomainAttributes wanted = domain.attributes;
  if (block.command == tke::kSetAttributes) {
    auto parsed = tke::apply_attribute_list(domain.attributes, block.input);
    if (!parsed) return {tke::kInvalidData, tke::kAttributeListFault};
    wanted = *parsed;
    // Leaving imprint mode needs as many signatures as the new threshold: judge the request itself
    // first.
    if (domain.imprint()) {
      DomainState trial = domain.clone();
      if (const Status status = set_attributes(trial, wanted); !status.ok()) return status;
    }
  }
  const std::size_t required = required_signatures(domain, block.command, wanted);
  std::vector<tke::Ski> signers;
  const Status signatures =
      check_signatures(domain, request.block, request.signer_infos, required, signers);
  if (!signatures.ok()) return signatures;
  execution.authenticated = !signers.empty();
  return apply(block, wanted, fresh_instance, execution);
}

CommandOutcome answer_command(const Module& module, const DomainState& domain,
                              std::uint32_t fresh_instance, const tke::AdminBlock& block,
                              const tke::AdminRequest& request) {
  Execution execution{domain.clone(), false, false, {}};
  const Status status = run_command(module, domain, fresh_instance, block, request, execution);
  CommandOutcome outcome;
  Counter counter = domain.counter;
  if (status.ok() || execution.authenticated) {
    counter = next_counter(domain.counter);
    outcome.next = status.ok() ? std::move(execution.next) : domain.clone();
    outcome.next->counter = counter;
    outcome.used_fresh_instance = status.ok() && execution.used_fresh_instance;
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
                               std::uint32_t fresh_instance, std::string_view text) {
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
    return only(answer_info(module, domain, *info));
  }
  const auto& request = std::get<tke::AdminRequest>(*payload);
  if (request.domain_index != domain.index) return only(short_answer(domain, tke::kWrongDomain));
  const auto block = tke::parse_admin_block(request.block);
  if (!block) return only(short_answer(domain, tke::kBadArguments));
  if (tke::is_query(block->command)) return only(answer_query(module, domain, *block));
  return answer_command(module, domain, fresh_instance, *block, request);
}

}  // namespace keyhaven::unit
