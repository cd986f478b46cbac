#include "tke/certificate.h"

#include <algorithm>

#include "tke/der.h"

namespace keyhaven::tke {

namespace {

constexpr std::string_view kOrganisationalUnit = "TKE Administration";
constexpr std::uint8_t kVersion3[] = {2};
constexpr std::uint8_t kSerialZero[] = {0};
constexpr std::uint8_t kOidEcdsaSha512[] = {0x06, 0x08, 0x2A, 0x86, 0x48,
                                            0xCE, 0x3D, 0x04, 0x03, 0x04};
// OID 1.2.840.113549.1.1.11 (sha256WithRSAEncryption), NULL.
constexpr std::uint8_t kSha256WithRsa[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                           0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00};
constexpr std::uint8_t kOidCommonName[] = {0x55, 0x04, 0x03};
constexpr std::uint8_t kOidOrganisationalUnit[] = {0x55, 0x04, 0x0B};
constexpr std::uint8_t kOidSubjectKeyIdentifier[] = {0x55, 0x1D, 0x0E};
constexpr std::size_t kTbsSize = 409;  // with a P-521 key

Bytes relative_name(ByteView oid, std::string_view value) {
  return der::constructed(der::kSet,
                          {der::sequence({der::element(der::kObjectIdentifier, oid),
                                          der::element(der::kPrintableString, as_bytes(value))})});
}

ByteView signature_algorithm_of(const AdministratorKey& key) {
  if (key.algorithm() == SignatureAlgorithm::EcdsaSha512) return kOidEcdsaSha512;
  return kSha256WithRsa;
}

Bytes make_tbs(const std::string& padded_name, const AdministratorKey& key) {
  const Bytes name = der::sequence({relative_name(kOidOrganisationalUnit, kOrganisationalUnit),
                                    relative_name(kOidCommonName, padded_name)});
  const Bytes validity =
      der::sequence({der::element(der::kGeneralizedTime, as_bytes("20000101000000Z")),
                     der::element(der::kGeneralizedTime, as_bytes("21001231235959Z"))});
  const Bytes extension =
      der::sequence({der::element(der::kObjectIdentifier, kOidSubjectKeyIdentifier),
                     der::octet_string(der::octet_string(key.ski()))});
  return der::sequence(
      {der::constructed(der::kContext0Constructed, {der::element(der::kInteger, kVersion3)}),
       der::element(der::kInteger, kSerialZero),
       der::element(der::kSequence, signature_algorithm_of(key)), name, validity, name, key.spki(),
       der::constructed(der::kContext3Constructed, {der::sequence({extension})})});
}

bool printable_name(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

// The common name of a distinguished name, trimmed of its padding.
Result<std::string> common_name(DerReader names) {
  while (names.ok() && !names.at_end()) {
    DerReader set = names.enter(der::kSet);
    DerReader pair = set.enter(der::kSequence);
    const ByteView oid = pair.read(der::kObjectIdentifier);
    const std::uint8_t tag = pair.peek_tag();
    const ByteView value = pair.read(tag);
    if (!pair.at_end() || !set.at_end()) break;
    if (!std::equal(oid.begin(), oid.end(), std::begin(kOidCommonName), std::end(kOidCommonName))) {
      continue;
    }
    std::string text(as_text(value));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (text.size() > kMaxAdministratorNameBytes || !printable_name(text)) break;
    return text;
  }
  return Error{Reason::InvalidArgument, "administrator certificate: no usable common name", {}};
}

// Whether the extensions are well formed and any subject key identifier among them equals `ski`.
bool extensions_agree(DerReader extensions, const Ski& ski) {
  DerReader list = extensions.enter(der::kSequence);
  while (list.ok() && !list.at_end()) {
    DerReader extension = list.enter(der::kSequence);
    const ByteView oid = extension.read(der::kObjectIdentifier);
    if (extension.peek_tag() == 0x01) extension.read(0x01);  // BOOLEAN critical
    DerReader value(extension.octet_string());
    if (!extension.at_end()) return false;
    if (std::equal(oid.begin(), oid.end(), std::begin(kOidSubjectKeyIdentifier),
                   std::end(kOidSubjectKeyIdentifier))) {
      value.expect(der::kOctetString, ski);
      if (!value.at_end()) return false;
    }
  }
  return list.at_end() && extensions.at_end();
}

}  // namespace

Result<Bytes> make_administrator_certificate(const std::string& name, const Signer& signer) {
  if (name.empty() || name.size() > kMaxAdministratorNameBytes || !printable_name(name) ||
      name.back() == ' ') {
    return Error{
        Reason::InvalidField,
        "an administrator name has 1 to 30 bytes, no control characters and no space at its end",
        "name"};
  }
  std::string padded = name;
  padded.resize(kMaxAdministratorNameBytes, ' ');
  const AdministratorKey key = signer.key();
  const Bytes tbs = make_tbs(padded, key);
  KH_ASSERT(key.p521() == nullptr || tbs.size() == kTbsSize);
  const Bytes signature = KH_TRY(signer.sign(tbs));
  return der::sequence(
      {tbs, der::element(der::kSequence, signature_algorithm_of(key)), der::bit_string(signature)});
}

Result<AdministratorCertificate> parse_administrator_certificate(ByteView bytes) {
  const auto refuse = [](const char* what) {
    return Error{Reason::InvalidArgument, std::string("administrator certificate: ") + what, {}};
  };
  if (bytes.size() > kMaxCertificateBytes) return refuse("larger than 2048 bytes");
  DerReader outer(bytes);
  DerReader certificate = outer.enter(der::kSequence);
  DerReader tbs = certificate.enter(der::kSequence);
  certificate.read(der::kSequence);   // signature algorithm
  certificate.read(der::kBitString);  // signature: see certificate.h
  if (!certificate.at_end() || !outer.at_end()) return refuse("not an X.509 certificate");

  DerReader version = tbs.enter(der::kContext0Constructed);
  version.expect(der::kInteger, kVersion3);
  tbs.read(der::kInteger);   // serial number
  tbs.read(der::kSequence);  // signature algorithm
  DerReader issuer = tbs.enter(der::kSequence);
  tbs.read(der::kSequence);  // validity
  tbs.read(der::kSequence);  // subject
  const ByteView spki = tbs.read_element();
  if (!tbs.ok() || !version.at_end()) return refuse("not an X.509 certificate");

  AdministratorCertificate out;
  out.name = KH_TRY(common_name(issuer));
  auto key = AdministratorKey::from_spki(spki);
  if (!key) return refuse("the key is neither P-521 nor RSA-2048 with exponent 65537");
  out.key = std::move(key).value();
  out.ski = out.key.ski();
  if (!tbs.at_end()) {
    DerReader extensions = tbs.enter(der::kContext3Constructed);
    if (!tbs.at_end() || !extensions_agree(extensions, out.ski)) {
      return refuse("subject key identifier does not belong to the key");
    }
  }
  out.der = to_bytes(bytes);
  return out;
}

}  // namespace keyhaven::tke
