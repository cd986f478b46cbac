#include "tke/unit_session.h"

#include <algorithm>
#include <charconv>

#include "base/wire.h"
#include "tke/frame.h"
#include "tke/key_export.h"

namespace keyhaven::tke {

namespace {

Error not_trusted(const char* what) {
  return {Reason::Forbidden,
          std::string("an answer of the crypto unit is not trustworthy: ") + what +
              "; something between you and the unit changes or replays messages",
          {}};
}

Bytes u32_bytes(std::uint32_t value) {
  Bytes out;
  Writer(out).u32(value);
  return out;
}

Result<VerificationPattern> pattern_of(ByteView bytes) {
  VerificationPattern out{};
  if (bytes.size() != out.size()) return not_trusted("its verification pattern is malformed");
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// Sends one administrative block and returns the answer block if the module's key signed it. With
// no `module_key` (only for certificate 0) the signature is not checked.
Result<AdminResponseBlock> send_block(const Transport& transport, const UnitTarget& target,
                                      const AdminBlock& block, ByteView signer_infos,
                                      const crypto::P521PublicKey* module_key) {
  const AdminRequest request{target.domain_index, encode(block), to_bytes(signer_infos)};
  const std::string frame =
      format_request({target.module_index, target.domain_index, encode(request)});
  const std::string text = KH_TRY(transport(frame));
  const Response response = KH_TRY(parse_response(text));
  const AdminResponse answer = KH_TRY(parse_admin_response(response.payload));
  if (answer.return_code != 0) return error_of({answer.return_code, 0});
  if (module_key != nullptr) {
    const auto infos = parse_signer_infos(answer.signer_infos);
    if (!infos || infos->empty() || infos->front().ski != ski_of(module_key->point()) ||
        !module_key->verify_sha512_der(answer.block, infos->front().signature)) {
      return not_trusted("its signature does not verify");
    }
  }
  AdminResponseBlock out = KH_TRY(parse_admin_response_block(answer.block));
  if (out.command != block.command || out.domain_index != block.domain_index) {
    return not_trusted("it answers another command");
  }
  if (out.module_id.size() < kSerialNumberSize ||
      as_text(ByteView(out.module_id).first(kSerialNumberSize)) != target.serial_number) {
    return not_trusted("serial number mismatch");
  }
  return out;
}

AdminBlock certificate_query(std::uint32_t index) {
  AdminBlock block;
  block.command = kQueryOaCertificate;  // module level: domain 0 inside
  block.input = u32_bytes(index);
  return block;
}

}  // namespace

Result<UnitTarget> target_from_location(std::string_view location, std::string serial_number) {
  const Error malformed{Reason::InvalidArgument,
                        "a crypto unit location looks like [region].[AZ1-CS1].[01].[00]",
                        "location"};
  std::uint32_t numbers[2] = {};
  std::string_view rest = location;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (rest.empty() || rest.front() != '.') return malformed;
      rest.remove_prefix(1);
    }
    const std::size_t close = rest.find(']');
    if (rest.empty() || rest.front() != '[' || close == std::string_view::npos || close < 2) {
      return malformed;
    }
    const std::string_view inner = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (part < 2) continue;
    const auto [end, code] =
        std::from_chars(inner.data(), inner.data() + inner.size(), numbers[part - 2]);
    if (code != std::errc() || end != inner.data() + inner.size()) return malformed;
  }
  if (!rest.empty()) return malformed;
  if (serial_number.size() != kSerialNumberSize) {
    return Error{Reason::InvalidArgument, "a serial number has 8 characters", "serial_number"};
  }
  return UnitTarget{numbers[0], numbers[1], std::move(serial_number)};
}

UnitSession::UnitSession(Transport transport, UnitTarget target, crypto::P521PublicKey module_key)
    : transport_(std::move(transport)),
      target_(std::move(target)),
      module_key_(std::move(module_key)) {}

