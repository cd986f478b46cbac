#include "instances/proposal.h"

#include <algorithm>

#include "base/wire.h"
#include "tke/frame.h"

namespace keyhaven::instances {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kMaxTextBytes = 4096;

Error bad_block(std::string message) { return {Reason::InvalidField, std::move(message), "block"}; }

void encode(Writer& writer, const ProposalSignature& signature) {
  writer.raw(signature.signer);
  writer.text32(signature.signer_name);
  writer.bytes32(signature.signer_info);
  writer.text32(signature.added_by);
  writer.i64(signature.added.us);
}

ProposalSignature decode_signature(Reader& reader) {
  ProposalSignature out;
  const ByteView signer = reader.raw(out.signer.size());
  std::copy(signer.begin(), signer.end(), out.signer.begin());
  out.signer_name = reader.text32(kMaxTextBytes);
  out.signer_info = to_bytes(reader.bytes32(kMaxProposalBlockBytes));
  out.added_by = reader.text32(kMaxTextBytes);
  out.added.us = reader.i64();
  return out;
}

// `counter` - `base` as a small number; nothing when it is not above, or farther than the limit.
std::optional<std::uint32_t> distance(ByteView base, ByteView counter) {
  Bytes at = to_bytes(base);
  for (std::uint32_t steps = 1; steps <= kMaxCommandsAhead + 1; ++steps) {
    for (auto byte = at.rbegin(); byte != at.rend(); ++byte) {
      if (++*byte != 0) break;
    }
    if (std::ranges::equal(at, counter)) return steps;
  }
  return std::nullopt;
}

}  // namespace

Bytes encode(const Proposal& proposal) {
  Bytes out;
  Writer writer(out);
  writer.u8(kFormat);
  writer.uuid(proposal.instance.uuid);
  writer.uuid(proposal.id.uuid);
  writer.u64(proposal.revision);
  writer.uuid(proposal.unit.uuid);
  writer.u32(proposal.module_index);
  writer.bytes32(proposal.block);
  writer.text32(proposal.note);
  writer.text32(proposal.created_by);
  writer.i64(proposal.created.us);
  writer.u8(static_cast<std::uint8_t>(proposal.state));
  writer.u32(static_cast<std::uint32_t>(proposal.signatures.size()));
  for (const ProposalSignature& signature : proposal.signatures) encode(writer, signature);
  writer.text32(proposal.sent_by);
  writer.i64(proposal.ended.us);
  writer.text32(proposal.response);
  writer.text32(proposal.cause);
  return out;
}

Result<Proposal> decode_proposal(ByteView bytes) {
  Reader reader(bytes);
  Proposal out;
  if (reader.u8() != kFormat) reader.fail();
  out.instance = {reader.uuid()};
  out.id = {reader.uuid()};
  out.revision = reader.u64();
  out.unit = {reader.uuid()};
  out.module_index = reader.u32();
  out.block = to_bytes(reader.bytes32(kMaxProposalBlockBytes));
  out.note = reader.text32(kMaxTextBytes);
  out.created_by = reader.text32(kMaxTextBytes);
  out.created.us = reader.i64();
  out.state = ProposalState{reader.u8()};
  if (out.state < ProposalState::Open || out.state > ProposalState::Lapsed) reader.fail();
  const std::uint32_t count = reader.u32();
  if (count > kMaxProposalSignatures) reader.fail();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i)
    out.signatures.push_back(decode_signature(reader));
  out.sent_by = reader.text32(kMaxTextBytes);
  out.ended.us = reader.i64();
  out.response = reader.text32(tke::kMaxFrameCharacters);
  out.cause = reader.text32(kMaxTextBytes);
  if (reader.at_end()) return out;
  return Error{Reason::Internal, "a stored proposal is damaged or of an unknown format", {}};
}

