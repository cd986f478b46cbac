#include "tke/key_export.h"

#include <algorithm>

#include "base/wire.h"
#include "tke/der.h"

namespace keyhaven::tke {

namespace {

constexpr std::size_t kParameterHead = 6;  // tag and aux
constexpr std::size_t kHolderPointAt = 44;
constexpr std::uint32_t kOnePart = 1;
// What stands before the point: mark, parts needed and present, prime curve, 0x85, 521 bits.
struct HolderByte {
  std::size_t at;
  std::uint8_t value;
};
constexpr HolderByte kHolderBytes[] = {{36, 'K'},  {37, kOnePart}, {38, kOnePart}, {40, 0x00},
                                       {41, 0x85}, {42, 0x02},     {43, 0x09}};

Error malformed(const char* what) {
  return {Reason::InvalidArgument, std::string("key export: ") + what, {}};
}

const Parameter* find(const std::vector<Parameter>& parameters, std::uint16_t tag) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const Parameter& each) { return each.tag == tag; });
  return found == parameters.end() ? nullptr : &*found;
}

}  // namespace

Bytes encode_parameters(const std::vector<Parameter>& parameters) {
  Bytes content;
  for (const Parameter& parameter : parameters) {
    Bytes entry;
    Writer w(entry);
    w.u16(parameter.tag);
    w.u32(parameter.aux);
    w.raw(parameter.data);
    append(content, der::octet_string(entry));
  }
  return der::element(der::kSequence, content);
}

Result<std::vector<Parameter>> parse_parameters(ByteView bytes) {
  std::vector<Parameter> out;
  DerReader outer(bytes);
  DerReader entries = outer.enter(der::kSequence);
  if (!outer.at_end()) return malformed("not a parameter map");
  while (!entries.at_end()) {
    const ByteView entry = entries.octet_string();
    if (!entries.ok() || out.size() == kMaxParameters || entry.size() < kParameterHead ||
        entry.size() > kMaxParameterBytes) {
      return malformed("not a parameter map");
    }
    Reader r(entry);
    Parameter parameter;
    parameter.tag = r.u16();
    parameter.aux = r.u32();
    parameter.data = to_bytes(r.raw(r.remaining()));
    const bool twice = std::any_of(out.begin(), out.end(), [&](const Parameter& other) {
      return other.tag == parameter.tag && other.aux == parameter.aux;
    });
    if (twice) return malformed("a parameter twice");
    out.push_back(std::move(parameter));
  }
  return out;
}

Bytes make_key_part_holder(const crypto::P521PublicKey& importer) {
  Bytes out(kKeyPartHolderSize, 0);
  for (const HolderByte& byte : kHolderBytes) out[byte.at] = byte.value;
  std::copy(importer.point().begin(), importer.point().end(), out.begin() + kHolderPointAt);
  return out;
}

Result<crypto::P521PublicKey> parse_key_part_holder(ByteView certificate) {
  if (certificate.size() != kKeyPartHolderSize) {
    return malformed("a key part holder certificate has 309 bytes");
  }
  crypto::P521PublicKey key = KH_TRY(crypto::P521PublicKey::from_point(
      certificate.subspan(kHolderPointAt, crypto::kP521PointSize)));
  // Nothing here is signed, so nothing that is not understood may pass as if it had been checked.
  const Bytes expected = make_key_part_holder(key);
  if (!std::equal(expected.begin(), expected.end(), certificate.begin())) {
    return malformed("a key part holder certificate of another kind");
  }
  return key;
}

Bytes make_export_request(const crypto::P521PublicKey& importer) {
  return encode_parameters({{kPartsNeededParameter, kOnePart, {}},
                            {kKeyPartHolderParameter, 0, make_key_part_holder(importer)},
                            {kScopeParameter, kScopeWithoutCertificates, {}}});
}

Result<crypto::P521PublicKey> parse_export_request(ByteView bytes, Status* why) {
  const auto refuse = [&](Status status, const char* what) {
    if (why != nullptr) *why = status;
    return malformed(what);
  };
  auto parameters = parse_parameters(bytes);
  if (!parameters) return refuse({kBadArguments, kNoReason}, "not a parameter map");
  const bool known = std::all_of(parameters->begin(), parameters->end(), [](const Parameter& each) {
    return each.tag == kPartsNeededParameter || each.tag == kKeyPartHolderParameter ||
           each.tag == kScopeParameter;
  });
  if (!known) return refuse({kBadArguments, kNoReason}, "an unknown parameter");
  const Parameter* parts = find(*parameters, kPartsNeededParameter);
  const Parameter* holder = find(*parameters, kKeyPartHolderParameter);
  const Parameter* scope = find(*parameters, kScopeParameter);
  if (parts == nullptr || holder == nullptr || scope == nullptr) {
    return refuse({kMissingInput, kNoReason}, "a parameter is missing");
  }
  if (parameters->size() != 3 || parts->aux != kOnePart || holder->aux != 0) {
    return refuse({kBadArguments, kExportPartsFault}, "only a whole key can be exported");
  }
  if (scope->aux != kScopeWithoutCertificates || !parts->data.empty() || !scope->data.empty()) {
    return refuse({kBadArguments, kExportScopeFault}, "an unknown scope");
  }
  auto key = parse_key_part_holder(holder->data);
  if (!key) return refuse({kWrongDomain, kKeyPartHolderInvalid}, "the key part holder certificate");
  return key;
}

Bytes make_export_answer(ByteView recipient_info) {
  return encode_parameters({{kRecipientInfoParameter, 0, to_bytes(recipient_info)}});
}

Result<Bytes> parse_export_answer(ByteView bytes) {
  const auto parameters = KH_TRY(parse_parameters(bytes));
  const Parameter* found = find(parameters, kRecipientInfoParameter);
  if (found == nullptr || found->aux != 0) return malformed("the answer holds no key");
  return found->data;
}

}  // namespace keyhaven::tke