Result<UnitSession> UnitSession::open(Transport transport, UnitTarget target,
                                      const AttestationRoot& root) {
  // Certificate 0 is the only thing read unverified: nothing of it is believed before the chain is.
  const AdminResponseBlock first =
      KH_TRY(send_block(transport, target, certificate_query(0), {}, nullptr));
  if (first.return_code != 0) return error_of({first.return_code, first.reason_code()});
  std::vector<Bytes> chain = {first.output};
  const OaCertificate leaf = KH_TRY(parse_oa_certificate(first.output));
  while (true) {
    const AdminResponseBlock next = KH_TRY(
        send_block(transport, target, certificate_query(static_cast<std::uint32_t>(chain.size())),
                   {}, &leaf.key));
    if (next.return_code == kNotFound && next.reason_code() == kOaIndexOutOfRange) break;
    if (next.return_code != 0) return error_of({next.return_code, next.reason_code()});
    chain.push_back(next.output);
    if (chain.size() > kMaxOaChainLength) break;  // verify_chain refuses it
  }
  crypto::P521PublicKey module_key = KH_TRY(verify_chain(chain, root));
  if (!leaf.serial_number.empty() && leaf.serial_number != target.serial_number) {
    return not_trusted("the certificate is that of another module");
  }
  return UnitSession(std::move(transport), std::move(target), std::move(module_key));
}

Result<AdminResponseBlock> UnitSession::exchange(const AdminBlock& block, ByteView signer_infos) {
  last_status_ = {};
  AdminResponseBlock answer =
      KH_TRY(send_block(transport_, target_, block, signer_infos, &module_key_));
  const bool older_instance = answer.domain_instance < highest_instance_;
  const bool older_counter =
      answer.domain_instance == highest_instance_ && answer.counter < highest_counter_;
  if (older_instance || older_counter) return not_trusted("it is older than an earlier answer");
  highest_instance_ = answer.domain_instance;
  highest_counter_ = answer.counter;
  last_status_ = {answer.return_code, answer.reason_code()};
  if (!last_status_.ok()) return error_of(last_status_);
  return answer;
}

Result<AdminResponseBlock> UnitSession::query(std::uint32_t command, ByteView input) {
  AdminBlock block;
  block.command = command;
  block.domain_index = target_.domain_index;
  block.input = to_bytes(input);
  return exchange(block, {});
}

Result<UnitMoment> UnitSession::moment() {
  AdminResponseBlock state = KH_TRY(query(kQueryAttributes, {}));
  const DomainAttributes attributes = KH_TRY(apply_attribute_list({}, state.output));
  return UnitMoment{state.domain_instance, std::move(state.module_id), std::move(state.counter),
                    attributes};
}

Result<AdminBlock> UnitSession::prepare(std::uint32_t command, ByteView input) {
  const UnitMoment now = KH_TRY(moment());
  return make_block(now, target_.domain_index, command, input);
}

Result<Bytes> UnitSession::run(const AdminBlock& block, ByteView signer_infos) {
  AdminResponseBlock answer = KH_TRY(exchange(block, signer_infos));
  if (answer.counter != block.counter || answer.domain_instance != block.domain_instance ||
      answer.module_id != block.module_id) {
    return not_trusted("it answers another command");
  }
  return std::move(answer.output);
}

Result<Bytes> UnitSession::command(std::uint32_t command_id, ByteView input,
                                   const Signers& signers) {
  const AdminBlock block = KH_TRY(prepare(command_id, input));
  const Bytes signatures = KH_TRY(sign_block(encode(block), signers));
  return run(block, signatures);
}

Result<DomainAttributes> UnitSession::attributes() {
  const UnitMoment now = KH_TRY(moment());
  return now.attributes;
}

Result<std::vector<Ski>> UnitSession::administrator_skis() {
  const AdminResponseBlock answer = KH_TRY(query(kQueryAdministrators, {}));
  const std::size_t size = Ski{}.size();
  if (answer.output.size() % size != 0 || answer.output.size() > kMaxAdministrators * size) {
    return not_trusted("its list of administrators is malformed");
  }
  std::vector<Ski> out(answer.output.size() / size);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::copy_n(answer.output.begin() + static_cast<std::ptrdiff_t>(i * size), size,
                out[i].begin());
  }
  return out;
}