Result<tke::AdminBlock> check_proposed_block(ByteView der, const unit::UnitStatus& unit) {
  if (der.size() > kMaxProposalBlockBytes) return bad_block("a block has at most 16384 bytes");
  auto block = tke::parse_admin_block(der);
  if (!block)
    return bad_block("this is no DER of a command block (xcpAdminBlk): " + block.error().message);
  if (tke::is_query(block->command))
    return bad_block("a query needs no signatures: send it to the crypto unit as a frame");
  if (block->command == tke::kImportKeyParts) {
    return bad_block(
        "an import of key parts is not signed as a whole: each key part in it is, by its own "
        "administrators; send it to the crypto unit as a frame");
  }
  if (block->command == tke::kReencryptBlob)
    return bad_block("the re-encryption of a key blob is no command of administrators");
  if (tke::name_of_command(block->command) == "unknown command")
    return bad_block("the block holds a command that no crypto unit knows");
  if (block->domain_index != unit.domain_index)
    return bad_block("the block is for domain " + std::to_string(block->domain_index) +
                     ", the crypto unit is domain " + std::to_string(unit.domain_index));
  if (block->module_id.size() != tke::kModuleIdSize ||
      as_text(ByteView(block->module_id).first(tke::kSerialNumberSize)) != unit.serial_number) {
    return bad_block("the block is for another module than that of the crypto unit (" +
                     unit.serial_number + ")");
  }
  if (block->counter.size() != tke::kCounterSize)
    return bad_block("the block's transaction counter must have 16 bytes");
  return block;
}

Standing standing_of(const tke::AdminBlock& block, const UnitMoment& moment) {
  if (block.domain_instance != moment.domain_instance || block.module_id != moment.module_id) {
    return {true, "the crypto unit was zeroized since the block was made, or it is another one", 0};
  }
  const auto steps = distance(moment.counter, block.counter);
  if (steps) return {false, {}, *steps - 1};
  if (block.counter <= moment.counter)
    return {true,
            "the crypto unit has carried out another command with this counter or a later one", 0};
  return {true, "the block's counter is too far ahead of the crypto unit's", 0};
}

std::size_t signatures_needed(const tke::AdminBlock& block,
                              const tke::DomainAttributes& attributes) {
  const auto with_permission = [&](std::uint32_t bit) -> std::size_t {
    return (attributes.permissions & bit) != 0 ? 1 : attributes.signature_threshold;
  };
  if (attributes.imprint()) {
    if (block.command != tke::kSetAttributes) return 0;
    const auto wanted = tke::apply_attribute_list(attributes, block.input);
    return wanted ? wanted->signature_threshold : 0;
  }
  switch (block.command) {
    case tke::kRemoveAdministrator:
      return attributes.revocation_threshold;
    case tke::kReplaceAdministrator:
      return std::max(attributes.signature_threshold, attributes.revocation_threshold);
    case tke::kGenerateImporter:
    case tke::kCreateRandomKey:
    case tke::kFinalizePending:
    case tke::kClearCurrent:
    case tke::kClearPending:
      return 1;
    case tke::kZeroize:
      return with_permission(tke::permission::kZeroizeWithOne);
    case tke::kSetControlPoints:
    case tke::kEnableControlPoints:
    case tke::kDisableControlPoints:
      return with_permission(tke::permission::kControlPointsWithOne);
    default:
      return attributes.signature_threshold;  // an open set of ids
  }
}

std::string frame_of(const Proposal& proposal) {
  const auto block = tke::parse_admin_block(proposal.block);
  KH_ASSERT(block.has_value());  // checked when it was proposed
  Bytes signer_infos;
  for (const ProposalSignature& signature : proposal.signatures)
    append(signer_infos, signature.signer_info);
  const tke::AdminRequest request{block->domain_index, proposal.block, std::move(signer_infos)};
  return tke::format_request({proposal.module_index, block->domain_index, tke::encode(request)});
}

}  // namespace keyhaven::instances
