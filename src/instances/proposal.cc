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