Result<std::vector<AdministratorCertificate>> UnitSession::administrators() {
  const std::vector<Ski> skis = KH_TRY(administrator_skis());
  std::vector<AdministratorCertificate> out;
  for (const Ski& ski : skis) {
    const AdminResponseBlock answer = KH_TRY(query(kQueryAdministrators, ski));
    AdministratorCertificate certificate = KH_TRY(parse_administrator_certificate(answer.output));
    if (certificate.ski != ski) return not_trusted("it sent another administrator's certificate");
    out.push_back(std::move(certificate));
  }
  return out;
}

Result<ControlPoints> UnitSession::control_points() {
  const AdminResponseBlock answer = KH_TRY(query(kQueryControlPoints, {}));
  ControlPoints out{};
  if (answer.output.size() != out.size()) return not_trusted("its control points are malformed");
  std::copy(answer.output.begin(), answer.output.end(), out.begin());
  return out;
}

Result<std::optional<VerificationPattern>> UnitSession::pattern(KeyRegister which) {
  auto answer =
      query(which == KeyRegister::Current ? kQueryCurrentPattern : kQueryPendingPattern, {});
  if (!answer) {
    if (last_status_.return_code == kNotInitialised) return std::optional<VerificationPattern>{};
    return std::move(answer).error();
  }
  const VerificationPattern out = KH_TRY(pattern_of(answer->output));
  return std::optional<VerificationPattern>{out};
}

Result<DomainInfo> UnitSession::domain_info() {
  const InfoRequest request{target_.domain_index, kInfoDomain};
  const std::string frame =
      format_request({target_.module_index, target_.domain_index, encode(request)});
  const std::string text = KH_TRY(transport_(frame));
  const Response response = KH_TRY(parse_response(text));
  const InfoResponse answer = KH_TRY(parse_info_response(response.payload));
  if (answer.return_code != 0) return error_of({answer.return_code, 0});
  DomainInfo info = KH_TRY(parse_domain_info(answer.payload));
  if (info.domain_index != target_.domain_index) return not_trusted("it describes another domain");
  return info;
}

Result<void> UnitSession::add_administrator(ByteView certificate, const Signers& signers) {
  KH_TRY(command(kAddAdministrator, certificate, signers));
  return {};
}

Result<void> UnitSession::remove_administrator(const Ski& ski, const Signers& signers) {
  KH_TRY(command(kRemoveAdministrator, ski, signers));
  return {};
}

Result<void> UnitSession::replace_administrator(const Ski& old, ByteView certificate,
                                                const Signers& signers) {
  Bytes input(old.begin(), old.end());
  append(input, certificate);
  KH_TRY(command(kReplaceAdministrator, input, signers));
  return {};
}

Result<void> UnitSession::set_attributes(const DomainAttributes& attributes,
                                         const Signers& signers) {
  KH_TRY(command(kSetAttributes, encode_for_set(attributes), signers));
  return {};
}

Result<void> UnitSession::set_thresholds(std::uint32_t signature, std::uint32_t revocation,
                                         const Signers& signers) {
  DomainAttributes wanted = KH_TRY(attributes());
  wanted.signature_threshold = signature;
  wanted.revocation_threshold = revocation;
  return set_attributes(wanted, signers);
}

Result<void> UnitSession::configure(UnitRole role, std::uint32_t signature,
                                    std::uint32_t revocation, const Signers& signers) {
  DomainAttributes wanted = KH_TRY(attributes());
  wanted.signature_threshold = signature;
  wanted.revocation_threshold = revocation;
  wanted.permissions = permissions_for(role, wanted.permissions);
  return set_attributes(wanted, signers);
}

Result<crypto::P521PublicKey> UnitSession::generate_importer(const Signers& signers) {
  const Bytes spki = KH_TRY(command(kGenerateImporter, u32_bytes(kImporterP521), signers));
  return crypto::P521PublicKey::from_spki(spki);
}

