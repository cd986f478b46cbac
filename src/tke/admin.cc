#include "tke/admin.h"

#include "base/wire.h"
#include "tke/der.h"

namespace keyhaven::tke {

namespace {

Error malformed(const char* what) {
  return {Reason::InvalidArgument, std::string("malformed ") + what, {}};
}

Bytes administrative_domain(std::uint32_t index, std::uint32_t instance) {
  Bytes out;
  Writer w(out);
  w.u32(index);
  w.u32(instance);
  return der::octet_string(out);
}

ByteView identifier(DerReader& reader) {
  const ByteView bytes = reader.octet_string();
  if (bytes.size() > kMaxIdentifierSize) reader.fail();
  return bytes;
}

// The fields that request and response blocks share: command, domain and instance, module id,
// counter.
template <class Block>
void read_block_head(DerReader& fields, Block& block) {
  block.command = fields.octet_string_u32();
  Reader domain(fields.octet_string(8));
  block.domain_index = domain.u32();
  block.domain_instance = domain.u32();
  block.module_id = to_bytes(identifier(fields));
  block.counter = to_bytes(identifier(fields));
}

Result<AdminRequest> read_admin_request(DerReader fields) {
  AdminRequest out;
  out.domain_index = fields.octet_string_u32();
  out.block = to_bytes(fields.octet_string());
  out.signer_infos = to_bytes(fields.octet_string());
  if (!fields.at_end()) return malformed("administrative request");
  return out;
}

}  // namespace

std::string_view name_of_command(std::uint32_t command) noexcept {
  switch (command) {
    case kAddAdministrator:
      return "add administrator";
    case kRemoveAdministrator:
      return "remove administrator";
    case kReplaceAdministrator:
      return "replace administrator";
    case kSetAttributes:
      return "set attributes";
    case kGenerateImporter:
      return "generate importer key";
    case kCreateRandomKey:
      return "create random master key";
    case kExportCurrentKey:
      return "export current master key";
    case kImportKeyParts:
      return "import key parts";
    case kCommitPending:
      return "commit new master key";
    case kFinalizePending:
      return "set master key immediate";
    case kZeroize:
      return "zeroize";
    case kSetControlPoints:
      return "set control points";
    case kEnableControlPoints:
      return "enable control points";
    case kDisableControlPoints:
      return "disable control points";
    case kReencryptBlob:
      return "re-encrypt key blob";
    case kClearCurrent:
      return "clear current master key";
    case kClearPending:
      return "clear new master key";
    case kExportPendingKey:
      return "export new master key";
    case kAcceptRecords:
      return "accept stored records";
    case kOfferTransfer:
      return "offer to take keys of another deployment";
    case kAuthorizeTransfer:
      return "authorize the transfer of keys to another deployment";
    case kConsentTransfer:
      return "consent to transferred keys";
    case kQueryCardAdministrators:
      return "query module administrators";
    case kQueryAdministrators:
      return "query administrators";
    case kQueryOaCertificate:
      return "query attestation certificate";
    case kQueryImporter:
      return "query importer key";
    case kQueryControlPoints:
      return "query control points";
    case kQueryCurrentPattern:
      return "query current verification pattern";
    case kQueryPendingPattern:
      return "query new verification pattern";
    case kQueryAttributes:
      return "query attributes";
    case kQueryRetainedKeys:
      return "query retained keys";
    default:
      return "unknown command";
  }
}

Bytes encode(const AdminBlock& block) {
  return der::sequence({der::octet_string_u32(block.command),
                        administrative_domain(block.domain_index, block.domain_instance),
                        der::octet_string(block.module_id), der::octet_string(block.counter),
                        der::octet_string(block.input)});
}

Bytes encode(const AdminRequest& request) {
  return der::sequence({der::octet_string_u32(kFunctionAdmin),
                        der::octet_string_u32(request.domain_index),
                        der::octet_string(request.block), der::octet_string(request.signer_infos)});
}

Bytes encode(const InfoRequest& request) {
  return der::sequence({der::octet_string_u32(kFunctionInfo),
                        der::octet_string_u32(request.domain_index),
                        der::octet_string_u32(request.subtype), der::octet_string_u32(0)});
}

Result<AdminBlock> parse_admin_block(ByteView bytes) {
  DerReader outer(bytes);
  DerReader fields = outer.enter(der::kSequence);
  AdminBlock out;
  read_block_head(fields, out);
  out.input = to_bytes(fields.octet_string());
  if (!fields.at_end() || !outer.at_end()) return malformed("administrative block");
  return out;
}

Result<RequestPayload> parse_request_payload(ByteView bytes) {
  DerReader outer(bytes);
  DerReader fields = outer.enter(der::kSequence);
  const std::uint32_t function = fields.octet_string_u32();
  if (!fields.ok() || !outer.at_end()) return malformed("request");
  if (function == kFunctionAdmin) {
    AdminRequest request = KH_TRY(read_admin_request(fields));
    return RequestPayload{std::move(request)};
  }
  if (function != kFunctionInfo) return malformed("request: unknown function");
  InfoRequest info;
  info.domain_index = fields.octet_string_u32();
  info.subtype = fields.octet_string_u32();
  const std::uint32_t reserved = fields.octet_string_u32();
  if (!fields.at_end() || reserved != 0) return malformed("information query");
  return RequestPayload{info};
}

Result<std::vector<AdminRequest>> parse_admin_requests(ByteView bytes, std::size_t limit) {
  std::vector<AdminRequest> out;
  DerReader outer(bytes);
  while (!outer.at_end()) {
    if (out.size() == limit) {
      return Error{Reason::TooLarge, "more than " + std::to_string(limit) + " inner requests", {}};
    }
    DerReader fields = outer.enter(der::kSequence);
    const std::uint32_t function = fields.octet_string_u32();
    if (!fields.ok() || function != kFunctionAdmin) return malformed("inner request");
    AdminRequest request = KH_TRY(read_admin_request(fields));
    out.push_back(std::move(request));
  }
  return out;
}

std::uint32_t AdminResponseBlock::reason_code() const noexcept {
  if (return_code == 0 || output.size() < 4) return 0;
  Reader r(output);
  return r.u32();
}

Bytes encode(const AdminResponseBlock& block) {
  return der::sequence({der::octet_string_u32(block.command),
                        administrative_domain(block.domain_index, block.domain_instance),
                        der::octet_string(block.module_id), der::octet_string(block.counter),
                        der::octet_string_u32(block.return_code), der::octet_string(block.output)});
}

Bytes encode(const AdminResponse& response) {
  const Bytes function = der::octet_string_u32(kFunctionAdmin);
  const Bytes domain = der::octet_string_u32(response.domain_index);
  const Bytes code = der::octet_string_u32(response.return_code);
  if (response.return_code != 0) return der::sequence({function, domain, code});
  return der::sequence({function, domain, code, der::octet_string(response.block),
                        der::octet_string(response.signer_infos)});
}

Bytes encode(const InfoResponse& response) {
  return der::sequence(
      {der::octet_string_u32(kFunctionInfo), der::octet_string_u32(response.domain_index),
       der::octet_string_u32(response.return_code), der::octet_string(response.payload)});
}

Result<AdminResponseBlock> parse_admin_response_block(ByteView bytes) {
  DerReader outer(bytes);
  DerReader fields = outer.enter(der::kSequence);
  AdminResponseBlock out;
  read_block_head(fields, out);
  out.return_code = fields.octet_string_u32();
  out.output = to_bytes(fields.octet_string());
  if (!fields.at_end() || !outer.at_end()) return malformed("answer block");
  return out;
}

Result<AdminResponse> parse_admin_response(ByteView bytes) {
  DerReader outer(bytes);
  DerReader fields = outer.enter(der::kSequence);
  const std::uint32_t function = fields.octet_string_u32();
  AdminResponse out;
  out.domain_index = fields.octet_string_u32();
  out.return_code = fields.octet_string_u32();
  if (!fields.ok() || !outer.at_end() || function != kFunctionAdmin) return malformed("answer");
  if (fields.at_end()) {
    if (out.return_code == 0) return malformed("answer: success without a block");
    return out;
  }
  out.block = to_bytes(fields.octet_string());
  out.signer_infos = to_bytes(fields.octet_string());
  if (!fields.at_end()) return malformed("answer");
  return out;
}

Result<InfoResponse> parse_info_response(ByteView bytes) {
  DerReader outer(bytes);
  DerReader fields = outer.enter(der::kSequence);
  const std::uint32_t function = fields.octet_string_u32();
  InfoResponse out;
  out.domain_index = fields.octet_string_u32();
  out.return_code = fields.octet_string_u32();
  out.payload = fields.at_end() ? Bytes{} : to_bytes(fields.octet_string());
  if (!fields.at_end() || !outer.at_end() || function != kFunctionInfo) {
    return malformed("information answer");
  }
  return out;
}

Bytes encode(const DomainInfo& info) {
  Bytes out;
  Writer w(out);
  w.u32(info.domain_index);
  w.raw(info.current_pattern);
  w.raw(info.pending_pattern);
  w.u32(info.flags);
  w.u32(info.operational_mode);
  w.u32(info.compliance);
  return out;
}

Result<DomainInfo> parse_domain_info(ByteView bytes) {
  Reader r(bytes);
  DomainInfo out;
  out.domain_index = r.u32();
  for (auto* pattern : {&out.current_pattern, &out.pending_pattern}) {
    const ByteView read = r.raw(pattern->size());
    std::copy(read.begin(), read.end(), pattern->begin());
  }
  out.flags = r.u32();
  out.operational_mode = r.u32();
  out.compliance = r.u32();
  if (!r.ok()) return malformed("domain information");
  return out;
}

}  // namespace keyhaven::tke
