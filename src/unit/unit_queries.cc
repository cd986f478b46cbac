#include "unit/unit_queries.h"

#include <algorithm>

#include "base/wire.h"
#include "unit/key_blob.h"
#include "unit/sealing_key.h"

namespace keyhaven::unit {

namespace {

using tke::Status;

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

// Modules have no administrators of their own: an empty list, and nobody of a given identifier.
Status query_card_administrators(ByteView input) {
  if (input.empty()) return {};
  if (input.size() != tke::Ski{}.size()) return {tke::kMissingInput, tke::kNoReason};
  return {tke::kInvalidData, tke::kAdministratorNotFound};
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

Status query_pattern(const Register& key, tke::ReasonCode missing, Bytes& output) {
  if (!key.full()) return {tke::kNotInitialised, missing};
  const tke::VerificationPattern pattern = key.pattern();
  output.assign(pattern.begin(), pattern.end());
  return {};
}

Status query_importer(const DomainState& domain, Bytes& output) {
  if (!domain.importer) return {tke::kNotFound, tke::kNoImporterKey};
  output = domain.importer->public_key().spki();
  return {};
}

// Queries without input.
Status query_state(const DomainState& domain, std::uint32_t query, Bytes& output) {
  switch (query) {
    case tke::kQueryImporter:
      return query_importer(domain, output);
    case tke::kQueryControlPoints:
      output.assign(domain.control_points.begin(), domain.control_points.end());
      return {};
    case tke::kQueryCurrentPattern:
      return query_pattern(domain.current, tke::kNoMasterKey, output);
    case tke::kQueryPendingPattern:
      return query_pattern(domain.pending, tke::kNoPendingKey, output);
    case tke::kQueryAttributes:
      output = tke::encode_for_query(domain.attributes);
      return {};
    case tke::kQueryRetainedKeys:
      return {};  // keys are never kept in a unit: an empty list
    default:
      return {tke::kNotSupported, tke::kNoReason};
  }
}

}  // namespace

tke::InfoResponse answer_info(const Module& module, const DomainState& domain,
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
  return response;
}

Status answer_query(const Module& module, const DomainState& domain, const tke::AdminBlock& block,
                    Bytes& output) {
  const bool module_level = (block.command == tke::kQueryOaCertificate ||
                             block.command == tke::kQueryCardAdministrators) &&
                            block.domain_index == 0;
  if (block.domain_index != domain.index && !module_level) {
    return {tke::kWrongDomain, tke::kNoReason};
  }
  switch (block.command) {
    case tke::kQueryCardAdministrators:
      return query_card_administrators(block.input);
    case tke::kQueryAdministrators:
      return query_administrators(domain, block.input, output);
    case tke::kQueryOaCertificate:
      return query_oa_certificate(module, block.input, output);
    case tke::kReencryptBlob:
      return reencrypt_blob(domain, block.input, output);
    default:
      break;
  }
  const Status status = query_state(domain, block.command, output);
  if (status.return_code != tke::kNotSupported && !block.input.empty()) {
    output.clear();
    return {tke::kMissingInput, tke::kNoReason};
  }
  return status;
}

Status reencrypt_blob(const DomainState& domain, ByteView blob, Bytes& output) {
  if (domain.imprint()) return {tke::kNotInImprint, tke::kStillImprint};
  if (!domain.current.full()) return {tke::kNotInitialised, tke::kNoMasterKey};
  if (!domain.pending.full()) return {tke::kNotInitialised, tke::kNoPendingKey};
  if (!domain.pending.committed) return {tke::kInconsistent, tke::kPendingNotCommitted};
  const Status rejected{tke::kInvalidData, tke::kBlobRejected};
  const auto named = read_blob_header(blob);
  if (!named) return rejected;

  InstanceKey keys;
  keys.state = InstanceKey::State::Ready;
  for (const Register* held : {&domain.pending, &domain.current}) {
    keys.keys.push_back(prepare_master_key(held->key));
  }
  crypto::XaesContexts contexts;
  auto sealing = SealingKey::with(keys, named->binding.instance, contexts);
  if (!sealing) return {tke::kInternalError, tke::kNoReason};
  auto resealed = sealing->reseal(named->purpose, named->binding, KeyBlob{to_bytes(blob)},
                                  keys.keys.front().pattern);
  if (!resealed) return rejected;
  output = std::move(resealed->bytes);
  return {};
}

}  // namespace keyhaven::unit