Result<VerificationPattern> UnitSession::import_key_parts(const crypto::P521PublicKey& importer,
                                                          const std::vector<SignedKeyPart>& parts) {
  std::vector<const SecretBytes*> values;
  for (const SignedKeyPart& part : parts) values.push_back(part.part);
  const SecretBytes key = KH_TRY(combine_key_parts(values));

  std::vector<SignedRecipientInfo> sealed;
  for (const SignedKeyPart& part : parts) {
    Bytes recipient_info = KH_TRY(seal_key_part(*part.part, importer));
    sealed.push_back({std::move(recipient_info), part.signers});
  }
  KH_TRY(import_recipient_infos(sealed));
  return verification_pattern(key);
}

Result<void> UnitSession::import_recipient_infos(const std::vector<SignedRecipientInfo>& parts) {
  AdminBlock envelope = KH_TRY(prepare(kImportKeyParts, {}));
  Bytes requests;
  for (const SignedRecipientInfo& part : parts) {
    AdminBlock inner = envelope;
    inner.input = part.recipient_info;
    AdminRequest request{target_.domain_index, encode(inner), {}};
    request.signer_infos = KH_TRY(sign_block(request.block, part.signers));
    append(requests, encode(request));
  }
  envelope.input = std::move(requests);
  KH_TRY(run(envelope, {}));
  return {};
}

Result<VerificationPattern> UnitSession::create_random(const Signers& signers) {
  const Bytes output = KH_TRY(command(kCreateRandomKey, {}, signers));
  return pattern_of(output);
}

Result<Bytes> UnitSession::export_key(KeyRegister which, const crypto::P521PublicKey& importer,
                                      const Signers& signers) {
  const Bytes output =
      KH_TRY(command(which == KeyRegister::Current ? kExportCurrentKey : kExportPendingKey,
                     make_export_request(importer), signers));
  return parse_export_answer(output);
}

Result<void> UnitSession::commit_pending(const VerificationPattern& pattern,
                                         const Signers& signers) {
  KH_TRY(command(kCommitPending, pattern, signers));
  return {};
}

Result<void> UnitSession::finalize_pending(const VerificationPattern& pattern,
                                           const Signers& signers) {
  KH_TRY(command(kFinalizePending, pattern, signers));
  return {};
}

Result<void> UnitSession::clear_pending(const Signers& signers) {
  KH_TRY(command(kClearPending, {}, signers));
  return {};
}

Result<void> UnitSession::clear_current(const Signers& signers) {
  KH_TRY(command(kClearCurrent, {}, signers));
  return {};
}

Result<void> UnitSession::zeroize(const Signers& signers) {
  KH_TRY(command(kZeroize, {}, signers));
  return {};
}

Result<void> UnitSession::enable_control_points(const ControlPoints& mask, const Signers& signers) {
  KH_TRY(command(kEnableControlPoints, mask, signers));
  return {};
}

Result<void> UnitSession::disable_control_points(const ControlPoints& mask,
                                                 const Signers& signers) {
  KH_TRY(command(kDisableControlPoints, mask, signers));
  return {};
}

Result<void> UnitSession::set_control_points(const ControlPoints& points, const Signers& signers) {
  KH_TRY(command(kSetControlPoints, points, signers));
  return {};
}

Result<void> UnitSession::accept_records(const Digest& difference, const Signers& signers) {
  KH_TRY(command(kAcceptRecords, difference, signers));
  return {};
}

Result<Bytes> UnitSession::offer_transfer(const OfferInput& input, const Signers& signers) {
  return command(kOfferTransfer, encode(input), signers);
}

Result<void> UnitSession::authorize_transfer(const AuthorizeInput& input, const Signers& signers) {
  KH_TRY(command(kAuthorizeTransfer, encode(input), signers));
  return {};
}

Result<void> UnitSession::consent_transfer(const ConsentInput& input, const Signers& signers) {
  KH_TRY(command(kConsentTransfer, encode(input), signers));
  return {};
}

Result<Bytes> UnitSession::reencrypt(ByteView blob) {
  AdminResponseBlock answer = KH_TRY(query(kReencryptBlob, blob));
  return std::move(answer.output);
}

}  // namespace keyhaven::tke
